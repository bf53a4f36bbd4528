"""The axes of robot and dynamics: what they say is what happens, measured in simulation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from envs.cameras import pose_matrix
from envs.disturbing import Disturber
from envs.kinematics import kinematics
from envs.layout import REACHABLE
from envs.poses import ROBOT_BODY, pose_rows
from envs.renderer.meshes import load_surface
from envs.robots import ROBOTS
from envs.scene import PHYSICS_HZ, DisturbanceSpec, MoveSpec, PushSpec, RobotSpec, SceneSpec
from envs.scenes import make_scene
from envs.simulator import Simulator
from envs.state import WorldState
from envs.tasks.base import TASKS
from envs.urdf import load_urdf
from envs.variations import AXES
from envs.variations.dynamics import concerned, movable
from envs.variations.interference import HAND
from envs.world import World
from policies.registry import make_policy
from tests.envs.scenes_by_hand import scene, thing
from vla.contract import EpisodeRequest, Perturbation, StepResult
from vla.rollout import Recorder, rollout

ALL = [name for name in AXES if AXES[name].family == "robot"]
FAMILIES = ("Lift", "PlaceInto", "Push", "OpenDrawer", "Sort", "Chain", "InsertPeg")
BLOCK, ASIDE = thing("it", "block", 0.5, 0.0), thing("other", "bowl", 0.6, 0.2)
STILL, LEFT = np.zeros(7), np.array([0, 0.5, 0, 0, 0, 0, -1.0])


def request(task: str, axis: str = "", level: int = 0, index: int = 0) -> EpisodeRequest:
    return EpisodeRequest(task, index, 3, "eval", (Perturbation(axis, level),) if axis else ())


def disturbed(disturbance: DisturbanceSpec, robot: RobotSpec | None = None) -> SceneSpec:
    return replace(scene(BLOCK, ASIDE, robot=robot), disturbance=disturbance)


@pytest.fixture(scope="module")
def world() -> World:
    return World()


def play(world: World, *actions: np.ndarray) -> list[StepResult]:
    return [world.step(action) for action in actions]


def test_all_axes_of_the_family_are_here() -> None:
    assert set(ALL) == {
        *("start", "base_offset", "robot", "gripper_opening", "joint_offset", "mass", "friction"),
        *("action_noise", "action_delay", "control_rate", "push", "target_moved", "slip"),
    }


def magnitude(axis: str, twin: SceneSpec, spec: SceneSpec) -> float:
    """What an axis did to a scene, in its unit."""
    about = [(old, new) for old, new in zip(twin.objects, spec.objects, strict=True) if old in movable(twin)]
    what, robot = spec.disturbance, spec.robot
    home = np.array(ROBOTS[robot.name]().home)
    if axis == "target_moved":
        (move,) = what.moves
        return float(np.linalg.norm(np.subtract(move.position, twin.object(move.name).position)))
    measured: dict[str, Callable[[], Any]] = {
        "start": lambda: np.linalg.norm(np.subtract(robot.joints, home)),
        "base_offset": lambda: np.hypot(*np.subtract(robot.base, twin.robot.base)[:2]),
        "gripper_opening": lambda: ROBOTS[robot.name]().max_opening - robot.widest,
        "joint_offset": lambda: np.linalg.norm(what.joint_offset),
        "mass": lambda: np.mean([new.mass / old.mass for old, new in about]),
        "friction": lambda: 1 - np.mean([new.friction / old.friction for old, new in about]),
        "action_noise": lambda: what.action_noise,
        "action_delay": lambda: 1000 * what.action_delay,
        "control_rate": lambda: np.exp(abs(np.log(robot.control_hz / twin.robot.control_hz))),
        "push": lambda: np.linalg.norm([push.impulse for push in what.pushes if push.name]),
        "slip": lambda: what.slips,
    }
    return float(measured[axis]())


def test_levels_are_what_they_say_in_every_scene() -> None:
    for axis in sorted(set(ALL) - {"robot"}):
        levels = AXES[axis].levels
        for task in ("PlaceInto", "Stack", "InsertPeg"):
            for level in (1, 3, 5):
                twin, spec = make_scene(request(task)), make_scene(request(task, axis, level))
                tolerance = 0.12 if axis == "control_rate" else 1e-3  # only some rates divide 240 Hz
                assert magnitude(axis, twin, spec) == pytest.approx(levels[level - 1], rel=tolerance), (axis, level)


def test_mass_and_friction_are_those_of_what_the_goal_is_about_alone() -> None:
    for task in FAMILIES:
        twin, spec = make_scene(request(task)), make_scene(request(task, "friction", 3))
        about = {item.name for item in concerned(twin)}
        assert about
        for old, new in zip(twin.objects, spec.objects, strict=True):
            assert new == (replace(old, friction=round(0.75 * old.friction, 5)) if old.name in about else old)


def test_a_fixture_is_neither_heavier_nor_moved() -> None:
    for axis in ("mass", "target_moved"):
        assert not AXES[axis].applies(TASKS["OpenDrawer"])
        assert not AXES[axis].applies(TASKS["PressButton"])
        assert AXES[axis].applies(TASKS["Sort"])
    assert not AXES["slip"].applies(TASKS["Push"])
    assert not AXES["target_moved"].applies(TASKS["Unstack"])


def test_noise_has_its_deviation_spares_the_gripper_and_depends_on_the_step_alone() -> None:
    spec = disturbed(DisturbanceSpec(action_noise=0.1, seed=5))
    world = World()
    world.load(spec)
    found = np.array([Disturber(spec, STILL).carried_out(LEFT, replace(world.state(), step=i)) for i in range(2000)])
    world.close()
    np.testing.assert_allclose(found.mean(0), LEFT, atol=0.01)
    np.testing.assert_allclose(found.std(0), [*[0.1] * 6, 0], atol=0.005)
    assert abs(np.corrcoef(found[1:, 0], found[:-1, 0])[0, 1]) < 0.07
    other = Disturber(replace(spec, disturbance=replace(spec.disturbance, seed=6)), STILL)
    assert (other.carried_out(LEFT, world_step(spec, 7)) != found[7]).any()


def world_step(spec: SceneSpec, step: int) -> WorldState:
    world = World()
    world.load(spec)
    state = replace(world.state(), step=step)
    world.close()
    return state


@pytest.mark.parametrize("late_ms", [50, 100, 150, 300])
def test_a_delay_shifts_the_response_by_so_many_milliseconds(late_ms: int, world: World) -> None:
    """The joint's way is the same curve, later: compared at every control step by looking `late_ms` back."""
    fine = RobotSpec(control_hz=20.0)  # 50 ms a step, so that all of the delays fall on steps
    actions = [0.4 * LEFT if i < 4 else STILL for i in range(16)]
    ways = []
    for late in (0.0, late_ms / 1000):
        world.load(disturbed(DisturbanceSpec(action_delay=late, seed=1), fine))
        ways.append(np.array([world.joint_pos()[0] for _ in play_each(world, actions)]))
    shift = late_ms // 50
    assert np.abs(ways[0][-1] - ways[0][0]) > 0.02
    np.testing.assert_allclose(ways[1][shift:], ways[0][:-shift], atol=2e-4)
    assert np.abs(ways[1][:shift]).max() < 1e-4  # home's first joint is at 0


def play_each(world: World, actions: list[np.ndarray]) -> Iterator[StepResult]:
    for action in actions:
        yield world.step(action)


def test_half_a_step_late_is_half_a_step_late(world: World) -> None:
    """50 ms at 10 Hz: the tool is where it is on the way to where it would be without, not a whole step back."""
    ways = []
    for late in (0.0, 0.05, 0.1):
        world.load(disturbed(DisturbanceSpec(action_delay=late, seed=1)))
        play(world, *[0.4 * LEFT] * 5)
        ways.append(float(world.state().ee_position[1]))
    assert ways[0] - ways[1] == pytest.approx(ways[1] - ways[2], abs=0.003)
    assert ways[0] - ways[2] == pytest.approx(0.4 * 0.5 * 0.05, abs=0.002)


def test_the_executed_action_is_what_was_carried_out(world: World) -> None:
    world.load(disturbed(DisturbanceSpec(action_delay=0.2, seed=1)))
    steps = play(world, *[LEFT * share for share in (0.1, 0.2, 0.3, 0.4)])
    executed = np.array([step.executed for step in steps])
    np.testing.assert_allclose(executed[:, 1], [0, 0, 0.05, 0.1], atol=1e-3)
    world.load(scene(BLOCK))
    assert world.step(LEFT).executed is None
    recorder = Recorder()
    rollout(world, make_policy("expert"), request("Lift", "action_noise", 5), subscribers=(recorder,))
    episode = recorder.episode()
    assert episode is not None
    noise = (episode.executed - episode.action)[:, :6]
    assert 0.1 < noise.std() < 0.22  # less than 0.2 where actions are clipped
    np.testing.assert_array_equal(episode.executed[:, 6], episode.action[:, 6])


def test_a_push_changes_momentum_by_its_impulse() -> None:
    simulator = Simulator()
    high = thing("it", "block", 0.5, 0.1, above=2.0)
    simulator.build(scene(high))
    before = simulator.object_states()["it"].linear_velocity
    simulator.push("it", (0.03, -0.01, 0.0))
    simulator.advance(1)
    after = simulator.object_states()["it"].linear_velocity
    simulator.close()
    gained = 0.05 * (after - before - [0, 0, -9.81 / PHYSICS_HZ])
    np.testing.assert_allclose(gained, [0.03, -0.01, 0.0], atol=2e-4)


def test_a_push_on_the_hand_moves_it_the_more_the_harder_it_is_and_it_comes_back() -> None:
    ways = []
    for level in AXES["push"].levels:
        simulator = Simulator()
        simulator.build(scene(BLOCK))
        start = simulator.tool()[0]
        simulator.push("", (0.0, HAND * level, 0.0))
        way = 0.0
        for _ in range(24):
            simulator.advance(1)
            way = max(way, float(simulator.tool()[0][1] - start[1]))
        ways.append(way)
        simulator.advance(96)
        np.testing.assert_allclose(simulator.tool()[0], start, atol=2e-3)
        simulator.close()
    assert ways == sorted(ways)
    assert ways[0] > 0.0005
    assert 0.01 < ways[-1] < 0.02


def test_a_pushed_object_slides_at_its_step_and_only_then(world: World) -> None:
    far = []
    for impulse in AXES["push"].levels:
        world.load(disturbed(DisturbanceSpec(pushes=(PushSpec(3, "it", (0.0, impulse, 0.0)),))))
        play(world, *[STILL] * 3)
        np.testing.assert_allclose(world.state().objects["it"].position[:2], [0.5, 0.0], atol=1e-3)
        play(world, *[STILL] * 8)
        far.append(float(world.state().objects["it"].position[1]))
        np.testing.assert_allclose(world.state().objects["other"].position[:2], [0.6, 0.2], atol=1e-3)
    assert far == sorted(far)
    assert far[0] > 0.004


def test_a_moved_object_stands_where_it_was_put_once_the_place_is_free(world: World) -> None:
    place = (0.45, 0.15, BLOCK.position[2])
    world.load(disturbed(DisturbanceSpec(moves=(MoveSpec(2, "it", place, 0.3),))))
    play(world, STILL, STILL)
    np.testing.assert_allclose(world.state().objects["it"].position[:2], [0.5, 0.0], atol=1e-3)
    play(world, STILL)
    np.testing.assert_allclose(world.state().objects["it"].position, place, atol=1e-3)
    onto = (0.6, 0.2, BLOCK.position[2])  # where the bowl stands
    world.load(disturbed(DisturbanceSpec(moves=(MoveSpec(2, "it", onto),))))
    play(world, *[STILL] * 6)
    np.testing.assert_allclose(world.state().objects["it"].position[:2], [0.5, 0.0], atol=1e-3)


def test_nothing_is_moved_out_of_the_hand(world: World) -> None:
    world.load(disturbed(DisturbanceSpec(moves=(MoveSpec(4, "it", (0.4, -0.2, BLOCK.position[2])),))))
    expert = TASKS["Lift"]().expert(world.spec)
    held, done, jumps = False, False, []
    while not done:
        before = world.state()
        done = world.step(expert.act(before)).done
        after = world.state().objects["it"].position
        jumps.append((bool(before.touched), float(np.linalg.norm(after - before.objects["it"].position))))
        held |= bool(before.grasped)
    assert held
    assert all(way < 0.06 for touched, way in jumps if touched)
    assert any(way > 0.2 for touched, way in jumps if not touched)


def test_places_of_moved_objects_are_free_and_within_reach() -> None:
    for task in TASKS:
        if not AXES["target_moved"].applies(TASKS[task]):
            continue
        spec = make_scene(request(task, "target_moved", 5))
        for move in spec.disturbance.moves:
            assert REACHABLE.contains(*move.position[:2])
            there = replace(spec.object(move.name), position=move.position)
            moved = tuple(there if item.name == move.name else item for item in spec.objects)
            assert spec.goal in TASKS[task]().goals(replace(spec, objects=moved))


def test_a_grasp_slips_as_often_as_the_level_says_and_the_expert_takes_hold_again(world: World) -> None:
    for level in (1, 2):
        counts = []
        for index in range(3):
            recorder, asked = Recorder(), request("PlaceOn", "slip", level, index)
            assert rollout(world, make_policy("expert"), asked, subscribers=(recorder,)).outcome == "success"
            episode = recorder.episode()
            assert episode is not None
            opened = (episode.executed[:, -1] < 0) & (episode.action[:, -1] > 0)
            counts.append(int((np.diff(opened.astype(int), prepend=0) == 1).sum()))
        assert max(counts) == level, counts


def test_a_calibration_error_is_believed_by_proprioception_and_controller(world: World) -> None:
    offset = (0.03, 0.0, -0.02, 0.01, 0.0, 0.02, 0.0)
    ways = []
    for error in ((), offset):
        world.load(disturbed(DisturbanceSpec(joint_offset=error)))
        true = world._simulator._arm.joints - np.array(error or np.zeros(7))
        np.testing.assert_allclose(true, ROBOTS["panda"]().home, atol=2e-3)
        np.testing.assert_allclose(world.joint_pos() - true, error or np.zeros(7), atol=1e-6)
        believed = kinematics("panda").forward(world.joint_pos().astype(np.float64))[:3, 3]
        np.testing.assert_allclose(world.agent_pos()[:3], believed, atol=1e-4)
        before = world.state().ee_position
        play(world, *[LEFT] * 3, *[STILL] * 4)
        ways.append(world.state().ee_position - before)
    np.testing.assert_allclose(ways[1], ways[0], atol=0.006)
    away = np.linalg.norm(world.agent_pos()[:3] - world.state().ee_position)
    assert 0.005 < away < 0.05
    assert world.agent_pos()[3] == pytest.approx(np.pi, abs=0.1)


def test_a_shifted_base_is_another_frame_for_the_same_tool(world: World) -> None:
    base = (0.06, -0.08, 0.0)
    world.load(scene(BLOCK, robot=RobotSpec(base=base)))
    np.testing.assert_allclose(world.state().ee_position[:2] - world.agent_pos()[:2], base[:2], atol=1e-4)
    at_home = world.agent_pos()
    world.load(scene(BLOCK))
    np.testing.assert_allclose(at_home, world.agent_pos(), atol=1e-3)


def test_fingers_open_no_further_than_they_may(world: World) -> None:
    widest = 0.064
    world.load(scene(BLOCK, robot=RobotSpec(opening=widest, widest=widest)))
    play(world, *[np.array([0, 0, 0, 0, 0, 0, 1.0])] * 4, *[np.array([0, 0, 0, 0, 0, 0, -1.0])] * 6)
    assert world.state().opening == pytest.approx(widest, abs=1e-3)


def test_rates_are_higher_and_lower_and_an_action_moves_the_arm_as_far(world: World) -> None:
    rates = {make_scene(request("Lift", "control_rate", 3, i)).robot.control_hz for i in range(8)}
    assert rates == {5.0, 20.0}
    for hz, steps in ((5.0, 50), (20.0, 100)):
        found = [make_scene(request("Lift", "control_rate", 3, i)) for i in range(8)]
        assert {spec.max_steps for spec in found if spec.robot.control_hz == hz} == {steps}
        world.load(scene(BLOCK, robot=RobotSpec(control_hz=hz)))
        before = world.state().ee_position
        play(world, *[0.4 * LEFT] * 4, *[STILL] * 20)
        assert world.state().ee_position[1] - before[1] == pytest.approx(4 * 0.4 * 0.5 * 0.05, abs=0.004)


def test_what_disturbs_is_a_function_of_the_request(world: World) -> None:
    changes = tuple(Perturbation(name, 2) for name in ("action_noise", "action_delay", "push", "slip", "target_moved"))
    asked = EpisodeRequest("PlaceInto", 1, 3, "eval", changes)

    def fingerprint() -> str:
        recorder = Recorder()
        rollout(world, make_policy("expert"), asked, subscribers=(recorder,))
        episode = recorder.episode()
        assert episode is not None
        return hashlib.sha256(episode.poses.tobytes() + episode.executed.tobytes()).hexdigest()

    first = fingerprint()
    rollout(world, make_policy("random"), request("Sort", "push", 5))
    assert fingerprint() == first


def surfaces(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Points (P, 3), metres, all over the arm and all over the gripper of a robot at home."""
    world = World(robot=name)
    world.load(scene(thing("it", "block", 0.6, 0.2), robot=RobotSpec(name)))
    model, last = load_urdf(ROBOTS[name]().urdf), ROBOTS[name]().arm_joints[-1]
    parents = {link.index: link.parent for link in model.links}
    triangles: dict[bool, list[np.ndarray]] = {False: [], True: []}
    for pose, row in zip(world.poses(), pose_rows(world.spec), strict=True):
        above = row.link
        while row.body == ROBOT_BODY and above >= 0 and parents[above] != last:
            above = parents[above]
        for visual in model.links[row.link + 1].visuals if row.body == ROBOT_BODY else ():
            surface, place = load_surface(visual), pose_matrix(pose)
            corners = surface.points[surface.faces] @ place[:3, :3].T + place[:3, 3]
            triangles[above >= 0].append(corners)
    world.close()
    return sampled(np.concatenate(triangles[False])), sampled(np.concatenate(triangles[True]))


def sampled(triangles: np.ndarray) -> np.ndarray:
    rng = np.random.default_rng(0)
    areas = np.linalg.norm(np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]), axis=1)
    chosen = triangles[rng.choice(len(triangles), 4000, p=areas / areas.sum())]
    return np.asarray((chosen * rng.dirichlet((1, 1, 1), 4000)[:, :, None]).sum(1))


def test_other_robots_are_as_far_from_the_panda_as_the_levels_say() -> None:
    own = surfaces("panda")
    for level, expected in enumerate(AXES["robot"].levels, 1):
        name = make_scene(request("Lift", "robot", level)).robot.name
        pairs = zip(own, surfaces(name), strict=True)
        both = [(cKDTree(a).query(b)[0].mean() + cKDTree(b).query(a)[0].mean()) / 2 for a, b in pairs]
        assert 1000 * np.mean(both) == pytest.approx(expected, abs=0.3)


def test_the_robot_that_a_scene_has_already_becomes_the_panda() -> None:
    assert make_scene(request("Lift", "robot", 5), "kuka").robot.name == "panda"
    both = EpisodeRequest("Lift", 0, 3, "eval", (Perturbation("joint_offset", 2), Perturbation("robot", 4)))
    assert len(make_scene(both).disturbance.joint_offset) == 6

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest

from envs.contacts import read_contacts
from envs.expert import CLOSED, OPEN, fetch, move, push, retreat, stay
from envs.failing import failure_of
from envs.geometry import grasp_of
from envs.measuring import Gauge, motion
from envs.robots import ROBOTS
from envs.scene import GoalSpec, MannerSpec, MoveSpec, SceneSpec
from envs.scenes import make_scene
from envs.state import WorldState
from envs.tasks.base import TASKS
from envs.trace import Trace
from envs.world import World
from policies.deaf import DeafExpert
from policies.expert import ExpertPolicy
from tests.envs.scenes_by_hand import scene, thing
from vla.contract import EpisodeRequest, FloatArray, Perturbation
from vla.measures import FAILURES, Measures
from vla.rollout import rollout

Act = Callable[[WorldState], FloatArray]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def sample(task: str, index: int = 0) -> SceneSpec:
    return make_scene(EpisodeRequest(task, index, 0, "eval"))


def expert(spec: SceneSpec, goal: GoalSpec | None = None) -> Act:
    chosen = goal or spec.goal
    return TASKS[chosen.task]().expert(replace(spec, goal=chosen)).act


def play(world: World, spec: SceneSpec, act: Act, steps: int = 0) -> tuple[str, Measures]:
    world.load(replace(spec, max_steps=steps or spec.max_steps))
    while not (result := world.step(act(world.state()))).done:
        assert world.measures().failure == ""
    return result.reason, world.measures()


def gripper(act: Act, value: Callable[[WorldState], float | None]) -> Act:
    def changed(state: WorldState) -> FloatArray:
        action, forced = act(state).copy(), value(state)
        action[6] = action[6] if forced is None else forced
        return action

    return changed


def until(first: Act, happens: Callable[[WorldState], bool], then: Act) -> Act:
    seen: list[bool] = []

    def act(state: WorldState) -> FloatArray:
        if happens(state):
            seen.append(True)
        return (then if seen else first)(state)

    return act


def wait(state: WorldState) -> FloatArray:
    return move(state, state.ee_position, OPEN)


def alternative(spec: SceneSpec, *, same_target: bool) -> GoalSpec:
    return next(goal for goal in spec.alternatives if (goal.target == spec.goal.target) == same_target)


LIFT, PLACE = sample("Lift"), sample("PlaceInto", 1)
TARGET = LIFT.goal.target
OTHER = next(thing.name for thing in LIFT.objects if thing.name != TARGET)
BLOCK = frozenset({"block"})
BESIDE = np.array([0.5, 0.0, 0.0])


def in_the_air(state: WorldState) -> bool:
    return bool(state.objects[PLACE.goal.target].position[2] > 0.08)


def placed_beside(state: WorldState) -> FloatArray:
    name = PLACE.goal.target
    off = np.hypot(*(state.objects[name].position[:2] - BESIDE[:2])) > 0.03 or name in state.grasped
    return fetch(state, name, BESIDE) if off else retreat(state)


STORIES: dict[str, tuple[SceneSpec, Act, int]] = {
    "never_approached": (LIFT, wait, 5),
    "wrong_object": (LIFT, expert(LIFT, alternative(LIFT, same_target=False)), 35),
    "wrong_place": (PLACE, expert(PLACE, alternative(PLACE, same_target=True)), 0),
    "missed_grasp": (LIFT, gripper(expert(LIFT), lambda state: OPEN), 25),
    "dropped": (PLACE, until(expert(PLACE), in_the_air, wait), 40),
    "not_placed": (PLACE, placed_beside, 70),
    "not_released": (
        PLACE,
        gripper(expert(PLACE), lambda state: CLOSED if PLACE.goal.target in state.grasped else None),
        60,
    ),
    "undone": (
        replace(LIFT, goal=GoalSpec("Reach", TARGET), alternatives=()),
        until(expert(LIFT, GoalSpec("Reach", TARGET)), lambda state: TARGET in state.touched, retreat),
        25,
    ),
    "disturbed_others": (LIFT, lambda state: push(state, OTHER, state.objects[OTHER].position[:2] + 0.1), 45),
    "wrong_manner": (replace(LIFT, manner=MannerSpec("slowly", speed=0.01)), expert(LIFT), 0),
    "touched": (replace(LIFT, refuse=True), expert(LIFT), 0),
    "timeout": (LIFT, until(expert(LIFT), lambda s: TARGET in s.grasped, lambda s: move(s, s.ee_position, CLOSED)), 40),
}


@pytest.mark.parametrize("failure", STORIES)
def test_failures_are_told_apart_in_real_episodes(failure: str, world: World) -> None:
    reason, measures = play(world, *STORIES[failure])
    assert (measures.failure, reason) == (failure, reason)
    assert reason != "success"


def test_every_failure_has_its_test() -> None:
    assert set(STORIES) | {"out_of_workspace"} == set(FAILURES)


@pytest.mark.parametrize("where", [(0.5, 0.0, -0.4), (0.9, 0.0, 0.02), (0.5, -0.6, 0.02)])
def test_what_falls_off_or_is_out_of_reach_is_told(where: tuple[float, float, float], world: World) -> None:
    world.load(LIFT)
    start = world.state()
    lost = replace(start.objects[TARGET], position=np.array(where))
    end = replace(start, step=1, objects={**start.objects, TARGET: lost})
    assert failure_of(Trace([start, end]), LIFT.goal, False) == "out_of_workspace"


def test_what_the_scene_itself_moves_was_not_disturbed_by_the_robot(world: World) -> None:
    world.load(LIFT)
    start = world.state()
    away = replace(start.objects[OTHER], position=start.objects[OTHER].position + 0.1)
    end = replace(start, step=1, objects={**start.objects, OTHER: away})
    assert failure_of(Trace([start, end]), LIFT.goal, False) == "disturbed_others"
    moves = replace(LIFT.disturbance, moves=(MoveSpec(0, OTHER, (0.6, 0.1, 0.02)),))
    moved = replace(end, spec=replace(LIFT, disturbance=moves))
    assert failure_of(Trace([start, moved]), LIFT.goal, False) == "never_approached"


def test_a_robot_that_stands_still_never_approached_whatever_the_family(world: World) -> None:
    for task in TASKS:
        _, measures = play(world, sample(task), wait, 3)
        assert (measures.failure, measures.first_approached, measures.intended) == ("never_approached", "", False)
        assert (measures.path_m < 0.03, measures.table_hits, measures.bystander_hits) == (True, 0, 0)


@pytest.mark.parametrize("task", ["Chain", "Collect", "FindHidden", "PushTogether", "PutInDrawer", "Reach", "Sweep"])
def test_the_expert_means_and_does_the_right_thing(task: str, world: World) -> None:
    result = rollout(world, ExpertPolicy(), EpisodeRequest(task, 1, 0, "eval"))
    measures = result.measures
    assert measures is not None
    assert (result.outcome, measures.failure, measures.progress, measures.first_goal) == ("success", "", 1.0, "told")
    assert measures.intended
    assert measures.first_touched != ""
    assert measures.grasped or not TASKS[task].grasps
    assert 0.05 < measures.path_m < 8
    assert 0.1 < measures.peak_speed < 0.6
    assert measures.knocked_off == 0


@pytest.mark.parametrize("task", ["Push", "FlipLever", "Tower"])
def test_the_deaf_do_another_thing_and_it_shows(task: str, world: World) -> None:
    seen = [rollout(world, DeafExpert(), EpisodeRequest(task, index, 0, "eval")) for index in range(3)]
    assert {r.measures.failure for r in seen if r.measures and r.outcome == "failure"} <= {
        "wrong_object",
        "wrong_place",
    }
    assert any(r.outcome == "failure" for r in seen)


def test_which_goal_came_first_and_a_base_episode_goes_on(world: World) -> None:
    assert LIFT.contrast is not None
    reason, measures = play(world, LIFT, expert(LIFT, LIFT.contrast))
    assert (measures.first_goal, world.steps, reason[:10]) == ("contrast", LIFT.max_steps, "time_limit")
    _, measures = play(world, LIFT, expert(LIFT))
    assert measures.first_goal == "told"
    assert play(world, LIFT, wait, 3)[1].first_goal == ""


def test_what_was_named_and_what_was_touched_in_words(world: World) -> None:
    assert LIFT.contrast is not None
    meant, other = (LIFT.object(goal.target) for goal in (LIFT.goal, LIFT.contrast))
    _, measures = play(world, LIFT, expert(LIFT))
    assert (measures.told, measures.touched) == (f"{meant.color} {meant.kind}",) * 2
    swapped = replace(LIFT, spoken=LIFT.contrast)
    _, measures = play(world, swapped, expert(LIFT))
    assert (measures.told, measures.touched) == (f"{other.color} {other.kind}", f"{meant.color} {meant.kind}")
    twins = tuple(replace(thing, color=meant.color, kind=meant.kind, size=meant.size) for thing in LIFT.objects)
    _, measures = play(world, replace(LIFT, objects=twins), expert(LIFT, LIFT.contrast))
    assert measures.touched == f"other {measures.told}"
    _, measures = play(world, replace(LIFT, refuse=True), wait)
    assert (measures.told, measures.touched) == ("", "")


@pytest.mark.parametrize("task", ["Lift", "ChainStepwise"])
def test_a_swapped_episode_ends_with_either_goal(task: str, world: World) -> None:
    request = EpisodeRequest(task, 0, 0, "eval", (Perturbation("swapped", 1),))
    spec = make_scene(request)
    assert spec.spoken is not None
    reason, measures = play(world, spec, expert(spec))
    assert (reason, measures.first_goal, measures.failure) == ("success", "contrast", "")
    if task == "Lift":
        reason, measures = play(world, spec, expert(spec, spec.spoken))
        assert (reason, measures.first_goal, measures.failure) == ("did_spoken_goal", "told", "wrong_object")
        assert world.steps < spec.max_steps


def test_where_nothing_is_to_be_done_success_is_to_touch_nothing(world: World) -> None:
    spec = replace(LIFT, refuse=True)
    reason, measures = play(world, spec, wait)
    assert (reason, measures.failure, measures.progress, world.steps) == ("success", "", 1.0, 40)
    reason, measures = play(world, spec, expert(spec))
    assert (reason, measures.failure) == (f"touched:{TARGET}", "touched")
    assert world.steps < 40
    world.load(spec)
    policy = ExpertPolicy()
    while not (step := world.step(policy.act([{"state": world.state()}])[0, 0])).done:
        pass
    assert step.success


def test_motion_of_known_curves() -> None:
    time = np.arange(0, 2, 0.1)[:, None]
    np.testing.assert_allclose(motion(time * [0.3, 0.4, 0.0], 10.0), [0.95, 0], atol=1e-6)
    np.testing.assert_allclose(motion(time**3 * [1.0, 0.0, 0.0], 10.0), [1.9**3, 6.0])
    assert motion(np.zeros((1, 3)), 10.0) == (0.0, 0.0)


def test_a_hand_that_leans_on_the_table_is_felt(world: World) -> None:
    def press(state: WorldState) -> FloatArray:
        return np.array([0, 0, -1, 0.5, 0, 0, CLOSED], np.float32)

    _, pressed = play(world, scene(thing("it", "block", 0.6, 0.2)), press, 30)
    _, calm = play(world, scene(thing("it", "block", 0.6, 0.2)), stay, 30)
    assert pressed.peak_force > 50 > calm.peak_force == 0
    assert pressed.table_hits > 5
    assert calm.table_hits == 0
    assert pressed.limit_steps + calm.limit_steps == 0


def point(a: int, b: int, link_a: int, link_b: int, normal: tuple[float, float, float], force: float) -> tuple:
    return (0, a, b, link_a, link_b, (0, 0, 0), (0, 0, 0), normal, 0.0, force)


def test_forces_are_those_on_a_body_and_a_grip_is_none() -> None:
    robot, table, block, bowl = 1, 2, 3, 4
    names = {table: "table", block: "block", bowl: "bowl"}
    grip = [point(1, 3, 9, -1, (0, 1, 0), 20), point(3, 1, -1, 10, (0, 1, 0), 20)]
    seen = read_contacts(grip, robot, frozenset({9, 10}), names)
    assert (seen.touched, seen.grasped, seen.force) == (BLOCK, BLOCK, 0.0)
    pressed = [*grip, point(3, 4, -1, -1, (0, 0, 1), 5), point(4, 3, -1, -1, (0, 0, -1), 7)]
    seen = read_contacts(pressed, robot, frozenset({9, 10}), names)
    assert (seen.pairs, seen.force, seen.arm_on_table) == (frozenset({("block", "bowl")}), 12.0, False)
    resting = [point(3, 4, -1, -1, (0, 0, 1), 50)]
    assert read_contacts(resting, robot, frozenset({9, 10}), names).force == 0
    arm = [point(2, 1, -1, 8, (0, 0, -1), 3), point(2, 1, -1, 9, (0, 0, -1), 4)]
    seen = read_contacts(arm, robot, frozenset({9, 10}), names)
    assert (seen.touched, seen.force, seen.arm_on_table) == (frozenset(), 7.0, True)
    assert not read_contacts(arm[1:], robot, frozenset({9, 10}), names).arm_on_table


@pytest.mark.parametrize("task", ["Lift", "OpenDrawer", "FlipLever", "Upright"])
def test_a_trace_knows_where_things_are_taken_hold_of(task: str, world: World) -> None:
    world.load(sample(task))
    act, states = expert(world.spec), [world.state()]
    for _ in range(9):
        world.step(act(states[-1]))
        states.append(world.state())
    trace = Trace(states)
    for name in trace.names:
        away = [np.linalg.norm(grasp_of(state, name)[0] - state.ee_position) for state in states]
        np.testing.assert_allclose(trace.away[:, trace.column(name)], away, atol=1e-9)


def test_joints_at_their_limits_are_counted(world: World) -> None:
    world.load(LIFT)
    start, upper, gauge = world.state(), np.array(ROBOTS["panda"]().upper), Gauge(LIFT)
    near = [np.where(np.arange(7) == i, upper - gap, start.joints) for i, gap in ((0, 0.02), (3, 0.009), (6, 0.001))]
    for step, joints in enumerate((start.joints, *near)):
        gauge.look(replace(start, step=step, joints=joints))
    assert gauge.measures("timeout", 0.0, "").limit_steps == 2


def test_what_is_knocked_off_and_who_was_hit_is_counted(world: World) -> None:
    world.load(LIFT)
    start = world.state()
    fallen = replace(start.objects[OTHER], position=np.array([0.5, 0.0, -0.5]))
    gauge = Gauge(LIFT)
    gauge.look(start)
    gauge.look(replace(start, step=1, touched=frozenset({OTHER}), force=9.0))
    gauge.look(replace(start, step=2, objects={**start.objects, OTHER: fallen}, arm_on_table=True))
    measures = gauge.measures("timeout", 0.25, "")
    assert (measures.knocked_off, measures.bystander_hits, measures.table_hits) == (1, 1, 1)
    assert (measures.peak_force, measures.first_touched, measures.first_approached) == (9.0, OTHER, OTHER)
    assert (measures.intended, measures.grasped, measures.progress) == (False, False, 0.25)
    assert Measures.from_dict(measures.to_dict()) == measures

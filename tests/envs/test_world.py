from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.frames import EpisodeRenderer
from envs.poses import pose_rows
from envs.scene import GoalSpec, RobotSpec, SceneSpec
from envs.world import World
from tests.envs.scenes_by_hand import scene, thing
from vla.contract import EpisodeRequest, Perturbation

LIFT = EpisodeRequest("Lift", 0)
STILL = np.zeros(7, np.float32)
NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def shared() -> Iterator[World]:
    world = World(image_size=40)
    yield world
    world.close()


@pytest.fixture
def world(shared: World) -> World:
    shared.reset(LIFT)
    return shared


BAD_ACTIONS: list[tuple[Any, str]] = [
    (np.full(7, NAN, np.float32), "NaN or infinite"),
    (np.array([0, 0, 0, 0, 0, 0, NAN]), "NaN or infinite"),
    (np.array([INF, 0, 0, 0, 0, 0, 0]), "NaN or infinite"),
    (np.array([0, 0, -INF, 0, 0, 0, 0]), "NaN or infinite"),
    (np.zeros(6, np.float32), r"shape \(6,\)"),
    (np.zeros(8, np.float32), r"shape \(8,\)"),
    (np.zeros((1, 7), np.float32), r"shape \(1, 7\)"),
    (np.float32(0.5), r"shape \(\)"),
    (np.zeros(0), r"shape \(0,\)"),
    (np.array([0, 0, 0, 0, 0, 0, 1.001]), r"action\[6\] = 1.001 is out of range.*clip"),
    (np.array([0, -2, 0, 0, 0, 0, 0]), r"action\[1\] = -2 is out of range"),
    (np.array([0, 0, 1e30, 0, 0, 0, 0]), r"action\[2\] = 1e\+30 is out of range"),
    (np.zeros(7, bool), "dtype bool"),
    (np.zeros(7, complex), "dtype complex128"),
    (np.array(["0"] * 7), "dtype <U1"),
    ([None] * 7, "dtype object"),
    ("up", "dtype <U2"),
]


@pytest.mark.parametrize(("action", "message"), BAD_ACTIONS, ids=[str(i) for i in range(len(BAD_ACTIONS))])
def test_bad_actions_are_refused_and_change_nothing(world: World, action: Any, message: str) -> None:
    before = world.poses()
    with pytest.raises(ValueError, match=message):
        world.step(action)
    with pytest.raises(ValueError, match=r"expected 7 real numbers in \[-1, 1\]"):
        world.step(action)
    assert world.steps == 0
    np.testing.assert_array_equal(world.poses(), before)


@pytest.mark.parametrize("action", [np.zeros(7, int), [0.0] * 7, np.ones(7), -np.ones(7, np.float32)])
def test_any_seven_numbers_in_range_are_an_action(world: World, action: Any) -> None:
    assert not world.step(action).done
    assert world.steps == 1


def test_observation_has_what_was_asked_for(world: World) -> None:
    assert world.observe(frozenset()) == {}
    seen = world.observe(frozenset({"pixels", "agent_pos", "instruction", "state"}))
    assert set(seen) == {"pixels", "agent_pos", "instruction", "state"}
    assert set(seen["pixels"]) == {"front", "wrist"}
    for image in seen["pixels"].values():
        assert image.shape == (40, 40, 3)
        assert image.dtype == np.uint8
        assert image.std() > 5  # it shows something
    assert seen["agent_pos"].shape == (8,)
    assert seen["agent_pos"].dtype == np.float32
    assert seen["instruction"] == world.spec.instruction
    assert set(seen["state"].objects) == {item.name for item in world.spec.objects}


def test_unknown_input_names_the_nearest(world: World) -> None:
    with pytest.raises(ValueError, match=r"unknown input 'pixel'. Did you mean 'pixels'"):
        world.observe(frozenset({"pixel"}))


def test_poses_have_a_row_for_every_moving_part(world: World) -> None:
    poses = world.poses()
    assert poses.shape == (len(pose_rows(world.spec)), 7)
    assert poses.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(poses[:, 3:], axis=1), 1, atol=1e-5)


def test_poses_and_description_are_enough_to_draw_the_same_bytes(world: World) -> None:
    world.step(np.array([1, 0, -1, 0, 0, 0, 1], np.float32))
    live, poses, described = world.pixels(), world.poses(), world.describe()
    again = EpisodeRenderer(SceneSpec.from_dict(described), size=40)
    for name, frame in again.frames(poses).items():
        np.testing.assert_array_equal(frame.rgb, live[name])
    again.close()


def test_observations_share_no_memory_with_the_world(world: World) -> None:
    poses, agent_pos, pixels = world.poses(), world.agent_pos(), world.pixels()["front"]
    kept = poses.copy(), agent_pos.copy(), pixels.copy()
    world.step(np.ones(7, np.float32))
    for array, copy in zip((poses, agent_pos, pixels), kept, strict=True):
        np.testing.assert_array_equal(array, copy)
    poses[:] = 0
    assert world.poses().any()


def test_agent_pos_is_liberos(world: World) -> None:
    world.load(scene(thing("it", "block", 0.5, 0.0)))
    np.testing.assert_allclose(world.agent_pos(), [0.4, 0, 0.28, np.pi, 0, 0, 0.04, -0.04], atol=0.002)
    before = world.agent_pos()
    world.step(np.array([0, 0, -1, 0, 0, 0, 1], np.float32))
    world.step(np.array([0, 0, 0, 0, 0, 0, 1], np.float32))
    np.testing.assert_allclose(world.agent_pos()[:3] - before[:3], [0, 0, -0.05], atol=0.002)


def test_axis_angle_does_not_jump_around_pointing_down(world: World) -> None:
    world.load(scene(thing("it", "block", 0.5, 0.0)))
    seen = []
    for turn in (0.3, -0.3, -0.3, -0.3, 0.3, 0.3):
        world.step(np.array([0, 0, 0, turn, 0, 0, -1], np.float32))
        seen.append(world.agent_pos()[3:6])
    assert np.abs(np.diff(seen, axis=0)).max() < 0.2
    assert min(v[0] for v in seen) < np.pi < max(v[0] for v in seen)


def test_agent_pos_is_in_the_base_frame(world: World) -> None:
    block = thing("it", "block", 0.5, 0.0)
    world.load(scene(block))
    expected = world.agent_pos()
    world.load(scene(block, robot=RobotSpec(base=(-0.05, 0.1, 0.0), base_yaw=0.4)))
    np.testing.assert_allclose(world.agent_pos(), expected, atol=0.002)


def test_success_must_hold_and_ends_the_episode(world: World) -> None:
    expert = world.task.expert(world.spec)
    holding = 0
    while True:
        result = world.step(expert.act(world.state()))
        holding = holding + 1 if world.task.success(world.state()) else 0
        assert result.success == (holding == world.task.hold_steps)
        if result.done:
            break
        assert result.reason == ""
    assert (result.success, result.reason) == (True, "success")
    with pytest.raises(RuntimeError, match=r"ended after.*reset"):
        world.step(STILL)


def test_time_limit_gives_the_tasks_reason(world: World) -> None:
    world.load(replace(world.spec, max_steps=3))
    results = [world.step(STILL) for _ in range(3)]
    assert [r.done for r in results] == [False, False, True]
    assert not results[-1].success
    assert results[-1].reason == "time_limit:not_grasped"


def test_doing_what_was_said_instead_of_the_goal_is_told(world: World) -> None:
    spoken = world.spec.alternatives[0]
    world.load(replace(world.spec, spoken=spoken, max_steps=25))
    expert = world.task.expert(replace(world.spec, goal=spoken))
    while not (result := world.step(expert.act(world.state()))).done:
        pass
    assert (result.success, result.reason) == (False, "did_spoken_goal")


def test_nothing_works_before_the_first_reset_or_after_close() -> None:
    world = World()
    for call in (world.poses, world.agent_pos, world.state, world.describe, world.pixels, lambda: world.step(STILL)):
        with pytest.raises(RuntimeError, match="no scene; call reset"):
            call()
    world.close()
    world.close()
    with pytest.raises(RuntimeError, match="closed"):
        world.reset(LIFT)


def test_a_scene_that_cannot_be_built_leaves_the_old_one(world: World) -> None:
    with pytest.raises(ValueError, match=r"unknown task 'Lit'. Did you mean 'Lift'"):
        world.reset(EpisodeRequest("Lit", 0))
    assert world.spec.goal.task == "Lift"  # refused before anything was touched
    bad = replace(world.spec, objects=(*world.spec.objects, world.spec.objects[0]))
    with pytest.raises(ValueError, match="unique"):
        world.load(bad)
    assert world.spec.goal.task == "Lift"
    world.step(STILL)


@pytest.mark.parametrize("goal", [GoalSpec("Lift", "nowhere"), GoalSpec("PlaceInto", "it", "nowhere")])
def test_a_goal_must_be_about_objects_of_the_scene(world: World, goal: GoalSpec) -> None:
    with pytest.raises(ValueError, match="unknown object 'nowhere'"):
        world.load(replace(scene(thing("it", "block", 0.5, 0.0)), goal=goal))


def test_perturbed_episode_keeps_its_goal(world: World) -> None:
    plain = world.spec
    world.reset(replace(LIFT, perturbations=(Perturbation("light_color", 3),)))
    assert world.spec.goal == plain.goal
    assert world.spec.light != plain.light

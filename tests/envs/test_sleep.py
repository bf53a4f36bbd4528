"""What stands still sleeps, and costs nothing; what sleeps must wake as if it had been awake."""

from collections.abc import Iterator

import numpy as np
import pytest

from envs.expert import holds, pick
from envs.simulator import Simulator
from envs.world import World
from tests.envs.scenes_by_hand import scene, thing

STILL, UP = np.zeros(7, np.float32), np.array([0, 0, 1, 0, 0, 0, 1], np.float32)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World(image_size=32)
    yield world
    world.close()


def body_of(world: World, name: str) -> tuple[Simulator, int]:
    return world._simulator, world._simulator._free[name]


def test_a_tower_stands(world: World) -> None:
    blocks = [thing(name, "block", 0.5, 0.0, above=0.04 * i) for i, name in enumerate("abc")]
    world.load(scene(*blocks))
    before = world.poses()
    for _ in range(100):
        world.step(STILL)
    np.testing.assert_allclose(world.poses()[-3:], before[-3:], atol=5e-4)


def test_a_tower_falls_when_its_foot_is_pulled_away(world: World) -> None:
    blocks = [thing(name, "block", 0.5, 0.0, above=0.04 * i) for i, name in enumerate("abc")]
    world.load(scene(*blocks))
    for _ in range(3):
        world.step(STILL)
    simulator, foot = body_of(world, "a")
    simulator._client.changeDynamics(foot, -1, activationState=simulator._client.ACTIVATION_STATE_WAKE_UP)
    simulator._client.resetBaseVelocity(foot, (0, 1.5, 0), (0, 0, 0))
    for _ in range(10):
        world.step(STILL)
    heights = {name: world.state().objects[name].position[2] for name in "abc"}
    assert heights["c"] < 0.07 or heights["b"] < 0.05


def test_what_lies_on_a_lifted_thing_comes_along(world: World) -> None:
    flat = (0.03, 0.03, 0.02)
    world.load(scene(thing("low", "block", 0.5, 0.0), thing("high", "block", 0.5, 0.0, size=flat, above=0.04)))
    for _ in range(30):
        if holds(world.state(), "low"):
            break
        world.step(pick(world.state(), "low"))
    for _ in range(3):
        world.step(UP)
    objects = world.state().objects
    assert objects["low"].position[2] > 0.1
    assert objects["high"].position[2] - objects["low"].position[2] > 0.02


def test_a_slow_ball_rolls_on_and_a_sleeper_in_its_way_wakes(world: World) -> None:
    world.load(scene(thing("ball", "ball", 0.5, 0.1), thing("block", "block", 0.5, -0.05)))
    world.step(STILL)
    simulator, ball = body_of(world, "ball")
    client = simulator._client
    client.changeDynamics(ball, -1, rollingFriction=0.0, angularDamping=0.0)
    starts = world.state().objects
    for speed, steps in ((0.06, 12), (0.6, 6)):
        client.changeDynamics(ball, -1, activationState=client.ACTIVATION_STATE_WAKE_UP)
        client.resetBaseVelocity(ball, (0, -speed, 0), (speed / 0.022, 0, 0))
        before = world.state().objects["ball"].position[1]
        for _ in range(steps):
            world.step(STILL)
        assert before - world.state().objects["ball"].position[1] > 0.03
    assert starts["block"].position[1] - world.state().objects["block"].position[1] > 0.001

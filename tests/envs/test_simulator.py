import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from envs.arm import bare_urdf
from envs.bullet import PhysicsError, connect
from envs.expert import holds, pick
from envs.objects import object_kind
from envs.scene import RobotSpec
from envs.simulator import Simulator
from envs.tasks.base import fallen
from envs.tasks.lift import Lift
from envs.urdf import load_urdf
from envs.world import World
from tests.envs.scenes_by_hand import scene, thing
from vla.contract import EpisodeRequest

UP, CLOSE, OPEN = (np.array([0, 0, z, 0, 0, 0, g], np.float32) for z, g in ((1, 1), (0, 1), (0, -1)))


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World(image_size=48)
    yield world
    world.close()


def fingerprint(world: World, request: EpisodeRequest) -> str:
    """Hash of everything that an episode with expert and random actions shows."""
    digest = hashlib.sha256()
    world.reset(request)
    expert = world.task.expert(world.spec)
    rng = np.random.default_rng(request.index)
    for step in range(14):
        state = world.state()
        action = rng.uniform(-1, 1, 7).astype(np.float32) if step % 4 == 3 else expert.act(state)
        digest.update(world.poses().tobytes() + world.agent_pos().tobytes())
        for body in state.objects.values():
            digest.update(body.position.tobytes() + body.quaternion.tobytes() + body.linear_velocity.tobytes())
        if step in (0, 13):
            digest.update(b"".join(pixels.tobytes() for pixels in world.pixels().values()))
        if world.step(action).done:
            break
    return digest.hexdigest()


REQUESTS = [EpisodeRequest("PlaceInto", 3), EpisodeRequest("Lift", 1, split="eval")]


def test_same_seed_same_bytes_whatever_was_simulated_before(world: World) -> None:
    first = [fingerprint(world, request) for request in REQUESTS]
    for task in ("Push", "Reach", "Lift"):
        fingerprint(world, EpisodeRequest(task, 7))
    world.load(scene(thing("a", "bowl", 0.5, 0.0), thing("b", "ball", 0.5, 0.0, above=0.2)))
    for _ in range(5):
        world.step(UP)
    assert [fingerprint(world, request) for request in reversed(REQUESTS)][::-1] == first
    other = World(image_size=48)
    assert [fingerprint(other, request) for request in REQUESTS] == first
    other.close()


def test_same_seed_same_bytes_in_another_process(world: World) -> None:
    code = (
        "from tests.envs.test_simulator import *\n"
        "w = World(image_size=48)\n"
        "print(fingerprint(w, EpisodeRequest('Reach', 9)) and fingerprint(w, REQUESTS[0]))"
    )
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip().splitlines()[-1] == fingerprint(world, REQUESTS[0])


def test_different_episodes_differ(world: World) -> None:
    assert fingerprint(world, EpisodeRequest("Lift", 1)) != fingerprint(world, EpisodeRequest("Lift", 2))


@pytest.mark.parametrize(
    ("kind", "size", "yaw"),
    [
        ("block", None, 0.0),
        ("block", None, 0.5),
        ("block", (0.03, 0.05, 0.03), 0.2),
        ("cylinder", None, 0.0),
        ("ball", None, 0.0),
    ],
)
def test_grasp_holds_while_the_arm_moves_about(
    world: World, kind: str, size: tuple[float, ...] | None, yaw: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Lift, "hold_steps", 10**6)  # lifting must not end the episode
    world.load(scene(thing("it", kind, 0.5, 0.05, yaw=yaw, size=size), thing("far", "block", 0.36, -0.2)))
    for _ in range(40):
        if holds(world.state(), "it"):
            break
        world.step(pick(world.state(), "it"))
    offset = world.state().objects["it"].position - world.state().ee_position
    shakes = [(0, 1), (0, -1), (0, -1), (0, 1), (1, 0), (-1, 0)]
    for motion in [UP] * 3 + [np.array([x, y, 0, 0, 0, 0, 1], np.float32) for x, y in shakes for _ in range(2)]:
        world.step(motion)
        assert "it" in world.state().grasped
    for _ in range(25):
        world.step(CLOSE)
    state = world.state()
    assert "it" in state.grasped
    assert np.linalg.norm(state.objects["it"].position - state.ee_position - offset) < 0.01
    for _ in range(12):
        world.step(OPEN)
    state = world.state()
    assert state.objects["it"].position[2] < 0.03  # it fell, and was not shot away
    assert np.linalg.norm(state.objects["it"].position[:2] - state.ee_position[:2]) < 0.06


@pytest.mark.parametrize("container", ["bowl", "plate"])
@pytest.mark.parametrize("kind", ["block", "cylinder", "ball"])
def test_what_is_dropped_into_a_container_stays(world: World, container: str, kind: str) -> None:
    lid = thing("it", kind, 0.515, 0.01, above=0.07)
    world.load(scene(lid, thing("container", container, 0.5, 0.0)))
    for _ in range(20):
        world.step(CLOSE)
    state = world.state()
    away = state.objects["it"].position[:2] - state.objects["container"].position[:2]
    size = world.spec.object("container").size
    assert np.linalg.norm(away) < object_kind(container).radius(size)  # a can may fall over, but not out
    assert ("container", "it") in state.contacts
    assert ("it", "table") not in state.contacts
    assert np.linalg.norm(state.objects["container"].position[:2] - (0.5, 0.0)) < 0.005
    assert np.abs(state.objects["it"].linear_velocity).max() < 0.02


def test_a_ball_does_not_roll_away(world: World) -> None:
    world.load(scene(thing("ball", "ball", 0.5, 0.1)))
    for _ in range(60):
        world.step(CLOSE)
    np.testing.assert_allclose(world.state().objects["ball"].position[:2], (0.5, 0.1), atol=0.001)


def test_settling_is_bounded_and_leaves_things_still(world: World) -> None:
    world.load(scene(thing("a", "block", 0.5, 0.0), thing("b", "block", 0.5, 0.0, above=0.04)))
    assert max(np.abs(body.linear_velocity).max() for body in world.state().objects.values()) < 0.02
    world.load(scene(thing("falling", "ball", 0.5, 0.0, above=3.0)))
    assert world.state().objects["falling"].position[2] > 1.0


def test_what_falls_off_the_table_ends_on_the_floor(world: World) -> None:
    world.load(scene(thing("lost", "block", 0.5, 0.9), thing("kept", "block", 0.5, 0.0)))
    for _ in range(20):
        world.step(OPEN)
    state = world.state()
    assert state.objects["lost"].position[2] == pytest.approx(world.spec.background.floor_height + 0.02, abs=0.002)
    assert fallen(state) == "lost"


def test_robot_starts_as_the_spec_says() -> None:
    simulator = Simulator()
    joints = (0.1, -0.3, 0.2, -2.4, 0.1, 2.1, 0.6)
    simulator.build(scene(robot=RobotSpec(base=(0.05, -0.02, 0.0), base_yaw=0.3, joints=joints, opening=0.05)))
    np.testing.assert_allclose(simulator.joints(), joints, atol=1e-3)
    assert simulator.fingers().sum() == pytest.approx(0.05, abs=1e-3)
    np.testing.assert_allclose(simulator.poses()[0, :3], (0.05, -0.02, 0.0), atol=1e-6)
    simulator.close()


def test_zones_touch_nothing_and_stay(world: World) -> None:
    world.load(scene(thing("block", "block", 0.5, 0.0), thing("zone", "zone", 0.5, 0.0, yaw=0.3)))
    state = world.state()
    assert state.objects["block"].position[2] == pytest.approx(0.02, abs=0.001)
    np.testing.assert_allclose(state.objects["zone"].position, (0.5, 0.0, 0.001))
    np.testing.assert_allclose(state.objects["zone"].quaternion, (0, 0, np.sin(0.15), np.cos(0.15)))
    assert state.contacts == {("block", "table")}


def test_bad_scenes_are_refused() -> None:
    simulator = Simulator()
    block = thing("a", "block", 0.5, 0.0)
    with pytest.raises(ValueError, match=r"unique.*\['a'\]"):
        simulator.build(scene(block, block))
    with pytest.raises(ValueError, match=r"7 arm joints.* has 2"):
        simulator.build(scene(robot=RobotSpec(joints=(0.0, 0.0))))
    with pytest.raises(ValueError, match=r"unknown robot 'pandar'. Did you mean 'panda'"):
        simulator.build(scene(robot=RobotSpec(name="pandar")))
    simulator.build(scene(block))  # a refused scene does not spoil the simulator
    simulator.close()


def test_a_closed_simulation_says_so() -> None:
    simulator = Simulator()
    simulator.close()
    simulator.close()
    with pytest.raises(PhysicsError, match="closed"):
        simulator.build(scene())


def test_clients_are_independent() -> None:
    a, b = connect(), connect()
    shape = a.createCollisionShape(a.GEOM_SPHERE, radius=0.1)
    a.createMultiBody(1.0, shape)
    assert (a.getNumBodies(), b.getNumBodies()) == (1, 0)
    a.close()
    b.close()


def test_bare_urdf_has_the_links_but_no_visuals() -> None:
    bare = load_urdf(bare_urdf("franka_panda/panda.urdf"))
    original = load_urdf("franka_panda/panda.urdf")
    assert [link.name for link in bare.links] == [link.name for link in original.links]
    assert not any(link.visuals for link in bare.links)

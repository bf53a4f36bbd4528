"""Every registered robot: its home, that it reaches all of the table without jumps, that it grasps, the same bytes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from envs.bullet import connect
from envs.cameras import WRIST, place, project
from envs.embodiments import with_robot
from envs.kinematics import Kinematics, kinematics, rotation_from_vector, vector_from_rotation
from envs.layout import REACHABLE
from envs.poses import pose_rows
from envs.robots import ROBOTS
from envs.robots.assembly import assemble
from envs.scene import RobotSpec
from envs.scenes import make_scene
from envs.tasks.base import TASKS
from envs.urdf import load_urdf
from envs.world import World
from tests.envs.scenes_by_hand import scene, thing
from vla.contract import EpisodeRequest, Perturbation
from vla.registry import UnknownNameError

DOWN = np.diag([1.0, -1.0, -1.0])
STILL = np.zeros(7)


@pytest.mark.parametrize("name", ROBOTS)
def test_data_fits_the_file_as_physics_reads_it(name: str) -> None:
    robot = ROBOTS[name]()
    client = connect()
    body = client.loadURDF(str(load_urdf(robot.urdf).path))
    infos = [client.getJointInfo(body, i) for i in range(client.getNumJoints(body))]
    client.close()
    assert [info[12].decode() for info in infos] == [link.name for link in load_urdf(robot.urdf).links[1:]]
    assert all(infos[joint][2] == client.JOINT_REVOLUTE for joint in robot.arm_joints)
    moving = {i for i, info in enumerate(infos) if info[2] != client.JOINT_FIXED}
    followers = {follower for follower, _ in robot.followers}
    assert moving == {*robot.arm_joints, *robot.finger_joints, *followers}
    bounds = zip(robot.arm_joints, robot.lower, robot.upper, robot.home, strict=True)
    for joint, lower, upper, home in bounds:
        assert infos[joint][8] - 1e-3 <= lower < home < upper <= infos[joint][9] + 1e-3


@pytest.mark.parametrize("name", ROBOTS)
def test_home_is_the_same_for_all_with_one_meaning_of_the_tool(name: str) -> None:
    world = World(robot=name)
    world.load(scene(thing("it", "block", 0.5, 0.0), robot=RobotSpec(name)))
    np.testing.assert_allclose(world.agent_pos(), [0.4, 0, 0.28, np.pi, 0, 0, 0.04, -0.04], atol=0.003)
    np.testing.assert_allclose(kinematics(name).forward(np.array(ROBOTS[name]().home))[:3, :3], DOWN, atol=1e-4)
    poses, rows = world.poses(), pose_rows(world.spec)
    (hand,) = (poses[i] for i, row in enumerate(rows) if row.hand)
    np.testing.assert_allclose(hand[:3] - world.state().ee_position, [0, 0, 0.105], atol=0.001)
    u, v, depth = project(world.state().ee_position[None], place(WRIST, poses, rows, 96))[0]
    assert u == pytest.approx(48, abs=0.5)
    assert 48 < v < 96
    assert 0.05 < depth < 0.2
    world.close()


@pytest.mark.parametrize("name", ROBOTS)
def test_fingers_open_along_y(name: str) -> None:
    world = World(robot=name)
    world.load(scene(thing("it", "block", 0.6, 0.2), robot=RobotSpec(name)))
    robot, rows = ROBOTS[name](), pose_rows(world.spec)
    left, right = (next(i for i, row in enumerate(rows) if row.link == link) for link in robot.finger_links)
    apart = world.poses()[left, :3] - world.poses()[right, :3]
    for _ in range(8):
        world.step(np.array([0, 0, 0, 0, 0, 0, 1.0]))
    closed = world.poses()[left, :3] - world.poses()[right, :3]
    moved = apart - closed
    np.testing.assert_allclose(np.abs(moved), [0, 0.08, 0], atol=0.005)
    assert world.state().opening == pytest.approx(0, abs=0.002)
    world.close()


def small_steps(chain: Kinematics, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Targets on a way over the whole reachable table, 2 cm or 0.1 rad apart, and the joints that go there."""
    rng = np.random.default_rng(seed)
    at, yaw, joints = np.array([0.4, 0.0, 0.28]), 0.0, np.array(chain.home)
    out = []
    for corner in range(12):
        x, y = (REACHABLE.x_low, REACHABLE.x_high)[corner % 2], (REACHABLE.y_low, REACHABLE.y_high)[corner // 2 % 2]
        anywhere = rng.uniform((REACHABLE.x_low, REACHABLE.y_low, 0.015), (REACHABLE.x_high, REACHABLE.y_high, 0.2))
        goal = np.array([x, y, (0.015, 0.13)[int(rng.integers(2))]]) if corner < 8 else anywhere
        wanted = rng.uniform(-np.pi / 2, np.pi / 2)
        count = int(max(float(np.linalg.norm(goal - at)) / 0.02, abs(float(wanted) - yaw) / 0.1)) + 1
        for share in np.linspace(0, 1, count + 1)[1:]:
            target = np.eye(4)
            target[:3, :3] = rotation_from_vector(np.array([0, 0, yaw + share * (wanted - yaw)])) @ DOWN
            target[:3, 3] = at + share * (goal - at)
            joints = chain.inverse(target, joints)
            out.append((target, joints))
        at, yaw = goal, wanted
    return out


@pytest.mark.parametrize("name", ROBOTS)
@pytest.mark.parametrize("seed", range(4))
def test_inverse_kinematics_goes_everywhere_on_the_table_without_jumps(name: str, seed: int) -> None:
    chain, robot = kinematics(name), ROBOTS[name]()
    way = small_steps(chain, seed)
    for target, joints in way:
        reached = chain.forward(joints)
        assert np.linalg.norm(reached[:3, 3] - target[:3, 3]) < 0.002
        turn = vector_from_rotation(np.ascontiguousarray(reached[:3, :3] @ target[:3, :3].T))
        assert np.linalg.norm(turn) < 0.02
        assert (joints >= robot.lower).all()
        assert (joints <= robot.upper).all()
    steps = np.abs(np.diff([joints for _, joints in way], axis=0))
    assert steps.max() < 0.3


@pytest.mark.parametrize("name", ROBOTS)
@pytest.mark.parametrize("kind", ["block", "cylinder", "ball"])
def test_what_is_grasped_stays_grasped_while_the_arm_swings(name: str, kind: str) -> None:
    world = World(robot=name)
    world.load(scene(thing("it", kind, 0.5, 0.05), robot=RobotSpec(name)))
    expert = TASKS["Lift"]().expert(world.spec)
    while not world.step(expert.act(world.state())).done:
        pass
    before = world.state().objects["it"].position - world.state().ee_position
    for motion in ((0, 1, 0.5), (-0.7, -1, 0), (0.7, -1, 0), (0, 1, -0.2)):
        command = world._control.command(np.array([*motion, 0, 0, 0, 1.0]), world._simulator.joints())
        for _ in range(4):
            world._simulator.run(command)
            command = world._control.command(np.array([*motion, 0, 0, 0, 1.0]), world._simulator.joints())
    after = world.state().objects["it"].position - world.state().ee_position
    assert "it" in world.state().grasped
    np.testing.assert_allclose(after, before, atol=0.002)
    world.close()


@pytest.mark.parametrize("name", ROBOTS)
@pytest.mark.parametrize("task", ["Lift", "Push"])
def test_experts_succeed_with_every_robot(name: str, task: str) -> None:
    world = World(robot=name)
    outcomes = []
    for index in range(4):
        world.reset(EpisodeRequest(task, index, split="eval"))
        expert = world.task.expert(world.spec)
        while not (result := world.step(expert.act(world.state()))).done:
            pass
        outcomes.append(result.reason)
    world.close()
    assert outcomes == ["success"] * 4


def test_another_robot_changes_nothing_but_the_robot() -> None:
    request = EpisodeRequest("PlaceInto", 3, perturbations=(Perturbation("start", 3),))
    plain = make_scene(request)
    for name in ROBOTS:
        other = make_scene(request, name)
        assert replace(other, robot=plain.robot) == plain
        assert other.robot.name == name
        off = np.subtract(other.robot.joints, ROBOTS[name]().home)
        assert np.linalg.norm(off) == pytest.approx(0.3, abs=0.01)
    assert make_scene(request, "panda") == plain


def test_the_start_of_a_scene_is_taken_over_joint_by_joint() -> None:
    plain = make_scene(EpisodeRequest("Lift", 0))
    off = np.subtract(plain.robot.joints, ROBOTS["panda"]().home)
    for name in ROBOTS:
        joints = with_robot(plain, name).robot.joints
        np.testing.assert_allclose(np.subtract(joints, ROBOTS[name]().home), off[: len(joints)], atol=2e-5)


def episode_bytes(name: str) -> str:
    """Hash of what a seeded episode of random actions looks like."""
    world = World(image_size=48, robot=name)
    world.reset(EpisodeRequest("PlaceInto", 7))
    digest = hashlib.sha256()
    for action in np.random.default_rng(0).uniform(-1, 1, (12, 7)):
        world.step(action)
        digest.update(world.poses().tobytes() + world.agent_pos().tobytes())
        for image in world.pixels().values():
            digest.update(image.tobytes())
    world.close()
    return digest.hexdigest()


@pytest.mark.parametrize("name", ROBOTS)
def test_same_seed_and_actions_give_the_same_bytes_in_two_processes(name: str) -> None:
    code = f"from tests.envs.test_robots import episode_bytes; print(episode_bytes({name!r}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == episode_bytes(name)


def test_unknown_robots_and_files_are_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'xarm6'"):
        World(robot="xarm")
    with pytest.raises(UnknownNameError, match="Did you mean 'kuka'"):
        with_robot(scene(), "kukka")
    with pytest.raises(ValueError, match=r"no URDF file .*nowhere\.urdf"):
        assemble("nowhere.urdf", "it", (0.0, 0.0, 0.0), "")


@pytest.mark.parametrize("name", ROBOTS)
def test_both_renderers_agree_on_depth_and_segmentation(name: str) -> None:
    frames = []
    for renderer in ("raster", "tiny"):
        world = World(renderer, 64, robot=name, cameras=("wrist", "overview"))
        world.reset(EpisodeRequest("Lift", 3))
        world.step(np.array([0.6, 0.3, -0.8, 0, 0, 0.5, 1], np.float32))
        frames.append(world.frames())
        world.close()
    raster, tiny = frames
    for camera in raster:
        same = raster[camera].segmentation == tiny[camera].segmentation
        assert same.mean() > 0.995
        np.testing.assert_allclose(raster[camera].depth[same], tiny[camera].depth[same], atol=0.002)

"""All control modes with all robots: what an action is, limits, standing still, conversion of experts, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.control import CONTROL_MODES, WORKSPACE, action_entries, make_control
from envs.control.convert import converted
from envs.control.ee_pose import DOWN
from envs.control.joints import PdJointDeltaPos
from envs.embodiments import with_robot
from envs.kinematics import kinematics, rotation_from_vector, vector_from_rotation
from envs.robots import ROBOTS
from envs.scene import RobotSpec
from envs.world import World
from policies.expert import ExpertPolicy
from tests.envs.scenes_by_hand import scene, thing
from vla.contract import EpisodeRequest
from vla.rollout import Recorder, rollout
from vla.store import EpisodeStore

PAIRS = [(mode, robot) for mode in CONTROL_MODES for robot in ROBOTS]
NAN = float("nan")


def world_of(mode: str, robot: str = "panda") -> World:
    world = World(robot=robot, control=mode)
    world.load(scene(thing("it", "block", 0.6, 0.2), robot=RobotSpec(robot, mode)))
    return world


def test_modes_have_maniskills_names() -> None:
    assert set(CONTROL_MODES) == {"pd_ee_delta_pose", "pd_ee_pose", "pd_joint_pos", "pd_joint_delta_pos"}


@pytest.mark.parametrize(("mode", "robot"), PAIRS)
def test_an_action_has_an_entry_for_each_thing_it_moves(mode: str, robot: str) -> None:
    entries = action_entries(robot, mode)
    joints = len(ROBOTS[robot]().arm_joints)
    assert len(entries) == (7 if "ee" in mode else joints + 1)
    assert len(set(entries)) == len(entries)
    assert entries[-1].startswith("gripper")


@pytest.mark.parametrize(("mode", "robot"), PAIRS)
def test_random_actions_keep_limits_and_the_table(mode: str, robot: str) -> None:
    world, data = world_of(mode, robot), ROBOTS[robot]()
    rng = np.random.default_rng(0)
    fastest = np.array(data.max_velocity) / 10
    before = world.state().commanded
    for block in range(12):
        signs = rng.choice([-1.0, 1.0], len(action_entries(robot, mode)))
        action = (signs * rng.uniform(0.3, 1)).astype(np.float32)
        for _ in range(6):
            world.step(action)
            state = world.state()
            assert (state.joints > data.lower).all()
            assert (state.joints < data.upper).all()
            slack = 2 * fastest + CONTROL_MODES[mode].LEASH_JOINT  # back to the leash, and on
            assert (np.abs(state.commanded - before) <= slack + 1e-9).all(), block
            assert state.ee_position[2] > -0.02
            before = state.commanded
    world.close()


@pytest.mark.parametrize("mode", ["pd_ee_delta_pose", "pd_joint_delta_pos"])
@pytest.mark.parametrize("robot", ROBOTS)
def test_zeros_hold_still_in_delta_modes(mode: str, robot: str) -> None:
    world = world_of(mode, robot)
    zeros = np.zeros(len(action_entries(robot, mode)), np.float32)
    for _ in range(5):
        world.step(zeros)
    before = world.state()
    for _ in range(30):
        world.step(zeros)
    np.testing.assert_allclose(world.state().joints, before.joints, atol=1e-3)
    np.testing.assert_allclose(world.state().ee_position, before.ee_position, atol=5e-4)
    world.close()


@pytest.mark.parametrize("robot", ROBOTS)
def test_an_absolute_pose_is_reached_and_kept(robot: str) -> None:
    world, wanted = world_of("pd_ee_pose", robot), np.array([0.5, -0.1, 0.15])
    low, high = np.array([WORKSPACE.x, WORKSPACE.y, WORKSPACE.z]).T
    action = np.array([*((wanted - low) / (high - low) * 2 - 1), 0, 0, 0.2, -1], np.float32)
    for _ in range(20):
        world.step(action)
    pose = kinematics(robot).forward(world.state().joints)
    np.testing.assert_allclose(pose[:3, 3], wanted, atol=0.003)
    off = pose[:3, :3] @ (rotation_from_vector(np.array([0, 0, 0.2 * np.pi])) @ DOWN).T
    assert np.linalg.norm(vector_from_rotation(np.ascontiguousarray(off))) < 0.02
    world.close()


def test_zeros_are_the_middle_of_the_workspace_pointing_down() -> None:
    world = world_of("pd_ee_pose")
    for _ in range(20):
        world.step(np.zeros(7, np.float32))
    np.testing.assert_allclose(world.agent_pos()[:6], [0.5, 0, 0.305, np.pi, 0, 0], atol=0.01)
    world.close()


@pytest.mark.parametrize("robot", ROBOTS)
def test_absolute_joints_are_reached(robot: str) -> None:
    world, data = world_of("pd_joint_pos", robot), ROBOTS[robot]()
    lower, upper = np.array(data.lower), np.array(data.upper)
    wanted = np.array(data.home) + 0.2 * (-1) ** np.arange(len(data.home))
    action = np.append((wanted - lower) / (upper - lower) * 2 - 1, -1).astype(np.float32)
    for _ in range(15):
        world.step(action)
    np.testing.assert_allclose(world.state().joints, wanted, atol=0.01)
    world.close()


def test_a_joint_motion_is_what_the_scale_says() -> None:
    world = world_of("pd_joint_delta_pos")
    before = world.state().joints
    for action in ([0.5, 0, 0, 0.5, 0, 0, 0, -1], [0.0] * 8):
        world.step(np.array(action, np.float32))
    moved = world.state().joints - before
    np.testing.assert_allclose(moved, 0.5 * PdJointDeltaPos.JOINT_SCALE * np.eye(7)[[0, 3]].sum(0), atol=0.005)
    world.close()


@pytest.mark.parametrize("mode", ["pd_joint_pos", "pd_joint_delta_pos"])
def test_joints_do_not_drive_the_tool_into_the_table(mode: str) -> None:
    control = make_control(scene(robot=RobotSpec("panda", mode)))
    joints = np.array(ROBOTS["panda"]().home)
    control.reset(joints)
    down = np.array([0, 1.0, 0, 0, 0, 0, 0, -1])  # the shoulder bends forward
    for _ in range(30):
        joints = control.command(down, joints).joints
        assert kinematics("panda").forward(joints)[2, 3] >= WORKSPACE.z[0] - 1e-6


@pytest.mark.parametrize(("mode", "robot"), PAIRS)
def test_demonstrations_exist_in_every_mode(mode: str, robot: str) -> None:
    world, policy = World(robot=robot, control=mode), ExpertPolicy()
    results = [rollout(world, policy, EpisodeRequest("Lift", index)) for index in range(3)]
    world.close()
    assert [result.reason for result in results] == ["success"] * 3, results[0].traceback


@pytest.mark.parametrize("mode", CONTROL_MODES)
def test_a_converted_action_commands_the_same_joints(mode: str) -> None:
    spec = with_robot(scene(), "panda", mode)
    rng, joints = np.random.default_rng(3), np.array(ROBOTS["panda"]().home)
    guide, control = CONTROL_MODES["pd_ee_delta_pose"](spec), make_control(spec)
    guide.reset(joints)
    control.reset(joints)
    for _ in range(5):
        action = np.append(rng.uniform(-0.6, 0.6, 6), 1.0).astype(np.float32)
        same = converted(action, spec, joints, control.commanded).astype(np.float64)
        guide.reset(control.commanded)
        wanted, got = guide.command(action.astype(np.float64), joints), control.command(same, joints)
        np.testing.assert_allclose(got.joints, wanted.joints, atol=0.01)
        assert got.opening == wanted.opening
        joints = got.joints


def test_episodes_with_other_actions_are_stored(tmp_path: Path) -> None:
    world, recorder = World(control="pd_joint_pos"), Recorder()
    rollout(world, ExpertPolicy(), EpisodeRequest("Lift", 0), subscribers=[recorder])
    world.close()
    episode = recorder.episode()
    assert episode is not None
    assert episode.action.shape[1] == episode.executed.shape[1] == 8
    store = EpisodeStore(tmp_path)
    store.save(episode)
    assert store.load(episode.key).content_hash() == episode.content_hash()


BAD: list[tuple[str, str, Any, str]] = [
    (
        "panda",
        "pd_joint_pos",
        np.zeros(7),
        r"shape \(7,\); expected 8 real numbers .*joint 7 \(-1 to 1: .* rad\), gripper",
    ),
    ("xarm6", "pd_joint_pos", np.zeros(8), r"shape \(8,\); expected 7 real numbers .*joint 6 .*gripper"),
    ("kuka", "pd_joint_delta_pos", np.zeros(9), r"shape \(9,\); expected 8 .*delta joint 1 \(0\.2 rad\)"),
    ("panda", "pd_ee_pose", np.zeros(8), r"shape \(8,\); expected 7 .*x \(-1 to 1: 0\.2 to 0\.8 m\)"),
    ("panda", "pd_ee_delta_pose", np.zeros(3), r"shape \(3,\); expected 7 .*delta x \(0\.05 m\)"),
    ("panda", "pd_joint_pos", np.full(8, NAN), "NaN or infinite entries; expected 8"),
    ("panda", "pd_joint_pos", np.full(8, 1.5), r"action\[0\] = 1.5 is out of range.*clip.*entry 0 is joint 1"),
    (
        "panda",
        "pd_ee_pose",
        np.array([0, 0, -3, 0, 0, 0, 0]),
        r"action\[2\] = -3 .*entry 2 is z \(-1 to 1: 0\.01 to 0\.6 m\)",
    ),
    ("kuka", "pd_joint_delta_pos", np.zeros((2, 8)), r"shape \(2, 8\); expected 8"),
    ("xarm6", "pd_joint_delta_pos", "home", "dtype <U4; expected 7"),
    ("xarm6", "pd_ee_pose", [None] * 7, "dtype object; expected 7"),
]


@pytest.mark.parametrize(("robot", "mode", "action", "message"), BAD, ids=[str(i) for i in range(len(BAD))])
def test_bad_actions_are_told_what_the_mode_expects(robot: str, mode: str, action: Any, message: str) -> None:
    world = world_of(mode, robot)
    with pytest.raises(ValueError, match=message):
        world.step(action)
    assert world.steps == 0
    world.close()


NAMES: list[tuple[dict[str, Any], str]] = [
    ({"control": "pd_ee_delta"}, "unknown control mode 'pd_ee_delta'. Did you mean 'pd_ee_delta_pose'"),
    ({"control": "pd_joint_position"}, "Did you mean 'pd_joint_pos'"),
    ({"control": ""}, "unknown control mode ''"),
    ({"robot": "Panda2"}, "unknown robot 'Panda2'. Did you mean 'panda'"),
    ({"robot": "iiwa"}, "Known: kuka, kuka_hand, panda, panda_wsg, xarm6, xarm6_hand"),
]


@pytest.mark.parametrize(("arguments", "message"), NAMES, ids=[str(i) for i in range(len(NAMES))])
def test_unknown_names_are_told_the_nearest(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        World(**arguments)

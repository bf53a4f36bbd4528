from collections.abc import Callable, Iterator

import numpy as np
import pytest

from envs.control import WORKSPACE, ControlMode, make_control
from envs.control.ee_delta_pose import PdEeDeltaPose
from envs.kinematics import kinematics, rotation_from_vector, vector_from_rotation
from envs.robots import ROBOTS
from envs.scene import RobotSpec
from envs.simulator import Simulator
from tests.envs.scenes_by_hand import scene
from vla.registry import UnknownNameError

PANDA = ROBOTS["panda"]()
LOWER, UPPER = np.array(PANDA.lower), np.array(PANDA.upper)
STILL = np.zeros(7)


class Arm:
    """An arm over an empty table, moved by actions."""

    def __init__(self, simulator: Simulator) -> None:
        spec = scene()
        simulator.build(spec)
        self.simulator = simulator
        self.control: ControlMode = make_control(spec)
        self.control.reset(simulator.joints())

    def do(self, *action: float, times: int = 1) -> None:
        for _ in range(times):
            self.simulator.run(self.control.command(np.array(action, np.float64), self.simulator.joints()))

    @property
    def pose(self) -> np.ndarray:
        return kinematics("panda").forward(self.simulator.joints())

    @property
    def target(self) -> np.ndarray:
        assert isinstance(self.control, PdEeDeltaPose)
        return self.control._target_b


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    simulator = Simulator()
    yield simulator
    simulator.close()


@pytest.fixture
def arm(simulator: Simulator) -> Arm:
    return Arm(simulator)


def apart(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Metres and radians between two poses."""
    turn = vector_from_rotation(np.ascontiguousarray(a[:3, :3] @ b[:3, :3].T))
    return float(np.linalg.norm(a[:3, 3] - b[:3, 3])), float(np.linalg.norm(turn))


def test_forward_kinematics_agrees_with_physics(arm: Arm) -> None:
    arm.do(0.7, -0.4, -0.5, 0.3, -0.3, 0.8, 1, times=3)
    position, _ = arm.simulator.tool()
    np.testing.assert_allclose(arm.pose[:3, 3], position, atol=1e-5)


def test_home_is_where_the_robot_says_pointing_down() -> None:
    pose = kinematics("panda").forward(np.array(PANDA.home))
    np.testing.assert_allclose(pose[:3, 3], (0.4, 0.0, 0.28), atol=1e-4)
    np.testing.assert_allclose(pose[:3, :3], np.diag([1.0, -1.0, -1.0]), atol=1e-4)


def test_jacobian_is_the_derivative_of_forward_kinematics() -> None:
    chain, joints = kinematics("panda"), np.array([0.2, -0.3, 0.1, -2.0, 0.3, 1.9, 0.5])
    columns = []
    for i in range(7):
        before, after = (chain.forward(joints + d * np.eye(7)[i]) for d in (-1e-6, 1e-6))
        turn = vector_from_rotation(np.ascontiguousarray(after[:3, :3] @ before[:3, :3].T))
        columns.append(np.concatenate([after[:3, 3] - before[:3, 3], turn]) / 2e-6)
    np.testing.assert_allclose(chain.jacobian(joints), np.stack(columns, 1), atol=1e-6)


def test_inverse_kinematics_finds_poses_over_the_table() -> None:
    chain = kinematics("panda")
    rng = np.random.default_rng(0)
    for _ in range(50):
        target = np.eye(4)
        target[:3, :3] = rotation_from_vector(rng.uniform(-0.3, 0.3, 3)) @ np.diag([1.0, -1.0, -1.0])
        target[:3, 3] = rng.uniform((0.35, -0.25, 0.02), (0.65, 0.25, 0.35))
        joints = chain.home
        for _ in range(4):
            joints = chain.inverse(target, joints)
        assert (joints >= LOWER).all()
        assert (joints <= UPPER).all()
        metres, radians = apart(chain.forward(joints), target)
        assert metres < 5e-4
        assert radians < 2e-3


@pytest.mark.parametrize("angle", [0.0, 1e-8, 0.5, 3.0, np.pi])
def test_rotation_vectors_there_and_back(angle: float) -> None:
    vector = angle * np.array([0.6, -0.64, 0.48])
    back = vector_from_rotation(rotation_from_vector(vector))
    np.testing.assert_allclose(rotation_from_vector(back), rotation_from_vector(vector), atol=1e-7)
    assert np.linalg.norm(back) == pytest.approx(angle, abs=1e-6)


def test_zero_actions_do_not_creep(arm: Arm) -> None:
    arm.do(1, -1, 0.5, 0.2, 0.1, -0.6, -1, times=3)
    arm.do(*STILL, times=10)
    before = arm.pose
    arm.do(*STILL, times=100)
    metres, radians = apart(arm.pose, before)
    assert metres < 5e-4
    assert radians < 2e-3


MOTIONS: list[tuple[float, ...]] = [
    (1, 0, 0, 0, 0, 0),
    (0, -1, 0, 0, 0, 0),
    (0, 0, -1, 0, 0, 0),
    (0.4, 0.7, 0.3, 0, 0, 0),
    (0, 0, 0, 0, 0, 1),
    (0, 0, 0, 0, -0.7, 0),  # faster than this about x and y, the joints do not turn
    (0, 0, 0, -0.7, 0, 0),
    (0.5, -0.5, -0.4, 0.2, -0.2, 0.3),
]


@pytest.mark.parametrize("motion", MOTIONS)
def test_a_step_moves_the_tool_by_its_scale_in_the_base_frame(arm: Arm, motion: tuple[float, ...]) -> None:
    expected = arm.pose.copy()
    for _ in range(2):
        expected[:3, 3] += 0.05 * np.array(motion[:3])
        expected[:3, :3] = rotation_from_vector(0.25 * np.array(motion[3:], float)) @ expected[:3, :3]
        arm.do(*motion, -1)
    late, _ = apart(arm.pose, expected)
    assert late < 0.02
    arm.do(*STILL)
    metres, radians = apart(arm.pose, expected)
    assert metres < 0.001
    assert radians < 0.01


def test_rotation_is_held_while_the_tool_travels(arm: Arm) -> None:
    start = arm.pose
    for motion in [(1, 1, -1), (0, -1, -1), (1, -1, -1), (0, -1, 1), (-1, 0, 1), (-1, 1, 0)]:
        arm.do(*motion, 0, 0, 0, 1, times=3)
        _, radians = apart(arm.pose, start)
        assert radians < 0.03


def blocks_of_random(seed: int) -> np.ndarray:
    """Full-scale motions, each kept up for 8 steps."""
    return np.repeat(np.random.default_rng(seed).choice([-1.0, 1.0], (20, 7)), 8, axis=0)


def independent_random(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (160, 7))


@pytest.mark.parametrize("make", [blocks_of_random, independent_random])
@pytest.mark.parametrize("seed", range(3))
def test_joint_limits_are_kept(arm: Arm, make: Callable[[int], np.ndarray], seed: int) -> None:
    for action in make(seed):
        arm.do(*action)
        joints = arm.simulator.joints()
        assert (joints > LOWER).all()
        assert (joints < UPPER).all()


@pytest.mark.parametrize("seed", range(2))
def test_workspace_is_kept(arm: Arm, seed: int) -> None:
    low, high = np.array([WORKSPACE.x, WORKSPACE.y, WORKSPACE.z]).T
    for action in blocks_of_random(seed):
        arm.do(*action[:3], 0, 0, 0, action[6])
        assert (arm.target[:3, 3] >= low - 1e-9).all()
        assert (arm.target[:3, 3] <= high + 1e-9).all()
        assert (arm.pose[:3, 3] > low - 0.01).all()
        assert (arm.pose[:3, 3] < high + 0.01).all()


def test_tool_stops_above_the_table(arm: Arm) -> None:
    arm.do(0, 0, -1, 0, 0, 0, 1, times=20)
    assert 0.005 < arm.pose[2, 3] < 0.015


def test_what_the_arm_cannot_reach_is_refused_without_delay_on_the_way_back(arm: Arm) -> None:
    arm.do(0, 0, 0, 1, 0, 0, -1, times=30)  # as far as the wrist turns, and on
    turned = arm.pose
    assert apart(turned, arm.target)[0] < 0.02
    arm.do(0, 0, 0, -1, 0, 0, -1, times=2)
    assert apart(arm.pose, turned)[1] > 0.3


def test_commands_never_jump(arm: Arm) -> None:
    fastest = np.array(PANDA.max_velocity) / 10
    last = arm.simulator.joints()
    for action in blocks_of_random(5):
        command = arm.control.command(action, arm.simulator.joints()).joints
        slack = PdEeDeltaPose.LEASH_JOINT
        assert (np.abs(command - last) <= fastest + slack + 1e-9).all()
        arm.simulator.run(arm.control.command(STILL, arm.simulator.joints()))
        last = command


@pytest.mark.parametrize(("gripper", "opening"), [(-1.0, 0.08), (0.0, 0.08), (0.01, 0.0), (1.0, 0.0)])
def test_gripper_goes_by_the_sign(arm: Arm, gripper: float, opening: float) -> None:
    arm.do(0, 0, 0, 0, 0, 0, gripper, times=8)
    assert arm.simulator.fingers().sum() == pytest.approx(opening, abs=0.002)


def test_unknown_mode_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'pd_ee_delta_pose'"):
        make_control(scene(robot=RobotSpec(control="pd_ee_delta_pos")))

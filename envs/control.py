"""Control modes: from an action in [-1, 1] to joint targets. Knows kinematics but no physics engine.

A mode keeps its target from step to step, so that zero actions hold still, and never lets it run away from where the
arm is. Frames: `_b` is the robot's base link; actions are in `_b`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from envs.kinematics import Kinematics, kinematics, rotation_from_vector, vector_from_rotation
from envs.robots import ROBOTS
from envs.scene import SceneSpec
from vla.contract import ACTION_DIM
from vla.registry import Registry

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ArmCommand:
    """What the joints are told for one control step: `joints` (n,) radians, `opening` metres between the fingers."""

    joints: Float64
    opening: float


class ControlMode(ABC):
    """One way to read actions.

    Attributes:
        action_meaning: What each of the 7 numbers means at full scale, for people and for `info`.
    """

    action_meaning: ClassVar[str]

    @abstractmethod
    def __init__(self, spec: SceneSpec) -> None:
        """Prepare for the robot and the table of `spec`."""

    @abstractmethod
    def reset(self, joints: Float64) -> None:
        """Start from joint positions (n,), radians."""

    @abstractmethod
    def command(self, action: Float64, joints: Float64) -> ArmCommand:
        """The joint targets for `action` (7,) in [-1, 1], given where the joints (n,) are now."""


CONTROL_MODES: Registry[type[ControlMode]] = Registry("control mode")


def make_control(spec: SceneSpec) -> ControlMode:
    """The control mode that `spec.robot.control` names. Raises UnknownNameError naming the nearest one."""
    return CONTROL_MODES[spec.robot.control](spec)


@dataclass(frozen=True)
class Workspace:
    """Box in which the tool centre point may be, metres, base frame in x and y; z above the table's top."""

    x: tuple[float, float] = (0.2, 0.8)
    y: tuple[float, float] = (-0.45, 0.45)
    z: tuple[float, float] = (0.01, 0.6)  # the Panda's fingertips reach 7 mm below its tool centre point


WORKSPACE = Workspace()
SHARES = ((1.0, 1.0), (0.7, 0.7), (1.0, 0.0), (0.7, 0.0), (0.4, 0.4), (0.4, 0.0), (0.15, 0.15), (0.15, 0.0))


@CONTROL_MODES.register("pd_ee_delta_pose")
class PdEeDeltaPose(ControlMode):
    """Each action moves a target pose of the tool; the arm follows it by inverse kinematics.

    `POSITION_SCALE` and `ROTATION_SCALE` are what an entry of 1 adds to the target in one control step. The target
    stays within the workspace, and within `LEASH_POSITION` and `LEASH_ROTATION` of the actual pose. A target that the
    arm cannot reach within the step and its joint limits is cut back, its rotation first, so that the tool never leaves
    the workspace by trading position for rotation at a joint limit.
    """

    POSITION_SCALE: ClassVar[float] = 0.05  # metres
    ROTATION_SCALE: ClassVar[float] = 0.25  # radians, axis-angle in the base frame
    LEASH_POSITION: ClassVar[float] = 0.08
    LEASH_ROTATION: ClassVar[float] = 0.4
    LEASH_JOINT: ClassVar[float] = 0.15  # radians between command and joint: an arm that was blocked does not jump
    REACHED: ClassVar[float] = 0.005  # metres, or radians / 10: a target is reached if the solution is this near
    action_meaning = "delta position 3 (0.05 m), delta axis-angle 3 (0.25 rad), both base frame; gripper > 0 closes"

    def __init__(self, spec: SceneSpec) -> None:
        """See ControlMode."""
        self._robot = ROBOTS[spec.robot.name]()
        self._kinematics: Kinematics = kinematics(spec.robot.name)
        above = spec.table.height - spec.robot.base[2]
        self._low = np.array([WORKSPACE.x[0], WORKSPACE.y[0], WORKSPACE.z[0] + above])
        self._high = np.array([WORKSPACE.x[1], WORKSPACE.y[1], WORKSPACE.z[1] + above])
        self._max_step = np.array(self._robot.max_velocity) / spec.robot.control_hz
        self._command = np.array(self._robot.home)
        self._target_b = np.eye(4)

    def reset(self, joints: Float64) -> None:
        """See ControlMode."""
        self._command = np.array(joints, np.float64)
        self._target_b = self._kinematics.forward(self._command)

    def command(self, action: Float64, joints: Float64) -> ArmCommand:
        """See ControlMode."""
        assert action.shape == (ACTION_DIM,)
        self._command = np.clip(self._command, joints - self.LEASH_JOINT, joints + self.LEASH_JOINT)
        self._leash(self._kinematics.forward(joints))
        self._target_b, self._command = self._reachable(action[:6])
        return ArmCommand(self._command.copy(), 0.0 if action[6] > 0 else self._robot.max_opening)

    def _reachable(self, motion: Float64) -> tuple[Float64, Float64]:
        """The target after as much of `motion` (6,) as the arm can do in a step, and the joints (n,) that go there."""
        stay, still, standing = self._solved(self._target_b)
        if not motion.any():
            return stay, still
        limit = max(self.REACHED, standing)  # never refuse the way out of where the arm should not be
        for share_position, share_rotation in SHARES:
            shares = np.repeat((share_position, share_rotation), 3)
            target, solution, error = self._solved(self._moved(shares * motion))
            if error <= limit:
                return target, solution
        return stay, still

    def _solved(self, target_b: Float64) -> tuple[Float64, Float64, float]:
        """`target_b`, the joints nearest to it that this step can go to, and how near: metres or radians / 10."""
        step = self._kinematics.inverse(target_b, self._command) - self._command
        excess = float(np.max(np.abs(step) / self._max_step))
        solution = self._command + step / max(excess, 1.0)
        reached = self._kinematics.forward(solution)
        turn = vector_from_rotation(target_b[:3, :3] @ reached[:3, :3].T)
        distance = float(np.linalg.norm(target_b[:3, 3] - reached[:3, 3]))
        return target_b, solution, max(distance, float(np.linalg.norm(turn)) / 10)

    def _moved(self, motion: Float64) -> Float64:
        """The target moved by `motion` (6,) in [-1, 1] and kept in the workspace."""
        moved = self._target_b.copy()
        moved[:3, 3] = np.clip(moved[:3, 3] + self.POSITION_SCALE * motion[:3], self._low, self._high)
        if motion[3:].any():
            turn = rotation_from_vector(self.ROTATION_SCALE * motion[3:])
            moved[:3, :3] = _orthonormal(turn @ moved[:3, :3])
        return moved

    def _leash(self, actual_b: Float64) -> None:
        """Pull the target back to within the leash of the actual pose: a blocked arm does not wind up."""
        gap = self._target_b[:3, 3] - actual_b[:3, 3]
        distance = float(np.linalg.norm(gap))
        if distance > self.LEASH_POSITION:
            self._target_b[:3, 3] = actual_b[:3, 3] + gap * (self.LEASH_POSITION / distance)
        turn = vector_from_rotation(self._target_b[:3, :3] @ actual_b[:3, :3].T)
        angle = float(np.linalg.norm(turn))
        if angle > self.LEASH_ROTATION:
            within = rotation_from_vector(turn * (self.LEASH_ROTATION / angle))
            self._target_b[:3, :3] = _orthonormal(within @ actual_b[:3, :3])


def _orthonormal(matrix: Float64) -> Float64:
    """Gram-Schmidt on the columns: products of many rotations stay rotations."""
    x = matrix[:, 0] / np.linalg.norm(matrix[:, 0])
    y = matrix[:, 1] - x * (x @ matrix[:, 1])
    y /= np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)], axis=1)

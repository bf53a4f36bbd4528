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


@CONTROL_MODES.register("pd_ee_delta_pose")
class PdEeDeltaPose(ControlMode):
    """Each action moves a target pose of the tool; the arm follows it by inverse kinematics.

    `POSITION_SCALE` and `ROTATION_SCALE` are what an entry of 1 adds to the target in one control step. The target
    stays within `LEASH_POSITION` and `LEASH_ROTATION` of the actual pose, and within the workspace.
    """

    POSITION_SCALE: ClassVar[float] = 0.05  # metres
    ROTATION_SCALE: ClassVar[float] = 0.25  # radians, axis-angle in the base frame
    LEASH_POSITION: ClassVar[float] = 0.08
    LEASH_ROTATION: ClassVar[float] = 0.4
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
        actual_b = self._kinematics.forward(joints)
        self._target_b = self._moved(action)
        self._leash(actual_b)
        step = self._kinematics.inverse(self._target_b, self._command) - self._command
        excess = float(np.max(np.abs(step) / self._max_step))
        self._command = self._command + step / max(excess, 1.0)
        return ArmCommand(self._command.copy(), 0.0 if action[6] > 0 else self._robot.max_opening)

    def _moved(self, action: Float64) -> Float64:
        moved = self._target_b.copy()
        position = moved[:3, 3] + self.POSITION_SCALE * action[:3]
        moved[:3, 3] = np.clip(position, self._low, self._high)
        if action[3:6].any():
            moved[:3, :3] = _orthonormal(rotation_from_vector(self.ROTATION_SCALE * action[3:6]) @ moved[:3, :3])
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

"""Control modes: from an action in [-1, 1] to joint targets. Knows kinematics but no physics engine.

A mode keeps what it commanded from step to step and never lets it run away from where the arm is. One mode is one class
in this folder. Frames: `_b` is the robot's base link; actions are in `_b`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from envs.robots import ROBOTS, Robot
from envs.scene import SceneSpec
from vla.registry import Registry

Float64 = NDArray[np.float64]

DEFAULT_MODE = "pd_ee_delta_pose"
GRIPPER = "gripper (> 0 closes, else opens)"


@dataclass(frozen=True, eq=False)
class ArmCommand:
    """What the joints are told for one control step: `joints` (n,) radians, `opening` metres between the fingers."""

    joints: Float64
    opening: float


@dataclass(frozen=True)
class Workspace:
    """Box in which the tool centre point may be, metres, base frame in x and y; z above the table's top."""

    x: tuple[float, float] = (0.2, 0.8)
    y: tuple[float, float] = (-0.45, 0.45)
    z: tuple[float, float] = (0.01, 0.6)  # fingertips reach 7 to 8 mm below the tool centre point

    def bounds_b(self, spec: SceneSpec) -> tuple[Float64, Float64]:
        """Lowest and highest corner, (3,) each, metres, base frame of the robot of `spec`."""
        above = spec.table.height - spec.robot.base[2]
        low = np.array([self.x[0], self.y[0], self.z[0] + above])
        return low, np.array([self.x[1], self.y[1], self.z[1] + above])


WORKSPACE = Workspace()


class ControlMode(ABC):
    """One way to read actions.

    Attributes:
        action_meaning: What the numbers mean at full scale, for people and for `info`.
        LEASH_JOINT: Radians between command and joint at most: an arm that was blocked does not jump.
    """

    action_meaning: ClassVar[str]
    LEASH_JOINT: ClassVar[float] = 0.15

    def __init__(self, spec: SceneSpec) -> None:
        """Prepare for the robot and the table of `spec`."""
        self.robot = ROBOTS[spec.robot.name]()
        from envs.kinematics import kinematics  # compiled: slow to import for those who only look up a name

        self._kinematics = kinematics(spec.robot.name)
        self._max_step = np.array(self.robot.max_velocity) / spec.robot.control_hz
        self._command = np.array(self.robot.home)
        self._widest = spec.robot.widest or self.robot.max_opening

    @staticmethod
    @abstractmethod
    def entries(robot: Robot) -> tuple[str, ...]:
        """What each number of an action is, with its unit at full scale; as many as an action has."""

    @property
    def commanded(self) -> Float64:
        """Joints (n,), radians, that were commanded last."""
        return self._command.copy()

    def reset(self, joints: Float64) -> None:
        """Start from joint positions (n,), radians."""
        self._command = np.array(joints, np.float64)

    @abstractmethod
    def command(self, action: Float64, joints: Float64) -> ArmCommand:
        """The joint targets for `action` in [-1, 1], given where the joints (n,) are now."""

    @abstractmethod
    def action_for(self, command: ArmCommand, joints: Float64) -> Float64:
        """The action whose command comes nearest to `command`, given where the joints (n,) are now."""

    def _leashed(self, joints: Float64) -> Float64:
        """The last command, pulled to within the leash of the joints (n,)."""
        leashed: Float64 = np.clip(self._command, joints - self.LEASH_JOINT, joints + self.LEASH_JOINT)
        return leashed

    def _opening(self, gripper: float) -> float:
        """Metres between the fingers that the last entry of an action asks for."""
        return 0.0 if gripper > 0 else self._widest

    def _gripper(self, opening: float) -> float:
        """The entry that asks for an opening."""
        return 1.0 if opening < self._widest / 2 else -1.0


CONTROL_MODES: Registry[type[ControlMode]] = Registry("control mode", "envs.control")


def make_control(spec: SceneSpec) -> ControlMode:
    """The control mode that `spec.robot.control` names. Raises UnknownNameError naming the nearest one."""
    return CONTROL_MODES[spec.robot.control](spec)


def action_entries(robot: str, control: str) -> tuple[str, ...]:
    """What each number of an action is. Raises UnknownNameError naming the nearest robot or control mode."""
    return CONTROL_MODES[control].entries(ROBOTS[robot]())

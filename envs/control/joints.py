"""`pd_joint_pos` and `pd_joint_delta_pos`: actions are positions or motions of the joints themselves."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from envs.control import CONTROL_MODES, GRIPPER, WORKSPACE, ArmCommand, ControlMode, Float64
from envs.robots import Robot
from envs.scene import SceneSpec

SHARES = (1.0, 0.7, 0.4, 0.15, 0.0)


class JointMode(ControlMode):
    """What both modes share: joint and speed limits, and a tool that is not driven into the table.

    Of a step that would take the tool centre point below the workspace, as much is done as does not.
    """

    def __init__(self, spec: SceneSpec) -> None:
        """See ControlMode."""
        super().__init__(spec)
        self._lowest_z = float(WORKSPACE.bounds_b(spec)[0][2])

    def _towards(self, wanted: Float64, base: Float64, gripper: float) -> ArmCommand:
        """Command as much of the way from `base` to `wanted` (n,), radians, as one step may do."""
        chain = self._kinematics
        step = np.clip(wanted, chain.lower, chain.upper) - base
        step /= max(1.0, float(np.max(np.abs(step) / self._max_step)))
        floor = min(self._lowest_z, float(chain.forward(base)[2, 3]))
        share = next(s for s in SHARES if s == 0.0 or chain.forward(base + s * step)[2, 3] >= floor - 1e-6)
        self._command = base + share * step
        return ArmCommand(self._command.copy(), self._opening(gripper))


@CONTROL_MODES.register("pd_joint_pos")
class PdJointPos(JointMode):
    """-1 to 1 are each joint's lower and upper limit (`Robot.lower`, `Robot.upper`); all joints arrive together."""

    action_meaning = "joint positions (-1 to 1: each joint's lower to upper limit); gripper > 0 closes"

    @staticmethod
    def entries(robot: Robot) -> tuple[str, ...]:
        """See ControlMode."""
        limits = enumerate(zip(robot.lower, robot.upper, strict=True), 1)
        return (*(f"joint {i} (-1 to 1: {low} to {high} rad)" for i, (low, high) in limits), GRIPPER)

    def command(self, action: Float64, joints: Float64) -> ArmCommand:
        """See ControlMode."""
        middle, half = self._range()
        return self._towards(middle + action[:-1] * half, self._leashed(joints), action[-1])

    def action_for(self, command: ArmCommand, joints: Float64) -> Float64:
        """See ControlMode."""
        middle, half = self._range()
        return np.append(np.clip((command.joints - middle) / half, -1.0, 1.0), self._gripper(command.opening))

    def _range(self) -> tuple[Float64, Float64]:
        lower, upper = np.array(self.robot.lower), np.array(self.robot.upper)
        return (lower + upper) / 2, (upper - lower) / 2


@CONTROL_MODES.register("pd_joint_delta_pos")
class PdJointDeltaPos(JointMode):
    """Each action moves the joint targets; all joints slow down together where one would be too fast."""

    JOINT_SCALE: ClassVar[float] = 0.2  # radians that an entry of 1 adds in one control step
    action_meaning = "joint motions (0.2 rad); gripper > 0 closes"

    @staticmethod
    def entries(robot: Robot) -> tuple[str, ...]:
        """See ControlMode."""
        return (*(f"delta joint {i} (0.2 rad)" for i in range(1, len(robot.arm_joints) + 1)), GRIPPER)

    def command(self, action: Float64, joints: Float64) -> ArmCommand:
        """See ControlMode."""
        base = self._leashed(joints)
        return self._towards(base + self.JOINT_SCALE * action[:-1], base, action[-1])

    def action_for(self, command: ArmCommand, joints: Float64) -> Float64:
        """See ControlMode."""
        motion = (command.joints - self._leashed(joints)) / self.JOINT_SCALE
        return np.append(np.clip(motion, -1.0, 1.0), self._gripper(command.opening))

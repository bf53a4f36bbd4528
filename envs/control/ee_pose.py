"""`pd_ee_pose`: each action is a pose of the tool in the base frame; it goes there step by step."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from envs.control import CONTROL_MODES, GRIPPER, WORKSPACE, ArmCommand, ControlMode, Float64
from envs.control.ee_delta_pose import PdEeDeltaPose
from envs.kinematics import rotation_from_vector, vector_from_rotation
from envs.robots import Robot
from envs.scene import SceneSpec

DOWN = np.diag([1.0, -1.0, -1.0])  # the tool points down, the fingers open along y


@CONTROL_MODES.register("pd_ee_pose")
class PdEePose(ControlMode):
    """Position: -1 to 1 is the workspace from its lowest to its highest corner (`envs.control.WORKSPACE`).

    Orientation: the axis-angle, base frame, that turns a tool pointing straight down at yaw 0 into the one wanted,
    divided by `ROTATION_SCALE`. So zeros are the middle of the workspace, pointing down. A pose that is farther away
    than one step can go is approached in a straight line, step by step, while the action stays the same.
    """

    ROTATION_SCALE: ClassVar[float] = np.pi
    action_meaning = (
        "position 3 (-1 to 1: x 0.2 to 0.8, y -0.45 to 0.45, z 0.01 to 0.6 m above the table), "
        "axis-angle 3 from pointing down (pi rad), both base frame; gripper > 0 closes"
    )

    def __init__(self, spec: SceneSpec) -> None:
        """See ControlMode."""
        super().__init__(spec)
        self._follower = PdEeDeltaPose(spec)
        low, high = WORKSPACE.bounds_b(spec)
        self._middle, self._half = (low + high) / 2, (high - low) / 2

    @staticmethod
    def entries(robot: Robot) -> tuple[str, ...]:
        """See ControlMode."""
        ranges = zip("xyz", (WORKSPACE.x, WORKSPACE.y, WORKSPACE.z), strict=True)
        places = [f"{axis} (-1 to 1: {low} to {high} m)" for axis, (low, high) in ranges]
        return (*places, *(f"axis-angle {axis} from pointing down (pi rad)" for axis in "xyz"), GRIPPER)

    @property
    def commanded(self) -> Float64:
        """See ControlMode."""
        return self._follower.commanded

    def reset(self, joints: Float64) -> None:
        """See ControlMode."""
        self._follower.reset(joints)

    def command(self, action: Float64, joints: Float64) -> ArmCommand:
        """See ControlMode."""
        assert action.shape == (7,)
        target_b = np.eye(4)
        target_b[:3, 3] = self._middle + action[:3] * self._half
        target_b[:3, :3] = rotation_from_vector(self.ROTATION_SCALE * action[3:6]) @ DOWN
        motion = self._follower.motion_to(target_b)
        motion /= max(1.0, float(np.abs(motion).max()))
        return self._follower.command(np.append(motion, action[6]), joints)

    def action_for(self, command: ArmCommand, joints: Float64) -> Float64:
        """See ControlMode."""
        pose_b = self._kinematics.forward(command.joints)
        place = (pose_b[:3, 3] - self._middle) / self._half
        turn = vector_from_rotation(np.ascontiguousarray(pose_b[:3, :3] @ DOWN.T)) / self.ROTATION_SCALE
        return np.append(np.clip(np.concatenate([place, turn]), -1.0, 1.0), self._gripper(command.opening))

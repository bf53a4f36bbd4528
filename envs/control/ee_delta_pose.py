"""`pd_ee_delta_pose`: each action moves a target pose of the tool, which the arm follows by inverse kinematics."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from envs.control import CONTROL_MODES, GRIPPER, WORKSPACE, ArmCommand, ControlMode, Float64
from envs.kinematics import orthonormal, rotation_from_vector, vector_from_rotation
from envs.robots import Robot
from envs.scene import SceneSpec

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
    REACHED: ClassVar[float] = 0.005  # metres, or radians / 10: a target is reached if the solution is this near
    action_meaning = "delta position 3 (0.05 m), delta axis-angle 3 (0.25 rad), both base frame; gripper > 0 closes"

    def __init__(self, spec: SceneSpec) -> None:
        """See ControlMode."""
        super().__init__(spec)
        self._low, self._high = WORKSPACE.bounds_b(spec)
        self._target_b = np.eye(4)

    @staticmethod
    def entries(robot: Robot) -> tuple[str, ...]:
        """See ControlMode."""
        moves = [f"delta {axis} (0.05 m)" for axis in "xyz"] + [f"delta axis-angle {axis} (0.25 rad)" for axis in "xyz"]
        return (*moves, GRIPPER)

    def reset(self, joints: Float64) -> None:
        """See ControlMode."""
        super().reset(joints)
        self._target_b = self._kinematics.forward(self._command)

    @property
    def target_b(self) -> Float64:
        """Pose (4, 4) that the tool is to have, base frame."""
        return self._target_b.copy()

    def command(self, action: Float64, joints: Float64) -> ArmCommand:
        """See ControlMode."""
        assert action.shape == (7,)
        self._command = self._leashed(joints)
        self._leash(self._kinematics.forward(joints))
        self._target_b, self._command = self._reachable(action[:6])
        return ArmCommand(self._command.copy(), self._opening(action[6]))

    def action_for(self, command: ArmCommand, joints: Float64) -> Float64:
        """See ControlMode."""
        motion = self.motion_to(self._kinematics.forward(command.joints))
        return np.append(np.clip(motion, -1.0, 1.0), self._gripper(command.opening))

    def motion_to(self, pose_b: Float64) -> Float64:
        """What takes the target to `pose_b` (4, 4), as the first six entries of an action; unbounded."""
        turn = vector_from_rotation(np.ascontiguousarray(pose_b[:3, :3] @ self._target_b[:3, :3].T))
        gap = pose_b[:3, 3] - self._target_b[:3, 3]
        return np.concatenate([gap / self.POSITION_SCALE, turn / self.ROTATION_SCALE])

    def _reachable(self, motion: Float64) -> tuple[Float64, Float64]:
        """The target after as much of `motion` (6,) as the arm can do in a step, and the joints (n,) that go there."""
        if motion.any():
            target, solution, error = self._solved(self._moved(motion))
            if error <= self.REACHED:  # as nearly always
                return target, solution
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
            moved[:3, :3] = orthonormal(turn @ moved[:3, :3])
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
            self._target_b[:3, :3] = orthonormal(within @ actual_b[:3, :3])

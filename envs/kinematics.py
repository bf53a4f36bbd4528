"""Forward and inverse kinematics of an arm, read from its URDF. Knows no PyBullet and no control rate.

The inverse is damped least squares with the home posture in the null space: deterministic, and continuous in its
target as long as it starts from the previous solution. Frames: `_b` is the robot's base link.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from envs.robots import ROBOTS
from envs.urdf import UrdfJoint, load_urdf
from vla.registry import UnknownNameError

Float64 = NDArray[np.float64]

DAMPING = 0.02  # squared, it is added to singular values squared (about 0.1 to 1 in the workspace)
POSTURE_GAIN = 0.02  # share of the way to the home posture in the null space, an iteration
MAX_ITERATION_STEP = 0.3  # rad: keeps the linearisation honest
ITERATIONS = 12
LIMIT_MARGIN = 0.03  # rad: motors overshoot a little, and the joints must keep their limits all the same


@dataclass(frozen=True, eq=False)
class Kinematics:
    """A chain of n revolute joints from the base to the tool centre point.

    `before` (n, 4, 4) are the fixed transforms in front of each joint, `axes` (n, 3) the joint axes, `tool` (4, 4) the
    transform behind the last joint; `lower`, `upper` (a little inside the robot's limits) and `home` are (n,) radians.
    """

    before: Float64
    axes: Float64
    tool: Float64
    lower: Float64
    upper: Float64
    home: Float64

    def forward(self, joints: Float64) -> Float64:
        """Pose (4, 4) of the tool centre point in the base frame for joint positions (n,)."""
        pose, _ = _forward(self.before, self.axes, self.tool, np.ascontiguousarray(joints, np.float64))
        return np.asarray(pose)

    def jacobian(self, joints: Float64) -> Float64:
        """(6, n): linear then angular velocity of the tool centre point per joint velocity, base frame."""
        _, jacobian = _forward(self.before, self.axes, self.tool, np.ascontiguousarray(joints, np.float64))
        return np.asarray(jacobian)

    def inverse(self, target_b: Float64, start: Float64) -> Float64:
        """Joint positions (n,) within the limits whose tool pose is nearest to `target_b` (4, 4), from `start` (n,)."""
        joints = np.ascontiguousarray(start, np.float64)
        target = np.ascontiguousarray(target_b, np.float64)
        return np.asarray(
            _inverse(self.before, self.axes, self.tool, self.lower, self.upper, self.home, target, joints)
        )


@lru_cache(maxsize=16)
def kinematics(robot_name: str) -> Kinematics:
    """The arm of a registered robot. Raises UnknownNameError for an unknown robot."""
    robot = ROBOTS[robot_name]()
    links = load_urdf(robot.urdf).links
    path: list[tuple[int, UrdfJoint]] = []
    index = robot.tcp_link
    while index >= 0:
        link = links[index + 1]
        if link.joint is None:
            raise UnknownNameError(f"link {link.name!r} of robot {robot_name!r} hangs on no joint")
        path.append((index, link.joint))
        index = link.parent
    fixed, before, axes = np.eye(4), [], []
    for number, joint in reversed(path):
        fixed = fixed @ joint_origin(joint)
        if number in robot.arm_joints:
            before.append(fixed)
            axes.append(joint.axis)
            fixed = np.eye(4)
    return Kinematics(
        np.ascontiguousarray(before),
        np.ascontiguousarray(axes, np.float64),
        fixed,
        np.array(robot.lower) + LIMIT_MARGIN,
        np.array(robot.upper) - LIMIT_MARGIN,
        np.array(robot.home),
    )


def joint_origin(joint: UrdfJoint) -> Float64:
    """The fixed transform (4, 4) in front of a joint."""
    roll, pitch, yaw = joint.rpy
    cr, sr, cp, sp, cy, sy = np.cos(roll), np.sin(roll), np.cos(pitch), np.sin(pitch), np.cos(yaw), np.sin(yaw)
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
        [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
        [-sp, cp * sr, cp * cr],
    ]
    matrix[:3, 3] = joint.xyz
    return matrix


@numba.njit(cache=True, nogil=True)
def rotation_from_vector(vector: Float64) -> Float64:
    """(3, 3) of an axis-angle vector (3,), radians (Rodrigues)."""
    x, y, z = vector[0], vector[1], vector[2]
    angle2 = x * x + y * y + z * z
    angle = np.sqrt(angle2)
    if angle < 1e-9:
        a, b = 1.0, 0.5
    else:
        a, b = np.sin(angle) / angle, (1.0 - np.cos(angle)) / angle2
    matrix = np.empty((3, 3))
    matrix[0, 0], matrix[0, 1], matrix[0, 2] = 1 - b * (y * y + z * z), b * x * y - a * z, b * x * z + a * y
    matrix[1, 0], matrix[1, 1], matrix[1, 2] = b * x * y + a * z, 1 - b * (x * x + z * z), b * y * z - a * x
    matrix[2, 0], matrix[2, 1], matrix[2, 2] = b * x * z - a * y, b * y * z + a * x, 1 - b * (x * x + y * y)
    return matrix


@numba.njit(cache=True, nogil=True)
def vector_from_rotation(matrix: Float64) -> Float64:
    """Axis-angle vector (3,) of a rotation (3, 3), angle in [0, pi]."""
    x, y, z = matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]
    sine = 0.5 * np.sqrt(x * x + y * y + z * z)
    cosine = 0.5 * (matrix[0, 0] + matrix[1, 1] + matrix[2, 2] - 1.0)
    angle = np.arctan2(sine, cosine)
    vector = np.empty(3)
    if sine > 1e-6:
        scale = 0.5 * angle / sine
        vector[0], vector[1], vector[2] = x * scale, y * scale, z * scale
    elif cosine > 0:
        vector[0], vector[1], vector[2] = 0.5 * x, 0.5 * y, 0.5 * z
    else:  # half a turn: the axis is the column of (R + I) / 2 with the largest diagonal
        k = 0
        for i in range(1, 3):
            if matrix[i, i] > matrix[k, k]:
                k = i
        norm = np.sqrt(max(2.0 * (matrix[k, k] + 1.0), 1e-18))
        for i in range(3):
            vector[i] = np.pi * (matrix[i, k] + (1.0 if i == k else 0.0)) / norm
    return vector


@numba.njit(cache=True, nogil=True)
def orthonormal(matrix: Float64) -> Float64:
    """(3, 3) rotation nearest to `matrix` by Gram-Schmidt on its columns: products of many rotations stay rotations."""
    out = np.empty((3, 3))
    length = np.sqrt(matrix[0, 0] ** 2 + matrix[1, 0] ** 2 + matrix[2, 0] ** 2)
    along = 0.0
    for i in range(3):
        out[i, 0] = matrix[i, 0] / length
        along += out[i, 0] * matrix[i, 1]
    for i in range(3):
        out[i, 1] = matrix[i, 1] - along * out[i, 0]
    length = np.sqrt(out[0, 1] ** 2 + out[1, 1] ** 2 + out[2, 1] ** 2)
    for i in range(3):
        out[i, 1] /= length
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        out[i, 2] = out[j, 0] * out[k, 1] - out[k, 0] * out[j, 1]
    return out


@numba.njit(cache=True, nogil=True)
def _multiply(a: Float64, b: Float64) -> Float64:
    """Product of two rigid transforms (4, 4)."""
    out = np.zeros((4, 4))
    for i in range(3):
        for j in range(4):
            out[i, j] = a[i, 0] * b[0, j] + a[i, 1] * b[1, j] + a[i, 2] * b[2, j]
        out[i, 3] += a[i, 3]
    out[3, 3] = 1.0
    return out


@numba.njit(cache=True, nogil=True)
def _forward(before: Float64, axes: Float64, tool: Float64, joints: Float64) -> tuple[Float64, Float64]:
    n = joints.shape[0]
    origins, directions = np.empty((n, 3)), np.empty((n, 3))
    pose = np.eye(4)
    turn = np.eye(4)
    for i in range(n):
        pose = _multiply(pose, before[i])
        for k in range(3):
            origins[i, k] = pose[k, 3]
            directions[i, k] = pose[k, 0] * axes[i, 0] + pose[k, 1] * axes[i, 1] + pose[k, 2] * axes[i, 2]
        turn[:3, :3] = rotation_from_vector(axes[i] * joints[i])
        pose = _multiply(pose, turn)
    pose = _multiply(pose, tool)
    jacobian = np.empty((6, n))
    for i in range(n):
        dx, dy, dz = pose[0, 3] - origins[i, 0], pose[1, 3] - origins[i, 1], pose[2, 3] - origins[i, 2]
        ax, ay, az = directions[i, 0], directions[i, 1], directions[i, 2]
        jacobian[0, i], jacobian[1, i], jacobian[2, i] = ay * dz - az * dy, az * dx - ax * dz, ax * dy - ay * dx
        jacobian[3, i], jacobian[4, i], jacobian[5, i] = ax, ay, az
    return pose, jacobian


@numba.njit(cache=True, nogil=True)
def _solve_positive(matrix: Float64, right: Float64) -> Float64:
    """Solve a symmetric positive definite system (Cholesky): the same bytes everywhere, no LAPACK."""
    n = right.shape[0]
    lower = np.zeros((n, n))
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= lower[i, k] * lower[j, k]
            lower[i, j] = np.sqrt(total) if i == j else total / lower[j, j]
    out = right.copy()
    for i in range(n):
        for k in range(i):
            out[i] -= lower[i, k] * out[k]
        out[i] /= lower[i, i]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, n):
            out[i] -= lower[k, i] * out[k]
        out[i] /= lower[i, i]
    return out


@numba.njit(cache=True, nogil=True)
def _error(target: Float64, pose: Float64) -> Float64:
    """(6,): position (m) and axis-angle (rad) from `pose` to `target`, in the base frame."""
    rotation = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            for k in range(3):
                rotation[i, j] += target[i, k] * pose[j, k]
    turn = vector_from_rotation(rotation)
    error = np.empty(6)
    for i in range(3):
        error[i] = target[i, 3] - pose[i, 3]
        error[3 + i] = turn[i]
    return error


@numba.njit(cache=True, nogil=True)
def _inverse(
    before: Float64,
    axes: Float64,
    tool: Float64,
    lower: Float64,
    upper: Float64,
    home: Float64,
    target: Float64,
    start: Float64,
) -> Float64:
    n = start.shape[0]
    joints = np.minimum(np.maximum(start, lower), upper)
    free = np.ones(n)
    for _ in range(ITERATIONS):
        pose, jacobian = _forward(before, axes, tool, joints)
        error = _error(target, pose)
        posture = POSTURE_GAIN * (home - joints) * free
        gram = np.zeros((6, 6))
        for i in range(6):
            for k in range(n):
                error[i] -= jacobian[i, k] * posture[k]
                for j in range(6):
                    gram[i, j] += jacobian[i, k] * free[k] * jacobian[j, k]
            gram[i, i] += DAMPING * DAMPING
        solved = _solve_positive(gram, error)
        for k in range(n):
            step = posture[k]
            for i in range(6):
                step += free[k] * jacobian[i, k] * solved[i]
            moved = joints[k] + min(max(step, -MAX_ITERATION_STEP), MAX_ITERATION_STEP)
            if moved < lower[k] or moved > upper[k]:
                free[k] = 0.0  # it stays at its limit and the other joints do the rest
            joints[k] = min(max(moved, lower[k]), upper[k])
    return joints

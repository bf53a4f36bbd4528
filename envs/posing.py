"""Poses of a scene without physics: the robot in any posture, things where the scene puts them.

For pictures by the thousand: no simulator is started. Knows no task and no pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from envs.fixture import part_pose
from envs.kinematics import joint_origin
from envs.objects import object_kind
from envs.poses import ROBOT_BODY, pose_rows
from envs.robots import ROBOTS
from envs.scene import RobotSpec, SceneSpec, orientation
from envs.urdf import UrdfJoint, load_urdf
from vla.contract import STATE_DIM, FloatArray

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Posture:
    """How a robot stands: `joints` of the arm (n,) in radians, `opening` between the fingers in metres."""

    joints: tuple[float, ...]
    opening: float


def posed(spec: SceneSpec, posture: Posture, parts: Mapping[str, float] | None = None) -> FloatArray:
    """Poses (N, 7) of every row of `pose_rows(spec)`, as a simulator gives them before anything has moved.

    Args:
        spec: The scene; things are where it puts them.
        posture: The robot's.
        parts: Joint positions (m or rad) of fixtures by name; the others' are the scene's.
    """
    given = parts or {}
    links = _rows(link_poses(spec.robot, posture))
    by_name = {thing.name: thing for thing in spec.objects}
    out = []
    for row in pose_rows(spec):
        if row.body == ROBOT_BODY:
            out.append(links[row.link + 1])
            continue
        thing = by_name[row.name.removesuffix("/part")]
        if row.link < 0:
            out.append(np.array([*thing.position, *orientation(thing)]))
            continue
        part = object_kind(thing.kind).shape(thing.size).part
        assert part is not None  # a row with a link is that of a moving part
        joint = given.get(thing.name, thing.joint)
        out.append(np.array(part_pose(part, joint, thing.position, orientation(thing))))
    return np.asarray(out, np.float32)


def proprioception(robot: RobotSpec, posture: Posture) -> FloatArray:
    """(8,) as `envs.world.World.agent_pos` gives it: tool position (m, base), axis-angle, fingers (m)."""
    data = ROBOTS[robot.name]()
    tool = np.linalg.inv(_base(robot)) @ link_poses(robot, posture)[data.tcp_link + 1]
    turn = Rotation.from_matrix(tool[:3, :3]).as_quat()
    turn = -turn if turn[0] < 0 else turn
    length = float(np.linalg.norm(turn[:3]))
    angle = 2.0 * np.arctan2(length, turn[3])
    left, right = data.finger_ways(np.full(2, data.finger_position(posture.opening)))
    out = np.zeros(STATE_DIM, np.float32)
    out[:3], out[3:6], out[6:] = tool[:3, 3], turn[:3] * (angle / max(length, 1e-12)), (left, -right)
    return out


@lru_cache(maxsize=16)  # a picture asks twice: for what is drawn and for what the robot feels
def link_poses(robot: RobotSpec, posture: Posture) -> Float64:
    """Pose (L + 1, 4, 4), world, of the base and of every link, in the order of `load_urdf(...).links`; read-only."""
    data = ROBOTS[robot.name]()
    finger = data.finger_position(posture.opening)
    positions = dict(zip(data.arm_joints, posture.joints, strict=True)) | dict.fromkeys(data.finger_joints, finger)
    positions |= {follower: positions[leader] for follower, leader in data.followers}
    found = [_base(robot)]
    for number, (parent, origin, joint) in enumerate(_chain(data.urdf)):
        found.append(found[parent + 1] @ origin @ _moved(joint, positions.get(number, 0.0)))
    poses = np.stack(found)
    poses.setflags(write=False)
    return poses


@lru_cache(maxsize=16)
def _chain(urdf: str) -> tuple[tuple[int, Float64, UrdfJoint], ...]:
    """(parent link, fixed transform, joint) of every link but the base."""
    links = load_urdf(urdf).links[1:]
    return tuple((link.parent, joint_origin(link.joint), link.joint) for link in links if link.joint is not None)


def _moved(joint: UrdfJoint, position: float) -> Float64:
    """Transform (4, 4) of a joint at a position, metres or radians."""
    matrix = np.eye(4)
    if joint.kind == "prismatic":
        matrix[:3, 3] = position * np.asarray(joint.axis)
    elif joint.kind in ("revolute", "continuous") and position:
        x, y, z = joint.axis
        across = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        matrix[:3, :3] += np.sin(position) * across + (1 - np.cos(position)) * across @ across
    return matrix


def _base(robot: RobotSpec) -> Float64:
    matrix, cos, sin = np.eye(4), np.cos(robot.base_yaw), np.sin(robot.base_yaw)
    matrix[:2, :2], matrix[:3, 3] = [[cos, -sin], [sin, cos]], robot.base
    return matrix


def _rows(poses: Float64) -> Float64:
    """Positions and quaternions (L, 7) of poses (L, 4, 4)."""
    return np.concatenate([poses[:, :3, 3], Rotation.from_matrix(poses[:, :3, :3]).as_quat()], 1)

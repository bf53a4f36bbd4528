"""URDF text of things with one joint (drawers, buttons, doors ...), made from their shapes. Knows no physics engine."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from envs.cache import cache_folder, write_atomically
from envs.objects import Part, Piece, Shape, object_kind
from envs.scene import Quat, Vec3

FIXTURE_LINK = 0  # PyBullet's number of the moving part; the base is -1


@functools.lru_cache(maxsize=256)
def fixture_urdf(kind: str, size: tuple[float, ...]) -> Path:
    """The URDF file of a kind with a moving part, in the user's cache folder.

    Raises ValueError if the kind has no moving part. Several processes may write it at once.
    """
    content = urdf_text(kind, object_kind(kind).shape(size)).encode()
    path = cache_folder("urdf") / f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}.urdf"
    if not path.is_file():
        write_atomically(path, content)
    return path


def urdf_text(name: str, shape: Shape) -> str:
    """A URDF of two links (`base`, fixed by whoever loads it, and `part`) and one joint, metres and radians.

    Raises:
        ValueError: The shape has no moving part.
    """
    if shape.part is None:
        raise ValueError(f"{name!r} has no moving part")
    part = shape.part
    robot = ElementTree.Element("robot", name=name)
    _link(robot, "base", shape.pieces, 1.0)
    _link(robot, "part", part.pieces, part.mass)
    joint = ElementTree.SubElement(robot, "joint", name="joint", type=part.motion)
    ElementTree.SubElement(joint, "parent", link="base")
    ElementTree.SubElement(joint, "child", link="part")
    ElementTree.SubElement(joint, "origin", xyz=_text(part.origin), rpy="0 0 0")
    ElementTree.SubElement(joint, "axis", xyz=_text(part.axis))
    limits = {"lower": f"{part.lower:.9g}", "upper": f"{part.upper:.9g}", "effort": "100", "velocity": "10"}
    ElementTree.SubElement(joint, "limit", limits)
    return ElementTree.tostring(robot, encoding="unicode")


def part_pose(part: Part, joint: float, position: Sequence[float], quaternion: Sequence[float]) -> tuple[float, ...]:
    """Pose (7,) of a moving part, position (m) and quaternion xyzw, world, for a joint position and its base's pose."""
    axis = np.asarray(part.axis, np.float64)
    shift = np.asarray(part.origin, np.float64)
    turn: Quat = (0.0, 0.0, 0.0, 1.0)
    if part.motion == "prismatic":
        shift = shift + joint * axis
    else:
        s = np.sin(joint / 2)
        turn = (float(axis[0] * s), float(axis[1] * s), float(axis[2] * s), float(np.cos(joint / 2)))
    base = np.asarray(quaternion, np.float64)
    moved = np.asarray(position, np.float64) + rotate(base, shift)
    return (*(float(v) for v in moved), *multiply(base, np.asarray(turn)))


def rotate(quaternion: Sequence[float] | np.ndarray, vector: Sequence[float] | np.ndarray) -> np.ndarray:
    """Vector (3,) turned by a unit quaternion xyzw."""
    q, v = np.asarray(quaternion, np.float64), np.asarray(vector, np.float64)
    across = 2.0 * _cross(q, v)
    return np.asarray(v + q[3] * across + _cross(q, across))


def multiply(a: np.ndarray, b: np.ndarray) -> Quat:
    """Product of two quaternions xyzw: first `b`, then `a`."""
    vector = a[3] * b[:3] + b[3] * a[:3] + _cross(a, b)
    return (float(vector[0]), float(vector[1]), float(vector[2]), float(a[3] * b[3] - a[:3] @ b[:3]))


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Cross product of the first three entries, to the bit what `np.cross` gives in a twentieth of its time."""
    (ax, ay, az), (bx, by, bz) = a[:3].tolist(), b[:3].tolist()
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


def _link(robot: ElementTree.Element, name: str, pieces: Sequence[Piece], mass: float) -> None:
    link = ElementTree.SubElement(robot, "link", name=name)
    inertial = ElementTree.SubElement(link, "inertial")
    ElementTree.SubElement(inertial, "mass", value=f"{mass:.9g}")
    small = f"{mass * 1e-3:.9g}"  # of a body about 8 cm across; a joint with friction does not show it
    ElementTree.SubElement(inertial, "inertia", ixx=small, ixy="0", ixz="0", iyy=small, iyz="0", izz=small)
    for piece in pieces:
        collision = ElementTree.SubElement(link, "collision")
        ElementTree.SubElement(collision, "origin", xyz=_text(piece.position), rpy=_text(_rpy(piece.quaternion)))
        geometry = ElementTree.SubElement(collision, "geometry")
        if piece.shape == "box":
            ElementTree.SubElement(geometry, "box", size=_text([2 * half for half in piece.dims]))
        elif piece.shape == "sphere":
            ElementTree.SubElement(geometry, "sphere", radius=f"{piece.dims[0]:.9g}")
        elif piece.shape == "cylinder":
            dims = {"radius": f"{piece.dims[0]:.9g}", "length": f"{piece.dims[1]:.9g}"}
            ElementTree.SubElement(geometry, "cylinder", dims)
        else:
            raise ValueError(f"a moving part is made of boxes, spheres and cylinders, not of {piece.shape!r}")


def _text(values: Sequence[float]) -> str:
    return " ".join(f"{value:.9g}" for value in values)


def _rpy(quaternion: Quat) -> Vec3:
    """Roll, pitch, yaw (rad) of a quaternion xyzw."""
    x, y, z, w = quaternion
    pitch = float(np.arcsin(np.clip(2 * (w * y - z * x), -1.0, 1.0)))
    roll = float(np.arctan2(2 * (w * x + y * z), 1 - 2 * (x * x + y * y)))
    yaw = float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))
    return roll, pitch, yaw

"""Kinds of objects: analytic visual mesh, collision pieces, height and defaults of each, from its size.

Plain data: knows no PyBullet and no renderer. The frame of every kind is the centre of its bounding box, z up, so an
object rests on the table when its z is the table's height plus half its own height (`resting_z`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from envs.renderer.types import Mesh
from envs.scene import ObjectSpec, Quat, Vec3
from vla.registry import Registry

Size = tuple[float, ...]
Float64 = NDArray[np.float64]

WALL_PIECES = 16  # boxes that make up the wall of a bowl: few enough for speed, round enough for a ball
SEGMENTS = 32  # corners of a circle in the meshes


@dataclass(frozen=True)
class Piece:
    """One convex part of a collision shape, in the object's frame.

    `dims` are metres: box (half x, half y, half z), sphere (radius,), cylinder (radius, height) along z.
    """

    shape: Literal["box", "sphere", "cylinder"]
    dims: tuple[float, ...]
    position: Vec3 = (0.0, 0.0, 0.0)
    quaternion: Quat = (0.0, 0.0, 0.0, 1.0)


class ObjectKind(ABC):
    """What every kind of object answers; one instance is registered for each kind.

    Attributes:
        size_names: Meaning of the entries of `size`, all metres.
        default_size: Size used where a task does not choose one.
        default_mass: Kilograms; 0 stands still.
        moves: Whether physics moves it (then it has a row in the pose array).
        smooth: Whether its surface is drawn with interpolated normals.
        container: Whether things can be put into it.
        rolling_friction: Rolling and spinning friction coefficient, metres: keeps balls from rolling away.
    """

    size_names: ClassVar[tuple[str, ...]]
    default_size: ClassVar[Size]
    default_mass: ClassVar[float] = 0.05
    moves: ClassVar[bool] = True
    smooth: ClassVar[bool] = False
    container: ClassVar[bool] = False
    rolling_friction: ClassVar[float] = 0.0

    @abstractmethod
    def height(self, size: Size) -> float:
        """Extent along z, metres."""

    @abstractmethod
    def radius(self, size: Size) -> float:
        """Radius of the smallest upright cylinder around it, metres: for placing objects without overlap."""

    @abstractmethod
    def mesh(self, size: Size) -> Mesh:
        """The visual surface, metres, in the object's frame."""

    @abstractmethod
    def pieces(self, size: Size) -> tuple[Piece, ...]:
        """The collision shape; empty for what nothing can touch."""

    def floor_height(self, size: Size) -> float:
        """Height above the object's lowest point at which something put into it (or onto it) rests, metres."""
        return self.height(size)

    def inner_radius(self, size: Size) -> float:
        """Radius of the opening of a container, metres; 0 for other kinds."""
        return 0.0


OBJECT_KINDS: Registry[type[ObjectKind]] = Registry("object kind")


def object_kind(name: str) -> ObjectKind:
    """The kind called `name`. Raises UnknownNameError naming the nearest one."""
    return OBJECT_KINDS[name]()


def checked_kind(spec: ObjectSpec) -> ObjectKind:
    """The kind of `spec`, after checking its size. Raises ValueError if the size does not fit the kind."""
    kind = object_kind(spec.kind)
    if len(spec.size) != len(kind.size_names) or not all(np.isfinite(s) and s > 0 for s in spec.size):
        raise ValueError(
            f"object {spec.name!r}: kind {spec.kind!r} takes the size ({', '.join(kind.size_names)}) in metres, "
            f"each > 0, for example {kind.default_size}; got {spec.size}"
        )
    return kind


def resting_z(kind: str, size: Size, table_height: float = 0.0) -> float:
    """The z at which an object of this kind and size lies on the table, metres, world."""
    return table_height + object_kind(kind).height(size) / 2


@OBJECT_KINDS.register("block")
class Block(ObjectKind):
    """A cuboid."""

    size_names = ("x", "y", "z")
    default_size = (0.04, 0.04, 0.04)

    def height(self, size: Size) -> float:
        """See ObjectKind."""
        return size[2]

    def radius(self, size: Size) -> float:
        """See ObjectKind."""
        return float(np.hypot(size[0], size[1]) / 2)

    def mesh(self, size: Size) -> Mesh:
        """See ObjectKind."""
        return box_mesh(size)

    def pieces(self, size: Size) -> tuple[Piece, ...]:
        """See ObjectKind."""
        return (Piece("box", (size[0] / 2, size[1] / 2, size[2] / 2)),)


@OBJECT_KINDS.register("cylinder")
class Cylinder(ObjectKind):
    """An upright can."""

    size_names = ("radius", "height")
    default_size = (0.019, 0.068)
    smooth = True
    rolling_friction = 0.0005

    def height(self, size: Size) -> float:
        """See ObjectKind."""
        return size[1]

    def radius(self, size: Size) -> float:
        """See ObjectKind."""
        return size[0]

    def mesh(self, size: Size) -> Mesh:
        """See ObjectKind."""
        radius, half = size[0], size[1] / 2
        return lathe([[(0, -half), (radius, -half)], [(radius, -half), (radius, half)], [(radius, half), (0, half)]])

    def pieces(self, size: Size) -> tuple[Piece, ...]:
        """See ObjectKind."""
        return (Piece("cylinder", (size[0], size[1])),)


@OBJECT_KINDS.register("ball")
class Ball(ObjectKind):
    """A sphere that does not roll away by itself."""

    size_names = ("radius",)
    default_size = (0.022,)
    smooth = True
    rolling_friction = 0.001

    def height(self, size: Size) -> float:
        """See ObjectKind."""
        return 2 * size[0]

    def radius(self, size: Size) -> float:
        """See ObjectKind."""
        return size[0]

    def mesh(self, size: Size) -> Mesh:
        """See ObjectKind."""
        segments = 3 * SEGMENTS // 4  # a ball has many faces: coarser than other circles, smooth by its normals
        angles = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
        return lathe([[(size[0] * np.cos(a), size[0] * np.sin(a)) for a in angles]], segments)

    def pieces(self, size: Size) -> tuple[Piece, ...]:
        """See ObjectKind."""
        return (Piece("sphere", (size[0],)),)


@OBJECT_KINDS.register("bowl")
class Bowl(ObjectKind):
    """An open cone with a flat bottom: collision is a disc and a ring of boxes, so that things fit inside."""

    size_names = ("radius", "height")
    default_size = (0.075, 0.045)
    default_mass = 0.4  # heavy enough to stay where it is when a block is dropped into it
    smooth = True
    container = True
    thickness: ClassVar[float] = 0.005
    bottom_share: ClassVar[float] = 0.7  # radius of the bottom / radius of the opening

    def height(self, size: Size) -> float:
        """See ObjectKind."""
        return size[1]

    def radius(self, size: Size) -> float:
        """See ObjectKind."""
        return size[0]

    def floor_height(self, size: Size) -> float:
        """See ObjectKind."""
        return self.thickness

    def inner_radius(self, size: Size) -> float:
        """See ObjectKind."""
        return size[0] - self.thickness

    def mesh(self, size: Size) -> Mesh:
        """See ObjectKind."""
        return lathe(_dish_profile(size[0], size[1], self.bottom_share * size[0], self.thickness))

    def pieces(self, size: Size) -> tuple[Piece, ...]:
        """See ObjectKind."""
        return _dish_pieces(size[0], size[1], self.bottom_share * size[0], self.thickness)


@OBJECT_KINDS.register("plate")
class Plate(ObjectKind):
    """A flat dish with a shallow rim."""

    size_names = ("radius", "height")
    default_size = (0.08, 0.014)
    default_mass = 0.4
    smooth = True
    container = True
    thickness: ClassVar[float] = 0.005
    bottom_share: ClassVar[float] = 0.8

    def height(self, size: Size) -> float:
        """See ObjectKind."""
        return size[1]

    def radius(self, size: Size) -> float:
        """See ObjectKind."""
        return size[0]

    def floor_height(self, size: Size) -> float:
        """See ObjectKind."""
        return self.thickness

    def inner_radius(self, size: Size) -> float:
        """See ObjectKind."""
        return self.bottom_share * size[0]

    def mesh(self, size: Size) -> Mesh:
        """See ObjectKind."""
        return lathe(_dish_profile(size[0], size[1], self.bottom_share * size[0], self.thickness))

    def pieces(self, size: Size) -> tuple[Piece, ...]:
        """See ObjectKind."""
        return _dish_pieces(size[0], size[1], self.bottom_share * size[0], self.thickness)


@OBJECT_KINDS.register("zone")
class Zone(ObjectKind):
    """A coloured square on the table. Its frame lies 1 mm above the table: no flicker against the table top."""

    size_names = ("side",)
    default_size = (0.11,)
    default_mass = 0.0
    moves = False

    def height(self, size: Size) -> float:
        """See ObjectKind."""
        return 0.002

    def radius(self, size: Size) -> float:
        """See ObjectKind."""
        return float(size[0] / np.sqrt(2))

    def mesh(self, size: Size) -> Mesh:
        """See ObjectKind."""
        half = size[0] / 2
        corners = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]])
        up = np.tile([0.0, 0.0, 1.0], (4, 1))
        return _mesh(corners, np.array([[0, 1, 2], [0, 2, 3]]), up, corners[:, :2] + half)

    def pieces(self, size: Size) -> tuple[Piece, ...]:
        """See ObjectKind."""
        return ()


def box_mesh(size: Sequence[float]) -> Mesh:
    """A cuboid of full lengths `size` (3,), metres, around the origin; each face has its own corners and uvs."""
    half = np.asarray(size, np.float64) / 2
    vertices, normals, uvs = [], [], []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            a, b = (axis + 1) % 3, (axis + 2) % 3
            square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
            if sign < 0:
                square = square[::-1]  # keeps the corners counter-clockwise seen from outside
            corners = np.zeros((4, 3))
            corners[:, axis] = sign * half[axis]
            corners[:, a] = square[:, 0] * half[a]
            corners[:, b] = square[:, 1] * half[b]
            vertices.append(corners)
            normals.append(np.tile(np.eye(3)[axis] * sign, (4, 1)))
            uvs.append((square + 1) * half[[a, b]])
    quads = 4 * np.arange(6)[:, None, None] + np.array([[0, 1, 2], [0, 2, 3]])
    return _mesh(np.concatenate(vertices), quads.reshape(-1, 3), np.concatenate(normals), np.concatenate(uvs))


def lathe(strips: Sequence[Sequence[tuple[float, float]]], segments: int = SEGMENTS) -> Mesh:
    """A surface of revolution about z.

    Args:
        strips: Polylines of (radius, z) in metres. Normals are smooth within a strip and creased between strips. The
            outside lies to the right of the direction of travel (upwards along an outer wall).
        segments: Number of steps around.
    """
    parts = [_revolve(np.asarray(strip, np.float64), segments) for strip in strips]
    offsets = np.cumsum([0] + [len(part[0]) for part in parts[:-1]])
    faces = np.concatenate([part[1] + offset for part, offset in zip(parts, offsets, strict=True)])
    vertices, normals, uvs = (np.concatenate([part[i] for part in parts]) for i in (0, 2, 3))
    return _mesh(vertices, faces, normals, uvs)


def _revolve(profile: Float64, segments: int) -> tuple[Float64, NDArray[np.int64], Float64, Float64]:
    """One strip: vertices, faces, normals, uvs. The seam has its own column of vertices, so that uvs do not wrap."""
    steps = np.diff(profile, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    across = np.stack([steps[:, 1], -steps[:, 0]], axis=1) / lengths[:, None]
    blended = np.concatenate([across[:1], across[:-1] + across[1:], across[-1:]])
    blended /= np.linalg.norm(blended, axis=1, keepdims=True)
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    cos, sin = np.cos(angle), np.sin(angle)
    radius, z = profile[:, 0, None], profile[:, 1, None]
    vertices = np.stack([radius * cos, radius * sin, z + 0 * cos], axis=-1)
    normals = np.stack([blended[:, :1] * cos, blended[:, :1] * sin, blended[:, 1:] + 0 * cos], axis=-1)
    along = np.concatenate([[0.0], np.cumsum(lengths)])[:, None]
    flat = np.ptp(profile[:, 1]) < 1e-9
    around = np.stack([angle * profile[:, 0].max() + 0 * along, along + 0 * angle], axis=-1)
    uvs = vertices[..., :2] if flat else around
    row, column = np.meshgrid(np.arange(len(profile) - 1), np.arange(segments), indexing="ij")
    a = (row * (segments + 1) + column).ravel()
    b, c, d = a + 1, a + segments + 2, a + segments + 1
    lower = profile[row.ravel(), 0] > 1e-9  # where the radius is 0, one of the two triangles has no area
    upper = profile[row.ravel() + 1, 0] > 1e-9
    faces = np.concatenate([np.stack([a, b, c], 1)[lower], np.stack([a, c, d], 1)[upper]])
    return vertices.reshape(-1, 3), faces, normals.reshape(-1, 3), uvs.reshape(-1, 2)


def _dish_profile(radius: float, height: float, bottom: float, thickness: float) -> list[list[tuple[float, float]]]:
    """Profile strips of a dish: underside, outer wall, rim, inner wall, inner floor."""
    half, inner = height / 2, thickness - height / 2
    return [
        [(0, -half), (bottom, -half)],
        [(bottom, -half), (radius, half)],
        [(radius, half), (radius - thickness, half)],
        [(radius - thickness, half), (bottom - thickness, inner)],
        [(bottom - thickness, inner), (0, inner)],
    ]


def _dish_pieces(radius: float, height: float, bottom: float, thickness: float) -> tuple[Piece, ...]:
    """A disc for the bottom and `WALL_PIECES` boxes that lean outwards for the wall."""
    half = height / 2
    disc = Piece("cylinder", (bottom, thickness), (0.0, 0.0, thickness / 2 - half))
    lean = float(np.arctan2(radius - bottom, height))
    across = thickness / 2 * float(np.cos(lean))
    foot = thickness / 4  # the wall ends above the table, so that the disc alone carries the dish: a third of the cost
    along = ((height - foot) / 2 - across * float(np.sin(lean))) / float(np.cos(lean))
    middle = (radius + bottom) / 2 - thickness / 2 + foot / 2 * float(np.tan(lean))
    dims = (across, float(radius * np.tan(np.pi / WALL_PIECES)), along)
    walls = []
    for i in range(WALL_PIECES):
        yaw = 2 * np.pi * i / WALL_PIECES
        position = (float(middle * np.cos(yaw)), float(middle * np.sin(yaw)), foot / 2)
        walls.append(Piece("box", dims, position, _yaw_then_lean(yaw, lean)))
    return (disc, *walls)


def _yaw_then_lean(yaw: float, lean: float) -> Quat:
    """Quaternion xyzw of a rotation by `lean` about y followed by `yaw` about z."""
    cy, sy, cl, sl = np.cos(yaw / 2), np.sin(yaw / 2), np.cos(lean / 2), np.sin(lean / 2)
    return (float(-sy * sl), float(cy * sl), float(sy * cl), float(cy * cl))


def _mesh(vertices: Float64, faces: NDArray[np.int64], normals: Float64, uvs: Float64) -> Mesh:
    return Mesh(
        np.ascontiguousarray(vertices, np.float32),
        np.ascontiguousarray(faces, np.int32),
        np.ascontiguousarray(normals, np.float32),
        np.ascontiguousarray(uvs, np.float32),
    )

"""Kinds of objects: what each looks like, what can touch it, how it is grasped and what it is called.

A kind is one function `size -> Shape` with the decorator `@kind(...)` in a module of this package. Plain data: knows no
PyBullet. The frame of every kind is the centre of its bounding box (of a mug without its handle), z up, so an object
rests on the table when its z is the table's height plus half its own height (`resting_z`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from envs.renderer.types import Mesh
from envs.scene import ObjectSpec, Quat, Vec3
from vla.registry import Registry

Size = tuple[float, ...]
Float64 = NDArray[np.float64]

ROUND = 0.04  # share by which the reach of a round mesh differs between directions, at most: it has corners
RIM_POINTS = 48  # on the edge of a round piece, where its lowest point is looked for: 0.2 % of its radius at most


@dataclass(frozen=True)
class Piece:
    """One convex part of a collision shape, in the object's frame.

    `dims` are metres: box (half x, half y, half z), sphere (radius,), cylinder (radius, height) along z; for a mesh
    (its convex hull) the scale (3,) of the file `path`.
    """

    shape: Literal["box", "sphere", "cylinder", "mesh"]
    dims: tuple[float, ...]
    position: Vec3 = (0.0, 0.0, 0.0)
    quaternion: Quat = (0.0, 0.0, 0.0, 1.0)
    path: str = ""


@dataclass(frozen=True)
class Grasp:
    """Where two fingers take hold of something from above.

    Attributes:
        position: Between the fingertips, metres, in the frame of the object (or of its moving part).
        yaw: Of the gripper relative to the object, radians; at 0 the fingers close along the object's y axis.
        turns: How many equally spaced yaws a full turn do as well: 2 for any parallel gripper, 4 for a square, 0 for
            a round thing that can be taken at every yaw.
    """

    position: Vec3 = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    turns: int = 2


@dataclass(frozen=True, eq=False)
class Part:
    """The moving part of a fixture, on one joint. At joint position 0 its frame is at `origin` in the object's frame.

    Attributes:
        mesh: Its surface, in its own frame.
        pieces: Its collision shape: boxes, spheres and cylinders.
        motion: `prismatic` (positions in metres) or `revolute` (radians).
        axis: Unit vector of the joint.
        origin: Where its frame is at position 0, metres.
        lower: Lowest joint position.
        upper: Highest joint position.
        friction: What resists motion, N or N m.
        spring: What drives it back to 0, N or N m; then there is no friction.
        mass: Kilograms.
        grasp: Where it is taken hold of or pressed.
        room: Lowest and highest corner of the box in it that holds things (a drawer), metres, in its frame, or None.
    """

    mesh: Mesh
    pieces: tuple[Piece, ...]
    motion: Literal["prismatic", "revolute"]
    axis: Vec3
    origin: Vec3
    lower: float
    upper: float
    friction: float = 1.0
    spring: float = 0.0
    mass: float = 0.1
    grasp: Grasp = Grasp()
    room: tuple[Vec3, Vec3] | None = None


@dataclass(frozen=True, eq=False)
class Shape:
    """An object of one kind and size.

    Attributes:
        mesh: The visual surface, metres, in the object's frame.
        pieces: The collision shape; empty for what nothing can touch.
        height: Extent along z, metres.
        radius: Radius of the smallest upright cylinder around it, metres: for placing objects without overlap.
        floor: Height above the lowest point at which something put into it (or onto it) rests, metres; its height if
            not said otherwise.
        opening: Radius of what fits into a container (or onto a dish), metres; 0 for other kinds.
        grasp: Where it is taken hold of.
        part: Its moving part, or None.
    """

    mesh: Mesh
    pieces: tuple[Piece, ...]
    height: float
    radius: float
    floor: float = -1.0
    opening: float = 0.0
    grasp: Grasp = Grasp(turns=0)
    part: Part | None = None

    @functools.cached_property
    def hull(self) -> tuple[Float64, Float64]:
        """Points (P, 3) and radii (P,) whose spheres have the shape's extent in every direction, metres."""
        points, radii = [np.zeros((0, 3))], [np.zeros(0)]
        for piece in self.pieces:
            corners, ball = _extreme_points(piece)
            points.append(corners @ _matrix(piece.quaternion).T + np.asarray(piece.position))
            radii.append(np.full(len(corners), ball))
        if not self.pieces:
            return np.asarray(self.mesh.vertices, np.float64), np.zeros(len(self.mesh.vertices))
        return np.concatenate(points), np.concatenate(radii)

    def extent(self, direction: Float64) -> float:
        """How far it reaches from its origin along a unit vector (3,) of its own frame, metres."""
        points, radii = self.hull
        return float((points @ direction + radii).max())


@dataclass(frozen=True)
class Noun:
    """How a kind is spoken of: training word, held-out synonyms, preposition of what is put there."""

    word: str
    synonyms: tuple[str, ...] = ()
    on: str = ""
    plural: str = ""

    @property
    def many(self) -> str:
        """The plural."""
        return self.plural or f"{self.word}s"


@dataclass(frozen=True)
class ObjectKind:
    """What is known of a kind before its size is.

    Attributes:
        name: Registered name.
        size_names: Meaning of the entries of `size`, all metres.
        default_size: Size used where a task does not choose one.
        default_mass: Kilograms; 0 stands still.
        moves: Whether physics moves it (then it has a row in the pose array).
        smooth: Whether its surface is drawn with interpolated normals.
        container: Whether things can be put into it.
        graspable: Whether the gripper can lift it at its grasp.
        rolling_friction: Rolling and spinning friction coefficient, metres: keeps balls from rolling away.
        noun: What it is called.
        make: The shape of a size.
    """

    name: str
    size_names: tuple[str, ...]
    default_size: Size
    default_mass: float
    moves: bool
    smooth: bool
    container: bool
    graspable: bool
    rolling_friction: float
    noun: Noun
    make: Callable[[Size], Shape] = field(repr=False)

    def shape(self, size: Size) -> Shape:
        """The shape of a size; the same object for the same size."""
        return _shape(self.make, tuple(size))

    def height(self, size: Size) -> float:
        """Extent along z, metres."""
        return self.shape(size).height

    def radius(self, size: Size) -> float:
        """Radius of the smallest upright cylinder around it, metres."""
        return self.shape(size).radius

    def mesh(self, size: Size) -> Mesh:
        """The visual surface, metres, in the object's frame."""
        return self.shape(size).mesh

    def pieces(self, size: Size) -> tuple[Piece, ...]:
        """The collision shape; empty for what nothing can touch."""
        return self.shape(size).pieces

    def floor_height(self, size: Size) -> float:
        """Height above the lowest point at which something put into it (or onto it) rests, metres."""
        shape = self.shape(size)
        return shape.height if shape.floor < 0 else shape.floor

    def inner_radius(self, size: Size) -> float:
        """Radius of the opening of a container, metres; 0 for other kinds."""
        return self.shape(size).opening

    @property
    def fixture(self) -> bool:
        """Whether it has a moving part."""
        return self.shape(self.default_size).part is not None


OBJECT_KINDS: Registry[ObjectKind] = Registry("object kind", "envs.objects")


def kind(
    name: str,
    size: Mapping[str, float],
    *,
    noun: Noun,
    mass: float = 0.05,
    moves: bool = True,
    smooth: bool = False,
    container: bool = False,
    graspable: bool = True,
    rolling_friction: float = 0.0,
) -> Callable[[Callable[[Size], Shape]], Callable[[Size], Shape]]:
    """Decorator that registers a function as a kind; `size` names its parameters with their defaults, metres."""

    def register(make: Callable[[Size], Shape]) -> Callable[[Size], Shape]:
        names, defaults = tuple(size), tuple(size.values())
        OBJECT_KINDS.register(name)(
            ObjectKind(
                name,
                names,
                defaults,
                mass,
                moves,
                smooth,
                container,
                moves and graspable,
                rolling_friction,
                noun,
                make,
            )
        )
        return make

    return register


def object_kind(name: str) -> ObjectKind:
    """The kind called `name`. Raises UnknownNameError naming the nearest one."""
    return OBJECT_KINDS[name]


def checked_kind(spec: ObjectSpec) -> ObjectKind:
    """The kind of `spec`, after checking its size. Raises ValueError if the size does not fit the kind."""
    found = object_kind(spec.kind)
    if len(spec.size) != len(found.size_names) or not all(np.isfinite(s) and s > 0 for s in spec.size):
        raise ValueError(
            f"object {spec.name!r}: kind {spec.kind!r} takes the size ({', '.join(found.size_names)}) in metres, "
            f"each > 0, for example {found.default_size}; got {spec.size}"
        )
    return found


def resting_z(kind: str, size: Size, table_height: float = 0.0, roll: float = 0.0) -> float:
    """The z at which an object of this kind and size lies on the table, metres, world; `roll` as in ObjectSpec."""
    shape = object_kind(kind).shape(size)
    if roll == 0.0:
        return table_height + shape.height / 2
    return table_height + shape.extent(np.array([0.0, -np.sin(roll), -np.cos(roll)]))


def turnable(item: ObjectSpec) -> bool:
    """Whether one sees, or feels, that an object is turned about its z axis: it is not round."""
    return _out_of_round(object_kind(item.kind).shape(item.size)) > ROUND


@functools.lru_cache(maxsize=2048)
def _out_of_round(shape: Shape) -> float:
    """By what share the reach of a shape (or of its moving part) differs between horizontal directions, at most."""
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)])
    meshes = [shape.mesh] if shape.part is None else [shape.mesh, shape.part.mesh]
    reaches = [(np.asarray(mesh.vertices[:, :2], np.float64) @ directions).max(axis=0) for mesh in meshes]
    return max(float(np.ptp(reach) / reach.max()) for reach in reaches)


@functools.lru_cache(maxsize=2048)
def _shape(make: Callable[[Size], Shape], size: Size) -> Shape:
    return make(size)


def _extreme_points(piece: Piece) -> tuple[Float64, float]:
    """Points (P, 3) of a piece in its own frame, and the radius of the ball around each."""
    if piece.shape == "sphere":
        return np.zeros((1, 3)), piece.dims[0]
    if piece.shape == "box":
        signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
        return signs * np.asarray(piece.dims), 0.0
    if piece.shape == "cylinder":
        angle = np.arange(RIM_POINTS) * (2 * np.pi / RIM_POINTS)
        rim = np.stack([np.cos(angle), np.sin(angle)], axis=1) * piece.dims[0]
        half = piece.dims[1] / 2
        return np.concatenate([np.c_[rim, np.full(RIM_POINTS, z)] for z in (-half, half)]), 0.0
    from envs.objects.files import HULL_MARGIN, file_vertices

    return file_vertices(piece.path) * np.asarray(piece.dims), HULL_MARGIN


def _matrix(quaternion: Quat) -> Float64:
    x, y, z, w = quaternion
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )

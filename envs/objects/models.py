"""Shapes from mesh files: read once, stood up, simplified, given a grasp, and kept in the user's cache folder.

A cached file's name is a hash of the mesh files and of every parameter, so entries never go stale. Knows no kind.
"""

from __future__ import annotations

import functools
import hashlib
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from envs.cache import cache_folder, write_atomically
from envs.objects import Grasp, Shape
from envs.objects.files import hull_piece
from envs.objects.grasping import best_grasp
from envs.objects.meshes import Float64
from envs.renderer.lod import simplify
from envs.renderer.meshes import Surface, merge_points, surface_mesh
from envs.renderer.types import Mesh
from envs.scene import Vec3
from envs.urdf import pybullet_data_path

VERSION = 2  # raise it when what is computed below changes
TRIANGLES = 400
CORNERS = 64  # of a convex part at most: what it costs in physics grows with them


@dataclass(frozen=True)
class Model:
    """A mesh file of the `pybullet_data` package.

    Attributes:
        file: Its path in the package.
        collision: The file of its convex parts, one group each; empty if it is made of such parts itself.
        up: Which axis of the file looks up; empty to lay it on its most stable side.
        parts: Whether the groups of the collision file are its parts; else the hull of all is the only one.
        scale: Factors on the three axes of the file, which make its proportions right.
        length: Its longest side, metres, for which the grasp is searched.
    """

    file: str
    collision: str = ""
    up: Literal["", "x", "y", "z"] = ""
    parts: bool = True
    scale: Vec3 = (1.0, 1.0, 1.0)
    length: float = 0.065


@dataclass(frozen=True, eq=False)
class Unit:
    """A model as it lies, its longest side 1 and its bounding box around the origin."""

    surface: Surface
    hulls: tuple[Float64, ...]  # each (P, 3)
    grasp: Float64  # x, y, z and yaw (rad)


def model_shape(model: Model, length: float) -> Shape:
    """The shape of a model whose longest side is `length` metres."""
    unit = load_unit(model)
    mesh = surface_mesh(Surface(unit.surface.points * length, unit.surface.faces, unit.surface.face_rgb))
    vertices = mesh.vertices
    mesh = Mesh(vertices, mesh.faces, mesh.normals, _uvs(mesh), None)
    pieces = tuple(hull_piece(points * length) for points in unit.hulls)
    corners = np.concatenate(unit.hulls) * length
    radius = float(max(np.linalg.norm(points[:, :2], axis=1).max() for points in (corners, vertices)))
    x, y, z, yaw = (float(v) for v in unit.grasp)
    grasp = Grasp((x * length, y * length, z * length), yaw)
    return Shape(mesh, pieces, float(np.ptp(corners[:, 2])), radius, grasp=grasp)


@functools.lru_cache(maxsize=256)
def load_unit(model: Model) -> Unit:
    """The model, from the cache or computed. Raises ValueError if a file is missing or holds no solid."""
    path = cache_folder("models") / f"{_key(model)}.npz"
    unit = _read(path)
    if unit is None:
        unit = _compute(model)
        _write(path, unit)
    return unit


def read_obj(path: Path) -> tuple[Float64, list[NDArray[np.int32]]]:
    """Vertices (V, 3) of an OBJ file and the triangles (F, 3) of each of its groups."""
    vertices: list[list[float]] = []
    groups: list[list[list[int]]] = [[]]
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["v"]:
            vertices.append([float(value) for value in words[1:4]])
        elif words[:1] in (["o"], ["g"]):
            groups.append([])
        elif words[:1] == ["f"]:
            corners = [int(word.split("/")[0]) for word in words[1:]]
            corners = [k - 1 if k > 0 else len(vertices) + k for k in corners]
            groups[-1].extend([corners[0], corners[i], corners[i + 1]] for i in range(1, len(corners) - 1))
    return np.array(vertices, np.float64), [np.array(group, np.int32) for group in groups if group]


def _compute(model: Model) -> Unit:
    points, groups = _solid(model.file, model)
    faces = np.concatenate(groups)
    hulls = _hulls(*(_solid(model.collision, model) if model.collision else (points, groups)), model.parts)
    corners = np.concatenate(hulls)
    rotation = _upright(corners, model.up)
    turned = corners @ rotation.T
    middle, scale = (turned.min(axis=0) + turned.max(axis=0)) / 2, float(np.ptp(turned, axis=0).max())
    surface = Surface((points @ rotation.T - middle) / scale, faces, np.ones((len(faces), 3), np.float32))
    surface = merge_points(surface)
    if len(surface.faces) > TRIANGLES:
        surface = simplify(surface, TRIANGLES)
    stood = tuple((hull @ rotation.T - middle) / scale for hull in hulls)
    return Unit(surface, stood, best_grasp(stood, model.length))


def _solid(file: str, model: Model) -> tuple[Float64, list[NDArray[np.int32]]]:
    points, groups = read_obj(pybullet_data_path() / file)
    return points * np.asarray(model.scale), groups


def _hulls(points: Float64, groups: list[NDArray[np.int32]], parts: bool) -> list[Float64]:
    """Corners (P, 3) of the convex hull of each group that has a volume. Raises ValueError if none has."""
    from scipy.spatial import ConvexHull, QhullError

    found = []
    for group in groups if parts else [np.concatenate(groups)]:
        corners = np.unique(points[np.unique(group)], axis=0)
        try:
            found.append(_fewer(corners[ConvexHull(corners).vertices]))
        except (QhullError, ValueError):  # a flat or empty group: nothing can touch it
            continue
    if not found:
        raise ValueError("the file holds no solid")
    return found


def _fewer(corners: Float64) -> Float64:
    """At most `CORNERS` of the corners of a hull: the outermost ones in as many directions all around."""
    if len(corners) <= CORNERS:
        return corners
    z = 1 - (2 * np.arange(CORNERS) + 1) / CORNERS
    angle = np.pi * (1 + np.sqrt(5)) * np.arange(CORNERS)
    flat = np.sqrt(1 - z * z)
    directions = np.stack([flat * np.cos(angle), flat * np.sin(angle), z], axis=1)
    return np.asarray(corners[np.unique((corners @ directions.T).argmax(axis=0))])


def _upright(corners: Float64, up: str) -> Float64:
    """Rotation matrix (3, 3) after which the axis `up`, or the most stable side, looks the right way."""
    if up:
        axis = "xyz".index(up)
        return np.roll(np.eye(3), 2 - axis, axis=0)
    from scipy.spatial import ConvexHull

    normals = np.unique(np.round(ConvexHull(corners).equations[:, :3], 2), axis=0)
    turns = [_down(normal / np.linalg.norm(normal)) for normal in normals]
    return max(turns, key=lambda turn: _stability(corners @ turn.T))


def _stability(corners: Float64) -> float:
    """How far corners (P, 3) can be tilted before they fall over, as a tangent; negative if they fall by themselves.

    The mass is in the middle of the bounding box, where physics puts it.
    """
    from scipy.spatial import ConvexHull, QhullError

    low, high = corners.min(axis=0), corners.max(axis=0)
    feet = corners[corners[:, 2] < low[2] + 0.01 * (high[2] - low[2]), :2] - (low + high)[:2] / 2
    try:
        margin = -float(ConvexHull(feet).equations[:, 2].max())
    except (QhullError, ValueError):  # it touches the table in a point or a line
        return -1.0
    return 2 * margin / float(high[2] - low[2])


def _down(normal: Float64) -> Float64:
    """A rotation matrix (3, 3) that turns a unit vector to -z."""
    z = -normal
    x = np.cross(np.eye(3)[1] if abs(z[1]) < 0.9 else np.eye(3)[0], z)
    x /= np.linalg.norm(x)
    return np.array([x, np.cross(z, x), z])


def _uvs(mesh: Mesh) -> NDArray[np.float32]:
    """Texture coordinates (V, 2), metres: each triangle seen along the axis that it faces most."""
    side = np.abs(mesh.normals).argmax(axis=1)
    u, v = np.array([1, 0, 0])[side], np.array([2, 2, 1])[side]
    rows = np.arange(len(side))
    return np.stack([mesh.vertices[rows, u], mesh.vertices[rows, v]], axis=1).astype(np.float32)


def _key(model: Model) -> str:
    digest = hashlib.sha256(f"{VERSION} {TRIANGLES} {CORNERS} {model}".encode())
    for name in filter(None, (model.file, model.collision)):
        path = pybullet_data_path() / name
        if not path.is_file():
            raise ValueError(f"there is no mesh file {path}")
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]


def _read(path: Path) -> Unit | None:
    """The cached model, or None if there is no whole one."""
    try:
        with np.load(io.BytesIO(path.read_bytes())) as data:
            hulls = tuple(np.split(data["hulls"], data["ends"][:-1]))
            return Unit(Surface(data["points"], data["faces"], data["face_rgb"]), hulls, data["grasp"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(path: Path, unit: Unit) -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        points=unit.surface.points,
        faces=unit.surface.faces,
        face_rgb=unit.surface.face_rgb,
        hulls=np.concatenate(unit.hulls),
        ends=np.cumsum([len(hull) for hull in unit.hulls]),
        grasp=unit.grasp,
    )
    write_atomically(path, buffer.getvalue())

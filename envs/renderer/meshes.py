"""Loads mesh files and URDF primitives as `Mesh`: merged points, per-face colours, smooth normals up to a crease.

Knows nothing of level of detail, caches or rendering. trimesh is imported when a file is read, not before.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from envs.renderer.types import Mesh
from vla.contract import FloatArray

if TYPE_CHECKING:
    from envs.urdf import UrdfVisual

CREASE_DEG = 38.0  # edges sharper than this stay sharp


@dataclass(frozen=True, eq=False)
class Surface:
    """Points without duplicates, and coloured triangles over them: what level of detail works on."""

    points: NDArray[np.float64]  # (P, 3) m
    faces: NDArray[np.int32]  # (F, 3) counter-clockwise seen from outside
    face_rgb: FloatArray  # (F, 3) sRGB in [0, 1]


def load_surface(visual: UrdfVisual) -> Surface:
    """Read the shape of a URDF visual, in the link's frame: scale, origin and colours applied."""
    if visual.path is not None:
        parts = _file_parts(visual.path)
        points = np.concatenate([p for p, _, _ in parts]) * np.asarray(visual.size)
        offsets = np.cumsum([0] + [len(p) for p, _, _ in parts[:-1]])
        faces = np.concatenate([f + o for (_, f, _), o in zip(parts, offsets, strict=True)])
        rgb = np.concatenate([c for _, _, c in parts])
    else:
        points, faces = _primitive(visual)
        rgb = np.ones((len(faces), 3), np.float32)
    rotation = _rpy_matrix(visual.rpy)
    moved = points @ rotation.T + np.asarray(visual.xyz)
    return merge_points(Surface(moved, faces.astype(np.int32), (rgb * np.asarray(visual.rgba[:3])).astype(np.float32)))


def merge_points(surface: Surface, grid: float = 1e-6) -> Surface:
    """Give points that coincide (on a `grid` in metres) one index, and drop faces that have no area."""
    keys = np.round(surface.points / grid).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    faces = inverse.reshape(-1)[surface.faces].astype(np.int32)
    points = surface.points[first]
    keep = surface_areas(Surface(points, faces, surface.face_rgb)) > 5e-15
    return Surface(points, faces[keep], surface.face_rgb[keep])


def surface_areas(surface: Surface) -> NDArray[np.float64]:
    """Area of each face, (F,) m^2."""
    a, b, c = (surface.points[surface.faces[:, k]] for k in range(3))
    return np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)


def surface_mesh(surface: Surface, crease_deg: float = CREASE_DEG) -> Mesh:
    """Give a surface its normals: per corner, the mean of the faces around that bend less than the crease angle."""
    normals = corner_normals(surface.points, surface.faces, crease_deg)
    count = 3 * len(surface.faces)
    return Mesh(
        vertices=surface.points[surface.faces.reshape(-1)].astype(np.float32),
        faces=np.arange(count, dtype=np.int32).reshape(-1, 3),
        normals=normals.reshape(count, 3).astype(np.float32),
        uvs=np.zeros((count, 2), np.float32),
        face_rgb=surface.face_rgb,
    )


def corner_normals(points: NDArray[np.float64], faces: NDArray[np.int32], crease_deg: float) -> NDArray[np.float64]:
    """Normals (F, 3 corners, 3) of a triangle mesh, area-weighted over neighbours within `crease_deg`."""
    a, b, c = (points[faces[:, k]] for k in range(3))
    area_normal = np.cross(b - a, c - a)
    unit = area_normal / np.maximum(np.linalg.norm(area_normal, axis=1, keepdims=True), 1e-20)
    corner_point = faces.reshape(-1)
    order = np.argsort(corner_point, kind="stable")
    starts = np.searchsorted(corner_point[order], np.arange(len(points) + 1))
    valence = np.diff(starts)
    total = np.zeros((len(corner_point), 3))
    limit = np.cos(np.radians(crease_deg))
    face_of = order // 3
    for k in range(int(valence.max(initial=0))):  # k-th neighbour of every corner at once
        point = corner_point
        has = valence[point] > k
        neighbour = face_of[starts[point[has]] + k]
        own = np.flatnonzero(has) // 3
        close = np.einsum("ij,ij->i", unit[own], unit[neighbour]) > limit
        np.add.at(total, np.flatnonzero(has)[close], area_normal[neighbour[close]])
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-20)
    return total.reshape(len(faces), 3, 3)


def _file_parts(path: Path) -> list[tuple[NDArray[np.float64], NDArray[np.int64], FloatArray]]:
    """Points, faces and face colours of each material of a mesh file. Raises ValueError if it has no triangles."""
    import trimesh

    loaded: Any = trimesh.load(path, process=False, split_object=False, group_material=True)
    geometries = list(loaded.geometry.values()) if isinstance(loaded, trimesh.Scene) else [loaded]
    parts = [(np.asarray(g.vertices, np.float64), np.asarray(g.faces), _face_rgb(g)) for g in geometries]
    if not sum(len(faces) for _, faces, _ in parts):
        raise ValueError(f"{path} holds no triangles")
    return parts


def _face_rgb(geometry: Any) -> FloatArray:
    """Colour of each face: the image at the face's centre where there is one, else the material's diffuse colour."""
    count = len(geometry.faces)
    material = getattr(geometry.visual, "material", None)
    if material is None:
        return np.ones((count, 3), np.float32)
    uv, image = getattr(geometry.visual, "uv", None), getattr(material, "image", None)
    if uv is None or image is None:
        return np.tile(np.asarray(material.diffuse[:3], np.float32) / 255, (count, 1))
    pixels = np.asarray(image.convert("RGB"), np.float32) / 255
    centre = np.asarray(uv)[geometry.faces].mean(axis=1) % 1.0
    height, width = pixels.shape[:2]
    rows = np.clip(((1 - centre[:, 1]) * height).astype(int), 0, height - 1)
    columns = np.clip((centre[:, 0] * width).astype(int), 0, width - 1)
    return np.asarray(pixels[rows, columns])


def _primitive(visual: UrdfVisual) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    import trimesh

    if visual.kind == "box":
        shape = trimesh.creation.box(visual.size)
    elif visual.kind == "sphere":
        shape = trimesh.creation.icosphere(subdivisions=3, radius=visual.size[0])
    else:
        shape = trimesh.creation.cylinder(radius=visual.size[0], height=visual.size[1], sections=32)
    return np.asarray(shape.vertices, np.float64), np.asarray(shape.faces)


def _rpy_matrix(rpy: tuple[float, float, float]) -> NDArray[np.float64]:
    (cr, sr), (cp, sp), (cy, sy) = ((np.cos(a), np.sin(a)) for a in rpy)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )

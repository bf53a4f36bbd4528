"""Builders of triangle meshes: boxes, prisms and surfaces of revolution. Metres; knows no kind of object."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from envs.renderer.types import Mesh

Float64 = NDArray[np.float64]
Floats = NDArray[np.floating]

SEGMENTS = 32  # corners of a circle


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
    return mesh_of(np.concatenate(vertices), quads.reshape(-1, 3), np.concatenate(normals), np.concatenate(uvs))


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
    return mesh_of(vertices, faces, normals, uvs)


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


def polygons(corners: Sequence[Float64]) -> Mesh:
    """Flat convex polygons, each (N, 3) in metres, counter-clockwise seen from outside; uvs lie in each one's plane."""
    vertices, faces, normals, uvs = [], [], [], []
    count = 0
    for polygon in corners:
        points = np.asarray(polygon, np.float64)
        normal = np.cross(points[1:-1] - points[0], points[2:] - points[0]).sum(axis=0)
        normal /= np.linalg.norm(normal)
        up = np.eye(3)[2] if abs(normal[2]) < 0.9 else np.eye(3)[1]
        right = np.cross(up, normal)
        right /= np.linalg.norm(right)
        vertices.append(points)
        normals.append(np.tile(normal, (len(points), 1)))
        uvs.append(np.stack([points @ right, points @ np.cross(normal, right)], axis=1))
        fan = np.arange(1, len(points) - 1)
        faces.append(count + np.stack([0 * fan, fan, fan + 1], axis=1))
        count += len(points)
    return mesh_of(np.concatenate(vertices), np.concatenate(faces), np.concatenate(normals), np.concatenate(uvs))


def prism(tiles: Sequence[Float64], height: float) -> Mesh:
    """An upright prism from -height / 2 to height / 2.

    Args:
        tiles: Convex polygons (N, 2), metres, counter-clockwise, that make up its top without overlap.
        height: Metres along z.
    """
    low, high = -height / 2, height / 2
    top = [np.c_[tile, np.full(len(tile), high)] for tile in tiles]
    bottom = [np.c_[tile, np.full(len(tile), low)][::-1] for tile in tiles]
    sides = [np.array([[*a, low], [*b, low], [*b, high], [*a, high]]) for a, b in _borders(tiles)]
    return polygons([*top, *bottom, *sides])


def _borders(tiles: Sequence[Float64]) -> list[tuple[Float64, Float64]]:
    """Edges (from, to) of polygons that no other one shares."""
    edges = [(a, b) for tile in tiles for a, b in zip(tile, np.roll(tile, -1, axis=0), strict=True)]
    there = {(*np.round(a, 7).tolist(), *np.round(b, 7).tolist()) for a, b in edges}
    return [(a, b) for a, b in edges if (*np.round(b, 7).tolist(), *np.round(a, 7).tolist()) not in there]


def stroke(points: Float64, width: float, closed: bool = False) -> list[Float64]:
    """Quads (4, 2), counter-clockwise, that make a line of that width along points (N, 2), with mitred corners."""
    line = np.asarray(points, np.float64)
    step = np.roll(line, -1, axis=0) - line
    ahead = step / np.maximum(np.linalg.norm(step, axis=1, keepdims=True), 1e-12)
    before = np.roll(ahead, 1, axis=0)
    if not closed:
        before[0], ahead[-1] = ahead[0], before[-1]
    bisector = (ahead + before) / np.linalg.norm(ahead + before, axis=1, keepdims=True)
    aside = np.stack([-bisector[:, 1], bisector[:, 0]], axis=1) * (width / 2)
    aside /= np.einsum("ij,ij->i", ahead, bisector)[:, None]
    left, right = line + aside, line - aside
    last = len(line) if closed else len(line) - 1
    following = [(i, (i + 1) % len(line)) for i in range(last)]
    return [np.array([right[i], right[j], left[j], left[i]]) for i, j in following]


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one."""
    offsets = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes[:-1]])
    return mesh_of(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.uvs for mesh in meshes]),
    )


def moved(mesh: Mesh, rotation: Float64, shift: Sequence[float] = (0.0, 0.0, 0.0)) -> Mesh:
    """A mesh turned by a rotation matrix (3, 3), then shifted by (3,) metres."""
    turned = mesh.vertices @ rotation.T + np.asarray(shift)
    return mesh_of(turned, mesh.faces, mesh.normals @ rotation.T, mesh.uvs)


def mesh_of(vertices: Floats, faces: NDArray[np.signedinteger], normals: Floats, uvs: Floats) -> Mesh:
    """A Mesh of arrays (V, 3), (F, 3), (V, 3), (V, 2) in the types that renderers read."""
    return Mesh(
        np.ascontiguousarray(vertices, np.float32),
        np.ascontiguousarray(faces, np.int32),
        np.ascontiguousarray(normals, np.float32),
        np.ascontiguousarray(uvs, np.float32),
    )

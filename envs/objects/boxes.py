"""Open boxes of a floor and four walls, and trays. Collision is one piece a wall, so that things fit inside."""

from __future__ import annotations

import numpy as np

from envs.objects import Grasp, Noun, Piece, Shape, Size, kind
from envs.objects.meshes import Float64, polygons
from envs.renderer.types import Mesh

WALL = 0.006  # metres
FLOOR = 0.005
HEAVY = 0.4  # kg: stays where it is when things are dropped into it


@kind(
    "crate",
    {"x": 0.13, "y": 0.13, "z": 0.05},
    noun=Noun("box", ("crate", "bin"), "into", "boxes"),
    mass=HEAVY,
    container=True,
)
def crate(size: Size) -> Shape:
    """A box with walls and no lid."""
    return _open_box(size)


@kind(
    "tray",
    {"x": 0.16, "y": 0.12, "z": 0.018},
    noun=Noun("tray", ("salver", "pallet"), "onto"),
    mass=HEAVY,
    container=True,
)
def tray(size: Size) -> Shape:
    """A flat board with a low wall around it."""
    return _open_box(size)


def _open_box(size: Size) -> Shape:
    x, y, z = size[0] / 2, size[1] / 2, size[2] / 2
    low, rise = FLOOR / 2 - z, z - FLOOR / 4  # the walls end above the table: the floor alone carries the box
    pieces = [Piece("box", (x, y, FLOOR / 2), (0.0, 0.0, low))]
    for sign in (-1, 1):
        pieces.append(Piece("box", (WALL / 2, y, rise), (sign * (x - WALL / 2), 0.0, FLOOR / 4)))
        pieces.append(Piece("box", (x, WALL / 2, rise), (0.0, sign * (y - WALL / 2), FLOOR / 4)))
    opening = min(x, y) - WALL
    grasp = Grasp((0.0, y - WALL / 2, max(z - 0.012, 0.0)), turns=2)
    return Shape(_open_box_mesh(size), tuple(pieces), size[2], float(np.hypot(x, y)), FLOOR, opening, grasp)


def _open_box_mesh(size: Size) -> Mesh:
    x, y, z = size[0] / 2, size[1] / 2, size[2] / 2
    outer = np.array([[-x, -y], [x, -y], [x, y], [-x, y]])
    inner = outer - np.sign(outer) * WALL
    faces = [_at(outer, -z)[::-1], _at(inner, FLOOR - z)]
    for i in range(4):
        j = (i + 1) % 4
        out, inn = outer[[i, j]], inner[[i, j]]
        faces.append(np.concatenate([_at(out, -z), _at(out[::-1], z)]))
        faces.append(np.concatenate([_at(inn[::-1], FLOOR - z), _at(inn, z)]))
        faces.append(np.concatenate([_at(out, z), _at(inn[::-1], z)]))
    return polygons(faces)


def _at(points: Float64, z: float) -> Float64:
    level: Float64 = np.c_[points, np.full(len(points), z)]
    return level

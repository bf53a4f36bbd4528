"""Upright prisms whose outlines no task trains on; two sides of each are parallel, for the fingers. And a board."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from envs.objects import Grasp, Noun, Piece, Shape, Size, kind
from envs.objects.files import prism_piece
from envs.objects.meshes import Float64, box_mesh, prism
from envs.objects.strokes import Glyph, glyph_shape

DEFAULT_SIZE: Mapping[str, float] = {"radius": 0.027, "height": 0.03}
CROSS = Glyph(("0,2 4,2", "2,0 2,4"), grasp=(2.0, 2.0, 90.0), stroke=1.6)


def _regular(corners: int) -> list[tuple[float, float]]:
    """Corners of a regular polygon of radius 1, counter-clockwise, two of whose sides lie across y."""
    turns = (np.arange(corners) + 0.5) / corners - 0.25
    return [(float(np.cos(2 * np.pi * turn)), float(np.sin(2 * np.pi * turn))) for turn in turns]


OUTLINES: Mapping[str, tuple[list[tuple[float, float]], Noun]] = {  # convex, counter-clockwise, farthest corner at 1
    "octagon": (_regular(8), Noun("octagon", ("octagonal prism", "octagonal slab"))),
    "hexagon": (_regular(6), Noun("hexagon", ("hexagonal prism", "honeycomb cell"))),
    "trapezoid": ([(-0.87, -0.5), (0.87, -0.5), (0.4, 0.5), (-0.4, 0.5)], Noun("trapezoid", ("trapezium", "keystone"))),
    "rhomboid": (
        [(-0.87, -0.5), (0.27, -0.5), (0.87, 0.5), (-0.27, 0.5)],
        Noun("rhomboid", ("parallelogram", "diamond")),
    ),
}


def _prism(outline: Float64, size: Size) -> Shape:
    corners = outline * size[0]
    reach = float(np.linalg.norm(corners, axis=1).max())
    return Shape(prism([corners], size[1]), (prism_piece(corners, size[1]),), size[1], reach, grasp=Grasp())


@kind("cross", {"length": 0.056, "height": 0.026}, noun=Noun("cross", ("plus sign", "crucifix")))
def cross(size: Size) -> Shape:
    """Two bars of one length across each other."""
    return glyph_shape(CROSS, size[0], size[1])


@kind(
    "board", {"thickness": 0.016, "width": 0.06, "height": 0.08}, noun=Noun("board", ("panel", "partition")), mass=0.3
)
def board(size: Size) -> Shape:
    """An upright board across x, taken at its two faces."""
    pieces = (Piece("box", (size[0] / 2, size[1] / 2, size[2] / 2)),)
    grasp = Grasp(yaw=np.pi / 2)
    return Shape(box_mesh(size), pieces, size[2], float(np.hypot(size[0], size[1]) / 2), grasp=grasp)


for _name, (_outline, _noun) in OUTLINES.items():
    kind(_name, DEFAULT_SIZE, noun=_noun)(functools.partial(_prism, np.array(_outline)))

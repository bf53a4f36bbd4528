"""Pegs, and blocks with a hole that they fit into: round and square."""

from __future__ import annotations

import numpy as np

from envs.objects import Grasp, Noun, Piece, Shape, Size, kind
from envs.objects.built import box
from envs.objects.meshes import SEGMENTS, Float64, box_mesh, lathe, prism
from envs.objects.walls import about_z

RING = 16  # boxes around a round hole; their inner sides touch its circle
RING_THICKNESS = 0.008  # metres
GRASP_HEIGHT = 0.0175  # metres above the middle of a peg: the fingers stay above the socket


@kind(
    "peg_round",
    {"radius": 0.015, "height": 0.065},
    noun=Noun("round peg", ("rod", "dowel")),
    mass=0.08,
    smooth=True,
    rolling_friction=0.003,
)
def peg_round(size: Size) -> Shape:
    """An upright rod."""
    radius, half = size[0], size[1] / 2
    mesh = lathe([[(0, -half), (radius, -half)], [(radius, -half), (radius, half)], [(radius, half), (0, half)]])
    pieces = (Piece("cylinder", (size[0], size[1])),)
    return Shape(mesh, pieces, size[1], radius, grasp=Grasp((0.0, 0.0, GRASP_HEIGHT), turns=0))


@kind("peg_square", {"side": 0.03, "height": 0.065}, noun=Noun("square peg", ("post", "stake")), mass=0.08)
def peg_square(size: Size) -> Shape:
    """An upright bar with a square section."""
    side, height = size
    pieces = (box((side, side, height)),)
    grasp = Grasp((0.0, 0.0, GRASP_HEIGHT), turns=4)
    return Shape(box_mesh((side, side, height)), pieces, height, float(np.hypot(side, side) / 2), grasp=grasp)


@kind(
    "socket_round",
    {"side": 0.08, "height": 0.032, "radius": 0.0165},
    noun=Noun("round hole", ("round opening", "round socket"), "into"),
    mass=0.0,
    moves=False,
)
def socket_round(size: Size) -> Shape:
    """A block with a round hole through it."""
    side, height, radius = size
    half_side = radius * float(np.tan(np.pi / RING))
    middle = radius + RING_THICKNESS / 2
    ring = []
    for i in range(RING):
        yaw = 2 * np.pi * i / RING
        dims = (RING_THICKNESS / 2, half_side, height / 2)
        ring.append(Piece("box", dims, (float(middle * np.cos(yaw)), float(middle * np.sin(yaw)), 0.0), about_z(yaw)))
    pieces = (*_frame(side, height, 2 * (radius + RING_THICKNESS / 2)), *ring)
    angle = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS
    inner = radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    outer = inner / np.abs(inner).max(axis=1, keepdims=True) * (side / 2)
    return Shape(prism(_around(inner, outer), height), pieces, height, float(np.hypot(side, side) / 2), opening=radius)


@kind(
    "socket_square",
    {"side": 0.08, "height": 0.032, "hole": 0.033},
    noun=Noun("square hole", ("square opening", "square socket"), "into"),
    mass=0.0,
    moves=False,
)
def socket_square(size: Size) -> Shape:
    """A block with a square hole through it."""
    side, height, hole = size
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]], np.float64)
    mesh = prism(_around(corners * hole / 2, corners * side / 2), height)
    return Shape(mesh, _frame(side, height, hole), height, float(np.hypot(side, side) / 2), opening=hole / 2)


def _frame(side: float, height: float, hole: float) -> tuple[Piece, ...]:
    """Four boxes around a square hole of that width."""
    wall = (side - hole) / 2
    middle = (side + hole) / 4
    return (
        box((wall, side, height), (middle, 0.0, 0.0)),
        box((wall, side, height), (-middle, 0.0, 0.0)),
        box((hole, wall, height), (0.0, middle, 0.0)),
        box((hole, wall, height), (0.0, -middle, 0.0)),
    )


def _around(inner: Float64, outer: Float64) -> list[Float64]:
    """Quads (4, 2), counter-clockwise, between two closed lines (N, 2) that go around counter-clockwise."""
    count = len(inner)
    return [np.array([inner[i], outer[i], outer[(i + 1) % count], inner[(i + 1) % count]]) for i in range(count)]

"""Solid things that a gripper can take: block, cylinder, ball."""

from __future__ import annotations

import numpy as np

from envs.objects import Grasp, Noun, Piece, Shape, Size, kind
from envs.objects.meshes import SEGMENTS, box_mesh, lathe


@kind("block", {"x": 0.04, "y": 0.04, "z": 0.04}, noun=Noun("block", ("cube", "brick")))
def block(size: Size) -> Shape:
    """A cuboid."""
    pieces = (Piece("box", (size[0] / 2, size[1] / 2, size[2] / 2)),)
    square = abs(size[0] - size[1]) < 1e-6
    narrow_x = 0.0 if size[1] <= size[0] else np.pi / 2  # the fingers close across the shorter side
    grasp = Grasp(yaw=float(narrow_x), turns=4 if square else 2)
    return Shape(box_mesh(size), pieces, size[2], float(np.hypot(size[0], size[1]) / 2), grasp=grasp)


@kind(
    "cylinder",
    {"radius": 0.019, "height": 0.068},
    noun=Noun("cylinder", ("can", "tube")),
    smooth=True,
    rolling_friction=0.0005,
)
def cylinder(size: Size) -> Shape:
    """An upright can."""
    radius, half = size[0], size[1] / 2
    mesh = lathe([[(0, -half), (radius, -half)], [(radius, -half), (radius, half)], [(radius, half), (0, half)]])
    return Shape(mesh, (Piece("cylinder", (size[0], size[1])),), size[1], radius)


@kind("ball", {"radius": 0.022}, noun=Noun("ball", ("sphere", "orb")), smooth=True, rolling_friction=0.001)
def ball(size: Size) -> Shape:
    """A sphere that does not roll away by itself."""
    segments = 3 * SEGMENTS // 4  # a ball has many faces: coarser than other circles, smooth by its normals
    angles = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
    mesh = lathe([[(size[0] * np.cos(a), size[0] * np.sin(a)) for a in angles]], segments)
    return Shape(mesh, (Piece("sphere", (size[0],)),), 2 * size[0], size[0])

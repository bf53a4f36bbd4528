"""Solid things that a gripper can take: block, cylinder, ball, cone, half-cylinder."""

from __future__ import annotations

import numpy as np

from envs.objects import Grasp, Noun, Piece, Shape, Size, kind
from envs.objects.files import hull_piece
from envs.objects.meshes import SEGMENTS, box_mesh, lathe, mesh_of, polygons


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


@kind(
    "cone",
    {"radius": 0.026, "height": 0.06},
    noun=Noun("cone", ("funnel", "spike")),
    smooth=True,
    rolling_friction=0.0005,
)
def cone(size: Size) -> Shape:
    """An upright cone with a blunt tip, taken near its base, where the fingers' friction beats its slope."""
    radius, half = size[0], size[1] / 2
    tip = 0.12 * radius
    mesh = lathe([[(0, -half), (radius, -half)], [(radius, -half), (tip, half)], [(tip, half), (0, half)]], 24)
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle), 0 * angle], axis=1)
    corners = np.concatenate([circle * radius - (0, 0, half), circle[::4] * tip + (0, 0, half)])
    grasp = Grasp((0.0, 0.0, 0.018 - half), turns=0)
    return Shape(mesh, (hull_piece(corners),), size[1], radius, grasp=grasp)


@kind("half_cylinder", {"radius": 0.027, "length": 0.048}, noun=Noun("arch", ("dome", "hump")), smooth=True)
def half_cylinder(size: Size) -> Shape:
    """Half of a lying cylinder with its axis along x, flat side down, taken at its two flat ends."""
    radius, x = size[0], size[1] / 2
    angle = np.linspace(0, np.pi, 13)
    arc = np.stack([radius * np.cos(angle), radius * np.sin(angle) - radius / 2], axis=1)  # y and z
    ends = [np.c_[np.full(len(arc), -x), arc][::-1], np.c_[np.full(len(arc), x), arc]]
    pairs = zip(arc, np.roll(arc, -1, axis=0), strict=True)
    strips = [np.array([[-x, *a], [-x, *b], [x, *b], [x, *a]]) for a, b in pairs]
    mesh = polygons([*ends, *strips])
    normals = mesh.normals.astype(np.float64)
    round_side = slice(2 * len(arc), 2 * len(arc) + 4 * (len(arc) - 1))  # the last strip is the flat side
    axis = np.array([0, 0, -radius / 2])
    normals[round_side] = (mesh.vertices[round_side] - axis) * (0, 1, 1) / radius
    mesh = mesh_of(mesh.vertices, mesh.faces, normals, mesh.uvs)
    grasp = Grasp(yaw=np.pi / 2)
    return Shape(mesh, (hull_piece(np.concatenate(ends)),), radius, float(np.hypot(radius, x)), grasp=grasp)

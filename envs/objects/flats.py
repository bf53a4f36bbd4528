"""Flat solid shapes: star, ring, L and T."""

from __future__ import annotations

import numpy as np

from envs.objects import Grasp, Noun, Shape, Size, kind
from envs.objects.files import prism_piece
from envs.objects.meshes import lathe, prism
from envs.objects.strokes import Glyph, glyph_shape
from envs.objects.walls import round_wall

POINTS = 5
NOTCH = 0.5  # radius of a star's notches, as a share of that of its tips
BLUNT = 0.05  # half the width of a tip, as a share of the radius
ELL = Glyph(("0,4 0,0 3,0",), grasp=(0.0, 2.4, 90.0), stroke=1.6)
TEE = Glyph(("0,4 4,4", "2,4 2,0"), grasp=(2.0, 1.8, 90.0), stroke=1.6)


@kind("star", {"radius": 0.031, "height": 0.024}, noun=Noun("star", ("asterisk", "pentagram")))
def star(size: Size) -> Shape:
    """A star of five points, one of which looks along x; taken at two opposite points."""
    tiles = []
    turn = np.pi / POINTS
    for i in range(POINTS):
        angle = 2 * turn * i
        ahead, aside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        notch = NOTCH * np.array([np.cos(turn), np.sin(turn)])
        near, far = notch[0] * ahead, notch[1] * aside
        tile = [0 * ahead, near - far, ahead - BLUNT * aside, ahead + BLUNT * aside, near + far]
        tiles.append(size[0] * np.array(tile))
    corners = np.concatenate(tiles)
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2
    tiles = [tile - middle for tile in tiles]
    pieces = tuple(prism_piece(tile, size[1]) for tile in tiles)
    reach = float(np.linalg.norm(corners - middle, axis=1).max())
    grasp = Grasp((float(size[0] * np.cos(2 * turn) - middle[0]), 0.0, 0.0))
    return Shape(prism(tiles, size[1]), pieces, size[1], reach, grasp=grasp)


@kind("ring", {"radius": 0.029, "height": 0.022}, noun=Noun("ring", ("hoop", "donut")), smooth=True)
def ring(size: Size) -> Shape:
    """A flat ring, a third of its radius thick, taken from outside."""
    radius, half = size[0], size[1] / 2
    hole = radius * 2 / 3
    strips = [
        [(hole, -half), (radius, -half)],
        [(radius, -half), (radius, half)],
        [(radius, half), (hole, half)],
        [(hole, half), (hole, -half)],
    ]
    return Shape(lathe(strips, 24), round_wall(radius, radius - hole, -half, half, feet=4), size[1], radius)


@kind("l_shape", {"length": 0.06, "height": 0.025}, noun=Noun("l shape", ("angle", "corner")))
def l_shape(size: Size) -> Shape:
    """Two arms at a right angle."""
    return glyph_shape(ELL, size[0], size[1])


@kind("t_shape", {"length": 0.06, "height": 0.025}, noun=Noun("t shape", ("tee", "crossbar")))
def t_shape(size: Size) -> Shape:
    """A bar with a stem."""
    return glyph_shape(TEE, size[0], size[1])

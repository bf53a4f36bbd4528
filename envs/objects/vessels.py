"""Round hollow things that a gripper can take: cup, mug, cover; and a bottle, which is solid."""

from __future__ import annotations

import numpy as np

from envs.objects import Grasp, Noun, Piece, Shape, Size, kind
from envs.objects.meshes import joined, lathe, moved, prism, stroke
from envs.objects.walls import round_wall

SEGMENTS = 24
WALL = 0.0035  # metres
FLOOR = 0.004
WIDE = 0.062  # metres: what is wider is taken at its rim, not around its body
KNOB_RADIUS, KNOB_HEIGHT = 0.011, 0.026
HANDLE_REACH, HANDLE_THICKNESS = 0.022, 0.008
UPRIGHT = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # turns the plane xy into xz


@kind(
    "cup",
    {"radius": 0.03, "height": 0.065},
    noun=Noun("cup", ("beaker", "tumbler"), "into"),
    smooth=True,
    container=True,
)
def cup(size: Size) -> Shape:
    """An upright open cup; rolled by pi it stands on its rim and covers what is under it."""
    mesh = lathe(_open_profile(size), SEGMENTS)
    return Shape(mesh, _open_pieces(size), size[1], size[0], FLOOR, size[0] - WALL, _grasp(size))


@kind(
    "mug",
    {"radius": 0.03, "height": 0.065},
    noun=Noun("mug", ("stein", "tankard"), "into"),
    mass=0.08,
    smooth=True,
    container=True,
)
def mug(size: Size) -> Shape:
    """A cup with a handle at +x. The middle of its opening, not of its bounding box, is at the origin."""
    radius, height = size
    reach, arm = radius + HANDLE_REACH, 0.28 * height
    inside = radius - WALL / 2  # the handle's ends are hidden in the wall
    line = np.array([[inside, -arm], [reach - 0.007, -arm], [reach, 0.007 - arm], [reach, arm - 0.007]])
    line = np.concatenate([line, [[reach - 0.007, arm], [inside, arm]]])
    handle = moved(prism(stroke(line, HANDLE_THICKNESS), 1.4 * HANDLE_THICKNESS), UPRIGHT)
    mesh = joined([lathe(_open_profile(size), SEGMENTS), handle])
    half, width = HANDLE_THICKNESS / 2, 0.7 * HANDLE_THICKNESS
    middle, along = (reach + radius) / 2, (reach - radius) / 2
    arms = [Piece("box", (along, width, half), (middle, 0.0, z)) for z in (-arm, arm)]
    grip = Piece("box", (half, width, arm), (reach, 0.0, 0.0))
    shape = (*_open_pieces(size), grip, *arms)
    return Shape(mesh, shape, height, float(np.hypot(reach + half, width)), FLOOR, radius - WALL, _grasp(size, turns=2))


@kind(
    "cover",
    {"radius": 0.042, "height": 0.08},
    noun=Noun("cover", ("lid", "hood")),
    mass=0.06,
    smooth=True,
)
def cover(size: Size) -> Shape:
    """An upside-down cup with a knob: what is lower than `height - 0.03` and fits inside can be hidden under it."""
    radius, half = size[0], size[1] / 2
    inner, top = radius - WALL, half - KNOB_HEIGHT
    ceiling, bevel = top - FLOOR, 0.006
    strips = [
        [(0, ceiling), (inner, ceiling)],
        [(inner, ceiling), (inner, -half)],
        [(inner, -half), (radius, -half)],
        [(radius, -half), (radius, top - bevel)],
        [(radius, top - bevel), (radius - bevel, top)],
        [(radius - bevel, top), (KNOB_RADIUS, top)],
        [(KNOB_RADIUS, top), (KNOB_RADIUS, half)],
        [(KNOB_RADIUS, half), (0, half)],
    ]
    lid = Piece("cylinder", (radius - bevel / 2, FLOOR), (0.0, 0.0, top - FLOOR / 2))
    knob = Piece("cylinder", (KNOB_RADIUS, KNOB_HEIGHT), (0.0, 0.0, half - KNOB_HEIGHT / 2))
    wall = round_wall(radius, WALL, -half, ceiling, feet=4)
    grasp = Grasp((0.0, 0.0, half - 0.012), turns=0)
    return Shape(lathe(strips, SEGMENTS), (lid, knob, *wall), size[1], radius, grasp=grasp)


@kind(
    "bottle",
    {"radius": 0.024, "height": 0.105},
    noun=Noun("bottle", ("flask", "carafe")),
    mass=0.08,
    smooth=True,
    rolling_friction=0.0005,
)
def bottle(size: Size) -> Shape:
    """A closed bottle, taken by its neck."""
    radius, half = size[0], size[1] / 2
    neck, shoulder, throat = 0.5 * radius, 0.1 * size[1], 0.22 * size[1]
    strips = [
        [(0, -half), (radius, -half)],
        [(radius, -half), (radius, shoulder)],
        [(radius, shoulder), (neck, throat)],
        [(neck, throat), (neck, half)],
        [(neck, half), (0, half)],
    ]
    body = Piece("cylinder", (radius, half + shoulder), (0.0, 0.0, (shoulder - half) / 2))
    top = Piece("cylinder", (neck, half - shoulder), (0.0, 0.0, (shoulder + half) / 2))
    grasp = Grasp((0.0, 0.0, (throat + half) / 2), turns=0)
    return Shape(lathe(strips, SEGMENTS), (body, top), size[1], radius, grasp=grasp)


def _open_profile(size: Size) -> list[list[tuple[float, float]]]:
    """Profile strips of a cup: underside, outer wall, rim, inner wall, inner floor."""
    radius, half = size[0], size[1] / 2
    inner, floor = radius - WALL, FLOOR - half
    return [
        [(0, -half), (radius, -half)],
        [(radius, -half), (radius, half)],
        [(radius, half), (inner, half)],
        [(inner, half), (inner, floor)],
        [(inner, floor), (0, floor)],
    ]


def _open_pieces(size: Size) -> tuple[Piece, ...]:
    """A disc for the floor and boxes for the wall, which ends above the table so that the disc carries the cup."""
    half = size[1] / 2
    disc = Piece("cylinder", (size[0], FLOOR), (0.0, 0.0, FLOOR / 2 - half))
    return (disc, *round_wall(size[0], WALL, FLOOR / 2 - half, half))


def _grasp(size: Size, turns: int = 0) -> Grasp:
    """Around the body if the fingers get around it, else at the rim, one finger inside."""
    half = size[1] / 2
    if 2 * size[0] <= WIDE:
        return Grasp((0.0, 0.0, half - 0.03), turns=turns)
    return Grasp((0.0, size[0] - WALL / 2, half - 0.012), turns=2)

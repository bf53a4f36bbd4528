"""Open containers that are round: bowl, plate. Collision is a disc and a ring of boxes, so that things fit inside."""

from __future__ import annotations

import numpy as np

from envs.objects import Grasp, Noun, Piece, Shape, Size, kind
from envs.objects.meshes import lathe
from envs.scene import Quat

WALL_PIECES = 16  # boxes that make up the wall of a bowl: few enough for speed, round enough for a ball
THICKNESS = 0.005
GRIP = 0.012  # metres below the rim of a bowl, where it is taken, one finger inside
HEAVY = 0.4  # kg: enough to stay where it is when a block is dropped into it


@kind(
    "bowl",
    {"radius": 0.075, "height": 0.045},
    noun=Noun("bowl", ("dish", "basin"), "into"),
    mass=HEAVY,
    smooth=True,
    container=True,
)
def bowl(size: Size) -> Shape:
    """An open cone with a flat bottom, taken at its rim."""
    return _dish(size, bottom=0.7 * size[0], opening=size[0] - THICKNESS)


@kind(
    "plate",
    {"radius": 0.08, "height": 0.014},
    noun=Noun("plate", ("platter", "saucer"), "onto"),
    mass=HEAVY,
    smooth=True,
    container=True,
    graspable=False,
)
def plate(size: Size) -> Shape:
    """A flat dish with a shallow rim, too flat to be taken."""
    return _dish(size, bottom=0.8 * size[0], opening=0.8 * size[0])


def _dish(size: Size, bottom: float, opening: float) -> Shape:
    mesh = lathe(_dish_profile(size[0], size[1], bottom, THICKNESS))
    pieces = _dish_pieces(size[0], size[1], bottom, THICKNESS)
    rim = size[0] - THICKNESS / 2 - GRIP * (size[0] - bottom) / size[1]  # where the wall is `GRIP` below its top
    grasp = Grasp((0.0, rim, max(size[1] / 2 - GRIP, 0.0)))
    return Shape(mesh, pieces, size[1], size[0], floor=THICKNESS, opening=opening, grasp=grasp)


def _dish_profile(radius: float, height: float, bottom: float, thickness: float) -> list[list[tuple[float, float]]]:
    """Profile strips of a dish: underside, outer wall, rim, inner wall, inner floor."""
    half, inner = height / 2, thickness - height / 2
    return [
        [(0, -half), (bottom, -half)],
        [(bottom, -half), (radius, half)],
        [(radius, half), (radius - thickness, half)],
        [(radius - thickness, half), (bottom - thickness, inner)],
        [(bottom - thickness, inner), (0, inner)],
    ]


def _dish_pieces(radius: float, height: float, bottom: float, thickness: float) -> tuple[Piece, ...]:
    """A disc for the bottom and `WALL_PIECES` boxes that lean outwards for the wall."""
    half = height / 2
    disc = Piece("cylinder", (bottom, thickness), (0.0, 0.0, thickness / 2 - half))
    lean = float(np.arctan2(radius - bottom, height))
    across = thickness / 2 * float(np.cos(lean))
    foot = thickness / 4  # the wall ends above the table, so that the disc alone carries the dish: a third of the cost
    along = ((height - foot) / 2 - across * float(np.sin(lean))) / float(np.cos(lean))
    middle = (radius + bottom) / 2 - thickness / 2 + foot / 2 * float(np.tan(lean))
    dims = (across, float(radius * np.tan(np.pi / WALL_PIECES)), along)
    walls = []
    for i in range(WALL_PIECES):
        yaw = 2 * np.pi * i / WALL_PIECES
        position = (float(middle * np.cos(yaw)), float(middle * np.sin(yaw)), foot / 2)
        walls.append(Piece("box", dims, position, _yaw_then_lean(yaw, lean)))
    return (disc, *walls)


def _yaw_then_lean(yaw: float, lean: float) -> Quat:
    """Quaternion xyzw of a rotation by `lean` about y followed by `yaw` about z."""
    cy, sy, cl, sl = np.cos(yaw / 2), np.sin(yaw / 2), np.cos(lean / 2), np.sin(lean / 2)
    return (float(-sy * sl), float(cy * sl), float(sy * cl), float(cy * cl))

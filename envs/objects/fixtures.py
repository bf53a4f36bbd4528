"""Furniture with one sliding part: a cabinet with a drawer, a box with a sliding door.

The front is +x. A handle is an upright bar in front of the part: two fingers from above take it from both sides.
"""

from __future__ import annotations

import numpy as np

from envs.objects import Grasp, Noun, Part, Piece, Shape, Size, kind
from envs.objects.built import BODY, GRIP, box, built

WALL = 0.006  # metres
SLIT = 0.0015  # metres between what slides and what stands still
BAR = 0.012  # metres: thickness of a handle
STAND_OFF = 0.036  # metres from the front of the part to the middle of the handle: a finger fits in between
RIM = 0.024  # metres: height of the side walls of a drawer, low so that things can be let go above them


@kind(
    "drawer",
    {"depth": 0.11, "width": 0.13, "height": 0.07},
    noun=Noun("drawer", ("cabinet", "cupboard"), "into"),
    mass=0.0,
    moves=False,
)
def drawer(size: Size) -> Shape:
    """A hollow cabinet, and a drawer that comes out of it by 80 % of its depth."""
    depth, width, height = size
    frame = (
        box((depth, width, WALL), (0.0, 0.0, WALL / 2 - height / 2)),
        box((depth, width, WALL), (0.0, 0.0, height / 2 - WALL / 2)),
        box((WALL, width, height - 2 * WALL), (WALL / 2 - depth / 2, 0.0, 0.0)),
        box((depth - WALL, WALL, height - 2 * WALL), (WALL / 2, WALL / 2 - width / 2, 0.0)),
        box((depth - WALL, WALL, height - 2 * WALL), (WALL / 2, width / 2 - WALL / 2, 0.0)),
    )
    return Shape(
        built(frame, BODY), frame, height, float(np.hypot(depth, width) / 2), part=_drawer_part(depth, width, height)
    )


def _drawer_part(depth: float, width: float, height: float) -> Part:
    """A tray behind a front; the frame's origin is the middle of the front's back."""
    inside = depth - WALL - SLIT
    half = (width - 2 * WALL - 2 * SLIT) / 2
    low = -height / 2 + WALL + SLIT
    front = height - 2 * SLIT
    tray = (
        box((WALL, width, front), (WALL / 2, 0.0, 0.0)),
        box((inside, 2 * half, WALL), (-inside / 2, 0.0, low + WALL / 2)),
        box((inside, WALL, RIM), (-inside / 2, half - WALL / 2, low + RIM / 2)),
        box((inside, WALL, RIM), (-inside / 2, WALL / 2 - half, low + RIM / 2)),
        box((WALL, 2 * half - 2 * WALL, RIM), (WALL / 2 - inside, 0.0, low + RIM / 2)),
    )
    handle = upright_bar(WALL, 0.0, front - 0.014)
    pieces = (*tray, *handle)
    room = ((WALL - inside, WALL - half, low + WALL), (0.0, half - WALL, low + RIM))
    return Part(
        built(pieces, [1.0] * len(tray) + [GRIP] * len(handle)),
        pieces,
        "prismatic",
        (1.0, 0.0, 0.0),
        (depth / 2, 0.0, 0.0),
        0.0,
        0.8 * depth,
        friction=1.5,
        mass=0.15,
        grasp=Grasp((WALL + STAND_OFF, 0.0, 0.004)),
        room=room,
    )


def upright_bar(front: float, y: float, height: float) -> tuple[Piece, ...]:
    """A handle: a bar and the two arms that hold it off the front."""
    arm = STAND_OFF - BAR / 2
    return (
        box((BAR, BAR, height), (front + STAND_OFF, y, 0.0)),
        box((arm, 0.6 * BAR, 0.6 * BAR), (front + arm / 2, y, height / 2 - 0.3 * BAR)),
        box((arm, 0.6 * BAR, 0.6 * BAR), (front + arm / 2, y, 0.3 * BAR - height / 2)),
    )


@kind(
    "sliding_door",
    {"depth": 0.07, "width": 0.18, "height": 0.09},
    noun=Noun("door", ("hatch", "shutter")),
    mass=0.0,
    moves=False,
)
def sliding_door(size: Size) -> Shape:
    """A box whose front is open on its right half (+y), and a door before it that slides to the left.

    Turned upside down (a roll of pi) it is open on its left half, and the door slides to the right.
    """
    depth, width, height = size
    frame = (
        box((depth, width, WALL), (0.0, 0.0, WALL / 2 - height / 2)),
        box((depth, width, WALL), (0.0, 0.0, height / 2 - WALL / 2)),
        box((WALL, width, height - 2 * WALL), (WALL / 2 - depth / 2, 0.0, 0.0)),
        box((depth - WALL, WALL, height - 2 * WALL), (WALL / 2, WALL / 2 - width / 2, 0.0)),
        box((depth - WALL, WALL, height - 2 * WALL), (WALL / 2, width / 2 - WALL / 2, 0.0)),
        box((WALL, width / 2 - WALL, height - 2 * WALL), (depth / 2 - WALL / 2, WALL / 2 - width / 4, 0.0)),
    )
    door = box((WALL, width / 2, height - 2 * SLIT), (WALL / 2 + SLIT, 0.0, 0.0))
    handle = upright_bar(WALL + SLIT, 0.0, height - 0.03)
    pieces = (door, *handle)
    part = Part(
        built(pieces, [1.0] + [GRIP] * len(handle)),
        pieces,
        "prismatic",
        (0.0, -1.0, 0.0),
        (depth / 2, width / 4, 0.0),
        0.0,
        width / 2,
        friction=1.5,
        mass=0.1,
        grasp=Grasp((WALL + SLIT + STAND_OFF, 0.0, 0.0)),
    )
    return Shape(built(frame, BODY), frame, height, float(np.hypot(depth, width) / 2), part=part)

"""Things on a control panel: buttons that spring back, a knob that turns, a lever that tilts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.objects import Grasp, Noun, Part, Piece, Shape, Size, kind
from envs.objects.built import BODY, GRIP, box, built

TRAVEL = 0.012  # metres that a button goes down
SUNK = 0.008  # metres of a button that are in its plate at first
SPRING = 6.0  # N: drives a button back
TURN = 2.0  # radians that a knob turns either way
TILT = 0.6  # radians that a lever tilts either way
MARKS = (-np.pi / 2, -np.pi / 4, 0.0, np.pi / 4, np.pi / 2)  # radians: marks on the plate of a knob


@kind(
    "round_button",
    {"side": 0.07, "radius": 0.02, "height": 0.024},
    noun=Noun("round button", ("round buzzer", "round pushbutton")),
    mass=0.0,
    moves=False,
)
def round_button(size: Size) -> Shape:
    """A plate with a round plunger."""
    side, radius, height = size
    plunger = Piece("cylinder", (radius, TRAVEL + SUNK), (0.0, 0.0, (TRAVEL - SUNK) / 2))
    return _spring_button(side, height, plunger)


@kind(
    "square_button",
    {"side": 0.07, "edge": 0.036, "height": 0.024},
    noun=Noun("square button", ("square buzzer", "square pushbutton")),
    mass=0.0,
    moves=False,
)
def square_button(size: Size) -> Shape:
    """A plate with a square plunger."""
    side, edge, height = size
    return _spring_button(side, height, box((edge, edge, TRAVEL + SUNK), (0.0, 0.0, (TRAVEL - SUNK) / 2)))


@kind(
    "long_button",
    {"side": 0.07, "width": 0.022, "height": 0.024},
    noun=Noun("long button", ("long buzzer", "long pushbutton")),
    mass=0.0,
    moves=False,
)
def long_button(size: Size) -> Shape:
    """A plate with a long, narrow plunger."""
    side, width, height = size
    bar = box((width, 0.8 * side, TRAVEL + SUNK), (0.0, 0.0, (TRAVEL - SUNK) / 2))
    return _spring_button(side, height, bar)


def _spring_button(side: float, height: float, plunger: Piece) -> Shape:
    plate = (box((side, side, height)),)
    top = height / 2
    pieces = (plunger,)
    part = Part(
        built(pieces),
        pieces,
        "prismatic",
        (0.0, 0.0, -1.0),
        (0.0, 0.0, top + 0.002),
        0.0,
        TRAVEL,
        spring=SPRING,
        mass=0.05,
        grasp=Grasp((0.0, 0.0, TRAVEL), turns=0),
    )
    return Shape(built(plate, BODY), plate, height, float(np.hypot(side, side) / 2), part=part)


@kind(
    "knob",
    {"side": 0.085, "radius": 0.028, "height": 0.02},
    noun=Noun("knob", ("dial", "handwheel")),
    mass=0.0,
    moves=False,
)
def knob(size: Size) -> Shape:
    """A plate with marks, and a disc with a fin that turns on it; the light end of the fin points along +x at 0."""
    side, radius, height = size
    plate, disc, fin = box((side, side, height)), 0.012, 0.03
    turning = (
        Piece("cylinder", (radius, disc), (0.0, 0.0, disc / 2)),
        box((2.2 * radius, 0.014, fin), (0.0, 0.0, disc + fin / 2)),
    )
    pointer = box((0.35 * radius, 0.0145, fin + 0.0005), (0.93 * radius, 0.0, disc + fin / 2))
    reach, rise = side / 2 - 0.006, 0.0006  # the marks stand out of the plate that is drawn
    marks = [
        box((0.006, 0.006, rise), (float(reach * np.cos(a)), float(reach * np.sin(a)), (height - rise) / 2))
        for a in MARKS
    ]
    part = Part(
        built((*turning, pointer), [0.85, 1.0, GRIP]),
        turning,
        "revolute",
        (0.0, 0.0, 1.0),
        (0.0, 0.0, height / 2 + 0.001),
        -TURN,
        TURN,
        friction=0.12,
        mass=0.05,
        grasp=Grasp((0.0, 0.0, disc + 0.6 * fin)),
    )
    drawn = box((side, side, height - rise), (0.0, 0.0, -rise / 2))
    mesh = built((drawn, *marks), [BODY] + [0.0] * len(marks))
    return Shape(mesh, (plate,), height, float(np.hypot(side, side) / 2), part=part)


@kind(
    "lever",
    {"depth": 0.06, "width": 0.08, "height": 0.02},
    noun=Noun("lever", ("joystick", "gearshift")),
    mass=0.0,
    moves=False,
)
def lever(size: Size) -> Shape:
    """A plate with an upright stick that tilts to the right (+y, positive) and to the left; at its end is a ball.

    Fingers that close along y hold the ball, which turns between them where a bar would be held fast.
    """
    depth, width, height = size
    cheeks = [box((0.012, 0.05, 0.012), (sign * 0.016, 0.0, height / 2 + 0.006)) for sign in (-1, 1)]
    plate = box((depth, width, height))
    length, thick, ball = 0.075, 0.01, 0.012
    stick = (box((thick, thick, length), (0.0, 0.0, length / 2)), Piece("sphere", (ball,), (0.0, 0.0, length)))
    part = Part(
        built(stick, [GRIP, 1.0]),
        stick,
        "revolute",
        (-1.0, 0.0, 0.0),
        (0.0, 0.0, height / 2 + 0.004),
        -TILT,
        TILT,
        friction=0.22,
        mass=0.3,  # with a tenth of it, the fingers' motors press through the ball
        grasp=Grasp((0.0, 0.0, length)),
    )
    drop = -0.006  # the cheeks stand out of the plate: the frame's origin is the middle of both
    shifted = [replace(piece, position=(*piece.position[:2], piece.position[2] + drop)) for piece in (plate, *cheeks)]
    moved = replace(part, origin=(0.0, 0.0, part.origin[2] + drop))
    whole = height + 0.012
    return Shape(built(shifted, BODY), tuple(shifted), whole, float(np.hypot(depth, width) / 2), part=moved)

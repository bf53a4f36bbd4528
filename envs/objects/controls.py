"""Things on a control panel: buttons that spring back, a knob that turns, a lever that tilts."""

from __future__ import annotations

import numpy as np

from envs.objects import Grasp, Noun, Part, Piece, Shape, Size, kind
from envs.objects.built import BODY, GRIP, box, built

TRAVEL = 0.012  # metres that a button goes down
SUNK = 0.008  # metres of a button that are in its plate at first
SPRING = 6.0  # N: drives a button back
TURN = 2.0  # radians that a knob turns either way
TILT = 0.6  # radians that a lever tilts up and down
MARKS = (-np.pi / 2, -np.pi / 4, 0.0, np.pi / 4, np.pi / 2)  # radians: marks on the plate of a knob


@kind(
    "button",
    {"side": 0.07, "radius": 0.02, "height": 0.024},
    noun=Noun("button", ("buzzer", "pushbutton")),
    mass=0.0,
    moves=False,
)
def button(size: Size) -> Shape:
    """A plate with a round plunger."""
    side, radius, height = size
    plunger = Piece("cylinder", (radius, TRAVEL + SUNK), (0.0, 0.0, (TRAVEL - SUNK) / 2))
    return _spring_button(side, height, plunger)


@kind(
    "key",
    {"side": 0.07, "edge": 0.036, "height": 0.024},
    noun=Noun("key", ("switch", "toggle")),
    mass=0.0,
    moves=False,
)
def key(size: Size) -> Shape:
    """A plate with a square plunger, as on a keyboard."""
    side, edge, height = size
    return _spring_button(side, height, box((edge, edge, TRAVEL + SUNK), (0.0, 0.0, (TRAVEL - SUNK) / 2)))


@kind(
    "pedal",
    {"side": 0.07, "width": 0.022, "height": 0.024},
    noun=Noun("pedal", ("treadle", "lath")),
    mass=0.0,
    moves=False,
)
def pedal(size: Size) -> Shape:
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
    {"depth": 0.045, "width": 0.06, "height": 0.075},
    noun=Noun("lever", ("handle", "crank")),
    mass=0.0,
    moves=False,
)
def lever(size: Size) -> Shape:
    """A post with a stick that points to the front (+x) and tilts up (positive) and down; at its end is a ball."""
    depth, width, height = size
    post = (box((depth, width, height)),)
    length, thick, ball = 0.058, 0.01, 0.0115
    stick = (
        box((length, thick, thick), (length / 2, 0.0, 0.0)),
        Piece("sphere", (ball,), (length, 0.0, 0.0)),  # turns between the fingers where a bar would be held fast
    )
    part = Part(
        built(stick, [1.0, GRIP]),
        stick,
        "revolute",
        (0.0, -1.0, 0.0),
        (depth / 2, 0.0, 0.16 * height),
        -TILT,
        TILT,
        friction=0.04,
        mass=0.03,
        grasp=Grasp((length, 0.0, 0.0)),
    )
    return Shape(built(post, BODY), post, height, float(np.hypot(depth, width) / 2), part=part)

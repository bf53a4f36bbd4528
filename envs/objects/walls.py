"""Collision pieces of hollow things: walls made of boxes, so that what is inside stays inside. Knows no kind."""

from __future__ import annotations

import numpy as np

from envs.objects import Piece
from envs.scene import Quat

SIDES = 12  # boxes around a cup: round enough for fingers and balls, few enough for speed


def round_wall(radius: float, thickness: float, low: float, high: float, feet: int = SIDES) -> tuple[Piece, ...]:
    """An upright round wall of `SIDES` boxes around z.

    Args:
        radius: Outer radius, metres; the corners of the boxes stick out by 3 % at most.
        thickness: Metres; the inner sides of the boxes touch each other.
        low: Where it begins, metres.
        high: Where it ends.
        feet: How many boxes reach down to `low`; the others end half a millimetre above it, which saves contacts.
    """
    half_side = (radius - thickness) * float(np.tan(np.pi / SIDES))
    middle = radius - thickness / 2
    pieces = []
    for i in range(SIDES):
        yaw = 2 * np.pi * i / SIDES
        bottom = low if i % (SIDES // feet) == 0 else low + 0.0005
        dims = (thickness / 2, half_side, (high - bottom) / 2)
        position = (float(middle * np.cos(yaw)), float(middle * np.sin(yaw)), (high + bottom) / 2)
        pieces.append(Piece("box", dims, position, about_z(float(yaw))))
    return tuple(pieces)


def about_z(yaw: float) -> Quat:
    """Quaternion xyzw of a rotation by `yaw` radians about z."""
    return (0.0, 0.0, float(np.sin(yaw / 2)), float(np.cos(yaw / 2)))

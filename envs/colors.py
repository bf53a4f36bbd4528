"""Colour arithmetic: sRGB to and from CIELAB, so that a change of colour has a unit that the eye would agree with."""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from envs.scene import RGB

Float64 = NDArray[np.float64]

_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
_WHITE = _TO_XYZ @ np.ones(3)  # D65
_FROM_XYZ = np.linalg.inv(_TO_XYZ)


@lru_cache(maxsize=4096)
def to_lab(rgb: RGB) -> Float64:
    """Convert sRGB in [0, 1] to CIELAB (L, a, b), (3,), white point D65; read-only, for the same few are asked for."""
    value = np.asarray(rgb, np.float64)
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    ratio = (_TO_XYZ @ linear) / _WHITE
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    lab = np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
    lab.setflags(write=False)
    return lab


def from_lab(lab: Float64) -> Float64:
    """Convert CIELAB (3,) to sRGB (3,); outside of [0, 1] where the colour cannot be shown."""
    f1 = (lab[0] + 16) / 116
    f = np.array([f1 + lab[1] / 500, f1, f1 - lab[2] / 200])
    ratio = np.where(f**3 > 216 / 24389, f**3, (116 * f - 16) * 27 / 24389)
    linear = _FROM_XYZ @ (ratio * _WHITE)
    curve = 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055
    value: Float64 = np.where(linear <= 0.0031308, 12.92 * linear, curve)
    return value


def difference(a: RGB, b: RGB) -> float:
    """CIE 1976 colour difference (Delta E): about 2 is just noticeable, 100 is black to white."""
    return float(np.linalg.norm(to_lab(a) - to_lab(b)))


def moved(rgb: RGB, by: Float64) -> RGB | None:
    """The colour at a distance `by` (3,) in CIELAB, to 1e-4; None if it cannot be shown."""
    value = from_lab(to_lab(rgb) + by)
    if np.any((value < -1e-6) | (value > 1 + 1e-6)):
        return None
    value = np.clip(value, 0.0, 1.0)
    return round(float(value[0]), 4), round(float(value[1]), 4), round(float(value[2]), 4)


def shifted(
    rgb: RGB, delta_e: float, rng: np.random.Generator, accept: Callable[[RGB], bool] = lambda _: True, tries: int = 500
) -> RGB:
    """A random displayable colour exactly `delta_e` away from `rgb` that `accept` agrees with.

    When there is none in `tries` draws, the distance is shortened by a tenth and so on: saturated colours have few
    neighbours. Never fails, since a distance near 0 gives back the colour itself.
    """
    return shifted_together((rgb,), delta_e, rng, lambda new: accept(new[0]), tries)[0]


def shifted_together(
    rgbs: Sequence[RGB],
    delta_e: float,
    rng: np.random.Generator,
    accept: Callable[[tuple[RGB, ...]], bool] = lambda _: True,
    tries: int = 500,
) -> tuple[RGB, ...]:
    """Colours that all moved by the same `delta_e` in the same random direction; as `shifted` otherwise."""
    distance = delta_e
    while distance > 0.5:
        for _ in range(tries):
            direction = rng.normal(size=3)
            new = [moved(rgb, distance * direction / np.linalg.norm(direction)) for rgb in rgbs]
            found = tuple(rgb for rgb in new if rgb is not None)
            if len(found) == len(rgbs) and accept(found):
                return found
        distance *= 0.9
    return tuple(rgbs)


def apart(
    middle: RGB,
    delta_e: float,
    rng: np.random.Generator,
    accept: Callable[[RGB], bool] = lambda _: True,
    shares: Sequence[float] = (0.5,),
    tries: int = 500,
) -> tuple[RGB, RGB]:
    """Two displayable colours `delta_e` from each other on a line through `middle`; as `shifted` otherwise.

    Lines along lightness are more likely than others: patterns are seen by it.

    The first lies back from `middle` by one of the `shares` of the way, so that by default both are as far from it.
    """
    distance = delta_e
    while distance > 0.5:
        for _ in range(tries):
            direction, split = rng.normal(size=3) * (2.0, 1.0, 1.0), shares[int(rng.integers(len(shares)))]
            way = distance * direction / np.linalg.norm(direction)
            one, other = moved(middle, -split * way), moved(middle, (1.0 - split) * way)
            if one is not None and other is not None and accept(one) and accept(other):
                return one, other
        distance *= 0.9
    return middle, middle


def hue_between(a: RGB, b: RGB) -> float:
    """Difference of two hues as the colour circle of screens has them, degrees from 0 to 180."""
    turn = abs(colorsys.rgb_to_hsv(*a)[0] - colorsys.rgb_to_hsv(*b)[0])
    return 360.0 * min(turn, 1.0 - turn)

"""Compiled shadows: how much sunlight arrives at a pixel, by comparing it with the shadow map.

Hard edges are one interpolated comparison; soft ones the mean of TAPS x TAPS of them over the width of the edge, each
against the plane through the pixel, so that a surface does not shade itself.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit
from numpy.typing import NDArray

from envs.renderer.kernels import TILE
from envs.renderer.texturing import BLOCK, NX, NY, NZ, OPTIONS, SUN, SW, SX, SY, F, U

Array = NDArray[Any]
_ZERO, _HALF, _ONE = F(0.0), F(0.5), F(1.0)
TAPS = 9  # along the side of the square of comparisons of a soft shadow
FLATTEST = 0.2  # cosine below which a surface counts as no more slanted to the light, for the plane through a pixel


@njit(**OPTIONS)
def apply_shadow(
    shadow: Array, tiles: Array, matrix: Array, bias: Array, sun: Array, count: int, scratch: Array
) -> None:
    """Take away the sunlight that does not arrive at the pixels of a chunk; outside the map all arrives.

    Map, tiles, matrix and bias are as `shading.shade` says; `sun` is the direction to the light.
    """
    radius, margin = bias[2], bias[3]
    for begin in range(0, count, BLOCK):
        end = min(begin + BLOCK, count)
        if begin + BLOCK > count or _maybe_shadowed(shadow, tiles, radius, margin, begin, scratch):
            if radius > _ZERO:
                _compare_softly(shadow, matrix, radius, sun, begin, end, scratch)
            else:
                _compare(shadow, begin, end, scratch)


@njit(**OPTIONS)
def _maybe_shadowed(shadow: Array, tiles: Array, radius: Any, margin: Any, begin: int, scratch: Array) -> bool:
    """Whether the tiles under BLOCK pixels hold anything that is nearer to the light than one of these pixels."""
    low_x, high_x, low_y, high_y = F(1e9), F(-1e9), F(1e9), F(-1e9)
    low_w, sun = F(1e9), _ZERO
    for q in range(U(BLOCK)):
        i = U(begin) + q
        x, y = scratch[SX + i], scratch[SY + i]
        low_x, high_x = min(low_x, x), max(high_x, x)
        low_y, high_y = min(low_y, y), max(high_y, y)
        low_w, sun = min(low_w, scratch[SW + i]), max(sun, scratch[SUN + i])
    if sun <= _ZERO:
        return False
    shaded: bool = holds_caster(
        shadow, tiles, low_x - radius, high_x + radius, low_y - radius, high_y + radius, low_w - margin
    )
    return shaded


@njit(**OPTIONS)
def holds_caster(shadow: Array, tiles: Array, low_x: Any, high_x: Any, low_y: Any, high_y: Any, low_w: Any) -> bool:
    """Whether the tiles under a rectangle of the map hold anything that is nearer to the light than `low_w`."""
    limit_x, limit_y = F(shadow.shape[1]) - _HALF, F(shadow.shape[0]) - _HALF
    if high_x < _HALF or high_y < _HALF or low_x >= limit_x or low_y >= limit_y:
        return False
    last = tiles.shape[0] - 1
    left, top = int(max(low_x - _HALF, _ZERO)) // TILE, int(max(low_y - _HALF, _ZERO)) // TILE
    right, bottom = (
        min(int(min(high_x, limit_x) + _HALF) // TILE, last),
        min(int(min(high_y, limit_y) + _HALF) // TILE, last),
    )
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            if tiles[row, column] > low_w:
                return True
    return False


@njit(inline="always", **OPTIONS)
def _lit(shadow: Array, x: Any, y: Any, w: Any, last_x: Any, last_y: Any) -> Any:
    """Share of the light that arrives at w at a place of the map: 2 x 2 comparisons, interpolated."""
    if not (x >= _ZERO and y >= _ZERO and x < last_x and y < last_y):
        return _ONE
    column, row = U(x), U(y)
    au, av = x - F(column), y - F(row)
    s00 = _ONE if shadow[row, column] <= w else _ZERO
    s01 = _ONE if shadow[row, column + U(1)] <= w else _ZERO
    s10 = _ONE if shadow[row + U(1), column] <= w else _ZERO
    s11 = _ONE if shadow[row + U(1), column + U(1)] <= w else _ZERO
    low = s00 + (s01 - s00) * au
    return low + (s10 + (s11 - s10) * au - low) * av


@njit(**OPTIONS)
def _compare(shadow: Array, first: int, end: int, scratch: Array) -> None:
    """Sunlight of pixels `first:end`, hard edges."""
    last_x, last_y = F(shadow.shape[1] - 1), F(shadow.shape[0] - 1)
    for i in range(U(first), U(end)):
        if scratch[SUN + i] > _ZERO:
            scratch[SUN + i] *= _lit(
                shadow, scratch[SX + i] - _HALF, scratch[SY + i] - _HALF, scratch[SW + i], last_x, last_y
            )


@njit(**OPTIONS)
def _compare_softly(
    shadow: Array, matrix: Array, radius: Any, sun: Array, first: int, end: int, scratch: Array
) -> None:
    """Sunlight of pixels `first:end`, edges 2 `radius` texels wide."""
    last_x, last_y = F(shadow.shape[1] - 1), F(shadow.shape[0] - 1)
    square = matrix[0, 0] * matrix[0, 0] + matrix[0, 1] * matrix[0, 1] + matrix[0, 2] * matrix[0, 2]
    step = F(2.0) * radius / F(TAPS - 1)
    for i in range(U(first), U(end)):
        if scratch[SUN + i] <= _ZERO:
            continue
        nx, ny, nz = scratch[NX + i], scratch[NY + i], scratch[NZ + i]
        length = math.sqrt(nx * nx + ny * ny + nz * nz)
        towards = max(nx * sun[0] + ny * sun[1] + nz * sun[2], F(FLATTEST) * length) * square
        slope_x = -(nx * matrix[0, 0] + ny * matrix[0, 1] + nz * matrix[0, 2]) / towards  # metres of w a texel
        slope_y = -(nx * matrix[1, 0] + ny * matrix[1, 1] + nz * matrix[1, 2]) / towards
        x, y, w = scratch[SX + i] - _HALF, scratch[SY + i] - _HALF, scratch[SW + i]
        arrives = _ZERO
        for row in range(TAPS):
            dy = F(row) * step - radius
            for column in range(TAPS):
                dx = F(column) * step - radius
                arrives += _lit(shadow, x + dx, y + dy, w + slope_x * dx + slope_y * dy, last_x, last_y)
        scratch[SUN + i] *= arrives / F(TAPS * TAPS)

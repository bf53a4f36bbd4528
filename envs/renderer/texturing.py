"""Compiled texture look-up: the colour of a run of pixels of one face, before light.

A texel is four bytes, its own value and those of its right, lower and lower right neighbour (see `textures`), so that
an interpolated value is one load. It is done in stretches of one mip level and in three passes: where to look, the
look-up, interpolation; only the second cannot use vector instructions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.renderer.pack import CHANNELS, COLOR, LOG2_SIZE, REPEATS, RGB, RGB_STEP, SHIFT, TEXEL

Array = NDArray[Any]
F, U, I32, U32 = np.float32, np.uintp, np.int32, np.uint32
OPTIONS: dict[str, Any] = {
    "nogil": True, "cache": True, "boundscheck": False, "error_model": "numpy", "fastmath": True
}  # fmt: skip
# A row is worked off in chunks of CHUNK pixels; quantity q of pixel i of a chunk is scratch[q * WIDTH + i].
CHUNK = 512
BLOCK = 16  # pixels of a run that are worked on together, one vector; what lies behind its end is overwritten later
WIDTH = CHUNK + BLOCK
QUANTITIES = 15
# Indices are unsigned: then the compiler needs no check for negative ones, and can use vector instructions.
Z, NX, NY, NZ, SUN, LAMP, SKYLIGHT, SX, SY, SW, RED, GREEN, BLUE, AU, AV = (U(q * WIDTH) for q in range(QUANTITIES))
SCRATCH = QUANTITIES * WIDTH
_HALF, _BYTE = F(0.5), F(255.0)
_FOOTPRINT = F(1.5)  # side of what a pixel shows, as a multiple of a pixel's side at that distance: usual slant
_SHARP = F(1.4)  # texels that it may span before the next smaller mip level is taken


@njit(inline="always", **OPTIONS)
def paint_plain(
    ints: Array, floats: Array, k: int, attributes: Array, face: int, first: int, end: int, scratch: Array
) -> None:
    """Fill RED, GREEN, BLUE (0 to 255) of pixels `first:end` with the colour of a face without a texture."""
    cr = floats[k, RGB] * attributes[face, COLOR] * _BYTE
    cg = floats[k, RGB + 1] * attributes[face, COLOR + 1] * _BYTE
    cb = floats[k, RGB + 2] * attributes[face, COLOR + 2] * _BYTE
    for block in range(U(first), U(end), U(BLOCK)):
        for q in range(U(BLOCK)):
            i = block + q
            scratch[RED + i] = cr
            scratch[GREEN + i] = cg
            scratch[BLUE + i] = cb


@njit(**OPTIONS)
def paint_textured(
    ints: Array, floats: Array, k: int, attributes: Array, face: int, texels: Array, table: Array, row: int,
    pixel: Any, start: int, j: int, first: int, end: int, scratch: Array, indices: Array,
) -> None:  # fmt: skip
    """Fill RED, GREEN, BLUE (0 to 255) of pixels `first:end` of the chunk that starts at column `start` of row `j`.

    Row `row` of `table` says the face's uv as functions of pixel and depth; `pixel` is the side of a pixel at 1 m.
    `indices` (WIDTH,) uint32 is scratch; Z is read, AU and AV are overwritten.
    """
    tr, tg, tb = (
        attributes[face, COLOR] * _BYTE,
        attributes[face, COLOR + 1] * _BYTE,
        attributes[face, COLOR + 2] * _BYTE,
    )
    log2_size, base = ints[k, LOG2_SIZE], ints[k, TEXEL]
    footprint = pixel * floats[k, REPEATS] * F(1 << log2_size) * _FOOTPRINT  # texels, at 1 m
    begin = first
    while begin < end:
        level, stop = _stretch(footprint, log2_size, begin, end, scratch)
        _locate(floats, k, table, row, log2_size - level, start, j, begin, stop, scratch, indices)
        if ints[k, CHANNELS] == 1:
            _blend(floats, k, texels, base + _offset(log2_size, level), tr, tg, tb, begin, stop, scratch, indices)
        else:
            whole = _offset(log2_size, log2_size + 1)  # one plane: all its mip levels
            plane = base + _offset(log2_size, level)
            _sample(texels, plane, tr, RED, begin, stop, scratch, indices)
            _sample(texels, plane + whole, tg, GREEN, begin, stop, scratch, indices)
            _sample(texels, plane + 2 * whole, tb, BLUE, begin, stop, scratch, indices)
        begin = stop


@njit(inline="always", **OPTIONS)
def _offset(log2_size: int, level: int) -> int:
    """Texels before a mip level, largest level first."""
    return ((1 << (2 * log2_size + 2)) - (1 << (2 * (log2_size - level) + 2))) // 3


@njit(inline="always", **OPTIONS)
def _stretch(footprint: Any, log2_size: int, begin: int, end: int, scratch: Array) -> Any:
    """Mip level of pixel `begin`, and the end of the pixels that have the same; depth is monotone along a run."""
    nearest = scratch[Z + U(begin)]
    level, span = 0, footprint * nearest
    while span > _SHARP and level < log2_size:
        span *= _HALF
        level += 1
    low = _SHARP * F(1 << level) * _HALF / footprint if level > 0 else F(0.0)
    high = _SHARP * F(1 << level) / footprint if level < log2_size else F(1e30)
    stop = begin + 1
    for step in (64, 16, 4, 1):
        while stop + step <= end and low < scratch[Z + U(stop + step - 1)] <= high:
            stop += step
    return level, stop


@njit(inline="always", **OPTIONS)
def _locate(
    floats: Array, k: int, table: Array, row: int, log2_side: int, start: int, j: int, first: int, end: int,
    scratch: Array, indices: Array,
) -> None:  # fmt: skip
    """Index of each pixel's texel in its level, and how far the pixel is from it: AU, AV in [0, 1)."""
    y = F(j) + _HALF
    side = F(1 << log2_side)
    scale, mask, shift = floats[k, REPEATS] * side, I32((1 << log2_side) - 1), I32(log2_side)
    u_e, u_x, u_a = (
        table[row, 12] * scale + floats[k, SHIFT] * side - _HALF,
        table[row, 14] * scale,
        (table[row, 13] + y * table[row, 15]) * scale,
    )
    v_e, v_x, v_a = (
        table[row, 16] * scale + floats[k, SHIFT + 1] * side - _HALF,
        table[row, 18] * scale,
        (table[row, 17] + y * table[row, 19]) * scale,
    )
    for i in range(U(first), U(end)):
        x, z = F(I32(start) + I32(i)) + _HALF, scratch[Z + i]
        u, v = u_e + z * (u_a + x * u_x), v_e + z * (v_a + x * v_x)
        column, line = I32(u), I32(v)  # truncated; one less below zero is the floor
        column -= I32(u < F(column))
        line -= I32(v < F(line))
        scratch[AU + i], scratch[AV + i] = u - F(column), v - F(line)
        indices[i] = U32(((line & mask) << shift) + (column & mask))


@njit(inline="always", **OPTIONS)
def _interpolated(texel: Any, au: Any, av: Any) -> Any:
    """A texel's four bytes, interpolated: 0 to 255."""
    t00, t01 = F(I32(texel & U32(255))), F(I32((texel >> U32(8)) & U32(255)))
    t10, t11 = F(I32((texel >> U32(16)) & U32(255))), F(I32(texel >> U32(24)))
    low = t00 + (t01 - t00) * au
    return low + (t10 + (t11 - t10) * au - low) * av


@njit(inline="always", **OPTIONS)
def _blend(
    floats: Array, k: int, texels: Array, base: int, tr: Any, tg: Any, tb: Any, first: int, end: int, scratch: Array,
    indices: Array,
) -> None:  # fmt: skip
    """Colours of a pattern: its value blends the material's first colour into the second."""
    for i in range(U(first), U(end)):
        indices[i] = texels[U(base) + U(indices[i])]
    unit = F(1.0 / 255.0)
    cr, cg, cb = floats[k, RGB] * tr, floats[k, RGB + 1] * tg, floats[k, RGB + 2] * tb
    er, eg, eb = (
        floats[k, RGB_STEP] * tr * unit,
        floats[k, RGB_STEP + 1] * tg * unit,
        floats[k, RGB_STEP + 2] * tb * unit,
    )
    for i in range(U(first), U(end)):
        value = _interpolated(indices[i], scratch[AU + i], scratch[AV + i])
        scratch[RED + i] = cr + er * value
        scratch[GREEN + i] = cg + eg * value
        scratch[BLUE + i] = cb + eb * value


@njit(inline="always", **OPTIONS)
def _sample(
    texels: Array, base: int, tint: Any, quantity: Any, first: int, end: int, scratch: Array, indices: Array
) -> None:
    """One channel of a picture."""
    factor = tint * F(1.0 / 255.0)
    for i in range(U(first), U(end)):
        texel = texels[U(base) + U(indices[i])]
        scratch[quantity + i] = factor * _interpolated(texel, scratch[AU + i], scratch[AV + i])

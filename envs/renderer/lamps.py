"""Compiled light of the lamps beyond sun, sky and point light, which few scenes have: matt, and without shadows."""

from __future__ import annotations

import math
from typing import Any

from numba import njit
from numpy.typing import NDArray

from envs.renderer.texturing import BLOCK, BLUE, GREEN, I32, NX, NY, NZ, OPTIONS, RED, SW, SX, SY, F, U, Z

Array = NDArray[Any]
FIRST_LAMP = 7  # row of the lights, of which each lamp has two: colour and position
_ZERO, _HALF, _ONE, _TWO = F(0.0), F(0.5), F(1.0), F(2.0)


@njit(**OPTIONS)
def add_lamps(rays: Array, lights: Array, start: int, j: int, count: int, scratch: Array) -> None:
    """Add the light of the lamps to the pixels of a chunk, whose surface colours are in SX, SY and SW.

    Arguments are as `shading.shade` says.
    """
    y = F(j) + _HALF
    ax, ay, az = rays[1, 0] + y * rays[3, 0], rays[1, 1] + y * rays[3, 1], rays[1, 2] + y * rays[3, 2]
    bx, by, bz = rays[2, 0], rays[2, 1], rays[2, 2]
    for row in range(FIRST_LAMP, lights.shape[0], 2):
        red, green, blue = lights[row, 0], lights[row, 1], lights[row, 2]
        ex, ey, ez = lights[row + 1, 0] - rays[0, 0], lights[row + 1, 1] - rays[0, 1], lights[row + 1, 2] - rays[0, 2]
        for block in range(U(0), U(count), U(BLOCK)):  # whole vectors, so that a pixel does not depend on its place
            for q in range(U(BLOCK)):
                i = block + q
                x, z = F(I32(start) + I32(i)) + _HALF, scratch[Z + i]
                nx, ny, nz = scratch[NX + i], scratch[NY + i], scratch[NZ + i]
                lx, ly, lz = ex - z * (ax + x * bx), ey - z * (ay + x * by), ez - z * (az + x * bz)
                square = lx * lx + ly * ly + lz * lz + F(1e-12)
                length = math.sqrt((nx * nx + ny * ny + nz * nz + F(1e-20)) * square)
                lamp = max(nx * lx + ny * ly + nz * lz, _ZERO) * _TWO / (length * (_ONE + square))
                scratch[RED + i] += scratch[SX + i] * lamp * red
                scratch[GREEN + i] += scratch[SY + i] * lamp * green
                scratch[BLUE + i] += scratch[SW + i] * lamp * blue

"""Compiled shading: each visible pixel once, from its depth and face (deferred shading).

A pixel's position follows from its depth; normal and uv are affine functions of it (see `pack`), which are turned into
functions of pixel and depth once per visible face. Rows are worked off in passes over short arrays, so that the
compiler can use vector instructions wherever nothing is looked up. Colours are multiplied by light as sRGB values, as
TinyRenderer does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.renderer.pack import CHANNELS, COLOR, LOG2_SIZE, REPEATS, RGB, RGB_STEP, SEGMENT, SHIFT, TEXEL

Array = NDArray[Any]
F, U, I32 = np.float32, np.uintp, np.int32
_OPTIONS: dict[str, Any] = {
    "nogil": True, "cache": True, "boundscheck": False, "error_model": "numpy", "fastmath": True
}  # fmt: skip
_ZERO, _HALF, _ONE, _TWO, _BYTE = F(0.0), F(0.5), F(1.0), F(2.0), F(255.0)
_SKY = F(0.15)  # how much darker ambient light is from the side than from above; twice that from below
# A row is worked off in chunks of CHUNK pixels; quantity q of pixel i of a chunk is scratch[q * CHUNK + i].
CHUNK = 512
# Indices are unsigned: then the compiler needs no check for negative ones, and can use vector instructions.
_Z, _NX, _NY, _NZ, _SUN, _LAMP, _SKYLIGHT, _SX, _SY, _SW = (U(q * CHUNK) for q in range(10))
SCRATCH = 10 * CHUNK


@njit(**_OPTIONS)
def shade(
    surface: Any, transforms: Array, rays: Array, lights: Array, shadow: Array, shadow_matrix: Array, bias: Array,
    depth: Array, ids: Array, work: Any, out: Any,
) -> None:  # fmt: skip
    """Colour the pixels of one camera.

    Args:
        surface: attributes, face_node, ints, floats, texels of the PackedScene.
        transforms: (K, 12) float32 from `place_nodes`.
        rays: (5, 3) float32: eye, then ray = row 1 + x row 2 + y row 3 of unit depth through pixel (x, y); row 4 holds
            the pixel's size at depth 1 m, and far twice.
        lights: (7, 3) float32: ambient, directional, point, background top, background bottom, direction to the sun,
            position of the point light.
        shadow: (S, S) shadow map, or (1, 1) for none.
        shadow_matrix: (3, 4) float32, world to (column, row, w).
        bias: (2,) float32 metres added to w: always, and times (1 - cosine of the light's angle).
        depth: (H, W) float32 1 / z.
        ids: (H, W) int32 faces, -1 background.
        work: slots (F,) int32, prepared (F + 1, 20) float32, scratch (SCRATCH,) float32, runs (2, CHUNK) int32.
        out: rgb (H, W, 3) uint8, z (H, W) float32, segmentation (H, W) int32: all filled.
    """
    attributes, face_node, ints, floats, texels = surface
    slots, prepared, scratch, runs = work
    rgb, z_out, segmentation = out
    height, width = ids.shape
    slots[:] = 0
    used = 0
    scene = np.empty((6, 4), np.float32)  # shadow map column, row, w and vector to the lamp, of any pixel
    for q in range(3):
        m0, m1, m2, m3 = shadow_matrix[q, 0], shadow_matrix[q, 1], shadow_matrix[q, 2], shadow_matrix[q, 3]
        _screen_affine(rays, m0, m1, m2, m3, scene, q, 0)
        _screen_affine(rays, F(-(q == 0)), F(-(q == 1)), F(-(q == 2)), lights[6, q], scene, 3 + q, 0)
    for j in range(height):
        for start in range(0, width, CHUNK):
            count = min(CHUNK, width - start)
            for i in range(U(count)):
                scratch[_Z + i] = _ONE / depth[U(j), U(start) + i]
            found = _find_runs(ids, j, start, count, runs)
            for r in range(found):
                face = runs[0, r]
                slot = 0  # what a background pixel gets does not matter
                if face >= 0:
                    if slots[face] == 0:
                        used += 1
                        slots[face] = used
                        _prepare_face(attributes, face, transforms, face_node[face], rays, prepared, used)
                    slot = slots[face]
                _normals(prepared, slot, start, j, _first(runs, r), runs[1, r], scratch)
            _light(scene, lights, bias, start, j, count, scratch)
            if shadow.shape[0] > 1:
                _apply_shadow(shadow, count, scratch)
            for r in range(found):
                face, first, end = runs[0, r], _first(runs, r), runs[1, r]
                if face < 0:
                    _background(rays, lights, j, start + first, start + end, rgb, z_out, segmentation)
                    continue
                k, slot = face_node[face], slots[face]
                _texture(ints, floats, k, texels, prepared, slot, rays[4, 0], start, j, first, end, scratch)
                _combine(
                    ints, floats, k, attributes, face, lights, start, j, first, end, scratch, rgb, z_out, segmentation
                )


@njit(inline="always", **_OPTIONS)
def _first(runs: Array, r: int) -> Any:
    return runs[1, r - 1] if r > 0 else 0


@njit(**_OPTIONS)
def _find_runs(ids: Array, j: int, start: int, count: int, runs: Array) -> int:
    """Runs of one face in a chunk: `runs[0]` faces, `runs[1]` ends; returns how many."""
    found = 0
    face = ids[j, start]
    for i in range(U(count)):
        if ids[U(j), U(start) + i] != face:
            runs[0, found], runs[1, found] = face, I32(i)
            found += 1
            face = ids[U(j), U(start) + i]
    runs[0, found], runs[1, found] = face, count
    return found + 1


@njit(inline="always", **_OPTIONS)
def _screen_affine(rays: Array, gx: Any, gy: Any, gz: Any, constant: Any, table: Array, row: int, column: int) -> None:
    """Write e, a, b, c of q = e + z (a + x b + y c) = g . position + constant into `table[row, column:]`."""
    table[row, column] = gx * rays[0, 0] + gy * rays[0, 1] + gz * rays[0, 2] + constant
    for i in range(1, 4):
        table[row, column + i] = gx * rays[i, 0] + gy * rays[i, 1] + gz * rays[i, 2]


@njit(inline="always", **_OPTIONS)
def _prepare_face(attributes: Array, face: int, t: Array, k: int, rays: Array, table: Array, row: int) -> None:
    """Fill `table[row]` (20,): the normal (world) and uv of a face as functions of a pixel's x, y and depth z."""
    for q in range(5):
        base = 4 * q
        gx, gy, gz = attributes[face, base], attributes[face, base + 1], attributes[face, base + 2]
        # Gradient in the world; the node's frame starts at t[k, 9:12].
        wx = t[k, 0] * gx + t[k, 1] * gy + t[k, 2] * gz
        wy = t[k, 3] * gx + t[k, 4] * gy + t[k, 5] * gz
        wz = t[k, 6] * gx + t[k, 7] * gy + t[k, 8] * gz
        constant = attributes[face, base + 3] - (wx * t[k, 9] + wy * t[k, 10] + wz * t[k, 11])
        _screen_affine(rays, wx, wy, wz, constant, table, row, base)
    for i in range(4):  # turn the normal into the world
        nx, ny, nz = table[row, i], table[row, 4 + i], table[row, 8 + i]
        table[row, i] = t[k, 0] * nx + t[k, 1] * ny + t[k, 2] * nz
        table[row, 4 + i] = t[k, 3] * nx + t[k, 4] * ny + t[k, 5] * nz
        table[row, 8 + i] = t[k, 6] * nx + t[k, 7] * ny + t[k, 8] * nz


@njit(inline="always", **_OPTIONS)
def _normals(table: Array, row: int, start: int, j: int, first: int, end: int, scratch: Array) -> None:
    """Normals, not yet of unit length, of pixels `first:end` of a chunk."""
    y = F(j) + _HALF
    nx_e, nx_x, nx_a = table[row, 0], table[row, 2], table[row, 1] + y * table[row, 3]
    ny_e, ny_x, ny_a = table[row, 4], table[row, 6], table[row, 5] + y * table[row, 7]
    nz_e, nz_x, nz_a = table[row, 8], table[row, 10], table[row, 9] + y * table[row, 11]
    for i in range(U(first), U(end)):
        x, z = F(I32(start) + I32(i)) + _HALF, scratch[_Z + i]
        scratch[_NX + i] = nx_e + z * (nx_a + x * nx_x)
        scratch[_NY + i] = ny_e + z * (ny_a + x * ny_x)
        scratch[_NZ + i] = nz_e + z * (nz_a + x * nz_x)


@njit(**_OPTIONS)
def _light(scene: Array, lights: Array, bias: Array, start: int, j: int, count: int, scratch: Array) -> None:
    """Light of each kind that falls on each pixel of a chunk, and where it is in the shadow map."""
    y = F(j) + _HALF
    sx_e, sx_x, sx_a = scene[0, 0], scene[0, 2], scene[0, 1] + y * scene[0, 3]
    sy_e, sy_x, sy_a = scene[1, 0], scene[1, 2], scene[1, 1] + y * scene[1, 3]
    sw_e, sw_x, sw_a = scene[2, 0], scene[2, 2], scene[2, 1] + y * scene[2, 3]
    lx_e, lx_x, lx_a = scene[3, 0], scene[3, 2], scene[3, 1] + y * scene[3, 3]
    ly_e, ly_x, ly_a = scene[4, 0], scene[4, 2], scene[4, 1] + y * scene[4, 3]
    lz_e, lz_x, lz_a = scene[5, 0], scene[5, 2], scene[5, 1] + y * scene[5, 3]
    sun_x, sun_y, sun_z = lights[5, 0], lights[5, 1], lights[5, 2]
    bias_0, bias_1 = bias[0], bias[1]
    for i in range(U(count)):
        x, z = F(I32(start) + I32(i)) + _HALF, scratch[_Z + i]
        nx, ny, nz = scratch[_NX + i], scratch[_NY + i], scratch[_NZ + i]
        scale = _ONE / math.sqrt(nx * nx + ny * ny + nz * nz + F(1e-20))
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        sun = nx * sun_x + ny * sun_y + nz * sun_z
        lx, ly, lz = lx_e + z * (lx_a + x * lx_x), ly_e + z * (ly_a + x * ly_x), lz_e + z * (lz_a + x * lz_x)
        square = lx * lx + ly * ly + lz * lz + F(1e-12)
        scratch[_LAMP + i] = max(nx * lx + ny * ly + nz * lz, _ZERO) * _TWO / (math.sqrt(square) * (_ONE + square))
        scratch[_SUN + i] = max(sun, _ZERO)
        scratch[_SKYLIGHT + i] = _ONE - _SKY + _SKY * nz
        scratch[_SX + i] = sx_e + z * (sx_a + x * sx_x)
        scratch[_SY + i] = sy_e + z * (sy_a + x * sy_x)
        scratch[_SW + i] = sw_e + z * (sw_a + x * sw_x) + bias_0 + bias_1 * (_ONE - sun)


@njit(**_OPTIONS)
def _apply_shadow(shadow: Array, count: int, scratch: Array) -> None:
    """Take away the sunlight that does not arrive: 2 x 2 comparisons, interpolated; outside the map all arrives."""
    limit = F(shadow.shape[0] - 1)
    for i in range(U(count)):
        if scratch[_SUN + i] <= _ZERO:
            continue
        x, y, w = scratch[_SX + i] - _HALF, scratch[_SY + i] - _HALF, scratch[_SW + i]
        if x >= _ZERO and y >= _ZERO and x < limit and y < limit:
            column, row = U(x), U(y)
            au, av = x - F(column), y - F(row)
            s00 = _ONE if shadow[row, column] <= w else _ZERO
            s01 = _ONE if shadow[row, column + U(1)] <= w else _ZERO
            s10 = _ONE if shadow[row + U(1), column] <= w else _ZERO
            s11 = _ONE if shadow[row + U(1), column + U(1)] <= w else _ZERO
            low = s00 + (s01 - s00) * au
            scratch[_SUN + i] *= low + (s10 + (s11 - s10) * au - low) * av


@njit(inline="always", **_OPTIONS)
def _texture(
    ints: Array, floats: Array, k: int, texels: Array, table: Array, row: int, pixel: Any, start: int, j: int,
    first: int, end: int, scratch: Array,
) -> None:  # fmt: skip
    """Look up the texture of pixels `first:end`: the blend in [0, 1] into _NX, or an image's three channels."""
    channels, whole, texel = ints[k, CHANNELS], 1 << ints[k, LOG2_SIZE], ints[k, TEXEL]
    y = F(j) + _HALF
    size = F(whole)
    texels_m = floats[k, REPEATS] * size
    u_e, u_x, u_a = (
        table[row, 12] * texels_m + floats[k, SHIFT] * size,
        table[row, 14] * texels_m,
        (table[row, 13] + y * table[row, 15]) * texels_m,
    )
    v_e, v_x, v_a = (
        table[row, 16] * texels_m + floats[k, SHIFT + 1] * size,
        table[row, 18] * texels_m,
        (table[row, 17] + y * table[row, 19]) * texels_m,
    )
    for i in range(U(first), U(end)):
        if channels == 0:
            scratch[_NX + i] = _ZERO
            continue
        x, z = F(I32(start) + I32(i)) + _HALF, scratch[_Z + i]
        u, v = u_e + z * (u_a + x * u_x), v_e + z * (v_a + x * v_x)
        footprint = z * pixel * texels_m * F(1.5)
        side, base = whole, texel
        while footprint > F(1.4) and side > 1:
            base += side * side * channels
            side >>= 1
            footprint *= _HALF
            u *= _HALF
            v *= _HALF
        if channels == 1:
            scratch[_NX + i] = _bilinear(texels, base, side, 1, u - _HALF, v - _HALF)
        else:
            scratch[_NX + i] = _bilinear(texels, base, side, 3, u - _HALF, v - _HALF)
            scratch[_NY + i] = _bilinear(texels, base + 1, side, 3, u - _HALF, v - _HALF)
            scratch[_NZ + i] = _bilinear(texels, base + 2, side, 3, u - _HALF, v - _HALF)


@njit(inline="always", **_OPTIONS)
def _bilinear(texels: Array, base: int, side: int, stride: int, u: Any, v: Any) -> Any:
    """Interpolated texel of one mip level in [0, 1]; u, v in texels, wrapped (side is a power of two)."""
    c0, r0 = int(u), int(v)  # truncated; one less below zero is the floor
    c0 -= u < F(c0)
    r0 -= v < F(r0)
    au, av = u - F(c0), v - F(r0)
    mask = side - 1
    c0 &= mask
    r0 &= mask
    c1, r1 = (c0 + 1) & mask, (r0 + 1) & mask
    t00 = F(texels[U(base + (r0 * side + c0) * stride)])
    t01 = F(texels[U(base + (r0 * side + c1) * stride)])
    t10 = F(texels[U(base + (r1 * side + c0) * stride)])
    t11 = F(texels[U(base + (r1 * side + c1) * stride)])
    low = t00 + (t01 - t00) * au
    return (low + (t10 + (t11 - t10) * au - low) * av) * F(1.0 / 255.0)


@njit(inline="always", **_OPTIONS)
def _combine(
    ints: Array, floats: Array, k: int, attributes: Array, face: int, lights: Array, start: int, j: int,
    first: int, end: int, scratch: Array, rgb: Array, z_out: Array, segmentation: Array,
) -> None:  # fmt: skip
    """Write pixels `first:end` of a chunk: surface colour times light."""
    segment = ints[k, SEGMENT]
    tr, tg, tb = (
        attributes[face, COLOR] * _BYTE,
        attributes[face, COLOR + 1] * _BYTE,
        attributes[face, COLOR + 2] * _BYTE,
    )
    cr, cg, cb = floats[k, RGB] * tr, floats[k, RGB + 1] * tg, floats[k, RGB + 2] * tb
    er, eg, eb = floats[k, RGB_STEP] * tr, floats[k, RGB_STEP + 1] * tg, floats[k, RGB_STEP + 2] * tb
    green, blue = _NX, _NX
    if ints[k, CHANNELS] == 3:
        cr, cg, cb, er, eg, eb = _ZERO, _ZERO, _ZERO, tr, tg, tb
        green, blue = _NY, _NZ
    ar, ag, ab = lights[0, 0], lights[0, 1], lights[0, 2]
    sr, sg, sb = lights[1, 0], lights[1, 1], lights[1, 2]
    lr, lg, lb = lights[2, 0], lights[2, 1], lights[2, 2]
    for i in range(U(first), U(end)):
        sky, sun, lamp = scratch[_SKYLIGHT + i], scratch[_SUN + i], scratch[_LAMP + i]
        red_light = sky * ar + sun * sr + lamp * lr
        green_light = sky * ag + sun * sg + lamp * lg
        blue_light = sky * ab + sun * sb + lamp * lb
        x = U(start) + i
        rgb[U(j), x, 0] = np.uint8(np.int32(min((cr + er * scratch[_NX + i]) * red_light + _HALF, _BYTE)))
        rgb[U(j), x, 1] = np.uint8(np.int32(min((cg + eg * scratch[green + i]) * green_light + _HALF, _BYTE)))
        rgb[U(j), x, 2] = np.uint8(np.int32(min((cb + eb * scratch[blue + i]) * blue_light + _HALF, _BYTE)))
    for i in range(U(first), U(end)):
        z_out[U(j), U(start) + i] = scratch[_Z + i]
    for i in range(U(first), U(end)):
        segmentation[U(j), U(start) + i] = segment


@njit(inline="always", **_OPTIONS)
def _background(
    rays: Array, lights: Array, j: int, first: int, end: int, rgb: Array, z_out: Array, segmentation: Array
) -> None:
    """Fill pixels `first:end` of row `j` with the gradient, by the elevation of their rays."""
    y = F(j) + _HALF
    for i in range(U(first), U(end)):
        x = F(i) + _HALF
        rx = rays[1, 0] + x * rays[2, 0] + y * rays[3, 0]
        ry = rays[1, 1] + x * rays[2, 1] + y * rays[3, 1]
        rz = rays[1, 2] + x * rays[2, 2] + y * rays[3, 2]
        up = _HALF + _HALF * rz / math.sqrt(rx * rx + ry * ry + rz * rz)
        for c in range(3):
            value = lights[4, c] + (lights[3, c] - lights[4, c]) * up
            rgb[j, i, c] = np.uint8(min(max(value, _ZERO), _ONE) * _BYTE + _HALF)
        z_out[j, i] = rays[4, 2]
        segmentation[j, i] = -1

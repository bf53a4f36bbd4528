"""Compiled shading: each visible pixel once, from its depth and face (deferred shading).

A pixel's position follows from its depth; normal and uv are affine functions of it (see `pack`). Light is worked out in
the node's frame, which saves turning normals. Colours are multiplied by light as sRGB values, as TinyRenderer does.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from envs.renderer.pack import CHANNELS, COLOR, LOG2_SIZE, NORMAL, REPEATS, RGB, RGB_STEP, SEGMENT, SHIFT, TEXEL, UV

_OPTIONS = {"nogil": True, "cache": True, "boundscheck": False, "error_model": "numpy", "fastmath": True}
F = np.float32
_ZERO, _HALF, _ONE, _TWO = F(0.0), F(0.5), F(1.0), F(2.0)
_SKY = F(0.15)  # how much darker ambient light is from below than from above


@njit(inline="always", **_OPTIONS)
def _bilinear(texels, start, size, stride, channel, u, v):
    """Interpolated texel of one mip level in [0, 255]; u, v in texels, wrapped (size is a power of two)."""
    c0, r0 = int(u), int(v)  # truncated; one less below zero is the floor
    c0 -= u < F(c0)
    r0 -= v < F(r0)
    au, av = u - F(c0), v - F(r0)
    mask = size - 1
    c0 &= mask
    r0 &= mask
    c1, r1 = (c0 + 1) & mask, (r0 + 1) & mask
    t00 = F(texels[start + (r0 * size + c0) * stride + channel])
    t01 = F(texels[start + (r0 * size + c1) * stride + channel])
    t10 = F(texels[start + (r1 * size + c0) * stride + channel])
    t11 = F(texels[start + (r1 * size + c1) * stride + channel])
    low = t00 + (t01 - t00) * au
    return low + (t10 + (t11 - t10) * au - low) * av


@njit(inline="always", **_OPTIONS)
def _lit(shadow, column, row, w):
    """Share of sunlight in [0, 1] that reaches a point: 2 x 2 comparisons, interpolated; 1 outside the map."""
    size = shadow.shape[0]
    x, y = column - _HALF, row - _HALF
    if not (x >= _ZERO and y >= _ZERO and x < F(size - 1) and y < F(size - 1)):
        return _ONE
    i, j = int(x), int(y)
    au, av = x - F(i), y - F(j)
    s00 = _ONE if shadow[j, i] <= w else _ZERO
    s01 = _ONE if shadow[j, i + 1] <= w else _ZERO
    s10 = _ONE if shadow[j + 1, i] <= w else _ZERO
    s11 = _ONE if shadow[j + 1, i + 1] <= w else _ZERO
    low = s00 + (s01 - s00) * au
    return low + (s10 + (s11 - s10) * au - low) * av


@njit(**_OPTIONS)
def _screen_affine(rays, gx, gy, gz, constant, row, column):
    """Write q = e + z (a + x b + y c) into `row[column:column + 4]` = e, a, b, c for q = g . position + constant."""
    row[column] = gx * rays[0, 0] + gy * rays[0, 1] + gz * rays[0, 2] + constant
    for i in range(1, 4):
        row[column + i] = gx * rays[i, 0] + gy * rays[i, 1] + gz * rays[i, 2]


@njit(**_OPTIONS)
def _prepare_face(attributes, face, transform, rays, row):
    """Fill `row` (20,): the normal (world) and uv of a face as functions of a pixel's x, y and depth z."""
    t = transform
    for q in range(5):
        base = 4 * q
        gx, gy, gz = attributes[face, base], attributes[face, base + 1], attributes[face, base + 2]
        # Gradient in the world; the node's frame starts at t[9:12].
        wx = t[0] * gx + t[1] * gy + t[2] * gz
        wy = t[3] * gx + t[4] * gy + t[5] * gz
        wz = t[6] * gx + t[7] * gy + t[8] * gz
        constant = attributes[face, base + 3] - (wx * t[9] + wy * t[10] + wz * t[11])
        _screen_affine(rays, wx, wy, wz, constant, row, base)
    for i in range(4):  # turn the normal into the world
        nx, ny, nz = row[i], row[4 + i], row[8 + i]
        row[i] = t[0] * nx + t[1] * ny + t[2] * nz
        row[4 + i] = t[3] * nx + t[4] * ny + t[5] * nz
        row[8 + i] = t[6] * nx + t[7] * ny + t[8] * nz


@njit(**_OPTIONS)
def shade(
    attributes, face_node, ints, floats, texels, transforms, rays, lights, shadow, shadow_matrix, bias,
    depth, ids, slots, prepared, rgb, z_out, segmentation,
):  # fmt: skip
    """Colour the pixels of one camera.

    Args:
        attributes, face_node, ints, floats, texels: Of the PackedScene.
        transforms: (K, 12) float32 from `place_nodes`.
        rays: (5, 3) float32: eye, then ray = row 1 + x row 2 + y row 3 of unit depth through pixel (x, y); row 4 holds
            the pixel's size at depth 1 m, 1 / far and far.
        lights: (7, 3) float32: ambient, directional, point, background top, background bottom, direction to the sun,
            position of the point light.
        shadow: (S, S) shadow map, or (1, 1) for none.
        shadow_matrix: (3, 4) float32, world to (column, row, w).
        bias: (2,) float32 metres added to w: always, and times (1 - cosine of the light's angle).
        depth: (H, W) float32 1 / z.
        ids: (H, W) int32 faces, -1 background.
        slots: (F,) int32 scratch.
        prepared: (F + 1, 24) float32 scratch.
        rgb: (H, W, 3) uint8, filled.
        z_out: (H, W) float32, filled.
        segmentation: (H, W) int32, filled.
    """
    height, width = ids.shape
    shadows = shadow.shape[0] > 1
    pixel = rays[4, 0]
    slots[:] = 0
    used = 0
    m = shadow_matrix
    scene = np.empty((6, 4), np.float32)  # shadow map column, row, w and vector to the lamp, of any pixel
    for q in range(3):
        _screen_affine(rays, m[q, 0], m[q, 1], m[q, 2], m[q, 3], scene[q], 0)
        _screen_affine(rays, F(-(q == 0)), F(-(q == 1)), F(-(q == 2)), lights[6, q], scene[3 + q], 0)
    sx_e, sx_x, sy_e, sy_x, sw_e, sw_x = scene[0, 0], scene[0, 2], scene[1, 0], scene[1, 2], scene[2, 0], scene[2, 2]
    lx_e, lx_x, ly_e, ly_x, lz_e, lz_x = scene[3, 0], scene[3, 2], scene[4, 0], scene[4, 2], scene[5, 0], scene[5, 2]
    sun_x, sun_y, sun_z = lights[5, 0], lights[5, 1], lights[5, 2]
    ar, ag, ab = lights[0, 0], lights[0, 1], lights[0, 2]
    dr, dg, db = lights[1, 0], lights[1, 1], lights[1, 2]
    pr, pg, pb = lights[2, 0], lights[2, 1], lights[2, 2]
    for j in range(height):
        y = F(j) + _HALF
        sx_a, sy_a, sw_a = scene[0, 1] + y * scene[0, 3], scene[1, 1] + y * scene[1, 3], scene[2, 1] + y * scene[2, 3]
        lx_a, ly_a, lz_a = scene[3, 1] + y * scene[3, 3], scene[4, 1] + y * scene[4, 3], scene[5, 1] + y * scene[5, 3]
        end = 0
        while end < width:
            first, face = end, ids[j, end]
            while end < width and ids[j, end] == face:
                end += 1
            if face < 0:
                _background(rays, lights, j, first, end, rgb, z_out, segmentation)
                continue
            k = face_node[face]
            slot = slots[face]
            if slot == 0:
                used += 1
                slot = used
                slots[face] = slot
                _prepare_face(attributes, face, transforms[k], rays, prepared[slot])
            segment = ints[k, SEGMENT]
            nx_e, nx_x, nx_a = prepared[slot, 0], prepared[slot, 2], prepared[slot, 1] + y * prepared[slot, 3]
            ny_e, ny_x, ny_a = prepared[slot, 4], prepared[slot, 6], prepared[slot, 5] + y * prepared[slot, 7]
            nz_e, nz_x, nz_a = prepared[slot, 8], prepared[slot, 10], prepared[slot, 9] + y * prepared[slot, 11]
            u_e, u_x, u_a = prepared[slot, 12], prepared[slot, 14], prepared[slot, 13] + y * prepared[slot, 15]
            v_e, v_x, v_a = prepared[slot, 16], prepared[slot, 18], prepared[slot, 17] + y * prepared[slot, 19]
            tr, tg, tb = attributes[face, COLOR], attributes[face, COLOR + 1], attributes[face, COLOR + 2]
            cr, cg, cb = floats[k, RGB] * tr, floats[k, RGB + 1] * tg, floats[k, RGB + 2] * tb
            er, eg, eb = floats[k, RGB_STEP] * tr, floats[k, RGB_STEP + 1] * tg, floats[k, RGB_STEP + 2] * tb
            channels = ints[k, CHANNELS]
            whole = 1 << ints[k, LOG2_SIZE]
            texels_m = floats[k, REPEATS] * F(whole)
            shift_u, shift_v = floats[k, SHIFT] * F(whole), floats[k, SHIFT + 1] * F(whole)
            for i in range(first, end):
                x = F(i) + _HALF
                z = _ONE / depth[j, i]
                z_out[j, i] = z
                segmentation[j, i] = segment
                nx, ny, nz = nx_e + z * (nx_a + x * nx_x), ny_e + z * (ny_a + x * ny_x), nz_e + z * (nz_a + x * nz_x)
                lx, ly, lz = lx_e + z * (lx_a + x * lx_x), ly_e + z * (ly_a + x * ly_x), lz_e + z * (lz_a + x * lz_x)
                scale = _ONE / math.sqrt(nx * nx + ny * ny + nz * nz + F(1e-20))
                nx, ny, nz = nx * scale, ny * scale, nz * scale
                sun = nx * sun_x + ny * sun_y + nz * sun_z
                if sun > _ZERO and shadows:
                    slant = _ONE - sun
                    sun *= _lit(
                        shadow,
                        sx_e + z * (sx_a + x * sx_x),
                        sy_e + z * (sy_a + x * sy_x),
                        sw_e + z * (sw_a + x * sw_x) + bias[0] + bias[1] * slant,
                    )
                sun = max(sun, _ZERO)
                square = lx * lx + ly * ly + lz * lz
                lamp = max(nx * lx + ny * ly + nz * lz, _ZERO) * _TWO / (math.sqrt(square) * (_ONE + square))
                sky = _ONE - _SKY + _SKY * nz
                red, green, blue = cr, cg, cb
                if channels:
                    size = whole
                    u = (u_e + z * (u_a + x * u_x)) * texels_m + shift_u
                    v = (v_e + z * (v_a + x * v_x)) * texels_m + shift_v
                    footprint = z * pixel * texels_m * _TWO
                    start = ints[k, TEXEL]
                    while footprint > F(1.4) and size > 1:
                        start += size * size * channels
                        size >>= 1
                        footprint *= _HALF
                        u *= _HALF
                        v *= _HALF
                    if channels == 1:
                        blend = _bilinear(texels, start, size, 1, 0, u - _HALF, v - _HALF) * F(1.0 / 255.0)
                        red += er * blend
                        green += eg * blend
                        blue += eb * blend
                    else:
                        red = tr * _bilinear(texels, start, size, 3, 0, u - _HALF, v - _HALF) * F(1.0 / 255.0)
                        green = tg * _bilinear(texels, start, size, 3, 1, u - _HALF, v - _HALF) * F(1.0 / 255.0)
                        blue = tb * _bilinear(texels, start, size, 3, 2, u - _HALF, v - _HALF) * F(1.0 / 255.0)
                rgb[j, i, 0] = np.uint8(min(red * (sky * ar + sun * dr + lamp * pr), _ONE) * F(255.0) + _HALF)
                rgb[j, i, 1] = np.uint8(min(green * (sky * ag + sun * dg + lamp * pg), _ONE) * F(255.0) + _HALF)
                rgb[j, i, 2] = np.uint8(min(blue * (sky * ab + sun * db + lamp * pb), _ONE) * F(255.0) + _HALF)


@njit(**_OPTIONS)
def _background(rays, lights, j, first, end, rgb, z_out, segmentation):
    """Fill pixels `first:end` of row `j` with the gradient, by the elevation of their rays."""
    y = F(j) + _HALF
    for i in range(first, end):
        x = F(i) + _HALF
        rx = rays[1, 0] + x * rays[2, 0] + y * rays[3, 0]
        ry = rays[1, 1] + x * rays[2, 1] + y * rays[3, 1]
        rz = rays[1, 2] + x * rays[2, 2] + y * rays[3, 2]
        up = _HALF + _HALF * rz / math.sqrt(rx * rx + ry * ry + rz * rz)
        for c in range(3):
            value = lights[4, c] + (lights[3, c] - lights[4, c]) * up
            rgb[j, i, c] = np.uint8(min(max(value, _ZERO), _ONE) * F(255.0) + _HALF)
        z_out[j, i] = rays[4, 2]
        segmentation[j, i] = -1

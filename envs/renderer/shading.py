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
_MAX_SLOPE = F(6.0)


@njit(**_OPTIONS)
def shade_lights(transforms, sun, point, node_lights):
    """Fill `node_lights` (K, 9) float32: direction to the sun, position of the point light, world's up, by node."""
    for k in range(transforms.shape[0]):
        t = transforms[k]
        px, py, pz = point[0] - t[9], point[1] - t[10], point[2] - t[11]
        for i in range(3):
            node_lights[k, i] = t[i] * sun[0] + t[3 + i] * sun[1] + t[6 + i] * sun[2]
            node_lights[k, 3 + i] = t[i] * px + t[3 + i] * py + t[6 + i] * pz
            node_lights[k, 6 + i] = t[6 + i]


@njit(inline="always", **_OPTIONS)
def _bilinear(texels, start, size, stride, channel, u, v):
    """Interpolated texel of one mip level in [0, 255]; u, v in texels, wrapped (size is a power of two)."""
    fu, fv = math.floor(u), math.floor(v)
    au, av = u - fu, v - fv
    mask = size - 1
    c0 = int(fu) & mask
    r0 = int(fv) & mask
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
def shade(scene, transforms, node_lights, rays, lights, shadow, shadow_matrix, bias, depth, ids, out):
    """Colour the pixels of one camera.

    Args:
        scene: attributes, face_node, ints, floats, texels of the PackedScene.
        transforms: (K, 12) float32 from `place_nodes`.
        node_lights: (K, 9) from `shade_lights`.
        rays: (5, 3) float32: eye, then ray = row 1 + x row 2 + y row 3 of unit depth through pixel (x, y); row 4 holds
            the pixel's size at depth 1 m, 1 / far and far.
        lights: (5, 3) float32: ambient, directional, point, background top, background bottom.
        shadow: (S, S) shadow map, or (1, 1) for none.
        shadow_matrix: (3, 4) float32, world to (column, row, w).
        bias: Metres added to w, and metres added per unit slope.
        depth: (H, W) float32 1 / z.
        ids: (H, W) int32 faces, -1 background.
        out: rgb (H, W, 3) uint8, z (H, W) float32, segmentation (H, W) int32, all filled.
    """
    attributes, face_node, ints, floats, texels = scene
    rgb, z_out, segmentation = out
    height, width = ids.shape
    shadows = shadow.shape[0] > 1
    pixel = rays[4, 0]
    for j in range(height):
        for i in range(width):
            x, y = F(i) + _HALF, F(j) + _HALF
            rx = rays[1, 0] + x * rays[2, 0] + y * rays[3, 0]
            ry = rays[1, 1] + x * rays[2, 1] + y * rays[3, 1]
            rz = rays[1, 2] + x * rays[2, 2] + y * rays[3, 2]
            face = ids[j, i]
            if face < 0:
                up = _HALF + _HALF * rz / math.sqrt(rx * rx + ry * ry + rz * rz)
                for c in range(3):
                    value = lights[4, c] + (lights[3, c] - lights[4, c]) * up
                    rgb[j, i, c] = np.uint8(min(max(value, _ZERO), _ONE) * F(255.0) + _HALF)
                z_out[j, i] = rays[4, 2]
                segmentation[j, i] = -1
                continue
            z = _ONE / depth[j, i]
            z_out[j, i] = z
            k = face_node[face]
            segmentation[j, i] = ints[k, SEGMENT]
            wx, wy, wz = rays[0, 0] + z * rx, rays[0, 1] + z * ry, rays[0, 2] + z * rz
            t = transforms[k]
            dx, dy, dz = wx - t[9], wy - t[10], wz - t[11]
            px = t[0] * dx + t[3] * dy + t[6] * dz
            py = t[1] * dx + t[4] * dy + t[7] * dz
            pz = t[2] * dx + t[5] * dy + t[8] * dz
            a = attributes[face]
            nx = a[NORMAL] * px + a[NORMAL + 1] * py + a[NORMAL + 2] * pz + a[NORMAL + 3]
            ny = a[NORMAL + 4] * px + a[NORMAL + 5] * py + a[NORMAL + 6] * pz + a[NORMAL + 7]
            nz = a[NORMAL + 8] * px + a[NORMAL + 9] * py + a[NORMAL + 10] * pz + a[NORMAL + 11]
            scale = _ONE / math.sqrt(nx * nx + ny * ny + nz * nz + F(1e-20))
            nx, ny, nz = nx * scale, ny * scale, nz * scale
            light = node_lights[k]
            sun = nx * light[0] + ny * light[1] + nz * light[2]
            if sun > _ZERO and shadows:
                slope = min(math.sqrt(max(_ONE - sun * sun, _ZERO)) / sun, _MAX_SLOPE)
                m = shadow_matrix
                sun *= _lit(
                    shadow,
                    m[0, 0] * wx + m[0, 1] * wy + m[0, 2] * wz + m[0, 3],
                    m[1, 0] * wx + m[1, 1] * wy + m[1, 2] * wz + m[1, 3],
                    m[2, 0] * wx + m[2, 1] * wy + m[2, 2] * wz + m[2, 3] + bias[0] + bias[1] * slope,
                )
            sun = max(sun, _ZERO)
            lx, ly, lz = light[3] - px, light[4] - py, light[5] - pz
            square = lx * lx + ly * ly + lz * lz
            lamp = max(nx * lx + ny * ly + nz * lz, _ZERO) / math.sqrt(square) * _TWO / (_ONE + square)
            sky = _ONE - _SKY + _SKY * (nx * light[6] + ny * light[7] + nz * light[8])
            red = sky * lights[0, 0] + sun * lights[1, 0] + lamp * lights[2, 0]
            green = sky * lights[0, 1] + sun * lights[1, 1] + lamp * lights[2, 1]
            blue = sky * lights[0, 2] + sun * lights[1, 2] + lamp * lights[2, 2]
            p = floats[k]
            cr, cg, cb = p[RGB], p[RGB + 1], p[RGB + 2]
            channels = ints[k, CHANNELS]
            if channels:
                size = 1 << ints[k, LOG2_SIZE]
                texels_m = p[REPEATS] * F(size)
                u = (a[UV] * px + a[UV + 1] * py + a[UV + 2] * pz + a[UV + 3]) * texels_m + p[SHIFT] * F(size)
                v = (a[UV + 4] * px + a[UV + 5] * py + a[UV + 6] * pz + a[UV + 7]) * texels_m + p[SHIFT + 1] * F(size)
                # Texels under the pixel: blurred half as much as the slant of the surface asks for.
                facing = -(nx * (t[0] * rx + t[3] * ry + t[6] * rz) + ny * (t[1] * rx + t[4] * ry + t[7] * rz)
                           + nz * (t[2] * rx + t[5] * ry + t[8] * rz))  # fmt: skip
                footprint = z * pixel * texels_m * (_HALF + _HALF / max(facing, F(0.15)))
                start = ints[k, TEXEL]
                while footprint > F(1.4) and size > 1:
                    start += size * size * channels
                    size >>= 1
                    footprint *= _HALF
                    u *= _HALF
                    v *= _HALF
                if channels == 1:
                    blend = _bilinear(texels, start, size, 1, 0, u - _HALF, v - _HALF) * F(1.0 / 255.0)
                    cr += p[RGB_STEP] * blend
                    cg += p[RGB_STEP + 1] * blend
                    cb += p[RGB_STEP + 2] * blend
                else:
                    cr = _bilinear(texels, start, size, 3, 0, u - _HALF, v - _HALF) * F(1.0 / 255.0)
                    cg = _bilinear(texels, start, size, 3, 1, u - _HALF, v - _HALF) * F(1.0 / 255.0)
                    cb = _bilinear(texels, start, size, 3, 2, u - _HALF, v - _HALF) * F(1.0 / 255.0)
            rgb[j, i, 0] = np.uint8(min(cr * a[COLOR] * red, _ONE) * F(255.0) + _HALF)
            rgb[j, i, 1] = np.uint8(min(cg * a[COLOR + 1] * green, _ONE) * F(255.0) + _HALF)
            rgb[j, i, 2] = np.uint8(min(cb * a[COLOR + 2] * blue, _ONE) * F(255.0) + _HALF)

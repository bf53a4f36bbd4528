"""Compiled shading: each visible pixel once, from its depth and face (deferred shading).

A pixel's position follows from its depth; normal and uv are affine functions of it (see `pack`), which are turned into
functions of pixel and depth once per visible face. Rows are worked off in passes over short arrays, so that the
compiler can use vector instructions: what depends on the face run by run, everything else for the whole row. Colours
are multiplied by light as sRGB values, as TinyRenderer does.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.renderer.lamps import FIRST_LAMP, add_lamps
from envs.renderer.layers import next_span
from envs.renderer.pack import CHANNELS, EMISSION, LOOK, METALLIC, ROUGHNESS, SEGMENT, SPECULAR
from envs.renderer.shadowing import apply_shadow
from envs.renderer.texturing import (
    AU,
    AV,
    BLOCK,
    BLUE,
    GREEN,
    I32,
    LAMP,
    NX,
    NY,
    NZ,
    OPTIONS,
    RED,
    SKYLIGHT,
    SUN,
    SW,
    SX,
    SY,
    WIDTH,
    F,
    U,
    Z,
    paint_plain,
    paint_textured,
)  # fmt: skip

Array = NDArray[Any]
_ZERO, _HALF, _ONE, _TWO, _BYTE = F(0.0), F(0.5), F(1.0), F(2.0), F(255.0)
_MIRROR = F(0.75)  # share of its light that a metal mirrors instead of scattering it
_SKY = F(0.15)  # how much darker ambient light is from the side than from above; twice that from below


@njit(**OPTIONS)
def shade(
    surface: Any, transforms: Array, rays: Array, lights: Array, shadow: Any, work: Any, seen: Any, out: Any
) -> None:  # fmt: skip
    """Colour the pixels of one camera.

    Args:
        surface: attributes, face_node, ints, floats, texels of the PackedScene.
        transforms: (K, 12) float32 from `place_nodes`.
        rays: (5, 3) float32: eye, then ray = row 1 + x row 2 + y row 3 of unit depth through pixel (x, y); row 4 holds
            the pixel's size at depth 1 m, and far twice.
        lights: (7 + 2 L, 3) float32: ambient, directional, point, background top, background bottom, direction to the
            sun, position of the point light; colour and position of each of L more lamps.
        shadow: Map (R, S) float32 (the rows of a square that hold something), or (1, 1) for none; tiles
            (S / TILE, S / TILE) of what is nearest to the light in each; matrix (3, 4) float32, world to
            (column, row, w); bias (4,) float32: metres added to w always, and times
            (1 - cosine of the light's angle); half the width of a soft edge, texels; how much w may differ over it.
        work: Scratch: slots (F,) int32, prepared (F + 1, 20) float32, scratch (SCRATCH,) float32, segments (WIDTH,)
            int32, indices (WIDTH,) uint32, runs (2, WIDTH) int32.
        seen: 1 / z (H, W) float32; faces (H, W) int32, -1 for the background; which blocks of BLOCK pixels of a row to
            colour (H, B) bool.
        out: rgb (H, 3 W) uint8 and segmentation (H, W) int32, filled in those blocks; depth (H, W) float32, filled.
    """
    attributes, face_node, ints, floats, _ = surface
    shadow_map, tiles, shadow_matrix, bias = shadow
    slots, prepared, scratch, segments, indices, runs = work
    inverse, faces, wanted = seen
    rgb, depth, segmentation = out
    height, width = faces.shape
    slots[:] = 0
    used = 0
    scene = _scene_affine(rays, lights, shadow_matrix)
    for j in range(height):
        for i in range(U(width)):  # the whole row, since a division may be rounded otherwise at the end of a loop
            depth[U(j), i] = _ONE / inverse[U(j), i]
        end_of_span = 0
        while True:
            start, count = next_span(wanted, j, end_of_span, width)
            if count == 0:
                break
            end_of_span = start + count
            for i in range(U(count)):
                scratch[Z + i] = depth[U(j), U(start) + i]
            found = _find_runs(faces, j, start, count, runs)
            for r in range(found):
                face, first, end = runs[0, r], _first(runs, r), runs[1, r]
                if face < 0:
                    _no_surface(first, end, scratch, segments)
                    continue
                k = face_node[face]
                if slots[face] == 0:
                    used += 1
                    slots[face] = used
                    _prepare_face(attributes, face, transforms, k, rays, prepared, used)
                slot = slots[face]
                _normals(prepared, slot, start, j, first, end, scratch)
                paint_plain(ints, floats, k, attributes, face, first, end, scratch)
                segment = I32(ints[k, SEGMENT])
                for block in range(U(first), U(end), U(BLOCK)):
                    for q in range(U(BLOCK)):
                        segments[block + q] = segment
            _paint_textures(surface, prepared, slots, rays, start, j, found, runs, scratch, indices)
            for i in range(U(count)):
                segmentation[U(j), U(start) + i] = segments[i]
            _light(scene, lights, bias, start, j, count, scratch)
            if shadow_map.shape[0] > 1:
                apply_shadow(shadow_map, tiles, shadow_matrix, bias, lights[5], count, scratch)
            _combine(lights, count, scratch)
            if lights.shape[0] > FIRST_LAMP:
                add_lamps(rays, lights, start, j, count, scratch)
            _finish_runs(surface, rays, lights, start, j, found, runs, scratch)
            _write(start, j, count, scratch, rgb)


@njit(**OPTIONS)
def _paint_textures(
    surface: Any, prepared: Array, slots: Array, rays: Array, start: int, j: int, count: int, runs: Array,
    scratch: Array, indices: Array,
) -> None:  # fmt: skip
    """Colours of those of the first `count` runs of a chunk that have a texture."""
    attributes, face_node, ints, floats, texels = surface
    for r in range(count):
        face = runs[0, r]
        if face >= 0 and ints[face_node[face], CHANNELS] > 0:
            paint_textured(
                ints, floats, face_node[face], attributes, face, texels, prepared, slots[face], rays[4, 0], start, j,
                _first(runs, r), runs[1, r], scratch, indices,
            )  # fmt: skip


@njit(**OPTIONS)
def _finish_runs(
    surface: Any, rays: Array, lights: Array, start: int, j: int, count: int, runs: Array, scratch: Array
) -> None:
    """Background, and what shines, over the lit colours of a chunk."""
    _, face_node, ints, floats, _ = surface
    found = _merge_runs(ints, face_node, count, runs)
    for r in range(found):
        k, first, end = runs[0, r], _first(runs, r), runs[1, r]
        if k < 0:
            _background(rays, lights, start, j, first, end, scratch)
        elif ints[k, LOOK] > 0:
            _gloss(floats, k, rays, lights, start, j, first, end, scratch)
            for channel in range(3):
                _shine(floats, k, lights, channel, first, end, scratch)


@njit(inline="always", **OPTIONS)
def _first(runs: Array, r: int) -> Any:
    return runs[1, r - 1] if r > 0 else 0


@njit(**OPTIONS)
def _find_runs(faces: Array, j: int, start: int, count: int, runs: Array) -> int:
    """Runs of one face in a chunk of row `j`: `runs[0]` faces, `runs[1]` ends; returns how many."""
    found = 0
    for i in range(U(1), U(count)):  # without a branch: the end moves on as long as the face stays
        face = faces[U(j), U(start) + i - U(1)]
        runs[0, U(found)], runs[1, U(found)] = face, I32(i)
        found += faces[U(j), U(start) + i] != face
    runs[0, U(found)], runs[1, U(found)] = faces[U(j), U(start + count - 1)], I32(count)
    return found + 1


@njit(**OPTIONS)
def _merge_runs(ints: Array, face_node: Array, count: int, runs: Array) -> int:
    """Runs of faces become runs of nodes that shine alike, `runs[0]` one of them or -1; returns how many."""
    found, last = 0, -2
    for r in range(count):
        k = face_node[runs[0, r]] if runs[0, r] >= 0 else -1
        look = ints[k, LOOK] if k >= 0 else -1
        found += look != last
        runs[0, found - 1], runs[1, found - 1] = k, runs[1, r]
        last = look
    return found


@njit(inline="always", **OPTIONS)
def _screen_affine(rays: Array, gx: Any, gy: Any, gz: Any, constant: Any, table: Array, row: int, column: int) -> None:
    """Write e, a, b, c of q = e + z (a + x b + y c) = g . position + constant into `table[row, column:]`."""
    table[row, column] = gx * rays[0, 0] + gy * rays[0, 1] + gz * rays[0, 2] + constant
    for i in range(1, 4):
        table[row, column + i] = gx * rays[i, 0] + gy * rays[i, 1] + gz * rays[i, 2]


@njit(**OPTIONS)
def _scene_affine(rays: Array, lights: Array, matrix: Array) -> Any:
    """(6, 4): column, row and w in the shadow map, and the vector to the lamp, of any pixel (see `_screen_affine`)."""
    scene = np.empty((6, 4), np.float32)
    for q in range(3):
        _screen_affine(rays, matrix[q, 0], matrix[q, 1], matrix[q, 2], matrix[q, 3], scene, q, 0)
        _screen_affine(rays, F(-(q == 0)), F(-(q == 1)), F(-(q == 2)), lights[6, q], scene, 3 + q, 0)
    return scene


@njit(inline="always", **OPTIONS)
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


@njit(inline="always", **OPTIONS)
def _normals(table: Array, row: int, start: int, j: int, first: int, end: int, scratch: Array) -> None:
    """Normals, not yet of unit length, of pixels `first:end` of a chunk."""
    y = F(j) + _HALF
    nx_e, nx_x, nx_a = table[row, 0], table[row, 2], table[row, 1] + y * table[row, 3]
    ny_e, ny_x, ny_a = table[row, 4], table[row, 6], table[row, 5] + y * table[row, 7]
    nz_e, nz_x, nz_a = table[row, 8], table[row, 10], table[row, 9] + y * table[row, 11]
    for block in range(U(first), U(end), U(BLOCK)):
        for q in range(U(BLOCK)):
            i = block + q
            x, z = F(I32(start) + I32(i)) + _HALF, scratch[Z + i]
            scratch[NX + i] = nx_e + z * (nx_a + x * nx_x)
            scratch[NY + i] = ny_e + z * (ny_a + x * ny_x)
            scratch[NZ + i] = nz_e + z * (nz_a + x * nz_x)


@njit(**OPTIONS)
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
    for block in range(U(0), U(count), U(BLOCK)):  # whole vectors, so that a pixel does not depend on its place
        for q in range(U(BLOCK)):
            i = block + q
            x, z = F(I32(start) + I32(i)) + _HALF, scratch[Z + i]
            nx, ny, nz = scratch[NX + i], scratch[NY + i], scratch[NZ + i]
            scale = _ONE / math.sqrt(nx * nx + ny * ny + nz * nz + F(1e-20))
            nx, ny, nz = nx * scale, ny * scale, nz * scale
            sun = nx * sun_x + ny * sun_y + nz * sun_z
            lx, ly, lz = lx_e + z * (lx_a + x * lx_x), ly_e + z * (ly_a + x * ly_x), lz_e + z * (lz_a + x * lz_x)
            square = lx * lx + ly * ly + lz * lz + F(1e-12)
            scratch[LAMP + i] = max(nx * lx + ny * ly + nz * lz, _ZERO) * _TWO / (math.sqrt(square) * (_ONE + square))
            scratch[SUN + i] = max(sun, _ZERO)
            scratch[SKYLIGHT + i] = _ONE - _SKY + _SKY * nz
            scratch[SX + i] = sx_e + z * (sx_a + x * sx_x)
            scratch[SY + i] = sy_e + z * (sy_a + x * sy_x)
            scratch[SW + i] = sw_e + z * (sw_a + x * sw_x) + bias_0 + bias_1 * (_ONE - sun)


@njit(**OPTIONS)
def _combine(lights: Array, count: int, scratch: Array) -> None:
    """Surface colour times light; SX, SY and SW keep the colour."""
    ar, ag, ab = lights[0, 0], lights[0, 1], lights[0, 2]
    sr, sg, sb = lights[1, 0], lights[1, 1], lights[1, 2]
    lr, lg, lb = lights[2, 0], lights[2, 1], lights[2, 2]
    for i in range(U(count)):
        sky, sun, lamp = scratch[SKYLIGHT + i], scratch[SUN + i], scratch[LAMP + i]
        scratch[SX + i], scratch[SY + i], scratch[SW + i] = scratch[RED + i], scratch[GREEN + i], scratch[BLUE + i]
        scratch[RED + i] *= sky * ar + sun * sr + lamp * lr
        scratch[GREEN + i] *= sky * ag + sun * sg + lamp * lg
        scratch[BLUE + i] *= sky * ab + sun * sb + lamp * lb


@njit(inline="always", **OPTIONS)
def _highlight(nx: Any, ny: Any, nz: Any, hx: Any, hy: Any, hz: Any, roughness: Any) -> Any:
    """How strongly a light is mirrored, 1 at most: the GGX distribution about the vector half way to the light."""
    square = hx * hx + hy * hy + hz * hz + F(1e-12)
    cosine = max(nx * hx + ny * hy + nz * hz, _ZERO)
    share = roughness / (cosine * cosine / square * (roughness - _ONE) + _ONE)
    return share * share


@njit(**OPTIONS)
def _gloss(
    floats: Array, k: int, rays: Array, lights: Array, start: int, j: int, first: int, end: int, scratch: Array
) -> None:
    """Pixels `first:end` of shiny nodes: highlights of sun and lamp into AU and AV, the mirrored room into SKYLIGHT."""
    specular, roughness, metallic = floats[k, SPECULAR], floats[k, ROUGHNESS], floats[k, METALLIC]
    y = F(j) + _HALF
    ax, ay, az = rays[1, 0] + y * rays[3, 0], rays[1, 1] + y * rays[3, 1], rays[1, 2] + y * rays[3, 2]
    bx, by, bz = rays[2, 0], rays[2, 1], rays[2, 2]
    sun_x, sun_y, sun_z = lights[5, 0], lights[5, 1], lights[5, 2]
    lamp_x, lamp_y, lamp_z = lights[6, 0] - rays[0, 0], lights[6, 1] - rays[0, 1], lights[6, 2] - rays[0, 2]
    for block in range(U(first), U(end), U(BLOCK)):
        for q in range(U(BLOCK)):
            i = block + q
            x, z = F(I32(start) + I32(i)) + _HALF, scratch[Z + i]
            nx, ny, nz = scratch[NX + i], scratch[NY + i], scratch[NZ + i]
            scale = _ONE / math.sqrt(nx * nx + ny * ny + nz * nz + F(1e-20))
            nx, ny, nz = nx * scale, ny * scale, nz * scale
            rx, ry, rz = ax + x * bx, ay + x * by, az + x * bz
            lx, ly, lz = lamp_x - z * rx, lamp_y - z * ry, lamp_z - z * rz
            scale = _ONE / math.sqrt(rx * rx + ry * ry + rz * rz)
            rx, ry, rz = rx * scale, ry * scale, rz * scale
            scale = _ONE / math.sqrt(lx * lx + ly * ly + lz * lz + F(1e-12))
            sun = _highlight(nx, ny, nz, sun_x - rx, sun_y - ry, sun_z - rz, roughness)
            lamp = _highlight(nx, ny, nz, lx * scale - rx, ly * scale - ry, lz * scale - rz, roughness)
            scratch[AU + i] = specular * scratch[SUN + i] * sun
            scratch[AV + i] = specular * scratch[LAMP + i] * lamp
            up = min(max(_HALF + F(1.5) * (rz - _TWO * (nx * rx + ny * ry + nz * rz) * nz), _ZERO), _ONE)
            scratch[SKYLIGHT + i] = _MIRROR * metallic * (F(0.35) + F(1.65) * up * up * (F(3.0) - _TWO * up))


@njit(**OPTIONS)
def _shine(floats: Array, k: int, lights: Array, channel: int, first: int, end: int, scratch: Array) -> None:
    """Add what `_gloss` found and own light to one channel of pixels `first:end`.

    Highlights are added to the light, not to its sRGB value (with 2 as its exponent), else they would look like paint.
    """
    metallic, emission = floats[k, METALLIC], floats[k, EMISSION]
    diffuse = _ONE - _MIRROR * metallic
    ambient, directional, point = lights[0, channel], lights[1, channel], lights[2, channel]
    shown, colour = RED + U(channel * WIDTH), SX + U(channel * WIDTH)
    for block in range(U(first), U(end), U(BLOCK)):
        for q in range(U(BLOCK)):
            i = block + q
            value, base = scratch[shown + i], scratch[colour + i]
            new = diffuse * value + scratch[SKYLIGHT + i] * ambient * base
            tint = _BYTE + (base - _BYTE) * metallic
            added = (scratch[AU + i] * directional + scratch[AV + i] * point) * tint
            new = math.sqrt(new * new + added * _BYTE) + emission * base
            scratch[shown + i] = new if i < U(end) else value  # the next run is finished already


@njit(inline="always", **OPTIONS)
def _no_surface(first: int, end: int, scratch: Array, segments: Array) -> None:
    """Pixels of the background have no colour that light could change."""
    for block in range(U(first), U(end), U(BLOCK)):
        for q in range(U(BLOCK)):
            i = block + q
            scratch[NX + i] = scratch[NY + i] = scratch[NZ + i] = _ZERO
            scratch[RED + i] = scratch[GREEN + i] = scratch[BLUE + i] = _ZERO
            segments[i] = I32(-1)


@njit(inline="always", **OPTIONS)
def _background(rays: Array, lights: Array, start: int, j: int, first: int, end: int, scratch: Array) -> None:
    """Fill pixels `first:end` of a chunk with the gradient, by the elevation of their rays."""
    y = F(j) + _HALF
    for block in range(U(first), U(end), U(BLOCK)):
        for q in range(U(BLOCK)):
            i = block + q
            x = F(I32(start) + I32(i)) + _HALF
            rx = rays[1, 0] + x * rays[2, 0] + y * rays[3, 0]
            ry = rays[1, 1] + x * rays[2, 1] + y * rays[3, 1]
            rz = rays[1, 2] + x * rays[2, 2] + y * rays[3, 2]
            up = _HALF + _HALF * rz / math.sqrt(rx * rx + ry * ry + rz * rz)
            here = i < U(end)  # the next run is finished already
            scratch[RED + i] = (lights[4, 0] + (lights[3, 0] - lights[4, 0]) * up) * _BYTE if here else scratch[RED + i]
            scratch[GREEN + i] = (
                (lights[4, 1] + (lights[3, 1] - lights[4, 1]) * up) * _BYTE if here else scratch[GREEN + i]
            )
            scratch[BLUE + i] = (
                (lights[4, 2] + (lights[3, 2] - lights[4, 2]) * up) * _BYTE if here else scratch[BLUE + i]
            )


@njit(inline="always", **OPTIONS)
def _byte(value: Any) -> Any:
    return np.uint8(I32(min(max(value, _ZERO), _BYTE) + _HALF))


@njit(**OPTIONS)
def _write(start: int, j: int, count: int, scratch: Array, rgb: Array) -> None:
    for i in range(U(count)):
        column = U(3) * (U(start) + i)
        rgb[U(j), column] = _byte(scratch[RED + i])
        rgb[U(j), column + U(1)] = _byte(scratch[GREEN + i])
        rgb[U(j), column + U(2)] = _byte(scratch[BLUE + i])

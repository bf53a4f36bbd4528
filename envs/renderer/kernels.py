"""Compiled geometry: node transforms, culling, near-plane clipping and scan conversion into depth and face buffers.

Every buffer holds `w`, a depth that is linear on the screen and larger for what is nearer: 1 / z for cameras, metres
towards the light for shadow maps. Edges are walked from the upper to the lower vertex whatever the winding, so two
triangles that share an edge compute the same pixels for it: no holes, no pixel drawn twice.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.renderer.pack import CASTS, END_FACE, END_POINT, FIRST_FACE, FIRST_POINT, ROW, SPHERE

Array = NDArray[Any]
U, I32 = np.uintp, np.int32
TILE = 16  # texels along a tile of a shadow map
NOTHING = np.float32(-1e9)  # in a shadow map
ROUNDING_M = np.float32(1e-4)  # how much nearer than a triangle's corners rounding may put its inside
_OPTIONS: dict[str, Any] = {"nogil": True, "cache": True, "boundscheck": False, "error_model": "numpy"}


@njit(**_OPTIONS)
def place_nodes(poses: Array, ints: Array, static_poses: Array, transforms: Array) -> None:
    """Fill `transforms` (K, 12): rotation row by row 9, position 3, of each node in the world."""
    for k in range(ints.shape[0]):
        row = ints[k, ROW]
        if row >= 0:
            px, py, pz = float(poses[row, 0]), float(poses[row, 1]), float(poses[row, 2])
            x, y, z, w = float(poses[row, 3]), float(poses[row, 4]), float(poses[row, 5]), float(poses[row, 6])
        else:
            px, py, pz = static_poses[k, 0], static_poses[k, 1], static_poses[k, 2]
            x, y, z, w = static_poses[k, 3], static_poses[k, 4], static_poses[k, 5], static_poses[k, 6]
        s = 2.0 / (x * x + y * y + z * z + w * w)
        transforms[k, 0] = 1.0 - s * (y * y + z * z)
        transforms[k, 1] = s * (x * y - z * w)
        transforms[k, 2] = s * (x * z + y * w)
        transforms[k, 3] = s * (x * y + z * w)
        transforms[k, 4] = 1.0 - s * (x * x + z * z)
        transforms[k, 5] = s * (y * z - x * w)
        transforms[k, 6] = s * (x * z - y * w)
        transforms[k, 7] = s * (y * z + x * w)
        transforms[k, 8] = 1.0 - s * (x * x + y * y)
        transforms[k, 9] = px
        transforms[k, 10] = py
        transforms[k, 11] = pz


@njit(**_OPTIONS)
def _compose(view: Array, transform: Array, out: Array) -> None:
    """Out (3, 4) = view (3, 4) after transform (12,): node frame to camera or light frame."""
    for i in range(3):
        for j in range(3):
            out[i, j] = view[i, 0] * transform[j] + view[i, 1] * transform[3 + j] + view[i, 2] * transform[6 + j]
        out[i, 3] = view[i, 0] * transform[9] + view[i, 1] * transform[10] + view[i, 2] * transform[11] + view[i, 3]


@njit(**_OPTIONS)
def _transform_points(points: Array, first: int, end: int, matrix: Array, out: Array) -> None:
    """Points `first:end` of a node into another frame; `out` (P, 3) from row `first`."""
    for i in range(first, end):
        x, y, z = float(points[i, 0]), float(points[i, 1]), float(points[i, 2])
        out[i, 0] = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
        out[i, 1] = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
        out[i, 2] = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3]


@njit(inline="always", **_OPTIONS)
def _ceil(value: float) -> int:
    """Smallest integer >= value, for value > -1; the library's is a call."""
    whole = int(value)
    return whole + (value > whole)


@njit(**_OPTIONS)
def _fill(
    x0: float,
    y0: float,
    w0: float,
    x1: float,
    y1: float,
    w1: float,
    x2: float,
    y2: float,
    w2: float,
    depth: Array,
    ids: Any,
    face: int,
) -> None:
    """Scan one screen triangle into `depth` (H, W) and `ids` (H, W): the pixels whose centres it covers, if nearer."""
    swap = y1 < y0  # sorted by y without a branch: a processor cannot guess in which order the corners come
    x0, x1 = (x1 if swap else x0), (x0 if swap else x1)
    y0, y1 = (y1 if swap else y0), (y0 if swap else y1)
    w0, w1 = (w1 if swap else w0), (w0 if swap else w1)
    swap = y2 < y0
    x0, x2 = (x2 if swap else x0), (x0 if swap else x2)
    y0, y2 = (y2 if swap else y0), (y0 if swap else y2)
    w0, w2 = (w2 if swap else w0), (w0 if swap else w2)
    swap = y2 < y1
    x1, x2 = (x2 if swap else x1), (x1 if swap else x2)
    y1, y2 = (y2 if swap else y1), (y1 if swap else y2)
    w1, w2 = (w2 if swap else w1), (w1 if swap else w2)
    height, width = depth.shape
    low_x, high_x = min(x0, x1, x2), max(x0, x1, x2)
    if low_x >= width or high_x <= 0.0 or _ceil(max(low_x - 0.5, 0.0)) >= _ceil(max(high_x - 0.5, 0.0)):
        return  # beside the picture, or between two columns of pixel centres
    first = _ceil(max(y0 - 0.5, 0.0))
    end = _ceil(max(min(y2 - 0.5, float(height)), 0.0))
    area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
    if first >= end or area == 0.0:
        return
    dw_dx = ((w1 - w0) * (y2 - y0) - (w2 - w0) * (y1 - y0)) / area
    dw_dy = ((x1 - x0) * (w2 - w0) - (x2 - x0) * (w1 - w0)) / area
    long_slope = (x2 - x0) / (y2 - y0)
    upper_slope = (x1 - x0) / (y1 - y0)  # not read when y1 == y0
    lower_slope = (x2 - x1) / (y2 - y1)
    step = np.float32(dw_dx)
    for j in range(first, end):
        y = j + 0.5
        xa = x0 + (y - y0) * long_slope
        xb = x0 + (y - y0) * upper_slope if y < y1 else x1 + (y - y1) * lower_slope
        left = _ceil(max(min(xa, xb) - 0.5, 0.0))
        right = _ceil(max(min(max(xa, xb) - 0.5, float(width)), 0.0))
        start = np.float32(w0 + (y - y0) * dw_dy + (left + 0.5 - x0) * dw_dx)
        row = U(j)
        for i in range(U(left), U(right)):  # unsigned indices: no check for negative ones; and no branch to be guessed
            w = start + step * np.float32(I32(i) - I32(left))
            before = depth[row, i]
            depth[row, i] = w if w > before else before
            if ids is not None:
                other = ids[row, i]  # of equal ones the first stays, in whatever order they come
                ids[row, i] = face if w > before or (w == before and face < other) else other


@njit(**_OPTIONS)
def draw_camera(
    geometry: Any,
    transforms: Array,
    view: Array,
    focal: float,
    near: float,
    nodes: Array,
    work: Any,
    depth: Array,
    ids: Array,
) -> None:
    """Draw nodes over what is in the buffers of one camera.

    Args:
        geometry: points (P, 3), faces (F, 3), planes (F, 4), ints (K, 11), floats (K, 17) of the PackedScene.
        transforms: (K, 12) from `place_nodes`.
        view: (3, 4) world to camera.
        focal: Focal length in pixels.
        near: Distance of the near plane, metres.
        nodes: (M,) int64, which to draw; their order changes nothing.
        work: Scratch: points (P, 3), corners (4, 3), faces (F + 1,) int32.
        depth: (H, W) float32: 1 / z, of `far` where nothing has been drawn.
        ids: (H, W) int32: faces, -1 where nothing has been drawn.
    """
    points, faces, planes, ints, floats = geometry
    points_c, corners, chosen = work
    height, width = depth.shape
    cx, cy = 0.5 * width, 0.5 * height
    side_x, side_y = math.hypot(focal, cx), math.hypot(focal, cy)
    matrix = np.empty((3, 4))
    for k in nodes:
        _compose(view, transforms[k], matrix)
        sx, sy, sz, radius = floats[k, SPHERE], floats[k, SPHERE + 1], floats[k, SPHERE + 2], floats[k, SPHERE + 3]
        x = matrix[0, 0] * sx + matrix[0, 1] * sy + matrix[0, 2] * sz + matrix[0, 3]
        y = matrix[1, 0] * sx + matrix[1, 1] * sy + matrix[1, 2] * sz + matrix[1, 3]
        z = matrix[2, 0] * sx + matrix[2, 1] * sy + matrix[2, 2] * sz + matrix[2, 3]
        if z + radius < near or abs(x) * focal - cx * z > radius * side_x or abs(y) * focal - cy * z > radius * side_y:
            continue  # the bounding sphere is outside one plane of the view
        _transform_points(points, ints[k, FIRST_POINT], ints[k, END_POINT], matrix, points_c)
        # The eye in the node's frame: minus the transposed rotation times the translation.
        ex = -(matrix[0, 0] * matrix[0, 3] + matrix[1, 0] * matrix[1, 3] + matrix[2, 0] * matrix[2, 3])
        ey = -(matrix[0, 1] * matrix[0, 3] + matrix[1, 1] * matrix[1, 3] + matrix[2, 1] * matrix[2, 3])
        ez = -(matrix[0, 2] * matrix[0, 3] + matrix[1, 2] * matrix[1, 3] + matrix[2, 2] * matrix[2, 3])
        found = _facing(planes, ints[k, FIRST_FACE], ints[k, END_FACE], ex, ey, ez, 1.0, chosen)
        if z - radius >= near:
            for i in range(U(ints[k, FIRST_POINT]), U(ints[k, END_POINT])):
                w = 1.0 / points_c[i, 2]
                points_c[i, 0], points_c[i, 1] = cx + focal * points_c[i, 0] * w, cy + focal * points_c[i, 1] * w
                points_c[i, 2] = w
            for n in range(U(found)):
                f = chosen[n]
                a, b, c = U(faces[f, 0]), U(faces[f, 1]), U(faces[f, 2])
                _fill(
                    points_c[a, 0], points_c[a, 1], points_c[a, 2],
                    points_c[b, 0], points_c[b, 1], points_c[b, 2],
                    points_c[c, 0], points_c[c, 1], points_c[c, 2],
                    depth, ids, f,
                )  # fmt: skip
        else:
            for n in range(U(found)):
                f = chosen[n]
                _clip_and_fill(
                    points_c, faces[f, 0], faces[f, 1], faces[f, 2], near, focal, cx, cy, corners, depth, ids, f
                )


@njit(**_OPTIONS)
def _facing(planes: Array, first: int, end: int, ex: float, ey: float, ez: float, ew: float, chosen: Array) -> int:
    """Write the faces of `first:end` that are turned to the eye (ex, ey, ez, ew), homogeneous; returns how many.

    A pass of its own without a branch: a processor cannot guess which faces are.
    """
    found = 0
    for f in range(U(first), U(end)):
        chosen[U(found)] = I32(f)
        found += planes[f, 0] * ex + planes[f, 1] * ey + planes[f, 2] * ez + planes[f, 3] * ew > 0.0
    return found


@njit(**_OPTIONS)
def _clip_and_fill(
    points_c: Array,
    a: int,
    b: int,
    c: int,
    near: float,
    focal: float,
    cx: float,
    cy: float,
    corners: Array,
    depth: Array,
    ids: Any,
    face: int,
) -> None:
    """Cut a triangle at the near plane into a polygon of 3 or 4 corners and draw it as a fan."""
    count = 0
    p, q = c, a
    for side in range(3):
        zp, zq = points_c[p, 2], points_c[q, 2]
        if (zp >= near) != (zq >= near):
            inside, outside = (p, q) if zp >= near else (q, p)  # the same cut from both triangles at an edge
            t = (near - points_c[inside, 2]) / (points_c[outside, 2] - points_c[inside, 2])
            corners[count, 0] = points_c[inside, 0] + t * (points_c[outside, 0] - points_c[inside, 0])
            corners[count, 1] = points_c[inside, 1] + t * (points_c[outside, 1] - points_c[inside, 1])
            corners[count, 2] = near
            count += 1
        if zq >= near:
            corners[count, 0], corners[count, 1], corners[count, 2] = points_c[q, 0], points_c[q, 1], points_c[q, 2]
            count += 1
        p = q
        q = b if side == 0 else c
    for i in range(count):
        w = 1.0 / corners[i, 2]
        corners[i, 0], corners[i, 1], corners[i, 2] = cx + focal * corners[i, 0] * w, cy + focal * corners[i, 1] * w, w
    for i in range(1, count - 1):
        _fill(
            corners[0, 0], corners[0, 1], corners[0, 2],
            corners[i, 0], corners[i, 1], corners[i, 2],
            corners[i + 1, 0], corners[i + 1, 1], corners[i + 1, 2],
            depth, ids, face,
        )  # fmt: skip


@njit(**_OPTIONS)
def draw_shadow_map(
    geometry: Any,
    transforms: Array,
    light: Array,
    quantum: float,
    work: Any,
    depth: Array,
    tiles: Array,
    matrix: Array,
) -> Any:
    """Draw the shadow casters as the light sees them, in a square that just holds them.

    Args:
        geometry: points (P, 3), faces (F, 3), planes (F, 4), ints (K, 11), floats (K, 17) of the PackedScene.
        transforms: (K, 12) from `place_nodes`.
        light: (3, 3) orthonormal rows: right, down of the map, direction to the light.
        quantum: Borders of the map move in steps of it, metres, so that its grid stays put while the robot moves.
        work: Scratch: points (P, 3), corners (4, 3), faces (F + 1,) int32.
        depth: (S, S) float32, of which the rows that the casters need are filled: w is metres towards the light,
            -1e9 where there is nothing.
        tiles: (T, T) float32, filled: no w of the map's tile is higher, TILE x TILE texels.
        matrix: (3, 4) float32, filled with world to (column, row, w).

    Returns:
        Side of a texel, metres, and how many rows are filled.
    """
    points, faces, planes, ints, _ = geometry
    points_l, _, chosen = work
    size = depth.shape[0]
    view = np.zeros((3, 4))
    view[:, :3] = light
    to_light = np.empty((3, 4))
    low_x, low_y, high_x, high_y = np.inf, np.inf, -np.inf, -np.inf
    for k in range(ints.shape[0]):
        if ints[k, CASTS]:
            _compose(view, transforms[k], to_light)
            _transform_points(points, ints[k, FIRST_POINT], ints[k, END_POINT], to_light, points_l)
            for i in range(ints[k, FIRST_POINT], ints[k, END_POINT]):
                low_x, high_x = min(low_x, points_l[i, 0]), max(high_x, points_l[i, 0])
                low_y, high_y = min(low_y, points_l[i, 1]), max(high_y, points_l[i, 1])
    low_x, low_y = math.floor(low_x / quantum) * quantum, math.floor(low_y / quantum) * quantum
    extent = math.ceil(max(high_x - low_x, high_y - low_y) / quantum) * quantum
    scale = (size - 2) / extent
    for i in range(3):
        matrix[0, i], matrix[1, i], matrix[2, i] = light[0, i] * scale, light[1, i] * scale, light[2, i]
    matrix[0, 3], matrix[1, 3], matrix[2, 3] = 1.0 - low_x * scale, 1.0 - low_y * scale, 0.0
    rows = min(int(1.0 + (high_y - low_y) * scale) + 3, size)
    depth[:rows] = NOTHING
    tiles[:] = NOTHING
    for k in range(ints.shape[0]):
        if ints[k, CASTS] == 0:
            continue
        for i in range(ints[k, FIRST_POINT], ints[k, END_POINT]):
            points_l[i, 0] = 1.0 + (points_l[i, 0] - low_x) * scale
            points_l[i, 1] = 1.0 + (points_l[i, 1] - low_y) * scale
        t = transforms[k]
        lx = t[0] * light[2, 0] + t[3] * light[2, 1] + t[6] * light[2, 2]
        ly = t[1] * light[2, 0] + t[4] * light[2, 1] + t[7] * light[2, 2]
        lz = t[2] * light[2, 0] + t[5] * light[2, 1] + t[8] * light[2, 2]
        # The light is an eye infinitely far away. Faces turned away from it cast nothing that the others do not.
        found = _facing(planes, ints[k, FIRST_FACE], ints[k, END_FACE], lx, ly, lz, 0.0, chosen)
        _cast_faces(faces, chosen, found, points_l, depth, tiles)
    return extent / (size - 2), rows


@njit(**_OPTIONS)
def _cast_faces(faces: Array, chosen: Array, count: int, points_s: Array, depth: Array, tiles: Array) -> None:
    """Draw the first `count` chosen faces into a shadow map, and raise the tiles that they may touch."""
    last = tiles.shape[0] - 1
    for n in range(U(count)):
        f = chosen[n]
        a, b, c = U(faces[f, 0]), U(faces[f, 1]), U(faces[f, 2])
        x0, y0, w0 = points_s[a, 0], points_s[a, 1], points_s[a, 2]
        x1, y1, w1 = points_s[b, 0], points_s[b, 1], points_s[b, 2]
        x2, y2, w2 = points_s[c, 0], points_s[c, 1], points_s[c, 2]
        _fill(x0, y0, w0, x1, y1, w1, x2, y2, w2, depth, None, f)
        left, right = int(min(x0, x1, x2)) // TILE, min(int(max(x0, x1, x2)) // TILE, last)
        highest = np.float32(max(w0, w1, w2)) + ROUNDING_M
        for row in range(int(min(y0, y1, y2)) // TILE, min(int(max(y0, y1, y2)) // TILE, last) + 1):
            for column in range(left, right + 1):
                tiles[row, column] = max(tiles[row, column], highest)

"""What a camera that stands still sees of things that stand still: drawn and coloured once, without shadows.

A frame starts from a copy of it; only blocks of pixels that something else covers or may shade are coloured anew. A
block that is not comes out as if it had been, so that pictures do not depend on whether there is a layer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.renderer.shadowing import holds_caster
from envs.renderer.texturing import BLOCK, CHUNK, OPTIONS, F, U
from vla.contract import ByteArray, FloatArray

Array = NDArray[Any]
KEPT = 4  # layers of a scene: cameras that move must not fill the memory
_MARGIN_TEXELS, _MARGIN_M = F(0.05), F(1e-4)  # for rounding
_HALF, _FAR = F(0.5), F(1e9)


@dataclass(frozen=True, eq=False)
class Layer:
    """A picture of what stands still."""

    inverse: FloatArray  # (H, W) 1 / z
    faces: NDArray[np.int32]  # (H, W), -1 for the background
    rgb: ByteArray  # (H, 3 W)
    segmentation: NDArray[np.int32]  # (H, W)
    bounds: FloatArray  # from `light_bounds`


class Layers:
    """The layers of one scene, by camera."""

    def __init__(self) -> None:
        """None yet."""
        self._seen: dict[Hashable, Layer | None] = {}

    def get(self, key: Hashable, make: Callable[[], Layer]) -> Layer | None:
        """The layer of a camera: none when it is seen for the first time, since it may never be again."""
        if key not in self._seen:
            if len(self._seen) >= KEPT:
                del self._seen[next(iter(self._seen))]
            self._seen[key] = None
            return None
        layer = self._seen[key] = self._seen.pop(key) or make()  # last in the queue
        return layer


def stacked_layers(layers: Sequence[Layer | None], size: tuple[int, int]) -> tuple[Array, ...]:
    """The layers of V cameras as `film.draw_film` reads them: which there are, 1 / z, faces, rgb and bounds."""
    (height, width), count = size, len(layers)
    squares = -(-height // BLOCK), -(-width // BLOCK), 5
    shapes = ((height, width), np.float32), ((height, width), np.int32), ((height, 3 * width), np.uint8)
    inverse, faces, rgb, bounds = (np.empty((count, *s), d) for s, d in (*shapes, (squares, np.float32)))
    for v, layer in enumerate(layers):
        if layer is not None:
            inverse[v], faces[v], rgb[v], bounds[v] = layer.inverse, layer.faces, layer.rgb, layer.bounds
    return np.array([layer is not None for layer in layers]), inverse, faces, rgb, bounds


def blocks_of(size: tuple[int, int]) -> tuple[int, int]:
    """Shape of the array that says which blocks of BLOCK pixels of a row are to be coloured."""
    return size[0], -(-size[1] // BLOCK)


@njit(**OPTIONS)
def light_bounds(depth: Array, faces: Array, rays: Array, basis: Array) -> Any:
    """Where the surfaces in squares of BLOCK x BLOCK pixels are, as the light sees them.

    Args:
        depth: (H, W), metres.
        faces: (H, W), -1 for the background, which has no place.
        rays: (5, 3), as `shading.shade` says.
        basis: (3, 3) float32, `raster.light_basis`.

    Returns:
        (H / BLOCK, W / BLOCK, 5), rounded up: lowest and highest to the light's right, lowest and highest down,
        lowest towards it, metres.
    """
    height, width = depth.shape
    bounds = np.empty((-(-height // BLOCK), -(-width // BLOCK), 5), np.float32)
    for i in range(bounds.shape[0]):
        for k in range(bounds.shape[1]):
            bounds[i, k, 0] = bounds[i, k, 2] = bounds[i, k, 4] = _FAR
            bounds[i, k, 1] = bounds[i, k, 3] = -_FAR
    for j in range(height):
        for i in range(width):
            if faces[j, i] < 0:
                continue
            bound = bounds[j // BLOCK, i // BLOCK]
            x, y, z = F(i) + _HALF, F(j) + _HALF, depth[j, i]
            px = rays[0, 0] + z * (rays[1, 0] + x * rays[2, 0] + y * rays[3, 0])
            py = rays[0, 1] + z * (rays[1, 1] + x * rays[2, 1] + y * rays[3, 1])
            pz = rays[0, 2] + z * (rays[1, 2] + x * rays[2, 2] + y * rays[3, 2])
            right = px * basis[0, 0] + py * basis[0, 1] + pz * basis[0, 2]
            down = px * basis[1, 0] + py * basis[1, 1] + pz * basis[1, 2]
            nearer = px * basis[2, 0] + py * basis[2, 1] + pz * basis[2, 2]
            bound[0], bound[1] = min(bound[0], right), max(bound[1], right)
            bound[2], bound[3] = min(bound[2], down), max(bound[3], down)
            bound[4] = min(bound[4], nearer)
    return bounds


@njit(**OPTIONS)
def mark_blocks(faces: Array, still: Array, bounds: Array, shadow: Any, wanted: Array) -> None:
    """Fill `wanted` (H, B): the blocks of which a face is not the one that stands still, or where a shadow may fall.

    `faces` and `still` are (H, W), `bounds` those of the layer, `shadow` as `shading.shade` says.
    """
    shadow_map, tiles, matrix, bias = shadow
    height, width = faces.shape
    scale = math.sqrt(matrix[0, 0] * matrix[0, 0] + matrix[0, 1] * matrix[0, 1] + matrix[0, 2] * matrix[0, 2])
    right, down = matrix[0, 3], matrix[1, 3]
    more = bias[2] + _MARGIN_TEXELS
    for row in range(bounds.shape[0]):
        for column in range(bounds.shape[1]):
            b = bounds[row, column]
            shaded = shadow_map.shape[0] > 1 and b[0] <= b[1] and holds_caster(
                shadow_map, tiles, b[0] * scale + right - more, b[1] * scale + right + more,
                b[2] * scale + down - more, b[3] * scale + down + more, b[4] - bias[3] - _MARGIN_M,
            )  # fmt: skip
            first, end = BLOCK * column, min(BLOCK * column + BLOCK, width)
            for j in range(BLOCK * row, min(BLOCK * row + BLOCK, height)):
                different = 0
                for i in range(U(first), U(end)):
                    different |= faces[U(j), i] ^ still[U(j), i]
                wanted[j, column] = shaded or different != 0


@njit(inline="always", **OPTIONS)
def next_span(wanted: Array, j: int, begin: int, width: int) -> Any:
    """Start and length of the next pixels of row `j` to colour together, at most CHUNK; length 0 if there are none."""
    block, blocks = -(-begin // BLOCK), wanted.shape[1]
    while block < blocks and not wanted[j, block]:
        block += 1
    end = block
    while end < blocks and wanted[j, end] and end - block < CHUNK // BLOCK:
        end += 1
    return block * BLOCK, min(end * BLOCK, width) - min(block * BLOCK, width)

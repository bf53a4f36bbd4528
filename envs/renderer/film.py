"""Many moments of one scene in one compiled call: what training draws. The same bytes as one moment at a time.

Drawing 96 x 96 pixels takes a fraction of a millisecond, of which a fifth was spent between the kernels before this.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from envs.renderer import kernels
from envs.renderer.layers import mark_blocks
from envs.renderer.pack import SEGMENT
from envs.renderer.shading import shade
from envs.renderer.texturing import F

Array = NDArray[Any]


@njit(nogil=True, cache=True, boundscheck=False, error_model="numpy")
def draw_film(
    scene: Any,
    poses: Array,
    views: Any,
    nodes: Any,
    shadow: Any,
    layers: Any,
    scratch: Any,
    pixels: Array,
    segments: Array,
) -> None:
    """Draw every moment from every camera.

    Args:
        scene: geometry (as `kernels.draw_camera` says), surface (as `shading.shade` says), static poses (K, 7), lights.
        poses: (S, N, 7) float32.
        views: Of each moment and camera: matrices (S, V, 3, 4) world to camera, rays (S, V, 5, 3); of each camera:
            lengths (V, 3): focal length in pixels, near and far plane in metres.
        nodes: All (K,) and those that move (M,), int64.
        shadow: Map (S, S) and tiles as `kernels.draw_shadow_map` says, (1, 1) for none; basis (3, 3) of the light;
            (6,) numbers: borders' step, bias, bias for slant, radius of a soft edge, how much w may differ over it.
        layers: Whether a camera has one (V,); of what stands still: 1 / z (V, H, W), faces (V, H, W), rgb (V, H, 3 W),
            bounds (V, H / BLOCK, W / BLOCK, 5).
        scratch: Transforms (K, 12) float64 and float32; work of `kernels.draw_camera` and of `shading.shade`; 1 / z,
            faces, depth, segmentation (H, W) and wanted blocks of one picture.
        pixels: (S, V, H, 3 W) uint8, filled.
        segments: (S, V, G, G) int32, filled with the segmentation in the middle of each of G x G cells; G may be 0.
    """
    geometry, surface, static_poses, lights = scene
    matrices, rays, lengths = views
    everything, moving = nodes
    shadow_map, tiles, basis, numbers = shadow
    has_layer, still_inverse, still_faces, still_rgb, bounds = layers
    transforms, transforms_32, camera_work, shade_work, inverse, faces, depth, segmentation, wanted = scratch
    shadow_matrix, bias = np.zeros((3, 4), np.float32), np.zeros(4, np.float32)
    for s in range(poses.shape[0]):
        kernels.place_nodes(poses[s], surface[2], static_poses, transforms)
        for k in range(transforms.shape[0]):
            for i in range(12):
                transforms_32[k, i] = F(transforms[k, i])
        rows = 1
        if shadow_map.shape[0] > 1:
            texel, rows = kernels.draw_shadow_map(
                geometry, transforms, basis, numbers[0], camera_work, shadow_map, tiles, shadow_matrix
            )
            bias[0], bias[1] = F(numbers[1]), F(numbers[2] * texel)
            bias[2], bias[3] = F(numbers[3] / texel), F(numbers[4])
        cast = (shadow_map[:rows], tiles, shadow_matrix, bias)
        for v in range(pixels.shape[1]):
            if has_layer[v]:
                inverse[:], faces[:], pixels[s, v] = still_inverse[v], still_faces[v], still_rgb[v]
            else:
                inverse[:], faces[:], wanted[:] = F(1.0 / lengths[v, 2]), -1, True
            drawn = moving if has_layer[v] else everything
            kernels.draw_camera(
                geometry, transforms, matrices[s, v], lengths[v, 0], lengths[v, 1], drawn, camera_work, inverse, faces
            )
            if has_layer[v]:
                mark_blocks(faces, still_faces[v], bounds[v], cast, wanted)
            seen, out = (inverse, faces, wanted), (pixels[s, v], depth, segmentation)
            shade(surface, transforms_32, rays[s, v], lights, cast, shade_work, seen, out)
            _segment(faces, surface, segments[s, v])


@njit(nogil=True, cache=True, boundscheck=False, error_model="numpy")
def _segment(faces: Array, surface: Any, segments: Array) -> None:
    """Fill `segments` (G, G) from `faces` (H, W): what is in the middle of each cell."""
    rows, columns = segments.shape
    for j in range(rows):
        for i in range(columns):
            face = faces[(2 * j + 1) * faces.shape[0] // (2 * rows), (2 * i + 1) * faces.shape[1] // (2 * columns)]
            segments[j, i] = surface[2][surface[1][face], SEGMENT] if face >= 0 else -1

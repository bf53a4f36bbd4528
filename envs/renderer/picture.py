"""What every renderer does to finished pixels: average 2 x 2 of them, paint the background. Plain numpy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from envs.renderer.types import Camera, Film, Frame
from envs.scene import BackgroundSpec
from vla.contract import ByteArray, FloatArray


def halve(rgb: ByteArray, depth: FloatArray, segmentation: NDArray[np.int32]) -> Frame:
    """Average 2 x 2 pixels of a picture; depth and segmentation are those below and right of the centre."""
    height, width = depth.shape[0] // 2, depth.shape[1] // 2
    total = rgb.reshape(height, 2, width, 2, 3).sum(axis=(1, 3), dtype=np.uint16)
    return Frame(
        ((total + 2) >> 2).astype(np.uint8),
        np.ascontiguousarray(depth[1::2, 1::2]),
        np.ascontiguousarray(segmentation[1::2, 1::2]),
    )


def filmed(moments: Sequence[Sequence[Frame]], grid: int) -> Film:
    """Pictures of S moments from V cameras each as one film, with the segmentation in the middle of `grid` cells."""
    height, width = moments[0][0].segmentation.shape
    rows, columns = ((2 * np.arange(grid) + 1) * size // (2 * max(grid, 1)) for size in (height, width))
    return Film(
        np.stack([[frame.rgb for frame in moment] for moment in moments]),
        np.stack([[frame.segmentation[rows[:, None], columns] for frame in moment] for moment in moments]),
    )


def background_gradient(background: BackgroundSpec, camera: Camera) -> ByteArray:
    """The background alone, (H, W, 3): a gradient by the elevation of each pixel's ray."""
    x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    focal = camera.intrinsics[0, 0]
    rays_c = np.stack([(x - camera.width / 2) / focal, (y - camera.height / 2) / focal, np.ones_like(x)], axis=-1)
    up_w = rays_c @ camera.pose_w[2, :3] / np.linalg.norm(rays_c, axis=-1)
    top, bottom = np.asarray(background.top), np.asarray(background.bottom)
    colour = bottom + (top - bottom) * (0.5 + 0.5 * up_w)[..., None]
    return np.asarray(np.clip(colour * 255 + 0.5, 0, 255), np.uint8)

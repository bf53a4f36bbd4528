"""What a lens that distorts makes of a drawn picture. Knows no renderer and no scene.

Renderers draw pinholes. For a lens that distorts, a wider pinhole is drawn at the same scale, and every pixel of the
picture looks up where its ray met that one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from envs.cameras import distorted
from envs.renderer.types import Camera, Frame
from vla.contract import FloatArray

MOST_PIXELS = 4.0  # times as wide or high as the picture may the pinhole behind it be
ITERATIONS = 50
EXACT_PIXELS = 0.05


@dataclass(frozen=True, eq=False)
class Lens:
    """How to get the picture of a lens from a pinhole's.

    Attributes:
        fov_y: Vertical field of view of the pinhole that is drawn, degrees.
        width: Its pixels.
        height: Its pixels.
        u: (H, W) float32: where in the pinhole's picture each pixel looks, pixel centres at whole numbers.
        v: (H, W) float32.
    """

    fov_y: float
    width: int
    height: int
    u: FloatArray
    v: FloatArray

    def pinhole(self, camera: Camera) -> Camera:
        """What is to be drawn for `camera`."""
        return replace(camera, fov_y=self.fov_y, width=self.width, height=self.height, distortion=())

    def bend(self, frame: Frame) -> Frame:
        """The picture of the lens; colours are interpolated, depth and segmentation are those of the nearest pixel."""
        import cv2

        rgb = cv2.remap(frame.rgb, self.u, self.v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        row = np.clip(np.rint(self.v).astype(np.intp), 0, self.height - 1)
        column = np.clip(np.rint(self.u).astype(np.intp), 0, self.width - 1)
        return Frame(np.asarray(rgb, np.uint8), frame.depth[row, column], frame.segmentation[row, column])


@lru_cache(maxsize=64)
def lens(width: int, height: int, fov_y: float, distortion: tuple[float, ...]) -> Lens:
    """The lens of a camera with this picture.

    Raises:
        ValueError: The distortion folds the picture (two rays meet in one pixel), or needs a view too wide to be drawn.
    """
    focal = 0.5 * height / np.tan(np.radians(fov_y) / 2)
    centres = np.meshgrid((np.arange(width) + 0.5 - width / 2) / focal, (np.arange(height) + 0.5 - height / 2) / focal)
    wanted = np.stack([axis.ravel() for axis in centres], axis=1)
    rays = _undistorted(wanted, distortion)
    error = np.abs(distorted(rays, distortion) - wanted).max() * focal
    reach = np.abs(rays).max(axis=0) * 2 * focal + 2
    if not (error < EXACT_PIXELS and _keeps_order(rays, width, height)):
        raise ValueError(f"the distortion {distortion} folds a picture with fov_y={fov_y:g}: choose smaller numbers")
    if (reach > MOST_PIXELS * np.array([width, height])).any():
        raise ValueError(f"the distortion {distortion} with fov_y={fov_y:g} sees too much: choose smaller numbers")
    wide, high = (int(2 * np.ceil(side / 2)) for side in reach)
    drawn_fov = float(np.degrees(2 * np.arctan(high / 2 / focal)))
    u, v = (rays * focal + np.array([wide, high]) / 2 - 0.5).T.astype(np.float32)
    return Lens(drawn_fov, wide, high, u.reshape(height, width).copy(), v.reshape(height, width).copy())


def _undistorted(wanted: NDArray[np.float64], distortion: tuple[float, ...]) -> NDArray[np.float64]:
    """Rays (P, 2) that the lens puts at `wanted` (P, 2), by fixed-point iteration; wrong where there are none."""
    rays = wanted.copy()
    with np.errstate(all="ignore"):
        for _ in range(ITERATIONS):
            error = wanted - distorted(rays, distortion)
            rays = np.clip(np.nan_to_num(rays + error), -1e3, 1e3)
            if np.abs(error).max() < 1e-7:
                break
    return rays


def _keeps_order(rays: NDArray[np.float64], width: int, height: int) -> bool:
    """Whether pixels farther to the right look farther to the right, and lower ones lower."""
    grid = rays.reshape(height, width, 2)
    return bool((np.diff(grid[..., 0], axis=1) > 0).all() and (np.diff(grid[..., 1], axis=0) > 0).all())

"""What happens to light before it reaches the sensor: fog, and lenses out of focus, shaken or zoomed.

Pure functions on pictures (H, W, 3) uint8, sRGB. Lengths are in pixels of a picture `HEIGHT` pixels high and scale with
the resolution. Fog and blurs mix sRGB values, as those of LIBERO-Plus and ImageNet-C do. Knows no scene.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import cv2
import numpy as np

from vla.contract import ByteArray, FloatArray

HEIGHT = 224
FOG = 204  # grey of thick fog, of 255
REACH = 3.5  # standard deviations after which a streak ends, as LIBERO-Plus's longest does: 2 * 35 + 1 pixels of 20
FINEST = 0.25  # pixels between the points that a streak is made of
ZOOM_STEP = 2.5  # pixels that the picture's edge moves from one magnification to the next
MOST_ZOOMS = 24


def foggy(rgb: ByteArray, depth: FloatArray, density: float) -> ByteArray:
    """`rgb` through fog of `density` 1/m: at depth d, metres, exp(-density d) of the contrast is left (Koschmieder)."""
    left = np.exp(np.float32(-density) * depth.astype(np.float32))[:, :, None]
    return np.asarray(np.rint(FOG + left * (rgb.astype(np.float32) - FOG)), np.uint8)


def blurred(rgb: ByteArray, deviation: float) -> ByteArray:
    """`rgb` out of focus: a Gaussian of `deviation` pixels."""
    sigma = deviation * rgb.shape[0] / HEIGHT
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)


def motion_blurred(rgb: ByteArray, deviation: float, angle: float) -> ByteArray:
    """`rgb` from a shaken camera: every point is a streak that fades out, as ImageMagick's and LIBERO-Plus's are.

    Args:
        rgb: The picture.
        deviation: Of the half Gaussian by which the streak fades, pixels.
        angle: Where it goes, radians from the picture's x axis towards its y axis.
    """
    kernel = _streak(deviation * rgb.shape[0] / HEIGHT, angle)
    return np.asarray(cv2.filter2D(rgb, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


@lru_cache(maxsize=64)
def _streak(deviation: float, angle: float) -> FloatArray:
    """Kernel (K, K) float32, read-only. Its centre of mass is in the middle: a blurred picture is not a moved one."""
    along = np.arange(0.0, REACH * deviation + FINEST, FINEST)
    weight = np.exp(-0.5 * (along / deviation) ** 2)
    weight /= weight.sum()
    along = along - weight @ along
    half = ceil(np.abs(along).max()) + 1
    x, y = half + along * np.cos(angle), half + along * np.sin(angle)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    for down, share_y in ((0, 1 - (y - row)), (1, y - row)):
        for right, share_x in ((0, 1 - (x - column)), (1, x - column)):
            np.add.at(kernel, (row + down, column + right), weight * share_x * share_y)
    kernel.setflags(write=False)
    return kernel


def zoom_blurred(rgb: ByteArray, zoom: float) -> ByteArray:
    """`rgb` taken while the lens zooms in: the mean over magnifications from 1 to 1 + `zoom`."""
    height, width = rgb.shape[:2]
    count = min(ceil(zoom * max(height, width) / 2 / ZOOM_STEP) + 1, MOST_ZOOMS)
    total = np.zeros(rgb.shape, np.float32)
    for magnification in np.linspace(1.0, 1.0 + zoom, max(count, 2)):
        shift = (1 - magnification) / 2
        matrix = np.array([[magnification, 0, shift * (width - 1)], [0, magnification, shift * (height - 1)]])
        cv2.accumulate(cv2.warpAffine(rgb, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), total)
    return np.asarray(np.rint(total / max(count, 2)), np.uint8)

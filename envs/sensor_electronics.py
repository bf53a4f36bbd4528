"""What sensor, processor and cable do to a picture: exposure, contrast, resolution, noise, dead pixels, compression.

Pure functions on pictures (H, W, 3) uint8, sRGB. Knows no scene.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from vla.contract import ByteArray

MIDDLE = 127.5  # the grey that contrast leaves alone


def exposed(rgb: ByteArray, stops: float, contrast: float) -> ByteArray:
    """`rgb` with 2 ** `stops` times the light, then with each value `contrast` times as far from middle grey."""
    return np.asarray(cv2.LUT(rgb, _curve(stops, contrast)), np.uint8)


@lru_cache(maxsize=256)
def _curve(stops: float, contrast: float) -> ByteArray:
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)  # sRGB to linear
    lit = np.minimum(light * 2.0**stops, 1.0)
    value = 255 * np.where(lit <= 0.0031308, 12.92 * lit, 1.055 * lit ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(np.rint(MIDDLE + contrast * (value - MIDDLE)), 0, 255), np.uint8)


def shrunk(rgb: ByteArray, factor: float) -> ByteArray:
    """`rgb` as a sensor with 1 / `factor` of its pixels each way takes it: each is a mean over its area."""
    height, width = rgb.shape[:2]
    size = (max(round(width / factor), 1), max(round(height / factor), 1))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(rgb: ByteArray, width: int, height: int) -> ByteArray:
    """`rgb` at another size, in blocks of one colour."""
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def grainy(rgb: ByteArray, deviation: float, rng: np.random.Generator) -> ByteArray:
    """`rgb` with normal noise of `deviation` levels in every value of every pixel."""
    grain = rng.standard_normal(rgb.shape, np.float32)
    return np.clip(np.rint(rgb + np.float32(deviation) * grain), 0, 255).astype(np.uint8)


def with_dead_pixels(rgb: ByteArray, share: float, rng: np.random.Generator) -> ByteArray:
    """`rgb` with a `share` of its pixels black or white; those of a smaller share are among those of a larger one."""
    draw = rng.random(rgb.shape[:2], np.float32)
    out = rgb.copy()
    out[draw < share / 2] = 0
    out[draw > 1 - share / 2] = 255
    return out


def compressed(rgb: ByteArray, quality: int) -> ByteArray:
    """`rgb` through a JPEG of `quality` 1 to 100."""
    _, data = cv2.imencode(".jpg", rgb[:, :, ::-1], (cv2.IMWRITE_JPEG_QUALITY, quality))
    return np.ascontiguousarray(np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1])

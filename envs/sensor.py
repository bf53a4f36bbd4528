"""What a camera's sensor and cable make of a drawn picture, and which moment that picture is of.

Everything is a pure function of the camera's `SensorSpec`, its name and the control step, so that the same moment of an
episode has the same bytes live, in training and in videos. Knows no renderer and no scene.
"""

from __future__ import annotations

import zlib
from math import ceil

import numpy as np

from envs.scene import SensorSpec
from envs.sensor_electronics import compressed, enlarged, exposed, grainy, shrunk, with_dead_pixels
from envs.sensor_optics import blurred, foggy, motion_blurred, zoom_blurred
from vla.contract import ByteArray, FloatArray

NOTHING = SensorSpec()
_NOISE, _DEAD, _DROP = range(3)  # what is drawn at random, each from a stream of its own


def sensed(rgb: ByteArray, depth: FloatArray, sensor: SensorSpec, camera: str, step: int) -> ByteArray:
    """The picture that arrives.

    In the order in which light and signal go: air, lens, exposure, pixels and their noise, compression.

    Args:
        rgb: (H, W, 3) sRGB as drawn; it is not changed.
        depth: (H, W) metres.
        sensor: What happens to it.
        camera: Name of the camera: two cameras have noise of their own.
        step: Control step at which it is taken.
    """
    picture = foggy(rgb, depth, sensor.fog) if sensor.fog else rgb
    if sensor.blur:
        picture = blurred(picture, sensor.blur)
    if sensor.motion_blur:
        picture = motion_blurred(picture, sensor.motion_blur, sensor.motion_angle)
    if sensor.zoom_blur:
        picture = zoom_blurred(picture, sensor.zoom_blur)
    if sensor.exposure or sensor.contrast != 1:
        picture = exposed(picture, sensor.exposure, sensor.contrast)
    if sensor.shrink > 1:
        picture = shrunk(picture, sensor.shrink)
    if sensor.noise:
        picture = grainy(picture, sensor.noise, _rng(sensor, camera, _NOISE, step))
    if sensor.dead_pixels:
        picture = with_dead_pixels(picture, sensor.dead_pixels, _rng(sensor, camera, _DEAD))
    if sensor.jpeg:
        picture = compressed(picture, sensor.jpeg)
    return enlarged(picture, rgb.shape[1], rgb.shape[0]) if sensor.shrink > 1 else picture


def seen_step(sensor: SensorSpec, camera: str, step: int, control_hz: float) -> int:
    """The control step whose picture is seen at `step`: the last one that is old enough and did arrive.

    The first picture of an episode always arrives. A picture is at least as late as `delay_s` says.
    """
    seen = max(step - ceil(sensor.delay_s * control_hz - 1e-9), 0)
    if sensor.drop:
        while seen > 0 and _rng(sensor, camera, _DROP, seen).random() < sensor.drop:
            seen -= 1
    return seen


def _rng(sensor: SensorSpec, camera: str, *purpose: int) -> np.random.Generator:
    return np.random.default_rng((sensor.seed, zlib.crc32(camera.encode()), *purpose))

"""What the cameras' lenses, sensors and cables do to the pictures, all cameras of the scene alike.

`envs.sensor` carries it out. Where a benchmark of robots gives no magnitudes, those of ImageNet-C are taken (Hendrycks
and Dietterich, Benchmarking Neural Network Robustness to Common Corruptions and Perturbations, ICLR 2019), whose
pictures are 224 pixels high too. What is said of VLA-Arena is from its `bddl_base_domain.py`, of
LIBERO-Plus from its `env_wrapper.py`. Seeds of what is drawn at run time are given to the whole scene (`envs.scenes`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from envs.scene import SceneSpec
from envs.tasks.base import Task
from envs.variations import axis

SENSOR = ("cameras.sensor",)


def _sensors(spec: SceneSpec, **changes: Any) -> SceneSpec:
    """The scene with `changes` of the sensors of all cameras."""
    return replace(spec, cameras=tuple(replace(c, sensor=replace(c.sensor, **changes)) for c in spec.cameras))


@axis(
    "sensor_noise",
    "visual",
    "levels of 255, standard deviation",
    (15, 40, 74, 100, 130),
    peers=("VLA-Arena",),
    changes=SENSOR,
)
def sensor_noise(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Normal noise in every pixel, new at every step.

    Level 3 is VLA-Arena's: variance 0.085 of values in [0, 1].
    """
    return _sensors(spec, noise=float(magnitude))


@axis(
    "dead_pixels", "visual", "share of the pixels", (0.01, 0.03, 0.1, 0.18, 0.3), peers=("VLA-Arena",), changes=SENSOR
)
def dead_pixels(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Pixels that are black or white, the same ones during the whole episode.

    Level 3 is the default of VLA-Arena's salt and pepper: 0.05 of each. They change from step to step there.
    """
    return _sensors(spec, dead_pixels=magnitude)


@axis(
    "blur",
    "visual",
    "pixels at 224, standard deviation",
    (1.0, 3.0, 5.5, 8.0, 12.0),
    peers=("LIBERO-Plus",),
    changes=SENSOR,
)
def blur(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Lenses out of focus: a Gaussian blur.

    LIBERO-Plus goes from 1 to 10; level 3 is its middle.
    """
    return _sensors(spec, blur=magnitude)


@axis(
    "motion_blur",
    "visual",
    "pixels at 224, standard deviation",
    (2, 4, 7, 14, 24),
    peers=("LIBERO-Plus",),
    changes=SENSOR,
)
def motion_blur(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Shaken cameras: every point is a streak in a direction that is drawn for the episode.

    LIBERO-Plus goes from (radius, standard deviation) (5, 2) to (35, 20), with radii that cut next to nothing off;
    level 3 is between its fifth and sixth of ten. Its directions are within 45 degrees of the horizontal as well.
    """
    angle = round(float(rng.uniform(-np.pi / 4, np.pi / 4)), 4)
    return _sensors(spec, motion_blur=float(magnitude), motion_angle=angle)


@axis(
    "zoom_blur",
    "visual",
    "magnification beyond 1",
    (0.1, 0.2, 0.325, 0.45, 0.65),
    peers=("LIBERO-Plus",),
    changes=SENSOR,
)
def zoom_blur(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Lenses that zoom in while a picture is taken: sharp in the middle, streaks towards the edge.

    LIBERO-Plus goes from 1.10 to 1.55; level 3 is its middle.
    """
    return _sensors(spec, zoom_blur=magnitude)


@axis("fog", "visual", "1/m (density)", (0.5, 1.1, 1.8, 2.4, 3.2), peers=("LIBERO-Plus",), changes=SENSOR)
def fog(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Fog, thicker the farther away things are.

    LIBERO-Plus mixes a flat cloud into the picture that leaves 1 / (1 + c) of its contrast, c from 0.5 to 5. At the
    distance of the table's middle from the front camera, 0.74 m, level 3 leaves as much as the middle of its ten, 0.27.
    """
    return _sensors(spec, fog=magnitude)


@axis(
    "exposure",
    "visual",
    "stops darker, or half as many brighter",
    (0.5, 1.0, 1.5, 3.0, 4.5),
    peers=("VLA-Arena",),
    changes=SENSOR,
)
def exposure(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Pictures that are exposed too short or too long: half of the episodes each.

    VLA-Arena multiplies sRGB values by 0.25 to 1.75, which is 4.4 stops darker to 1.8 brighter; its mean change, to
    0.625 of a value, is level 3. Far more light than level 5's would make blue and green the same white.
    """
    factor = -1.0 if rng.uniform() < 0.5 else 0.5
    return _sensors(spec, exposure=factor * magnitude)


@axis(
    "contrast",
    "visual",
    "share of the contrast that is lost",
    (0.3, 0.6, 0.75, 0.87, 0.95),
    peers=("VLA-Arena",),
    changes=SENSOR,
)
def contrast(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Pale pictures: every value is nearer to middle grey.

    Level 3 is VLA-Arena's extreme; level 5 is ImageNet-C's hardest.
    """
    return _sensors(spec, contrast=round(1.0 - magnitude, 4))


@axis("jpeg", "visual", "100 - quality", (50, 75, 85, 92, 97), changes=SENSOR)
def jpeg(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Pictures compressed with JPEG: blocks, and colours that run.

    ImageNet-C's qualities go from 25 to 7; level 3 is its middle.
    """
    return _sensors(spec, jpeg=100 - int(magnitude))


@axis("resolution", "visual", "times fewer pixels each way", (1.5, 2.0, 2.5, 4.0, 6.0), changes=SENSOR)
def resolution(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Cameras with fewer pixels, enlarged again to the size that the policy expects.

    Level 3 is the middle severity of ImageNet-C's pixelate, 0.4 of the resolution; its last one is level 4.
    """
    return _sensors(spec, shrink=magnitude)


@axis("dropped_frames", "visual", "probability", (0.1, 0.25, 0.5, 0.75, 0.9), changes=SENSOR)
def dropped_frames(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """Pictures that do not arrive: the one before is seen once more. Each camera loses its own."""
    return _sensors(spec, drop=magnitude)


@axis("delayed_frames", "visual", "ms", (100, 200, 300, 500, 800), changes=SENSOR)
def delayed_frames(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """Pictures that are old when they arrive, in whole control steps; what the robot feels of itself is not."""
    return _sensors(spec, delay_s=magnitude / 1000)

"""Light."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.scene import RGB, SceneSpec
from envs.tasks.base import Task
from envs.variations import axis, vec3


@axis(
    "light",
    "visual",
    "relative change of intensity",
    (0.15, 0.3, 0.5, 0.75, 0.9),
    peers=("COLOSSEUM", "LIBERO-Plus", "SimplerEnv", "RoboTwin"),
)
def light(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Brighter or darker light with a tint, from a direction that turns with the magnitude (1 = half a turn)."""
    sign = 1.0 if rng.uniform() < 0.5 else -1.0
    tint = 1.0 + sign * magnitude * rng.uniform(0.8, 1.0, 3)
    azimuth = (1.0 if rng.uniform() < 0.5 else -1.0) * magnitude * np.pi
    old = spec.light
    x, y, z = old.direction
    cos, sin = np.cos(azimuth), np.sin(azimuth)
    changed = replace(
        old,
        ambient=_scaled(old.ambient, tint),
        directional=_scaled(old.directional, tint),
        point=_scaled(old.point, tint),
        direction=vec3(np.array([cos * x - sin * y, sin * x + cos * y, z])),
    )
    return replace(spec, light=changed)


def _scaled(rgb: RGB, factors: NDArray[np.float64]) -> RGB:
    return vec3(np.asarray(rgb) * factors)

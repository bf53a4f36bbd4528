"""Where the cameras are and how they look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.cameras import place, project
from envs.scene import CameraSpec, SceneSpec
from envs.tasks.base import Task
from envs.variations import axis, vec3

DEGREES_PER_METRE = 30.0  # COLOSSEUM moves cameras by 0.1 m and about 3 degrees


@axis(
    "camera",
    "visual",
    "m (and 30 degrees per m)",
    (0.03, 0.06, 0.10, 0.15, 0.20),
    peers=("COLOSSEUM", "LIBERO-Plus", "VLA-Arena"),
)
def camera(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Cameras that stand in the room are moved in a random direction, and turned; they still see every object."""
    places = np.array([thing.position for thing in spec.objects])
    cameras = tuple(_moved(c, magnitude, rng, places) if c.parent == "world" else c for c in spec.cameras)
    return replace(spec, cameras=cameras)


DRAWS = 100  # of a camera's displacement, at most
BORDER = 0.04  # share of the picture's width and height in which an object's centre does not count as seen


def _moved(spec: CameraSpec, magnitude: float, rng: np.random.Generator, places: NDArray[np.float64]) -> CameraSpec:
    """The first of up to `DRAWS` displacements after which the camera sees as many points as before."""
    seen = _seen(spec, places)
    new = _displaced(spec, magnitude, rng)
    for _ in range(DRAWS - 1):
        if _seen(new, places) >= seen:
            break
        new = _displaced(spec, magnitude, rng)
    return new


def _seen(spec: CameraSpec, places: NDArray[np.float64]) -> int:
    """How many of the points (P, 3), metres, world, lie well inside the picture of a camera in the room."""
    view = place(spec, np.zeros((0, 7), np.float32), ())
    shares = project(places, view)[:, :2] / (view.width, view.height)
    return int(np.all((shares > BORDER) & (shares < 1 - BORDER), axis=1).sum())


def _displaced(spec: CameraSpec, magnitude: float, rng: np.random.Generator) -> CameraSpec:
    """Eye moved by exactly `magnitude` metres; view turned by 30 degrees per metre about a random axis across it."""
    eye, target = np.array(spec.eye), np.array(spec.target)
    shift = rng.normal(size=3)
    shift *= magnitude / np.linalg.norm(shift)
    view = target - eye
    across = np.cross(view, rng.normal(size=3))
    across *= np.linalg.norm(view) * np.tan(np.radians(DEGREES_PER_METRE * magnitude)) / np.linalg.norm(across)
    return replace(spec, eye=vec3(eye + shift), target=vec3(target + shift + across))

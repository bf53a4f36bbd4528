"""Where the cameras are and how they look: those that stand in the room (front), and those on the hand (wrist)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.cameras import look_at, place, project
from envs.lens import lens
from envs.scene import CameraSpec, SceneSpec
from envs.tasks.base import Task
from envs.variations import axis, vec3

Change = Callable[[CameraSpec], CameraSpec]
MOVED = ("COLOSSEUM", "LIBERO-Plus", "VLA-Arena", "VLATest", "FactorWorld", "RoboVerse", "SimplerEnv")


@axis(
    "camera_position",
    "visual",
    "m",
    (0.03, 0.06, 0.10, 0.15, 0.20),
    peers=MOVED,
    changes=("cameras.eye", "cameras.target"),
)
def camera_position(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """The front camera stands elsewhere: moved in a random direction, not turned; it still sees every object.

    COLOSSEUM moves cameras by up to 0.1 m along each axis, VLA-Arena by 0.105 m.
    """
    return _front(spec, lambda camera: _shifted(camera, magnitude * _direction(rng)))


@axis(
    "camera_orientation",
    "visual",
    "degrees",
    (1.0, 2.0, 3.0, 6.0, 10.0),
    peers=MOVED,
    changes=("cameras.target", "cameras.up"),
)
def camera_orientation(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """The front camera is turned where it stands, about a random axis; it still sees every object.

    COLOSSEUM turns cameras by up to 0.05 rad (2.9 degrees) about each axis, LIBERO-Plus by up to 10 degrees.
    """
    return _front(spec, lambda camera: _turned(camera, np.radians(magnitude) * _direction(rng)))


@axis(
    "camera_fov", "visual", "degrees", (2.0, 4.0, 7.0, 11.0, 15.0), peers=("LIBERO-Plus",), changes=("cameras.fov_y",)
)
def camera_fov(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The front camera's lens is wider or narrower by the magnitude (of 45 degrees); it still sees every object.

    LIBERO-Plus changes the field of view too; we found no number for how much.
    """
    return _front(spec, lambda camera: _zoomed(camera, _sign(rng) * magnitude))


@axis("camera_distortion", "visual", "k1 of the lens", (0.2, 0.4, 0.6, 0.8, 1.0), changes=("cameras.distortion",))
def camera_distortion(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """The front camera's lens bends straight lines: barrel or pincushion, k1 of Brown and Conrady's model.

    No benchmark has it. At level 3 the middle of an edge moves by a tenth of half the picture, at level 5 by a seventh.
    """
    return _front(spec, lambda camera: _bent(camera, _sign(rng) * magnitude))


@axis(
    "wrist_position",
    "visual",
    "m",
    (0.005, 0.01, 0.02, 0.03, 0.04),
    changes=("cameras.eye", "cameras.target"),
)
def wrist_position(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """The camera on the hand sits elsewhere: moved in a random direction away from the hand, not turned.

    Benchmarks leave it where it is. Level 3 is about the same share of its distance to the fingertips as 0.1 m is of
    the front camera's to the table.
    """

    def away(camera: CameraSpec) -> CameraSpec:
        out = np.asarray(camera.eye) / np.linalg.norm(camera.eye)  # from the hand's origin
        direction = _direction(rng)
        return _shifted(camera, magnitude * (direction if direction @ out >= 0 else -direction))

    return _wrist(spec, away)


@axis(
    "wrist_orientation",
    "visual",
    "degrees",
    (1.0, 2.0, 3.0, 6.0, 10.0),
    changes=("cameras.target", "cameras.up"),
)
def wrist_orientation(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """The camera on the hand is turned where it sits, about a random axis.

    Benchmarks leave it as it is; the degrees are those of the front camera.
    """
    return _wrist(spec, lambda camera: _turned(camera, np.radians(magnitude) * _direction(rng)))


@axis("wrist_fov", "visual", "degrees", (3.0, 6.0, 10.0, 15.0, 20.0), changes=("cameras.fov_y",))
def wrist_fov(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The lens of the camera on the hand is wider or narrower by the magnitude (of 80 degrees)."""
    return _wrist(spec, lambda camera: _zoomed(camera, _sign(rng) * magnitude))


@axis("wrist_distortion", "visual", "k1 of the lens", (0.05, 0.10, 0.15, 0.20, 0.25), changes=("cameras.distortion",))
def wrist_distortion(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """The lens of the camera on the hand bends straight lines: barrel or pincushion.

    No benchmark has it. At 80 degrees a k1 of 0.25 moves the middle of an edge as far as 1 does at 45.
    """
    return _wrist(spec, lambda camera: _bent(camera, _sign(rng) * magnitude))


def _front(spec: SceneSpec, change: Change) -> SceneSpec:
    """Cameras in the room changed so that they see all that they saw."""
    places = np.array([thing.position for thing in spec.objects])
    cameras = (_seeing(camera, change, places) if camera.parent == "world" else camera for camera in spec.cameras)
    return replace(spec, cameras=tuple(cameras))


def _wrist(spec: SceneSpec, change: Change) -> SceneSpec:
    cameras = (change(camera) if camera.parent == "hand" else camera for camera in spec.cameras)
    return replace(spec, cameras=tuple(cameras))


DRAWS = 100  # of a change to a camera, at most
BORDER = 0.04  # share of the picture's width and height in which an object's centre does not count as seen


def _seeing(spec: CameraSpec, change: Change, places: NDArray[np.float64]) -> CameraSpec:
    """The first of up to `DRAWS` changed cameras that sees as many points as before, or the one that sees most."""
    best, most, wanted = spec, -1, _seen(spec, places)
    for _ in range(DRAWS):
        new = change(spec)
        seen = _seen(new, places)
        if seen > most:
            best, most = new, seen
        if seen >= wanted:
            break
    return best


def _seen(spec: CameraSpec, places: NDArray[np.float64]) -> int:
    """How many of the points (P, 3), metres, world, lie well inside the picture of a camera in the room."""
    view = place(spec, np.zeros((0, 7), np.float32), ())
    shares = project(places, view)[:, :2] / (view.width, view.height)
    return int(np.all((shares > BORDER) & (shares < 1 - BORDER), axis=1).sum())


def _direction(rng: np.random.Generator) -> NDArray[np.float64]:
    """A random vector of length 1."""
    vector = rng.normal(size=3)
    return np.asarray(vector / np.linalg.norm(vector))


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.uniform() < 0.5 else -1.0


def _shifted(camera: CameraSpec, by: NDArray[np.float64]) -> CameraSpec:
    """Eye and what it looks at moved by the same metres."""
    return replace(camera, eye=vec3(np.add(camera.eye, by)), target=vec3(np.add(camera.target, by)))


def _turned(camera: CameraSpec, turn: NDArray[np.float64]) -> CameraSpec:
    """Turned by a rotation vector, radians, in the frame of the camera's parent; the eye stays."""
    from scipy.spatial.transform import Rotation

    rotation = Rotation.from_rotvec(turn)
    eye, up = np.asarray(camera.eye), -look_at(camera.eye, camera.target, camera.up)[:3, 1]
    target = eye + rotation.apply(np.asarray(camera.target) - eye)
    return replace(camera, target=vec3(target), up=vec3(rotation.apply(up)))


def _zoomed(camera: CameraSpec, degrees: float) -> CameraSpec:
    """Another field of view, or as much the other way if the lens cannot take so wide a one."""
    wider, narrower = (replace(camera, fov_y=round(camera.fov_y + sign * degrees, 5)) for sign in (1.0, -1.0))
    return wider if _unfolded(wider) else narrower


def _bent(camera: CameraSpec, k1: float) -> CameraSpec:
    """A lens with that k1. A barrel has its square as k2, as in the division model, or the corners would fold over."""
    k2 = k1**2 if k1 < 0 else 0.0
    return replace(camera, distortion=(k1, round(k2, 5), 0.0, 0.0))


def _unfolded(camera: CameraSpec) -> bool:
    """Whether a lens with the camera's field of view and distortion can be drawn."""
    if not camera.distortion:
        return True
    try:
        lens(camera.width, camera.height, camera.fov_y, camera.distortion)
    except ValueError:
        return False
    return True

"""Something stands in the front camera's way."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.cameras import place, project
from envs.renderer.types import Camera
from envs.scene import ScenerySpec, SceneSpec, Texture
from envs.tasks.base import Task
from envs.variations import axis, vec3

Outline = NDArray[np.float32]  # (C, 1, 2) corners of a convex polygon, pixels
BEFORE_M, THICK_M = 0.12, 0.004  # how far from the camera the board stands, seen from above, and its thickness
WIDEST_M = 2.0
DRAWS = 40  # of where it stands, at most


@axis(
    "occluder",
    "visual",
    "share of the picture hidden",
    (0.05, 0.10, 0.20, 0.35, 0.50),
    peers=("STRONG-VLA",),
    changes=("scenery",),
)
def occluder(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """A board right before the front camera hides a share of its picture, but not all objects of the goal.

    Nothing can touch the board, and it throws no shadow. At the start at least half of the goal's objects are in sight;
    the wrist camera sees past it. STRONG-VLA has occlusion without a dose.
    """
    front = next((camera for camera in spec.cameras if camera.parent == "world"), None)
    if front is None:
        return spec
    camera = place(replace(front, distortion=()), np.zeros((0, 7), np.float32), ())
    names = dict.fromkeys(spec.goal.names) or [thing.name for thing in spec.objects]  # goals about groups name nothing
    places = np.array([spec.object(name).position for name in names])
    grey = rng.uniform(0.3, 0.7) + rng.uniform(-0.04, 0.04, 3)
    paint = Texture("wood", vec3(grey), vec3(0.8 * grey), 0.15, int(rng.integers(2**31)))
    best, fewest = None, len(places) + 1
    for _ in range(DRAWS):
        aside = (0.5 - magnitude / 2) * rng.uniform(-1.0, 1.0)
        board = _board_that_hides(magnitude, aside, camera, spec.table.height, paint)
        hidden = _count_hidden(board, places, camera)
        if hidden < fewest:
            best, fewest = board, hidden
        if hidden <= len(places) / 2:
            break
    assert best is not None
    return replace(spec, scenery=(*spec.scenery, best))


def hidden_share(board: ScenerySpec, camera: Camera) -> float:
    """Share of a pinhole's picture that a box before it hides."""
    import cv2

    width, height = camera.width, camera.height
    frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    area, _ = cv2.intersectConvexConvex(_outline(board, camera), frame)
    return float(area) / (width * height)


def _board_that_hides(share: float, aside: float, camera: Camera, bottom: float, paint: Texture) -> ScenerySpec:
    """A board that hides `share` of the picture, `aside` of the picture's width to the right of its middle.

    It stands at z = `bottom` and ends where the camera is.
    """
    from scipy.optimize import brentq

    eye, (right, _, view) = camera.pose_w[:3, 3], camera.pose_w[:3, :3].T
    slant = math.hypot(view[0], view[1])  # how much of the view goes along the ground
    across = aside * camera.width / camera.intrinsics[0, 0] * BEFORE_M / slant
    x, y = eye[:2] + BEFORE_M * view[:2] / slant + across * right[:2]
    high, yaw = float(eye[2]) - bottom, round(math.atan2(view[1], view[0]), 5)

    def board(width: float) -> ScenerySpec:
        return ScenerySpec("box", vec3((THICK_M, width, high)), vec3((x, y, bottom + high / 2)), yaw, paint)

    return board(brentq(lambda width: hidden_share(board(width), camera) - share, 1e-5, WIDEST_M, xtol=1e-5))


def _count_hidden(board: ScenerySpec, places: NDArray[np.float64], camera: Camera) -> int:
    """How many of the points (P, 3), metres, world, are behind the board."""
    import cv2

    outline = _outline(board, camera)
    return sum(cv2.pointPolygonTest(outline, (float(u), float(v)), False) >= 0 for u, v, _ in project(places, camera))


def _outline(board: ScenerySpec, camera: Camera) -> Outline:
    """The outline of a box in a camera's picture."""
    import cv2

    signs = np.array(np.meshgrid((-0.5, 0.5), (-0.5, 0.5), (-0.5, 0.5))).reshape(3, 8).T
    cos, sin = math.cos(board.yaw), math.sin(board.yaw)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    corners = np.asarray(board.position) + (signs * np.asarray(board.size)) @ turn.T
    return np.asarray(cv2.convexHull(project(corners, camera)[:, :2].astype(np.float32)), np.float32)

"""Where the goal's objects are, in pictures and in the world: labels that a simulator has for free.

Knows no learning.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.cameras import chosen_cameras, place_all, project
from envs.frames import EpisodeRenderer
from envs.poses import pose_rows
from envs.scene import CameraSpec, SceneSpec, orientation
from vla.contract import FloatArray
from vla.views import Drawn

ROLES = 2  # target, place
Float64 = NDArray[np.float64]


class DemoView:
    """Draws one scene for training: pixels and grounding labels (it implements `vla.views.SceneView`).

    Args:
        spec: The scene, or as it is stored with an episode.
        cameras: Names, in the order of the V axis: the scene's own cameras, or those of `envs.cameras.CAMERAS`.
        size: Pixels a side.
        renderer: Renderer name.

    Raises:
        ValueError: A camera that is in neither (the message gives the nearest name), or a `spec` that is none.
    """

    def __init__(
        self, spec: SceneSpec | dict[str, Any], cameras: Sequence[str], size: int, renderer: str = "raster"
    ) -> None:
        """Nothing is prepared for drawing before something is drawn."""
        whole = spec if isinstance(spec, SceneSpec) else SceneSpec.from_dict(spec)
        self.spec = replace(whole, cameras=chosen_cameras(cameras, whole.cameras))
        self.cameras, self.size, self.renderer = tuple(cameras), size, renderer
        self._rows = pose_rows(self.spec)
        goal = self.spec.goal
        self._names = (goal.target, goal.place)

    @functools.cached_property
    def _renderer(self) -> EpisodeRenderer:
        return EpisodeRenderer(self.spec, renderer=self.renderer, size=self.size)

    def draw(self, poses: FloatArray, steps: NDArray[np.int64]) -> Drawn:
        """What is seen at control steps (S,) of the episode with `poses` (T + 1, N, 7), and where the goal is.

        Points (S, V, R, 3): image fractions in the pictures that are seen then, which may be old, and visibility;
        positions (S, R, 4): metres in the base frame, of now, and validity.
        """
        poses = self._whole(poses)
        pixels = self._renderer.film(poses, steps, self.cameras)
        points = np.zeros((len(steps), len(self.cameras), ROLES, 3), np.float32)
        for view, camera in enumerate(self.spec.cameras):
            moments = [self._renderer.moment(camera.name, step) for step in steps.tolist()]
            points[:, view] = self._points(camera, poses[moments])
        return Drawn(pixels, points, self.where(poses, steps))

    def where(self, poses: FloatArray, steps: NDArray[np.int64]) -> FloatArray:
        """Where the goal is: positions (S, R, 4), metres in the base frame, and validity."""
        world, valid = self._positions(self._whole(poses)[steps])
        return np.concatenate([self._in_base(world), valid[..., None]], axis=-1).astype(np.float32)

    def _whole(self, poses: FloatArray) -> FloatArray:
        """The poses with those of things that were added for the pictures (`envs.augment`): they never move."""
        missing = len(self._rows) - poses.shape[1]
        added = self.spec.objects[len(self.spec.objects) - max(missing, 0) :]
        if not added or not all(thing.distractor for thing in added):
            return poses
        rows = np.array([(*thing.position, *orientation(thing)) for thing in added], np.float32)
        return np.concatenate([poses, np.broadcast_to(rows, (len(poses), *rows.shape))], axis=1)

    def _points(self, camera: CameraSpec, shown: FloatArray) -> FloatArray:
        """Where the roles are in a camera's pictures of `shown` (S, N, 7): (S, R, 3)."""
        placed = place_all(camera, shown, self._rows, self.size)
        world, valid = self._positions(shown)
        u, v, depth = np.moveaxis(project(world, placed), -1, 0) / self.size
        inside = (u > 0) & (u < 1) & (v > 0) & (v < 1) & (depth > 0)
        return np.where(inside[..., None], np.stack([u, v, inside * valid], axis=-1), 0).astype(np.float32)

    def _positions(self, poses: FloatArray) -> tuple[Float64, FloatArray]:
        """Of the roles, (S, R, 3) metres, world, and which of them there are, (S, R), for `poses` (S, N, 7)."""
        world = np.zeros((len(poses), ROLES, 3))
        valid = np.zeros((len(poses), ROLES), np.float32)
        rows = {row.name: number for number, row in enumerate(self._rows)}
        for role, name in enumerate(self._names):
            if name:
                still = np.asarray(self.spec.object(name).position, np.float32)
                world[:, role] = poses[:, rows[name], :3] if name in rows else still
                valid[:, role] = 1
        return world, valid

    def _in_base(self, points_w: Float64) -> Float64:
        robot = self.spec.robot
        sin, cos = np.sin(robot.base_yaw), np.cos(robot.base_yaw)
        world_from_base = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
        return np.asarray((points_w - np.array(robot.base)) @ world_from_base)

"""Where the goal's objects are, in pictures and in the world: labels that a simulator has for free.

Knows no learning.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.cameras import place, project
from envs.frames import EpisodeRenderer
from envs.poses import pose_rows
from envs.scene import SceneSpec
from vla.contract import ByteArray, FloatArray

ROLES = 2  # target, place


class DemoView:
    """Draws one stored scene for training: pixels and grounding labels (it implements `vla.batches.SceneView`).

    Args:
        spec: SceneSpec as stored with an episode.
        cameras: Camera names, in the order of the V axis.
        size: Pixels a side.
        renderer: Renderer name.
    """

    def __init__(self, spec: dict[str, Any], cameras: Sequence[str], size: int, renderer: str = "raster") -> None:
        """Prepare the scene."""
        self.spec = SceneSpec.from_dict(spec)
        self.cameras = tuple(cameras)
        self.size = size
        self._renderer = EpisodeRenderer(self.spec, renderer=renderer, size=size)
        self._rows = pose_rows(self.spec)
        self._placed = [next(c for c in self.spec.cameras if c.name == name) for name in self.cameras]
        goal = self.spec.goal
        self._names = (goal.target, goal.place)

    def pixels(self, poses: FloatArray, step: int) -> ByteArray:
        """Frames (V, H, W, 3) that are seen at a control step of the episode with `poses` (T + 1, N, 7)."""
        frames = self._renderer.seen(poses, step, self.cameras)
        return np.stack([frames[name].rgb for name in self.cameras])

    def labels(self, poses: FloatArray, step: int) -> tuple[FloatArray, FloatArray]:
        """Where target and place are at a control step of the episode with `poses` (T + 1, N, 7).

        Points (V, R, 3): image fractions in the pictures that are seen then, which may be old, and visibility;
        positions (R, 4): metres in the base frame, of now, and validity.
        """
        world, valid = self._positions(poses[step])
        points = np.zeros((len(self.cameras), ROLES, 3), np.float32)
        for view, camera in enumerate(self._placed):
            shown = poses[self._renderer.moment(camera.name, step)]
            placed = place(camera, shown, self._rows, self.size)
            u, v, depth = project(self._positions(shown)[0], placed).T / np.array([[self.size]] * 3)
            inside = (u > 0) & (u < 1) & (v > 0) & (v < 1) & (depth > 0)
            points[view] = np.where(inside[:, None], np.stack([u, v, inside * valid], 1), 0)
        return points, np.concatenate([self._in_base(world), valid[:, None]], 1).astype(np.float32)

    def _positions(self, poses: FloatArray) -> tuple[NDArray[np.float64], FloatArray]:
        """Of the roles, (R, 3) metres, world, and which of them there are, (R,), for `poses` (N, 7)."""
        found = [self._position(name, poses) for name in self._names]
        world = np.array([(0.0, 0.0, 0.0) if position is None else position for position in found], np.float64)
        return world, np.array([position is not None for position in found], np.float32)

    def _position(self, name: str, poses: FloatArray) -> FloatArray | None:
        if not name:
            return None
        for number, row in enumerate(self._rows):
            if row.name == name:
                return np.asarray(poses[number, :3], np.float32)
        return np.asarray(self.spec.object(name).position, np.float32)

    def _in_base(self, points_w: NDArray[np.float64]) -> NDArray[np.float64]:
        robot = self.spec.robot
        sin, cos = np.sin(robot.base_yaw), np.cos(robot.base_yaw)
        world_from_base = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
        return np.asarray((points_w - np.array(robot.base)) @ world_from_base)

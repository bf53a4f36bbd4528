"""Where to take hold and where it is to end up, in pictures and in the world: labels that a simulator has for free.

The first is the grasp of the goal's target, of a drawer its handle. The second is where that point is when the episode
ends: in hindsight every successful demonstration shows its goal, whether a bowl, a place in front of one, or half open
(the place map of CLIPort, arXiv 2109.12098, is taught so). The others are landmarks: what else the goal names, or of a
fixture both ends of its handle's way. They can be seen, and where something ends is little more than words away from
them; by itself the end was found to within centimetres only (experiments/results/base.md). Knows no learning.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.cameras import chosen_cameras, place_all, pose_matrices, project
from envs.fixture import part_pose, rotate
from envs.frames import EpisodeRenderer
from envs.objects import Grasp, Part, object_kind
from envs.poses import pose_rows
from envs.renderer.types import Film
from envs.scene import CameraSpec, ObjectSpec, SceneSpec, orientation
from envs.state import WorldState
from vla.contract import FloatArray
from vla.views import PLACED, Drawn

ROLES = 4  # target, where it ends, two landmarks
ENDS = 1  # the role that is where the target's grasp ends
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
        names = [row.name for row in self._rows]
        self._roles = _roles(self.spec, names)

    @functools.cached_property
    def _renderer(self) -> EpisodeRenderer:
        return EpisodeRenderer(self.spec, renderer=self.renderer, size=self.size)

    def draw(self, poses: FloatArray, steps: NDArray[np.int64]) -> Drawn:
        """What is seen at control steps (S,) of the episode with `poses` (T + 1, N, 7), and where the goal is.

        Points (S, V, R, 3): image fractions in the pictures that are seen then, which may be old, and visibility;
        positions (S, R, 7): metres in the base frame, of now, turns, and their validity (`vla.models.contract.Batch`).
        """
        return Drawn(self.film(poses, steps).pixels, self.points(poses, steps), self.where(poses, steps))

    def film(self, poses: FloatArray, steps: NDArray[np.int64], grid: int = 0) -> Film:
        """Pixels (S, V, H, W, 3), and what is in each cell of a `grid`, at control steps (S,)."""
        return self._renderer.film(self._whole(poses), steps, self.cameras, grid)

    def points(self, poses: FloatArray, steps: NDArray[np.int64]) -> FloatArray:
        """Points (S, V, R, 3) at control steps (S,)."""
        poses = self._whole(poses)
        points = np.zeros((len(steps), len(self.cameras), ROLES, 3), np.float32)
        for view, camera in enumerate(self.spec.cameras):
            moments = [self._renderer.moment(camera.name, step) for step in steps.tolist()]
            points[:, view] = self._points(camera, poses[moments], poses[-1:])
        return points

    def where(self, poses: FloatArray, steps: NDArray[np.int64]) -> FloatArray:
        """Where the roles are and how they are turned, in the base frame, (S, R, 7)."""
        out = np.zeros((len(steps), ROLES, PLACED), np.float32)
        whole = self._whole(poses)
        for role, grip in enumerate(self._roles):
            shown = whole[-1:] if role == ENDS else whole[steps]
            out[:, role, :3], out[:, role, 3] = self._in_base(grip.at(shown)), 1
            out[:, role, 4:] = grip.turn(shown, self.spec.robot.base_yaw)
        return out

    def now(self, state: WorldState) -> FloatArray:
        """Where the roles are in a state of the world, (R, 7) as `where` gives them, but for where something ends."""
        poses = np.zeros((1, len(self._rows), 7), np.float32)
        poses[:, :, 6] = 1
        for number, row in enumerate(self._rows):
            body = state.objects.get(row.name.removesuffix("/part"))
            if body is not None:
                still = np.concatenate([body.position, body.quaternion])
                poses[0, number] = still if body.part is None else body.part
        found = self.where(poses, np.zeros(1, np.int64))
        found[:, ENDS] = 0
        return np.asarray(found[0])

    def _whole(self, poses: FloatArray) -> FloatArray:
        """The poses with those of things that were added for the pictures (`envs.augment`): they never move."""
        missing = len(self._rows) - poses.shape[1]
        added = self.spec.objects[len(self.spec.objects) - max(missing, 0) :]
        if not added or not all(thing.distractor for thing in added):
            return poses
        rows = np.array([(*thing.position, *orientation(thing)) for thing in added], np.float32)
        return np.concatenate([poses, np.broadcast_to(rows, (len(poses), *rows.shape))], axis=1)

    def _points(self, camera: CameraSpec, shown: FloatArray, last: FloatArray) -> FloatArray:
        """Where the roles are in a camera's pictures of `shown` (S, N, 7), (S, R, 3); the episode ends with `last`."""
        out = np.zeros((len(shown), ROLES, 3), np.float32)
        if not self._roles:
            return out
        moments = [last if role == ENDS else shown for role in range(len(self._roles))]
        found = [np.broadcast_to(grip.at(m), (len(shown), 3)) for grip, m in zip(self._roles, moments, strict=True)]
        placed = place_all(camera, shown, self._rows, self.size)
        u, v, depth = np.moveaxis(project(np.stack(found, 1), placed), -1, 0) / self.size
        inside = (u > 0) & (u < 1) & (v > 0) & (v < 1) & (depth > 0)
        out[:, : len(found)] = np.where(inside[..., None], np.stack([u, v, inside], axis=-1), 0)
        return out

    def _in_base(self, points_w: Float64) -> Float64:
        robot = self.spec.robot
        sin, cos = np.sin(robot.base_yaw), np.cos(robot.base_yaw)
        world_from_base = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])
        return np.asarray((points_w - np.array(robot.base)) @ world_from_base)


class Grip(NamedTuple):
    """Where a thing is taken hold of, or simply is.

    Attributes:
        row: Its row among the poses; -1 for one that never moves.
        grasp: In the frame of that row; in the world for one that never moves.
    """

    row: int
    grasp: Grasp

    def at(self, poses: FloatArray) -> Float64:
        """The point between the fingertips, (S, 3) metres, world, for `poses` (S, N, 7)."""
        if self.row < 0:
            return np.broadcast_to(np.asarray(self.grasp.position), (len(poses), 3))
        return np.asarray(pose_matrices(poses[:, self.row])[:, :3] @ np.array([*self.grasp.position, 1.0]))

    def turn(self, poses: FloatArray, base_yaw: float) -> Float64:
        """Cosine and sine of the gripper's yaw in the base frame times the yaws that do as well; 1, or 0 for none."""
        if self.row < 0 or not self.grasp.turns:
            return np.zeros((len(poses), 3))
        yaw = self.grasp.yaw
        ahead = pose_matrices(poses[:, self.row])[:, :2, :3] @ np.array([np.cos(yaw), np.sin(yaw), 0.0])
        angle = self.grasp.turns * (np.arctan2(ahead[:, 1], ahead[:, 0]) - base_yaw)
        return np.stack([np.cos(angle), np.sin(angle), np.ones_like(angle)], -1)


def _roles(spec: SceneSpec, rows: Sequence[str]) -> tuple[Grip, ...]:
    """What each role is about, as far as there is something; nothing for a goal without a target."""
    if not spec.goal.target:
        return ()
    grip = _held(spec, spec.goal.target, rows)
    return (grip, grip, *_landmarks(spec, rows))


def _held(spec: SceneSpec, name: str, rows: Sequence[str]) -> Grip:
    """Where a thing, or the moving part of a fixture, is taken hold of; of what never moves, where it is."""
    thing = spec.object(name)
    shape = object_kind(thing.kind).shape(thing.size)
    if shape.part is not None:
        return Grip(rows.index(f"{name}/part"), shape.part.grasp)
    return Grip(rows.index(name), shape.grasp) if name in rows else Grip(-1, Grasp(thing.position))


def _landmarks(spec: SceneSpec, rows: Sequence[str]) -> tuple[Grip, ...]:
    """Up to two: what the goal names besides its target, or else, of a fixture, the grasp at both ends of its joint.

    Of these the nearer or the right one comes first, which a picture shows; which of them is open, it hardly does.
    """
    named = [name for name in (spec.goal.place, *spec.goal.others) if name]
    if named:
        return tuple(_middle(spec, name, rows) for name in named[: ROLES - 2])
    target = spec.object(spec.goal.target)
    part = object_kind(target.kind).shape(target.size).part
    if part is None:
        return ()
    ends = [_at_joint(target, part, joint) for joint in (part.lower, part.upper)]
    x, y, _ = np.subtract(ends[1].grasp.position, ends[0].grasp.position).tolist()
    return tuple(ends if (x if abs(x) > abs(y) else y) > 0 else ends[::-1])


def _middle(spec: SceneSpec, name: str, rows: Sequence[str]) -> Grip:
    """Where a thing's middle is, turned as its grasp; of a fixture, its handle."""
    grip = _held(spec, name, rows)
    fixture = f"{name}/part" in rows
    return grip if fixture or grip.row < 0 else grip._replace(grasp=replace(grip.grasp, position=(0.0, 0.0, 0.0)))


def _at_joint(fixture: ObjectSpec, part: Part, joint: float) -> Grip:
    """Where the moving part of a fixture is taken hold of when its joint is at a position, metres or radians."""
    pose = part_pose(part, joint, fixture.position, orientation(fixture))
    x, y, z = np.add(pose[:3], rotate(pose[3:], part.grasp.position)).tolist()
    return Grip(-1, Grasp((x, y, z)))

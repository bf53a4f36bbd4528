"""Frames of one episode from its scene description and poses: live, in training, in videos, the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.cameras import ImageSize, place, place_all, resolution
from envs.lens import lens
from envs.poses import pose_rows
from envs.renderer.build import build_render_scene
from envs.renderer.make import make_renderer
from envs.renderer.picture import filmed
from envs.renderer.types import Film, Frame
from envs.scene import CameraSpec, SceneSpec
from envs.sensor import NOTHING, seen_step, sensed
from vla.contract import FloatArray
from vla.registry import nearest

NO_DEPTH = np.zeros((0, 0), np.float32)  # for sensors that do not look at it


class EpisodeRenderer:
    """Draws the cameras of one scene. Cheap to make: episodes share meshes, simplified meshes and textures.

    Args:
        spec: The scene.
        renderer: `raster`, `tiny` or `egl`.
        size: Resolution of every camera, one number or (width, height); None keeps what each camera says.
        supersample: Average 2 x 2 pixels.
        level_of_detail: Draw simplified meshes instead of the robot's files as they are.
    """

    def __init__(
        self,
        spec: SceneSpec,
        renderer: str = "raster",
        size: ImageSize | None = None,
        *,
        supersample: bool = False,
        level_of_detail: bool = True,
    ) -> None:
        """Build the scene. Raises ValueError for what cannot be drawn, as `make_renderer` does."""
        self._rows = pose_rows(spec)
        self._cameras: dict[str, CameraSpec] = {camera.name: camera for camera in spec.cameras}
        self._sensors = {camera.name: camera.sensor for camera in spec.cameras if camera.sensor != NOTHING}
        self._control_hz = spec.robot.control_hz
        self._size = size
        heights = [camera.height if size is None else resolution(size)[1] for camera in spec.cameras]
        height = max(heights, default=None)
        drawn = None if height is None else height * (2 if supersample else 1)
        scene = build_render_scene(spec, image_height=drawn, level_of_detail=level_of_detail)
        self._renderer = make_renderer(renderer, scene, supersample=supersample)

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the scene's cameras."""
        return tuple(self._cameras)

    def seen(
        self, history: Sequence[FloatArray] | FloatArray, step: int, cameras: Sequence[str] | None = None
    ) -> dict[str, Frame]:
        """What the cameras show at a control step: where pictures are late or lost, older moments.

        Args:
            history: Poses (N, 7) float32 of the steps 0 to `step` at least.
            step: Control step.
            cameras: Names of cameras; None draws all of the scene's.

        Returns, and raises, what `frames` does.
        """
        names = self._known(cameras)
        moments = {name: self.moment(name, step) for name in names}
        drawn: dict[str, Frame] = {}
        for moment in dict.fromkeys(moments.values()):
            of_moment = [name for name in names if moments[name] == moment]
            drawn |= self.frames(history[moment], of_moment, step=moment)
        return {name: drawn[name] for name in names}

    def film(self, history: FloatArray, steps: NDArray[np.int64], cameras: Sequence[str], grid: int = 0) -> Film:
        """What the cameras show at control steps (S,) of an episode with poses `history` (T + 1, N, 7).

        The same bytes as `seen`, for cameras of one resolution; segments for a `grid` of cells. Raises ValueError as
        `frames` does.
        """
        self._check(history[0])
        names = self._known(cameras)
        specs = [self._cameras[name] for name in names]
        if any(camera.distortion or camera.sensor.late or camera.sensor.fog for camera in specs):
            return filmed([list(self.seen(history, step, names).values()) for step in steps.tolist()], grid)
        shown = history[steps]
        film = self._renderer.film(shown, [place_all(c, shown, self._rows, self._size) for c in specs], grid)
        for view, name in enumerate(names):
            if name in self._sensors:
                for row, step in enumerate(steps.tolist()):
                    film.pixels[row, view] = sensed(film.pixels[row, view], NO_DEPTH, self._sensors[name], name, step)
        return film

    def moment(self, name: str, step: int) -> int:
        """The control step whose picture a camera of the scene shows at `step`."""
        sensor = self._sensors.get(name)
        return step if sensor is None else seen_step(sensor, name, step, self._control_hz)

    def frames(self, poses: FloatArray, cameras: Sequence[str] | None = None, *, step: int = 0) -> dict[str, Frame]:
        """Draw one moment.

        Args:
            poses: (N, 7) float32, rows as `envs.poses.pose_rows` says.
            cameras: Names of cameras; None draws all of the scene's.
            step: Control step that the moment is: noise differs from step to step.

        Returns:
            A frame by camera name.

        Raises:
            ValueError: A camera that the scene does not have, or poses of the wrong shape.
        """
        self._check(poses)
        names = self._known(cameras)
        placed = [place(self._cameras[name], poses, self._rows, self._size) for name in names]
        lenses = [lens(c.width, c.height, c.fov_y, c.distortion) if c.distortion else None for c in placed]
        drawn = [camera if bent is None else bent.pinhole(camera) for camera, bent in zip(placed, lenses, strict=True)]
        frames = self._renderer.render(poses, drawn)
        seen = [frame if bent is None else bent.bend(frame) for frame, bent in zip(frames, lenses, strict=True)]
        return {name: self._sensed(name, frame, step) for name, frame in zip(names, seen, strict=True)}

    def _check(self, poses: FloatArray) -> None:
        if poses.shape != (len(self._rows), 7):
            raise ValueError(f"poses have shape ({len(self._rows)}, 7) in this scene, got {poses.shape}")

    def _known(self, cameras: Sequence[str] | None) -> tuple[str, ...]:
        names = self.cameras if cameras is None else tuple(cameras)
        for name in names:
            if name not in self._cameras:
                raise nearest("camera", name, list(self._cameras))
        return names

    def _sensed(self, name: str, frame: Frame, step: int) -> Frame:
        """`frame` as the camera's sensor gives it; depth and segmentation stay the truth."""
        sensor = self._sensors.get(name)
        return frame if sensor is None else replace(frame, rgb=sensed(frame.rgb, frame.depth, sensor, name, step))

    def look(self, poses: FloatArray, camera: CameraSpec) -> Frame:
        """Draw one moment, poses (N, 7) float32, from a camera that need not be one of the scene's."""
        return self._renderer.render(poses, [place(camera, poses, self._rows)])[0]

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

"""Frames of one episode from its scene description and poses: live, in training, in videos, the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envs.cameras import ImageSize, place, resolution
from envs.lens import lens, noisy
from envs.poses import pose_rows
from envs.renderer.build import build_render_scene
from envs.renderer.make import make_renderer
from envs.renderer.types import Frame
from envs.scene import CameraSpec, SceneSpec
from vla.contract import FloatArray
from vla.registry import nearest


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

    def frames(self, poses: FloatArray, cameras: Sequence[str] | None = None) -> dict[str, Frame]:
        """Draw one moment.

        Args:
            poses: (N, 7) float32, rows as `envs.poses.pose_rows` says.
            cameras: Names of cameras; None draws all of the scene's.

        Returns:
            A frame by camera name.

        Raises:
            ValueError: A camera that the scene does not have, or poses of the wrong shape.
        """
        if poses.shape != (len(self._rows), 7):
            raise ValueError(f"poses have shape ({len(self._rows)}, 7) in this scene, got {poses.shape}")
        names = self.cameras if cameras is None else tuple(cameras)
        for name in names:
            if name not in self._cameras:
                raise nearest("camera", name, list(self._cameras))
        placed = [place(self._cameras[name], poses, self._rows, self._size) for name in names]
        lenses = [lens(c.width, c.height, c.fov_y, c.distortion) if c.distortion else None for c in placed]
        drawn = [camera if bent is None else bent.pinhole(camera) for camera, bent in zip(placed, lenses, strict=True)]
        frames = self._renderer.render(poses, drawn)
        seen = [frame if bent is None else bent.bend(frame) for frame, bent in zip(frames, lenses, strict=True)]
        return {name: self._sensed(name, frame, poses) for name, frame in zip(names, seen, strict=True)}

    def _sensed(self, name: str, frame: Frame, poses: FloatArray) -> Frame:
        """`frame` with the noise of its camera."""
        noise = self._cameras[name].sensor.noise
        return replace(frame, rgb=noisy(frame.rgb, noise, poses, name)) if noise else frame

    def look(self, poses: FloatArray, camera: CameraSpec) -> Frame:
        """Draw one moment, poses (N, 7) float32, from a camera that need not be one of the scene's."""
        return self._renderer.render(poses, [place(camera, poses, self._rows)])[0]

    def close(self) -> None:
        """Free the renderer."""
        self._renderer.close()

"""Frames of stored episodes for videos and reports, drawn again from their poses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from envs.cameras import chosen_cameras
from envs.frames import EpisodeRenderer
from envs.scene import SceneSpec
from vla.contract import ByteArray
from vla.episode import Episode
from vla.video import FrameSource


def frame_source(
    episode: Episode, cameras: Sequence[str], size: int, *, renderer: str = "raster", smooth: bool = True
) -> FrameSource:
    """What `vla.video` asks for frames: `cameras` (the scene's, or known ones by name) at `size` pixels a side.

    The scene's own cameras show what the policy saw: through its sensors, late and lost pictures included. The others
    show the scene as it is. `smooth` averages 2 x 2 pixels, which costs four times the drawing; only `raster` can.

    Raises ValueError for a spec that is none, or a camera or a renderer that does not exist.
    """
    spec = SceneSpec.from_dict(episode.spec)
    seen = replace(spec, cameras=chosen_cameras(cameras, spec.cameras))
    drawer = EpisodeRenderer(seen, renderer, size, supersample=smooth and renderer == "raster")

    def frames(step: int) -> Mapping[str, ByteArray]:
        return {name: frame.rgb for name, frame in drawer.seen(episode.poses, step, cameras).items()}

    return frames


def control_rate(episode: Episode) -> float:
    """Control steps a second of the episode's robot: the frame rate that plays in real time."""
    return float(SceneSpec.from_dict(episode.spec).robot.control_hz)

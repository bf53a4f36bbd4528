"""One picture by which a renderer is known: policies are sensitive to how pictures are drawn, and few say so.

Swapping renderers breaks policies (CALVIN's EGL and TinyRenderer pictures differ visibly, mees/calvin_env#3), so what
is made from pictures or tested on them records which renderer drew, and the hash of a fixed scene drawn by it. The
scene is written here and its poses are made up, so that the hash depends on renderer, meshes and default looks alone:
no physics, no task and no grammar.
"""

from __future__ import annotations

import hashlib
from functools import cache

import numpy as np

from envs.cameras import DEFAULT_CAMERAS
from envs.frames import EpisodeRenderer
from envs.poses import pose_rows
from envs.scene import GoalSpec, ObjectSpec, SceneSpec, Texture
from vla.contract import FloatArray

SIDE = 96  # pixels
_OBJECTS = (
    ObjectSpec("it", "block", "red", (0.04, 0.04, 0.04), (0.5, -0.1, 0.02), 0.3, Texture("plain", (0.8, 0.1, 0.1))),
    ObjectSpec("rest", "ball", "blue", (0.02,), (0.45, 0.1, 0.02), 0.0, Texture("checker", (0.1, 0.1, 0.8))),
)
SCENE = SceneSpec(GoalSpec("Lift", "it"), "", _OBJECTS, cameras=DEFAULT_CAMERAS)


@cache
def golden_frame(renderer: str = "raster") -> str:
    """16 hex digits over the pictures of a fixed scene, drawn by `renderer` at 96 pixels.

    Raises ValueError for a renderer that does not exist or cannot start.
    """
    drawer = EpisodeRenderer(SCENE, renderer=renderer, size=SIDE)
    try:
        frames = drawer.frames(_poses())
    finally:
        drawer.close()
    digest = hashlib.sha256()
    for name in sorted(frames):
        digest.update(frames[name].rgb.tobytes())
    return digest.hexdigest()[:16]


def pictures(renderer: str = "raster") -> dict[str, str]:
    """What is recorded with data, weights and results: `renderer` and `golden_frame`."""
    return {"renderer": renderer, "golden_frame": golden_frame(renderer)}


def _poses() -> FloatArray:
    """Every part somewhere above the table, turned a little: (N, 7)."""
    rows = len(pose_rows(SCENE))
    share = np.linspace(0.0, 1.0, rows)
    poses = np.zeros((rows, 7), np.float32)
    poses[:, :3] = np.stack([0.3 + 0.3 * share, 0.3 * np.sin(9.0 * share), 0.05 + 0.5 * (1.0 - share)], axis=1)
    poses[:, 3], poses[:, 6] = np.sin(1.5 + share), np.cos(1.5 + share)
    return poses

"""Collision pieces that are files: convex hulls in the user's cache folder, since PyBullet reads hulls from OBJ.

A file's name is a hash of its content, so entries never go stale and several processes may write one at once.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from envs.cache import cache_folder, write_atomically
from envs.objects import Piece

Float64 = NDArray[np.float64]

HULL_MARGIN = 0.001  # metres: what PyBullet adds to a hull all around


def hull_piece(points: Float64) -> Piece:
    """The convex hull of points (N, 3), metres, in the object's frame, N >= 4, with PyBullet's margin taken off."""
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2
    inset = middle + (points - middle) * np.maximum(1 - HULL_MARGIN / half, 0.1)
    return Piece("mesh", (1.0, 1.0, 1.0), path=str(_hull_file(inset)))


def prism_piece(outline: Float64, height: float) -> Piece:
    """The upright prism over a convex outline (N, 2), metres, from -height / 2 to height / 2."""
    return hull_piece(np.concatenate([np.c_[outline, np.full(len(outline), z)] for z in (-height / 2, height / 2)]))


@functools.lru_cache(maxsize=1024)
def file_vertices(path: str) -> Float64:
    """Vertices (V, 3) of an OBJ file, in its own units."""
    lines = Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    return np.array([line.split()[1:4] for line in lines if line.startswith("v ")], np.float64)


def _hull_file(points: Float64) -> Path:
    """An OBJ file of the points; its triangles only make sure that PyBullet reads every one."""
    lines = [f"v {x:.7f} {y:.7f} {z:.7f}" for x, y, z in points]
    lines += [f"f {i + 1} {(i + 1) % len(points) + 1} {(i + 2) % len(points) + 1}" for i in range(len(points))]
    content = ("\n".join(lines) + "\n").encode()
    path = cache_folder("hulls") / f"{hashlib.sha256(content).hexdigest()[:24]}.obj"
    if not path.is_file():
        write_atomically(path, content)
    return path

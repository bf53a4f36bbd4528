"""Level of detail: robot meshes simplified once and kept in the user's cache folder.

The cache is `$XDG_CACHE_HOME/vla-bench/meshes` (else `~/.cache/...`). A file's name is a hash of the mesh's content and
of every parameter, so entries never go stale; it is written under a temporary name and renamed, so several processes
may start at once: each sees a whole file or none.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from envs.renderer.meshes import Surface, load_surface, merge_points, surface_mesh
from envs.renderer.types import Mesh

if TYPE_CHECKING:
    from envs.urdf import UrdfVisual

VERSION = 1  # raise it when what is computed below changes


def cache_folder() -> Path:
    """Folder of the mesh cache; it need not exist."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(root) / "vla-bench" / "meshes"


@lru_cache(maxsize=256)
def visual_mesh(visual: UrdfVisual, triangles: int | None) -> Mesh:
    """The mesh of a URDF visual in its link's frame.

    Args:
        visual: What the URDF says.
        triangles: Simplify to about that many; None keeps every one of the file.
    """
    path = cache_folder() / f"{_key(visual, triangles)}.npz"
    surface = _read(path)
    if surface is None:
        surface = load_surface(visual)
        if triangles is not None and triangles < len(surface.faces):
            surface = simplify(surface, triangles)
        _write(path, surface)
    return surface_mesh(surface)


def simplify(surface: Surface, triangles: int) -> Surface:
    """Collapse edges by quadric error until about `triangles` are left; faces take the colour of what they replace."""
    import fast_simplification
    from scipy.spatial import cKDTree

    points, faces = fast_simplification.simplify(
        surface.points.astype(np.float32), surface.faces, target_count=triangles, agg=3.0
    )
    old_centres = surface.points[surface.faces].mean(axis=1)
    new_centres = points[faces].mean(axis=1)
    _, nearest = cKDTree(old_centres).query(new_centres)
    return merge_points(Surface(points.astype(np.float64), faces.astype(np.int32), surface.face_rgb[nearest]))


def _key(visual: UrdfVisual, triangles: int | None) -> str:
    digest = hashlib.sha256(f"{VERSION} {triangles} {visual.kind} {visual.size} {visual.xyz} {visual.rpy}".encode())
    digest.update(f"{visual.rgba}".encode())
    if visual.path is not None:
        for file in (visual.path, visual.path.with_suffix(".mtl")):
            digest.update(file.read_bytes() if file.is_file() else b"-")
    return digest.hexdigest()[:32]


def _read(path: Path) -> Surface | None:
    """The cached surface, or None if there is no whole one."""
    try:
        with np.load(path) as data:
            return Surface(data["points"], data["faces"], data["face_rgb"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(path: Path, surface: Surface) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
        with os.fdopen(handle, "wb") as file:
            np.savez(file, points=surface.points, faces=surface.faces, face_rgb=surface.face_rgb)
        os.replace(name, path)
    except OSError as error:
        warnings.warn(
            f"mesh cache {path.parent} is not writable, meshes are rebuilt at every start: {error}", stacklevel=2
        )

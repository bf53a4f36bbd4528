"""Level of detail: robot meshes simplified once and kept in the user's cache folder.

A file's name is a hash of the mesh's content and of every parameter, so entries never go stale; it is written under a
temporary name and renamed, so several processes may start at once: each sees a whole file or none.
"""

from __future__ import annotations

import hashlib
import io
import warnings
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from envs.cache import cache_folder, write_atomically
from envs.renderer.meshes import Surface, load_surface, merge_points, surface_areas, surface_mesh
from envs.renderer.types import Mesh

if TYPE_CHECKING:
    from envs.urdf import UrdfVisual

VERSION = 4  # raise it when what is computed below changes
DARK = 0.7  # mean colour below which a face belongs to a dark part
AGGRESSION = 4.0  # of fast_simplification: lower is slower and better, and may stop before the target
MIN_TRIANGLES = 12  # of a part, however small
SMALLEST_PART = 0.002  # share of the area below which a part is left out
AREA_POWER = 0.8  # triangles of a part grow with its area to this power


@lru_cache(maxsize=256)
def visual_mesh(visual: UrdfVisual, triangles: int | None) -> Mesh:
    """The mesh of a URDF visual in its link's frame.

    Args:
        visual: What the URDF says.
        triangles: Simplify to about that many; None keeps every one of the file.
    """
    if triangles is None:
        return surface_mesh(load_surface(visual))
    try:
        path = cache_folder("meshes") / f"{_key(visual, triangles)}.npz"
        surface = _read(path)
        if surface is None:
            surface = simplify(load_surface(visual), triangles)
            _write(path, surface)
    except OSError as error:
        warnings.warn(f"the mesh cache cannot be used, meshes are simplified at every start: {error}", stacklevel=2)
        surface = simplify(load_surface(visual), triangles)
    return surface_mesh(surface)


def simplify(surface: Surface, triangles: int) -> Surface:
    """Collapse edges by quadric error until about `triangles` are left.

    Connected parts (covers, screws) are simplified apart: tiny ones are dropped, the others share the triangles by
    area, so that small parts keep their shape. The faces left take the colour of what they replace.
    """
    labels = _parts(surface)
    area = surface_areas(surface)
    part_area = np.bincount(labels, area)
    kept = np.flatnonzero(part_area > SMALLEST_PART * area.sum())
    share = part_area[kept] ** AREA_POWER
    share /= share.sum()
    parts = []
    for label, fraction in zip(kept, share, strict=True):
        group = labels == label
        target = max(MIN_TRIANGLES, round(triangles * float(fraction)))
        parts.append(_simplify_part(Surface(surface.points, surface.faces[group], surface.face_rgb[group]), target))
    offsets = np.cumsum([0] + [len(part.points) for part in parts[:-1]])
    faces = np.concatenate([part.faces + offset for part, offset in zip(parts, offsets, strict=True)])
    points = np.concatenate([part.points for part in parts])
    return merge_points(Surface(points, faces.astype(np.int32), np.concatenate([part.face_rgb for part in parts])))


def _parts(surface: Surface) -> NDArray[np.int64]:
    """Label (F,) of the connected part of each face; dark and light faces never belong to one part."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    dark = surface.face_rgb.mean(axis=1) < DARK
    corners = surface.faces.astype(np.int64) + dark[:, None] * len(surface.points)
    count = 2 * len(surface.points)
    links = coo_matrix(
        (np.ones(2 * len(corners)), (corners[:, :2].T.ravel(), corners[:, 1:].T.ravel())), (count, count)
    )
    _, labels = connected_components(links, directed=False)
    _, faces = np.unique(labels[corners[:, 0]], return_inverse=True)
    return np.asarray(faces.reshape(-1), np.int64)


def _simplify_part(surface: Surface, triangles: int) -> Surface:
    import fast_simplification
    from scipy.spatial import cKDTree

    if triangles >= len(surface.faces):
        return surface
    used, inverse = np.unique(surface.faces, return_inverse=True)
    points, faces = fast_simplification.simplify(
        surface.points[used].astype(np.float32),
        inverse.reshape(-1, 3).astype(np.int32),
        target_count=triangles,
        agg=AGGRESSION,
    )
    old_centres = surface.points[surface.faces].mean(axis=1)
    _, nearest = cKDTree(old_centres).query(points[faces].mean(axis=1))
    return Surface(points.astype(np.float64), faces.astype(np.int32), surface.face_rgb[nearest])


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
        with np.load(io.BytesIO(path.read_bytes())) as data:
            return Surface(data["points"], data["faces"], data["face_rgb"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _write(path: Path, surface: Surface) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, points=surface.points, faces=surface.faces, face_rgb=surface.face_rgb)
    write_atomically(path, buffer.getvalue())

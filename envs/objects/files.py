"""Vertices of mesh files, for shapes that come from a file. Knows no kind of object."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray


@functools.lru_cache(maxsize=64)
def file_vertices(path: str) -> NDArray[np.float64]:
    """Vertices (V, 3) of a mesh file, in its own unit. Raises ValueError if it cannot be read."""
    import trimesh  # slow to import, and only shapes from files need it

    try:
        mesh = trimesh.load_mesh(path, process=False)
    except Exception as error:
        raise ValueError(f"cannot read the mesh {path}: {error}") from error
    return np.asarray(mesh.vertices, np.float64)

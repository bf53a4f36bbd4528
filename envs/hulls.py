"""Convex hulls of collision meshes with few corners, in the user's cache folder. Knows no robot and no physics engine.

PyBullet takes the hull of a mesh in any case, from all of its vertices and at every load: 48 ms for an xArm whose
gripper is drawn with 20,000 of them. Fewer corners load faster and collide faster.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.cache import cache_folder, write_atomically
from envs.scene import Vec3

Float64 = NDArray[np.float64]

TOLERANCE = 0.003  # of the mesh's diagonal: how far a corner that is left out may stick out of the hull of the others


def light_hull(mesh: Path, scale: Vec3 = (1.0, 1.0, 1.0)) -> Path:
    """OBJ file of the convex hull of a mesh file, scaled, within `TOLERANCE` (1 mm for a link of 30 cm).

    Several processes may write it at once. A mesh of several objects has no one hull: its own file is returned.
    """
    content = mesh.read_bytes()
    if mesh.suffix.lower() == ".obj" and sum(line[:2] in (b"o ", b"g ") for line in content.splitlines()) > 1:
        return mesh
    key = hashlib.sha256(content + repr((scale, TOLERANCE)).encode()).hexdigest()[:16]
    path = cache_folder("hulls") / f"{mesh.stem}-{key}.obj"
    if not path.is_file():
        import trimesh

        loaded: Any = trimesh.load(mesh, force="mesh")
        points = np.asarray(loaded.vertices, np.float64) * scale
        write_atomically(path, _obj(*thinned(points)).encode())
    return path


def thinned(points: Float64) -> tuple[Float64, NDArray[np.int64]]:
    """Corners (K, 3) and triangles (F, 3) of a hull that all `points` (P, 3) are in, but for `TOLERANCE`."""
    from scipy.spatial import ConvexHull

    corners = points[ConvexHull(points).vertices]
    tolerance = TOLERANCE * float(np.linalg.norm(np.ptp(corners, axis=0)))
    signs = np.array(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3)).reshape(3, -1)
    chosen = sorted({int(i) for i in np.argmax(corners @ signs, axis=0)})
    while True:
        hull = ConvexHull(corners[chosen])
        outside = (hull.equations[:, :3] @ corners.T + hull.equations[:, 3:]).max(axis=0)
        farthest = int(np.argmax(outside))
        if outside[farthest] <= tolerance:
            return corners[chosen], np.asarray(hull.simplices, np.int64)
        chosen.append(farthest)


def _obj(corners: Float64, triangles: NDArray[np.int64]) -> str:
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in corners]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in triangles]
    return "\n".join(lines) + "\n"

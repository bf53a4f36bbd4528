"""Surfaces of things built from boxes, balls and upright cylinders: what is seen can be touched. Knows no kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.objects import Piece
from envs.objects.meshes import box_mesh, joined, lathe, moved
from envs.renderer.types import Mesh
from envs.scene import Vec3

BODY = 0.55  # shade of the part that stands still, as a share of the colour: the moving part is brighter
BALL_ROWS = 10
GRIP = 0.25  # shade of handles and marks


def box(size: Vec3, center: Vec3 = (0.0, 0.0, 0.0)) -> Piece:
    """An upright box of full lengths `size` (m) around `center` (m)."""
    return Piece("box", (size[0] / 2, size[1] / 2, size[2] / 2), center)


def built(pieces: Sequence[Piece], shades: float | Sequence[float] = 1.0) -> Mesh:
    """The surface of boxes, balls and upright cylinders.

    Args:
        pieces: Without rotation.
        shades: Of each piece, or of all: what the object's colour is multiplied with, in [0, 1].
    """
    meshes = []
    for piece in pieces:
        if piece.shape == "box":
            mesh = box_mesh([2 * half for half in piece.dims])
        elif piece.shape == "sphere":
            angles = np.linspace(-np.pi / 2, np.pi / 2, BALL_ROWS + 1)
            mesh = lathe([[(piece.dims[0] * float(np.cos(a)), piece.dims[0] * float(np.sin(a))) for a in angles]], 16)
        else:
            radius, half = piece.dims[0], piece.dims[1] / 2
            edge = [(0.0, -half), (radius, -half), (radius, half), (0.0, half)]
            mesh = lathe([edge[i : i + 2] for i in range(3)])
        meshes.append(moved(mesh, np.eye(3), piece.position))
    each = [shades] * len(pieces) if isinstance(shades, float) else list(shades)
    counts = [len(mesh.faces) for mesh in meshes]
    tint = np.repeat(np.asarray(each, np.float32), counts)
    return replace(joined(meshes), face_rgb=np.repeat(tint[:, None], 3, axis=1))

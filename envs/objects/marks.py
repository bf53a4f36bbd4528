"""Flat marks on the table: nothing can touch them."""

from __future__ import annotations

import numpy as np

from envs.objects import Noun, Shape, Size, kind
from envs.objects.meshes import mesh_of


@kind("zone", {"side": 0.11}, noun=Noun("zone", ("area", "square"), "into"), mass=0.0, moves=False)
def zone(size: Size) -> Shape:
    """A coloured square on the table. Its frame lies 1 mm above the table: no flicker against the table top."""
    half = size[0] / 2
    corners = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]])
    up = np.tile([0.0, 0.0, 1.0], (4, 1))
    mesh = mesh_of(corners, np.array([[0, 1, 2], [0, 2, 3]]), up, corners[:, :2] + half)
    return Shape(mesh, (), 0.002, float(size[0] / np.sqrt(2)))

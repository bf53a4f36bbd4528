"""Flat things made of strokes of one width: a drawing on a grid becomes a mesh, collision boxes and a grasp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from envs.objects import Grasp, Piece, Shape
from envs.objects.meshes import Float64, joined, moved, prism, stroke
from envs.objects.walls import about_z

CORNER = 1.5  # grid units: slanted strokes that are shorter only round a corner, and have no collision box
FEET = 4  # boxes that stand on the table; the others end a little above it, which saves contacts
STEP = 0.0005  # metres


@dataclass(frozen=True)
class Glyph:
    """A drawing on a grid.

    Attributes:
        lines: Each a polyline of points `x,y` on the grid; one that ends where it begins is closed.
        grasp: Where it is taken: x, y on the grid and degrees; at 0 the fingers close along y, at 90 along x.
        stroke: Width of the lines in grid units; free ends reach half of that beyond their last point.
    """

    lines: tuple[str, ...]
    grasp: tuple[float, float, float] = (2.0, 3.0, 90.0)
    stroke: float = 1.5


def glyph_shape(glyph: Glyph, length: float, thickness: float) -> Shape:
    """A flat thing of that drawing.

    Args:
        glyph: The drawing.
        length: Metres from its lower to its upper edge (y).
        thickness: Metres along z.
    """
    lines = [_points(line) for line in glyph.lines]
    rows = np.concatenate(lines)[:, 1]
    unit = length / (float(np.ptp(rows)) + glyph.stroke)
    width = glyph.stroke * unit
    meshes = [prism(stroke(*_capped(line * unit, width)), thickness) for line in lines]
    vertices = np.concatenate([mesh.vertices for mesh in meshes]).astype(np.float64)
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    mesh = moved(joined(meshes), np.eye(3), -middle)
    boxes = [box for line in lines for box in _boxes(line, unit, width)]
    order = np.argsort([-np.linalg.norm(start + end - 2 * middle[:2]) for start, end in boxes], kind="stable")
    pieces = [_piece(boxes[k], middle, width, thickness, i >= FEET) for i, k in enumerate(order)]
    at = np.array([glyph.grasp[0] * unit, glyph.grasp[1] * unit]) - middle[:2]
    grasp = Grasp((float(at[0]), float(at[1]), 0.0), float(np.radians(glyph.grasp[2])))
    reach = float(np.linalg.norm(mesh.vertices[:, :2], axis=1).max())
    return Shape(mesh, tuple(pieces), thickness, reach, grasp=grasp)


def _points(line: str) -> Float64:
    return np.array([point.split(",") for point in line.split()], np.float64)


def _closed(line: Float64) -> bool:
    return bool(np.allclose(line[0], line[-1]))


def _capped(line: Float64, width: float) -> tuple[Float64, float, bool]:
    """The polyline with its free ends made longer, its width, and whether it is closed."""
    if _closed(line):
        return line[:-1], width, True
    longer = line.copy()
    for end, beside in ((0, 1), (-1, -2)):
        ahead = line[end] - line[beside]
        longer[end] += ahead / np.linalg.norm(ahead) * width / 2
    return longer, width, False


def _boxes(line: Float64, unit: float, width: float) -> list[tuple[Float64, Float64]]:
    """Both ends (2,), metres, of the collision box of each stroke; corners are filled as far as the line is mitred."""
    steps = np.diff(line, axis=0)
    headings = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    closed, last = _closed(line), len(steps) - 1
    found = []
    for i, (step, ahead) in enumerate(zip(steps, headings, strict=True)):
        if np.linalg.norm(step) < CORNER and np.abs(step).min() > 1e-9:
            continue
        before = headings[i - 1] if i or closed else -ahead
        after = headings[(i + 1) % (last + 1)] if i < last or closed else -ahead
        start, end = (_extension(ahead, other) * width / 2 for other in (before, after))
        found.append((line[i] * unit - start * ahead, line[i + 1] * unit + end * ahead))
    return found


def _extension(one: Float64, other: Float64) -> float:
    """Half widths by which a box reaches beyond a corner between two headings: as far as the mitre, 1 at most."""
    cosine = float(np.clip(one @ other, -1.0, 1.0))
    return 1.0 if cosine <= 0.0 else float(np.sqrt((1 - cosine) / (1 + cosine)))


def _piece(ends: tuple[Float64, Float64], middle: Float64, width: float, thickness: float, raised: bool) -> Piece:
    start, end = ends
    along, (x, y) = end - start, (start + end) / 2 - middle[:2]
    foot = STEP if raised else 0.0
    dims = (float(np.linalg.norm(along)) / 2, width / 2, (thickness - foot) / 2)
    return Piece("box", dims, (float(x), float(y), foot / 2), about_z(float(np.arctan2(along[1], along[0]))))

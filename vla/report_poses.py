"""Episodes for the player of the page: meshes and poses as small, compressed data. Knows no renderer and no page."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla.contract import FloatArray
from vla.episode import Episode

Vec3 = tuple[float, float, float]

POSITION_M = 1e-4  # unit of a position
TURN = 32767  # unit of a quaternion's entry is 1 / TURN
SHARED = 60  # meshes with more triangles are stored once for all episodes


@dataclass(frozen=True, eq=False)
class Solid:
    """One mesh of a scene and how it looks.

    Attributes:
        vertices: (V, 3) metres, in the solid's frame.
        faces: (F, 3) int32.
        normals: (V, 3) unit.
        face_rgb: (F, 3) in [0, 1], which multiply the colours; None for white.
        row: Row of the poses that moves it; -1 if it stands still at `pose`.
        pose: Position (m, world) and quaternion xyzw.
        rgb: Colour, sRGB in [0, 1].
        rgb2: Second colour of the pattern.
        pattern: `plain`, `checker`, `tiles`, `wood`, `noise`, `stripes` or `dots`; others are drawn plain.
        scale_m: Side of one repetition of the pattern.
        gloss: Strength of highlights, 0 to 1.
        casts: Whether it casts a shadow.
    """

    vertices: FloatArray
    faces: NDArray[np.int32]
    normals: FloatArray
    face_rgb: FloatArray | None
    row: int
    pose: tuple[float, ...]
    rgb: Vec3
    rgb2: Vec3
    pattern: str
    scale_m: float
    gloss: float
    casts: bool


@dataclass(frozen=True, eq=False)
class Stage:
    """What an episode's scene looks like.

    Attributes:
        solids: Everything in it.
        eye: Where the view begins, metres, world.
        target: What it looks at.
        fov_y: Vertical field of view, degrees.
        light: Points to the light that casts shadows, any length.
        sun: Its strength for each channel.
        sky: That of the light that comes from everywhere.
        shadows: Whether there are shadows.
        table: Height of the table's top, metres.
        control_hz: Control steps a second.
    """

    solids: tuple[Solid, ...]
    eye: Vec3
    target: Vec3
    fov_y: float
    light: Vec3
    sun: Vec3
    sky: Vec3
    shadows: bool
    table: float
    control_hz: float


Model = Callable[[Episode], Stage]


class MeshShelf:
    """Meshes that several episodes use, by the hash of their content."""

    def __init__(self) -> None:
        """Empty."""
        self.found: dict[str, dict[str, Any]] = {}
        self._known: dict[int, tuple[Solid, str | dict[str, Any]]] = {}

    def put(self, solid: Solid) -> str | dict[str, Any]:
        """What stands for the solid's mesh in an episode: its name on the shelf, or the mesh itself if it is small."""
        known = self._known.get(id(solid.vertices))
        if known is not None and known[0].vertices is solid.vertices and known[0].face_rgb is solid.face_rgb:
            return known[1]
        mesh = pack_mesh(solid)
        entry: str | dict[str, Any] = mesh
        if len(solid.faces) > SHARED:
            entry = hashlib.sha256(mesh["blob"].encode()).hexdigest()[:16]
            self.found[entry] = mesh
        if len(self._known) < 4096:  # keeps the arrays alive, so that their ids mean them
            self._known[id(solid.vertices)] = (solid, entry)
        return entry


def pack_mesh(solid: Solid) -> dict[str, Any]:
    """Positions as 16 bits of the bounding box, normals as 8 bits, faces as 16 bits, perhaps colours as 8 bits.

    Raises ValueError for more than 65536 vertices.
    """
    vertices, count = np.asarray(solid.vertices, np.float64), len(solid.vertices)
    if count > 65536:
        raise ValueError(f"a mesh of the player has at most 65536 vertices, got {count}")
    low = vertices.min(axis=0)
    unit = np.maximum(vertices.max(axis=0) - low, 1e-6) / 65535
    points = np.round((vertices - low) / unit - 32768).astype("<i2")
    parts = [points.tobytes(), np.asarray(solid.faces).astype("<u2").tobytes()]
    parts.append(np.round(np.asarray(solid.normals) * 127).astype(np.int8).tobytes())
    if solid.face_rgb is not None:
        parts.append(np.round(np.clip(solid.face_rgb, 0, 1) * 255).astype(np.uint8).tobytes())
    fields = {"v": count, "f": len(solid.faces), "low": low.round(6).tolist(), "unit": unit.tolist()}
    return {**fields, "tinted": solid.face_rgb is not None, "blob": _squeezed(b"".join(parts))}


def pack_poses(poses: FloatArray) -> str:
    """(T + 1, N, 7) as differences along time of 16 bits, (N, 7, T + 1), compressed; what stands still is free."""
    scaled = np.concatenate([poses[..., :3] / POSITION_M, poses[..., 3:] * TURN], axis=-1)
    whole = np.clip(np.round(scaled), -TURN, TURN).astype(np.int64).transpose(1, 2, 0)
    deltas = np.diff(whole, axis=-1, prepend=0)
    return _squeezed(deltas.astype("<i2").tobytes())  # wraps around, and so does the sum on the page


def unpack_poses(text: str, rows: int) -> FloatArray:
    """What `pack_poses` packed, as the page does it, rounded to 0.1 mm: (T + 1, N, 7) float32."""
    deltas = np.frombuffer(zlib.decompress(base64.b64decode(text)), "<i2").reshape(rows, 7, -1)
    whole = np.cumsum(deltas, axis=-1, dtype=np.int16).transpose(2, 0, 1).astype(np.float32)
    units = np.array([POSITION_M] * 3 + [1 / TURN] * 4, np.float32)
    result: FloatArray = whole * units
    return result


def _squeezed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 9)).decode()


def pack_episode(episode: Episode, stage: Stage, shelf: MeshShelf) -> dict[str, Any]:
    """Everything that the player needs of an episode but the meshes that `shelf` keeps."""
    result = episode.result
    said = [[step, episode.said(step)] for step in range(len(episode) + 1)]
    changes = [entry for number, entry in enumerate(said) if number == 0 or entry[1] != said[number - 1][1]]
    return {
        "steps": len(episode),
        "rows": episode.poses.shape[1],
        "hz": stage.control_hz,
        "outcome": result.outcome,
        "reason": result.measures.failure if result.measures and result.measures.failure else result.reason,
        "said": changes,
        "nodes": [_node(solid, shelf) for solid in stage.solids],
        "camera": {"eye": stage.eye, "target": stage.target, "fov": stage.fov_y},
        "light": stage.light,
        "sun": [round(value, 3) for value in stage.sun],
        "sky": [round(value, 3) for value in stage.sky],
        "shadows": stage.shadows,
        "table": stage.table,
        "blob": pack_poses(episode.poses),
    }


def _node(solid: Solid, shelf: MeshShelf) -> dict[str, Any]:
    return {
        "mesh": shelf.put(solid),
        "row": solid.row,
        "pose": [round(value, 5) for value in solid.pose] if solid.row < 0 else 0,
        "rgb": [round(value, 3) for value in solid.rgb],
        "rgb2": [round(value, 3) for value in solid.rgb2],
        "pattern": solid.pattern,
        "scale": round(max(solid.scale_m, 1e-3), 4),
        "gloss": round(solid.gloss, 3),
        "casts": solid.casts,
    }

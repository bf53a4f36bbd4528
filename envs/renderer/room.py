"""The room around the table as meshes that stand still: walls, skirting, a lamp, a window, shelves.

Geometry instead of a picture: every renderer draws it, depth and perspective are right, and it costs what a background
costs. Knows no pixels.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from envs.objects.meshes import box_mesh
from envs.poses import FLOOR_BODY
from envs.renderer.types import Material, Mesh, Node
from envs.scene import BackgroundSpec, Texture, Vec3
from vla.contract import FloatArray

KINDS = ("gradient", "room", "shelves")
ROOM_LINK, SCENERY_LINK = 0, 1  # of the floor's body: what the segmentation calls the room, and what stands around
SIZE_M = (4.4, 4.2, 2.6)  # x, y, z, around the table
BOARD_M = 0.03
SCATTERED = 0.25  # light that walls get from one another, which no light of the scene stands for
RED, BLUE, GREEN = (0.62, 0.25, 0.22), (0.23, 0.36, 0.52), (0.30, 0.45, 0.32)
COVERS = (RED, BLUE, GREEN, (0.75, 0.64, 0.42), (0.45, 0.40, 0.48), (0.85, 0.83, 0.78))
Box = tuple[Vec3, Vec3, Vec3]  # size and centre (m), colour


def room_nodes(background: BackgroundSpec, center: tuple[float, float]) -> tuple[Node, ...]:
    """Nodes of the room, in which nothing casts a shadow. Raises ValueError for an unknown kind.

    Args:
        background: What room.
        center: Of the table, (x, y), metres, world.
    """
    if background.kind not in KINDS:
        from vla.registry import nearest

        raise nearest("background kind", background.kind, list(KINDS))
    if background.kind == "gradient":
        return ()
    pose = (*center, background.floor_height, 0.0, 0.0, 0.0, 1.0)

    def node(name: str, mesh: Mesh, material: Material) -> Node:
        return Node(name, FLOOR_BODY, ROOM_LINK, mesh, material, static_pose=pose, casts_shadow=False)

    white = Texture("plain", (1.0, 1.0, 1.0))
    nodes = [
        node("room/walls", _walls(), Material(background.wall, emission=SCATTERED)),
        node("room/skirting", _boxes(_skirting()), Material(white, emission=SCATTERED)),
        node(
            "room/lamp",
            _boxes((((1.2, 0.3, 0.04), (0.0, 0.0, SIZE_M[2] - 0.04), (1.0, 0.98, 0.92)),)),
            Material(white, emission=1.0),
        ),
        node("room/window", _boxes(_window()), Material(white, emission=0.8)),
    ]
    if background.kind == "shelves":
        nodes.append(node("room/shelves", _boxes(_shelves(background.seed)), Material(white)))
    return tuple(nodes)


@lru_cache(maxsize=1)
def _walls() -> Mesh:
    """Four walls and the ceiling, seen from inside; uvs are metres along and up the wall."""
    hx, hy, top = SIZE_M[0] / 2, SIZE_M[1] / 2, SIZE_M[2]
    floor = [(-hx, -hy), (-hx, hy), (hx, hy), (hx, -hy)]  # clockwise from above: faces look inward
    corners: list[Vec3] = []
    uvs: list[tuple[float, float]] = []
    for (ax, ay), (bx, by) in zip(floor, floor[1:] + floor[:1], strict=True):
        length = abs(bx - ax) + abs(by - ay)
        corners += [(ax, ay, 0.0), (bx, by, 0.0), (bx, by, top), (ax, ay, top)]
        uvs += [(0.0, 0.0), (length, 0.0), (length, top), (0.0, top)]
    corners += [(*floor[3], top), (*floor[2], top), (*floor[1], top), (*floor[0], top)][::-1]
    uvs += [(x, y) for x, y in floor]
    vertices = np.array(corners, np.float32)
    quads = np.arange(len(vertices), dtype=np.int32).reshape(-1, 4)
    faces = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    edge1, edge2 = vertices[quads[:, 1]] - vertices[quads[:, 0]], vertices[quads[:, 2]] - vertices[quads[:, 0]]
    normals = np.cross(edge1, edge2)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return Mesh(vertices, faces, np.repeat(normals, 4, axis=0).astype(np.float32), np.array(uvs, np.float32))


def _skirting() -> tuple[Box, ...]:
    x, y, _ = SIZE_M
    colour, height, depth = (0.90, 0.89, 0.86), 0.09, 0.03
    along_y = [((depth, y, height), (side * (x - depth) / 2, 0.0, height / 2), colour) for side in (-1, 1)]
    along_x = [((x, depth, height), (0.0, side * (y - depth) / 2, height / 2), colour) for side in (-1, 1)]
    return (*along_y, *along_x)


def _window() -> tuple[Box, ...]:
    """Two bright panes in the wall to the left."""
    y = SIZE_M[1] / 2 - 0.01
    return tuple(((0.62, 0.02, 0.9), (x, y, 1.55), (0.80, 0.88, 0.96)) for x in (-0.85, -0.15))


@lru_cache(maxsize=64)
def _shelves(seed: int) -> tuple[Box, ...]:
    """A shelf along the wall behind the robot, with books and boxes drawn from `seed`."""
    rng = np.random.default_rng(seed)
    back, depth, width, top = -SIZE_M[0] / 2, 0.28, 2.6, 2.0
    wood = (0.62, 0.50, 0.38)
    x = back + depth / 2
    boxes: list[Box] = [((depth, BOARD_M, top), (x, side * width / 2, top / 2), wood) for side in (-1, 0, 1)]
    for level in (0.12, 0.5, 0.88, 1.26, 1.64):
        boxes.append(((depth, width, BOARD_M), (x, 0.0, level), wood))
        y = -width / 2 + 0.05
        while y < width / 2 - 0.12:
            thick, tall = float(rng.uniform(0.03, 0.12)), float(rng.uniform(0.14, 0.3))
            crosses = y < 0.0 < y + thick + 0.03
            if rng.random() < 0.8 and not crosses:
                colour = COVERS[int(rng.integers(len(COVERS)))]
                place = (x - 0.03, y + thick / 2, level + (BOARD_M + tall) / 2)
                boxes.append(((depth - 0.1, thick - 0.004, tall), place, colour))
            y += thick
    return tuple(boxes)


@lru_cache(maxsize=64)
def _boxes(boxes: tuple[Box, ...]) -> Mesh:
    """Boxes, each of its own colour, as one mesh."""
    vertices: list[FloatArray] = []
    faces, normals, uvs, colours = [], [], [], []
    count = 0
    for size, centre, colour in boxes:
        mesh = box_mesh(size)
        vertices.append((mesh.vertices + np.asarray(centre, np.float32)).astype(np.float32))
        faces.append(mesh.faces + np.int32(count))
        normals.append(mesh.normals)
        uvs.append(mesh.uvs)
        colours.append(np.tile(np.asarray(colour, np.float32), (len(mesh.faces), 1)))
        count += len(mesh.vertices)
    return Mesh(
        np.concatenate(vertices),
        np.concatenate(faces),
        np.concatenate(normals),
        np.concatenate(uvs),
        np.concatenate(colours),
    )

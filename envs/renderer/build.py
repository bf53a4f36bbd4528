"""Turns a SceneSpec into the RenderScene that every renderer draws. Knows no PyBullet and no pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np

from envs.fixture import FIXTURE_LINK
from envs.materials import substance
from envs.objects import checked_kind
from envs.objects.meshes import box_mesh, lathe
from envs.poses import FIRST_OBJECT_BODY, FLOOR_BODY, ROBOT_BODY, TABLE_BODY, pose_rows
from envs.renderer.lod import visual_mesh
from envs.renderer.room import SCENERY_LINK, room_nodes
from envs.renderer.types import Material, Mesh, Node, RenderScene
from envs.robots import ROBOTS
from envs.scene import ObjectSpec, ScenerySpec, SceneSpec, TableSpec, Texture, orientation
from envs.urdf import load_urdf

FLOOR_SIDE_M = 9.0
TRIANGLES = ((128, 130), (256, 200), (10**9, 1500))  # image height up to which a robot's link gets so many triangles
HAND_SHARE = 3.0  # hand and fingers get so many times more: the wrist camera is a few centimetres away from them
ROBOT_SURFACE = Material(Texture("plain", (1.0, 1.0, 1.0)), smooth=True, specular=0.1, shininess=40.0)
SUBTLE = 0.3  # share of a material's highlight that is drawn if it is no metal: a colour word must stay true


def build_render_scene(
    spec: SceneSpec, *, level_of_detail: bool = True, image_height: int | None = None
) -> RenderScene:
    """Meshes, materials, light and background of a scene.

    Args:
        spec: The scene.
        level_of_detail: Simplify the robot's meshes; False keeps every triangle of the files.
        image_height: Height of the largest picture that will be drawn, pixels: small ones get coarser
            meshes. None stands for a large one.

    Raises:
        ValueError: An unknown robot or object kind, or a size that does not fit its kind.
    """
    rows = pose_rows(spec)
    row_of = {(row.body, row.link): i for i, row in enumerate(rows)}
    nodes = [_floor(spec), _table(spec.table), *room_nodes(spec.background, spec.table.center)]
    height = TRIANGLES[-1][0] if image_height is None else image_height
    triangles = next(count for limit, count in TRIANGLES if height <= limit) if level_of_detail else None
    for name, link, mesh in _robot_meshes(spec.robot.name, triangles):
        nodes.append(Node(name, ROBOT_BODY, link, mesh, ROBOT_SURFACE, row_of[ROBOT_BODY, link]))
    nodes.extend(_scenery(item) for item in spec.scenery)
    for i, item in enumerate(spec.objects):
        nodes.extend(_object(item, FIRST_OBJECT_BODY + i, row_of))
    return RenderScene(tuple(nodes), spec.light, spec.background)


@lru_cache(maxsize=8)
def _robot_meshes(robot: str, triangles: int | None) -> tuple[tuple[str, int, Mesh], ...]:
    """(name, link, mesh) of every visual of a robot."""
    data = ROBOTS[robot]()

    def count(link: int) -> int | None:
        return triangles if triangles is None or link < data.hand_link else round(HAND_SHARE * triangles)

    return tuple(
        (f"{robot}/{link.name}", link.index, visual_mesh(visual, count(link.index)))
        for link in load_urdf(data.urdf).links
        for visual in link.visuals
    )


def _object(item: ObjectSpec, body: int, row_of: Mapping[tuple[int, int], int]) -> Iterator[Node]:
    """The node of an object, and that of its moving part if it has one."""
    kind = checked_kind(item)
    shape = kind.shape(item.size)
    material = _object_material(item, kind.smooth)
    pose = (*item.position, *orientation(item))
    casts = bool(shape.pieces)
    yield Node(item.name, body, -1, shape.mesh, material, row_of.get((body, -1), -1), pose, casts_shadow=casts)
    if shape.part is not None:
        row = row_of[body, FIXTURE_LINK]
        yield Node(f"{item.name}/part", body, FIXTURE_LINK, shape.part.mesh, material, row, casts_shadow=casts)


def _object_material(item: ObjectSpec, smooth: bool) -> Material:
    """What the substance shines like, or a surface that is metal to the share `item.mirror`."""
    look, metal = substance(item.material), substance("metal")
    specular = look.specular * (SUBTLE + (1 - SUBTLE) * look.metallic)
    if item.mirror <= look.metallic:
        return Material(item.texture, smooth, specular, look.shininess, look.metallic)
    shininess = look.shininess + item.mirror * (metal.shininess - look.shininess)
    return Material(item.texture, smooth, max(specular, item.mirror * metal.specular), shininess, item.mirror)


def _scenery(item: ScenerySpec) -> Node:
    mesh = _box(item.size) if item.shape == "box" else _column(item.size)
    pose = (*item.position, 0.0, 0.0, math.sin(item.yaw / 2), math.cos(item.yaw / 2))
    material, casts = Material(item.texture, smooth=item.shape == "cylinder"), item.casts_shadow
    return Node("scenery", FLOOR_BODY, SCENERY_LINK, mesh, material, static_pose=pose, casts_shadow=casts)


def _table(table: TableSpec) -> Node:
    pose = (*table.center, table.height - table.size[2] / 2, 0.0, 0.0, 0.0, 1.0)
    mesh = _box(table.size)
    return Node("table", TABLE_BODY, -1, mesh, Material(table.texture), static_pose=pose, casts_shadow=False)


@lru_cache(maxsize=64)
def _box(size: tuple[float, ...]) -> Mesh:
    return box_mesh(size)


@lru_cache(maxsize=64)
def _column(size: tuple[float, ...]) -> Mesh:
    """An upright cylinder of full lengths `size`, round if x and y are the same."""
    half = size[2] / 2
    mesh = lathe([[(0.0, -half), (0.5, -half)], [(0.5, -half), (0.5, half)], [(0.5, half), (0.0, half)]])
    return replace(mesh, vertices=(mesh.vertices * np.array([size[0], size[1], 1.0], np.float32)))


def _floor(spec: SceneSpec) -> Node:
    pose = (*spec.table.center, spec.background.floor_height, 0.0, 0.0, 0.0, 1.0)
    material = Material(spec.background.floor)
    return Node("floor", FLOOR_BODY, -1, _floor_mesh(), material, static_pose=pose, casts_shadow=False)


@lru_cache(maxsize=1)
def _floor_mesh() -> Mesh:
    half = FLOOR_SIDE_M / 2
    corners = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]], np.float32)
    up = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    return Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32), up, np.ascontiguousarray(corners[:, :2]))

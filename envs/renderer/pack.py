"""Turns a RenderScene into the flat arrays that the kernels read. No pixels here.

Attributes of a face (normal, uv) are stored as affine functions of the position in the node's frame. A pixel knows its
position from its depth, so attributes are exact under perspective and cost nothing until a pixel is shaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from envs.renderer.textures import bake
from envs.renderer.types import Material, Mesh, Node, RenderScene
from vla.contract import FloatArray

NORMAL, UV, COLOR = 0, 12, 20  # columns of the face attributes: 3 x (gradient 3, constant 1), 2 x (3, 1), rgb 3
ATTRIBUTES = 24


@dataclass(frozen=True, eq=False)
class PackedMesh:
    """One mesh, in its node's frame."""

    points: FloatArray  # (P, 3) m, without duplicates
    faces: NDArray[np.int32]  # (F, 3)
    planes: FloatArray  # (F, 4): outward normal and offset; > 0 for eyes that see the front of the face
    attributes: FloatArray  # (F, ATTRIBUTES)
    sphere: FloatArray  # (4,) centre and radius around all points, m


@dataclass(frozen=True, eq=False)
class PackedScene:
    """All nodes one after another. K nodes, P points, F faces, M texels."""

    points: FloatArray  # (P, 3)
    faces: NDArray[np.int32]  # (F, 3)
    planes: FloatArray  # (F, 4)
    attributes: FloatArray  # (F, ATTRIBUTES)
    face_node: NDArray[np.int32]  # (F,)
    ints: NDArray[np.int64]  # (K, 11), columns below
    floats: FloatArray  # (K, 17), columns below
    static_poses: NDArray[np.float64]  # (K, 7)
    texels: NDArray[np.uint32]  # (M,), as `textures.Baked`
    rows: int  # rows of the pose array that the scene reads


# Columns of PackedScene.ints; LOOK numbers the ways in which surfaces shine, 0 for matt ones
FIRST_POINT, END_POINT, FIRST_FACE, END_FACE, ROW, CASTS, CHANNELS, LOG2_SIZE, TEXEL, SEGMENT, LOOK = range(11)
# Columns of PackedScene.floats: colour 3, second colour minus first 3, repetitions per metre, uv shift 2, sphere 4,
# and how the surface shines: strength, roughness (squared width of the highlight), share of metal, own light
RGB, RGB_STEP, REPEATS, SHIFT, SPHERE = 0, 3, 6, 7, 9
SPECULAR, ROUGHNESS, METALLIC, EMISSION = 13, 14, 15, 16


@lru_cache(maxsize=1024)
def pack_mesh(mesh: Mesh, smooth: bool) -> PackedMesh:
    """Arrays of one mesh; cached, since episodes share meshes."""
    corners = mesh.vertices[mesh.faces].astype(np.float64)  # (F, 3, 3)
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    size = np.linalg.norm(cross, axis=1, keepdims=True)
    keep = size[:, 0] > 1e-16
    corners, cross, size, faces = corners[keep], cross[keep], size[keep], mesh.faces[keep]
    flat = cross / size
    attributes = np.zeros((len(faces), ATTRIBUTES))
    normals = mesh.normals[faces].astype(np.float64) if smooth else np.repeat(flat[:, None], 3, axis=1)
    attributes[:, NORMAL:UV] = _affine(corners, cross, normals)
    attributes[:, UV:COLOR] = _affine(corners, cross, mesh.uvs[faces].astype(np.float64))
    attributes[:, COLOR : COLOR + 3] = 1.0 if mesh.face_rgb is None else mesh.face_rgb[keep]
    planes = np.concatenate([flat, -np.einsum("ij,ij->i", flat, corners[:, 0])[:, None]], axis=1)
    points, inverse = np.unique(mesh.vertices, axis=0, return_inverse=True)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = np.linalg.norm(points - centre, axis=1).max()
    return PackedMesh(
        points=np.ascontiguousarray(points, np.float32),
        faces=inverse.reshape(-1)[faces].astype(np.int32),
        planes=planes.astype(np.float32),
        attributes=attributes.astype(np.float32),
        sphere=np.array([*centre, radius * 1.0001 + 1e-6], np.float32),
    )


def pack_scene(scene: RenderScene) -> PackedScene:
    """Arrays of a scene. Raises ValueError for a texture that cannot be drawn."""
    meshes = [pack_mesh(node.mesh, node.material.smooth) for node in scene.nodes]
    point_ends = np.cumsum([len(m.points) for m in meshes])
    face_ends = np.cumsum([len(m.faces) for m in meshes])
    ints = np.zeros((len(meshes), 11), np.int64)
    floats = np.zeros((len(meshes), 17), np.float32)
    texels: list[NDArray[np.uint32]] = []
    looks = {(0.0, 0.0, 0.0, 0.0): 0}
    offset = 0
    for k, (node, mesh) in enumerate(zip(scene.nodes, meshes, strict=True)):
        ints[k, FIRST_POINT : END_FACE + 1] = (
            point_ends[k] - len(mesh.points),
            point_ends[k],
            face_ends[k] - len(mesh.faces),
            face_ends[k],
        )
        ints[k, ROW], ints[k, CASTS] = node.row, node.casts_shadow
        ints[k, SEGMENT] = node.body + ((node.link + 1) << 24)
        floats[k, SPHERE:SPECULAR] = mesh.sphere
        ints[k, LOOK] = looks.setdefault(_look(node.material), len(looks))
        offset += _pack_material(node.material, ints[k], floats[k], texels, offset)
    return PackedScene(
        points=np.concatenate([m.points for m in meshes]),
        faces=np.concatenate([m.faces + (e - len(m.points)) for m, e in zip(meshes, point_ends, strict=True)]).astype(
            np.int32
        ),
        planes=np.concatenate([m.planes for m in meshes]),
        attributes=np.concatenate([m.attributes for m in meshes]),
        face_node=np.repeat(np.arange(len(meshes), dtype=np.int32), [len(m.faces) for m in meshes]),
        ints=ints,
        floats=floats,
        static_poses=np.array([_checked_pose(node) for node in scene.nodes], np.float64),
        texels=np.concatenate([*texels, np.zeros(1, np.uint32)]),
        rows=1 + max((node.row for node in scene.nodes), default=-1),
    )


def _pack_material(
    material: Material, ints: NDArray[np.int64], floats: FloatArray, texels: list[NDArray[np.uint32]], offset: int
) -> int:
    """Fill the material's columns of one node and append its texels; returns how many were appended."""
    texture = material.texture
    baked = bake(texture)
    ints[CHANNELS], ints[LOG2_SIZE], ints[TEXEL] = baked.channels, baked.log2_size, offset
    floats[RGB : RGB + 3] = texture.rgb
    floats[RGB_STEP : RGB_STEP + 3] = np.subtract(texture.rgb2, texture.rgb)
    floats[REPEATS] = 1 / texture.scale_m
    floats[SHIFT : SHIFT + 2] = baked.shift
    floats[SPECULAR], floats[ROUGHNESS] = material.specular, 2 / (material.shininess + 2)
    floats[METALLIC], floats[EMISSION] = material.metallic, material.emission
    texels.append(baked.texels)
    return len(baked.texels)


def _look(material: Material) -> tuple[float, float, float, float]:
    """What makes a surface shine; all zeros if it does not."""
    shines = material.specular or material.metallic or material.emission
    return (material.specular, material.shininess, material.metallic, material.emission) if shines else (0.0,) * 4


def _checked_pose(node: Node) -> tuple[float, ...]:
    if len(node.static_pose) != 7:
        raise ValueError(f"node {node.name!r}: static_pose has 7 numbers, it has {len(node.static_pose)}")
    return node.static_pose


def _affine(
    corners: NDArray[np.float64], cross: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Affine functions of position that take `values` (F, 3 corners, C) at the corners: (F, 4 C)."""
    square = np.einsum("ij,ij->i", cross, cross)[:, None]
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    dual1, dual2 = np.cross(edge2, cross) / square, np.cross(cross, edge1) / square
    step1, step2 = values[:, 1] - values[:, 0], values[:, 2] - values[:, 0]
    gradient = step1[:, :, None] * dual1[:, None, :] + step2[:, :, None] * dual2[:, None, :]  # (F, C, 3)
    constant = values[:, 0] - np.einsum("fci,fi->fc", gradient, corners[:, 0])
    return np.concatenate([gradient, constant[:, :, None]], axis=2).reshape(len(corners), -1)

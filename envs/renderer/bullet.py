"""PyBullet's own renderers behind the same interface: `tiny` (software) and `egl` (OpenGL without a window).

They are the referees of the rasterizer's depth and segmentation, and its competitors in `vla bench render`. Light is
what they can do: ambient and directional light by their mean over the channels, no point light.
"""

from __future__ import annotations

import contextlib
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.quiet import silence
from envs.renderer.picture import background_gradient, filmed, halve
from envs.renderer.textures import bake, texture_image
from envs.renderer.types import Camera, Film, Frame, Mesh, Node, RenderScene
from vla.contract import ByteArray, FloatArray

PALETTE_SIDE = 64  # texels; meshes with colours of their own get a picture of their colours
TEXTURE_SIDE = 512  # texels of a picture made from a procedural pattern
MAX_VERTICES = 100_000  # of a mesh that PyBullet takes from memory (its limit is 131,072)
_PLUGIN = "_eglRendererPlugin"


class BulletRenderer:
    """Draws one RenderScene with PyBullet. Implements `envs.renderer.types.Renderer`.

    Args:
        scene: What to draw.
        egl: OpenGL by PyBullet's EGL plugin instead of TinyRenderer.
        supersample: Draw at twice the size and average 2 x 2 pixels.
        shadows: Overrides `scene.light.shadows`.
    """

    def __init__(
        self, scene: RenderScene, *, egl: bool = False, supersample: bool = False, shadows: bool | None = None
    ) -> None:
        """Build the scene in a physics client of its own. Raises ValueError if EGL does not load here."""
        from envs.bullet import connect  # pybullet is loaded only by those who ask for its renderers

        if egl and (problem := egl_problem()):
            raise ValueError(f"the egl renderer does not work on this machine ({problem}); use 'raster' or 'tiny'")
        self._scene, self._supersample = scene, supersample
        self._shadows = scene.light.shadows if shadows is None else shadows
        self._folder = tempfile.TemporaryDirectory(prefix="vla-textures-")
        self._client = connect()
        self._egl = egl
        if egl:
            with silence():
                self._plugin = self._client.loadPlugin(_egl_library(), _PLUGIN)
                self._client.getCameraImage(8, 8, renderer=self._client.ER_BULLET_HARDWARE_OPENGL)  # prints, too
        self._rows = 1 + max((node.row for node in scene.nodes), default=-1)
        self._bodies = [self._add(node) for node in scene.nodes]
        segments = np.full(max(self._bodies, default=0) + 2, -1, np.int32)  # the last entry is read by -1
        for body, node in zip(self._bodies, scene.nodes, strict=True):
            segments[body] = node.body + ((node.link + 1) << 24)
        self._segments = segments

    def render(self, poses: FloatArray, cameras: Sequence[Camera]) -> list[Frame]:
        """Draw `poses` (N, 7) from each camera. Raises ValueError if N does not fit the scene."""
        if poses.ndim != 2 or poses.shape[1] != 7 or len(poses) < self._rows:
            raise ValueError(f"the scene needs poses of shape ({self._rows}, 7), got {poses.shape}")
        for body, node in zip(self._bodies, self._scene.nodes, strict=True):
            if node.row >= 0:
                pose = poses[node.row].astype(float).tolist()
                self._client.resetBasePositionAndOrientation(body, pose[:3], pose[3:])
        with silence() if self._egl else contextlib.nullcontext():  # the plugin prints when it draws the first time
            return [self._draw(camera) for camera in cameras]

    def film(self, poses: FloatArray, cameras: Sequence[Camera], grid: int = 0) -> Film:
        """One moment after the other: these renderers gain nothing by doing many at once."""
        moments = (self.render(p, [camera.at(s) for camera in cameras]) for s, p in enumerate(poses))
        return filmed(list(moments), grid)

    def close(self) -> None:
        """Disconnect and delete the texture files; calling it again does nothing."""
        if self._egl and self._client.number >= 0:
            with silence():
                self._client.unloadPlugin(self._plugin)
                self._client.close()
        self._client.close()
        self._folder.cleanup()

    def _add(self, node: Node) -> int:
        """One fixed body for a node; returns its number."""
        vertices, uvs, picture = _paint(node)
        rgba = [1, 1, 1, 1] if picture is not None else [*node.material.texture.rgb, 1]
        normals = _normals(node.mesh, node.material.smooth)
        mesh = self._client.GEOM_MESH
        if self._egl or len(vertices) > MAX_VERTICES:
            file = Path(self._folder.name) / f"{self._client.getNumBodies()}.obj"
            file.write_text(_wavefront(vertices, uvs, normals))
            visual = self._client.createVisualShape(mesh, fileName=str(file), rgbaColor=rgba)
        else:
            arrays: dict[str, NDArray[Any]] = {
                "vertices": vertices,
                "normals": normals,
                "uvs": uvs,
                "indices": np.arange(len(vertices)),
            }
            lists = {name: array.tolist() for name, array in arrays.items()}
            visual = self._client.createVisualShape(mesh, rgbaColor=rgba, **lists)
        if visual < 0:
            raise ValueError(f"PyBullet does not take the mesh of {node.name!r} ({len(vertices)} vertices)")
        pose = node.static_pose
        body = self._client.createMultiBody(0, -1, visual, list(pose[:3]), list(pose[3:]))
        if picture is not None:
            import cv2

            path = str(Path(self._folder.name) / f"{body}.png")
            cv2.imwrite(path, picture[::-1, :, ::-1])  # a file starts with its top row, where v is 1
            self._client.changeVisualShape(body, -1, textureUniqueId=self._client.loadTexture(path))
        return int(body)

    def _projection(self, camera: Camera) -> list[float]:
        """OpenGL's projection matrix, column by column, with pixel centres at +0.5 as everywhere here."""
        matrix = list(
            self._client.computeProjectionMatrixFOV(camera.fov_y, camera.width / camera.height, camera.near, camera.far)
        )
        if not self._egl:  # TinyRenderer samples a pixel at its lower left corner
            matrix[8], matrix[9] = 1 / camera.width, 1 / camera.height
        return matrix

    def _draw(self, camera: Camera) -> Frame:
        if self._supersample:
            camera = replace(camera, width=2 * camera.width, height=2 * camera.height)
        light = self._scene.light
        _, _, rgba, buffer, bodies = self._client.getCameraImage(
            camera.width,
            camera.height,
            _view_matrix(camera),
            self._projection(camera),
            lightDirection=list(light.direction),
            lightColor=[1, 1, 1],
            lightDistance=3,
            shadow=int(self._shadows),
            lightAmbientCoeff=float(np.mean(light.ambient)),
            lightDiffuseCoeff=float(np.mean(light.directional)),
            lightSpecularCoeff=0.0,
            renderer=self._client.ER_BULLET_HARDWARE_OPENGL if self._egl else self._client.ER_TINY_RENDERER,
        )
        shape = camera.height, camera.width
        segmentation = self._segments[np.reshape(bodies, shape)]
        empty = segmentation < 0
        raw = np.reshape(buffer, shape).astype(np.float64)
        depth = camera.far * camera.near / (camera.far - (camera.far - camera.near) * raw)
        depth[empty] = camera.far
        rgb = np.array(np.reshape(rgba, (*shape, 4))[:, :, :3], np.uint8)
        rgb[empty] = background_gradient(self._scene.background, camera)[empty]
        frame = rgb, depth.astype(np.float32), segmentation
        return halve(*frame) if self._supersample else Frame(*frame)


def _paint(node: Node) -> tuple[FloatArray, FloatArray, ByteArray | None]:
    """Corners (3F, 3), their uvs (3F, 2) and the picture that the uvs look up (None for one plain colour)."""
    mesh, texture = node.mesh, node.material.texture
    corners = mesh.vertices[mesh.faces.reshape(-1)]
    if mesh.face_rgb is not None:
        colours = np.clip(mesh.face_rgb * texture.rgb * 255 + 0.5, 0, 255).astype(np.uint8) & 0xFC
        palette, index = np.unique(colours, axis=0, return_inverse=True)
        index = np.repeat(index.reshape(-1) % PALETTE_SIDE**2, 3)
        picture = np.zeros((PALETTE_SIDE**2, 3), np.uint8)
        picture[: len(palette)] = palette[: PALETTE_SIDE**2]
        uvs = np.stack([(index % PALETTE_SIDE + 0.5), (index // PALETTE_SIDE + 0.5)], axis=1) / PALETTE_SIDE
        return corners, uvs.astype(np.float32), picture.reshape(PALETTE_SIDE, PALETTE_SIDE, 3)
    repeats = (mesh.uvs[mesh.faces.reshape(-1)] / texture.scale_m).astype(np.float32)
    return corners, repeats, None if bake(texture).channels == 0 else texture_image(texture, TEXTURE_SIDE)


def _wavefront(vertices: FloatArray, uvs: FloatArray, normals: FloatArray) -> str:
    """An OBJ file of triangle corners: the EGL renderer reads no meshes from memory."""
    lines = [f"v {x:.9g} {y:.9g} {z:.9g}" for x, y, z in vertices.tolist()]
    lines += [f"vt {u:.9g} {v:.9g}" for u, v in uvs.tolist()]
    lines += [f"vn {x:.6g} {y:.6g} {z:.6g}" for x, y, z in normals.tolist()]
    lines += [f"f {i}/{i}/{i} {i + 1}/{i + 1}/{i + 1} {i + 2}/{i + 2}/{i + 2}" for i in range(1, len(vertices), 3)]
    return "\n".join(lines) + "\n"


def _normals(mesh: Mesh, smooth: bool) -> FloatArray:
    if smooth:
        return mesh.normals[mesh.faces.reshape(-1)]
    corners = mesh.vertices[mesh.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return np.repeat(cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-20), 3, axis=0)


def _view_matrix(camera: Camera) -> list[float]:
    """OpenGL's view matrix, column by column: camera axes x right, y up, z backward."""
    flip = np.diag([1.0, -1.0, -1.0])
    view: NDArray[np.float64] = np.eye(4)
    view[:3, :3] = flip @ camera.pose_w[:3, :3].T
    view[:3, 3] = -view[:3, :3] @ camera.pose_w[:3, 3]
    return [float(value) for value in view.T.reshape(-1)]


@lru_cache(maxsize=1)
def egl_problem() -> str:
    """Why EGL does not work here, or "" if it does. Tried in a process of its own: a missing driver may end it."""
    if not _egl_library():
        return "PyBullet was built without its eglRenderer plugin"
    code = (
        "import pybullet as p; c = p.connect(p.DIRECT); "
        f"assert p.loadPlugin({_egl_library()!r}, {_PLUGIN!r}, physicsClientId=c) >= 0, 'plugin refused'; "
        "image = p.getCameraImage(8, 8, renderer=p.ER_BULLET_HARDWARE_OPENGL, physicsClientId=c); print('drawn')"
    )
    try:
        tried = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "loading PyBullet's EGL plugin took more than 60 s"
    if tried.returncode == 0 and "drawn" in tried.stdout:
        return ""
    lines = (tried.stdout + tried.stderr).strip().splitlines()
    return f"PyBullet's EGL plugin ended with code {tried.returncode}: {lines[-1] if lines else 'no message'}"


def _egl_library() -> str:
    spec = importlib.util.find_spec("eglRenderer")
    return spec.origin or "" if spec else ""

"""What goes into a renderer and what comes out: plain data, no PyBullet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from envs.scene import BackgroundSpec, LightSpec, Texture
from vla.contract import ByteArray, FloatArray


@dataclass(frozen=True, eq=False)
class Mesh:
    """Triangles in the node's frame, metres.

    `normals` and `uvs` are per vertex. uvs are metres on the surface: one repetition of a texture is `scale_m` of them.
    `face_rgb` multiplies the texture face by face (for meshes that bring colours of their own, such as the robot).
    """

    vertices: FloatArray  # (V, 3)
    faces: NDArray[np.int32]  # (F, 3), counter-clockwise seen from outside
    normals: FloatArray  # (V, 3), unit
    uvs: FloatArray  # (V, 2)
    face_rgb: FloatArray | None = None  # (F, 3) sRGB in [0, 1]


@dataclass(frozen=True)
class Material:
    """How a surface looks. TinyRenderer and EGL draw texture and smoothness only.

    Attributes:
        texture: Pattern and colours, of which `plain` is one.
        smooth: Whether normals are interpolated.
        specular: Strength of the highlights: 0 matt, 1 like a polished surface.
        shininess: How small highlights are, as the exponent of Blinn and Phong.
        metallic: 1 for a surface that mirrors its surroundings in its own colour, 0 for others.
        emission: Light of its own, as a multiple of the surface's colour.
    """

    texture: Texture
    smooth: bool = False
    specular: float = 0.0
    shininess: float = 30.0
    metallic: float = 0.0
    emission: float = 0.0


@dataclass(frozen=True, eq=False)
class Node:
    """One mesh of the scene.

    Attributes:
        name: For people, for example `panda/hand` or `red_block`.
        body: Segmentation body: 0 floor, 1 table, 2 robot, 3 + i for object i of the spec.
        link: -1 for the base link, as in PyBullet.
        row: Row of the pose array that moves it, or -1 if it stands still at `static_pose`.
        static_pose: (7,) position and quaternion xyzw, used when row is -1.
        casts_shadow: Whether it is drawn into the shadow map; floor, table and flat marks only receive.
    """

    name: str
    body: int
    link: int
    mesh: Mesh
    material: Material
    row: int = -1
    static_pose: tuple[float, ...] = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    casts_shadow: bool = True


@dataclass(frozen=True, eq=False)
class RenderScene:
    """Everything that does not change during an episode."""

    nodes: tuple[Node, ...]
    light: LightSpec
    background: BackgroundSpec


@dataclass(frozen=True, eq=False)
class Camera:
    """A camera placed for one frame. `pose_w` is (4, 4) camera-to-world, camera axes x right, y down, z forward.

    Renderers draw the pinhole; `envs.lens` bends the picture as `distortion` says.
    """

    pose_w: NDArray[np.float64]
    fov_y: float  # degrees
    width: int
    height: int
    near: float
    far: float
    distortion: tuple[float, ...] = ()

    def at(self, moment: int) -> Camera:
        """Where it is at one of several moments; one that moves has a `pose_w` (S, 4, 4)."""
        return self if self.pose_w.ndim == 2 else replace(self, pose_w=self.pose_w[moment])

    @property
    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) pinhole matrix in pixels; the image centre is (W / 2, H / 2), pixel centres at +0.5."""
        focal = 0.5 * self.height / np.tan(np.radians(self.fov_y) / 2)
        return np.array([[focal, 0, self.width / 2], [0, focal, self.height / 2], [0, 0, 1.0]])


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture. `depth` is metres along the optical axis (`far` where nothing is hit)."""

    rgb: ByteArray  # (H, W, 3)
    depth: FloatArray  # (H, W)
    segmentation: NDArray[np.int32]  # (H, W): body + ((link + 1) << 24) as in PyBullet; -1 background


class Film(NamedTuple):
    """Many moments, each from V cameras."""

    pixels: ByteArray  # (S, V, H, W, 3)
    segments: NDArray[np.int32]  # (S, V, G, G) segmentation in the middle of each of G x G cells


class Renderer(Protocol):
    """Draws frames of one RenderScene."""

    def render(self, poses: FloatArray, cameras: Sequence[Camera]) -> list[Frame]:
        """Draw `poses` (N, 7) from each camera. Raises ValueError if N does not fit the scene."""

    def film(self, poses: FloatArray, cameras: Sequence[Camera], grid: int = 0) -> Film:
        """Draw moments (S, N, 7), each from V cameras of one resolution, as `render` does.

        A camera that moves has a `pose_w` (S, 4, 4); segments are given for a `grid` of cells.
        """

    def close(self) -> None:
        """Free what it holds."""

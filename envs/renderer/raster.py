"""The default renderer: a z-buffer rasterizer in compiled loops, with textures, highlights, lights and shadows.

Same scene, poses and camera give the same bytes, whatever was drawn before. The loops release the interpreter lock, so
threads that each have their own renderer draw in parallel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from envs.renderer import film, kernels, shading, shadowing, texturing
from envs.renderer.layers import Layer, Layers, blocks_of, light_bounds, mark_blocks, stacked_layers
from envs.renderer.pack import CASTS, ROW, pack_scene
from envs.renderer.picture import filmed, halve
from envs.renderer.types import Camera, Film, Frame, RenderScene
from vla.contract import FloatArray

SHADOW_QUANTUM_M = 0.05  # borders of the shadow map move in such steps
SHADOW_BIAS_M = 0.002  # how much nearer to the light a surface must be to cast a shadow
SHADOW_SLANT_TEXELS = 4.0  # added to that, in texels, for surfaces that the light grazes
SOFT_SLANT_TEXELS = 1.0  # the same for soft edges, which follow the slant themselves
CASTERS_M = 1.0  # side of the square that usually holds all that casts shadows: one comparison a texel is smooth
MIN_SHADOW_MAP = 48  # texels
STEEPEST = math.sqrt(2) / shadowing.FLATTEST
FILM_LAYER = 3  # moments from which on it pays to draw what stands still once
Shadow = tuple[NDArray[np.float32], ...]
_NOTHING = np.zeros((1, 1), np.float32)
NO_SHADOW: Shadow = (_NOTHING, _NOTHING, np.zeros((3, 4), np.float32), np.zeros(4, np.float32))


class RasterRenderer:
    """Draws one RenderScene. Implements `envs.renderer.types.Renderer`.

    Args:
        scene: What to draw.
        supersample: Draw at twice the size and average 2 x 2 pixels (colour only: depth and segmentation are those of
            the pixel below and right of the centre).
        shadows: Overrides `scene.light.shadows`.
    """

    def __init__(self, scene: RenderScene, *, supersample: bool = False, shadows: bool | None = None) -> None:
        """Pack the scene into arrays. Raises ValueError for a texture that cannot be drawn."""
        self._packed = pack_scene(scene)
        packed = self._packed
        self._geometry = (packed.points, packed.faces, packed.planes, packed.ints, packed.floats)
        self._surface = (packed.attributes, packed.face_node, packed.ints, packed.floats, packed.texels)
        self._transforms = np.empty((len(packed.ints), 12))
        self._scratch = np.empty((len(packed.points), 3)), np.empty((4, 3)), np.empty(len(packed.faces) + 1, np.int32)
        light, background = scene.light, scene.background
        if light.softness < 0:
            raise ValueError(f"a shadow's edge is at least 0 m wide; LightSpec.softness is {light.softness}")
        self._softness = light.softness
        self._lights = np.array(
            [light.ambient, light.directional, light.point, background.top, background.bottom], np.float32
        )
        self._sun = _unit(np.asarray(light.direction, np.float64))
        self._light_basis = light_basis(self._sun)
        self._maps: dict[int, tuple[FloatArray, FloatArray]] = {}
        lamps = [vector for lamp in light.lamps for vector in (lamp.rgb, lamp.position)]
        self._lights = np.concatenate([self._lights, [self._sun, light.point_position], *([v] for v in lamps)])
        self._lights = self._lights.astype(np.float32)
        self._work = (
            np.empty(len(packed.faces), np.int32),
            np.zeros((len(packed.faces) + 1, 20), np.float32),
            np.zeros(texturing.SCRATCH, np.float32),
            np.zeros(texturing.WIDTH, np.int32),
            np.zeros(texturing.WIDTH, np.uint32),
            np.empty((2, texturing.WIDTH), np.int32),
        )
        self._shadows = (light.shadows if shadows is None else shadows) and bool(packed.ints[:, CASTS].any())
        self._supersample = supersample
        moves = packed.ints[:, ROW] >= 0
        self._all, self._still, self._moving = np.arange(len(moves)), np.flatnonzero(~moves), np.flatnonzero(moves)
        self._layers = Layers()
        self._buffers: dict[tuple[int, int], tuple[Any, ...]] = {}

    def render(self, poses: FloatArray, cameras: Sequence[Camera]) -> list[Frame]:
        """Draw `poses` (N, 7) from each camera. Raises ValueError if N does not fit or a pose is not finite."""
        poses = np.ascontiguousarray(poses, np.float32)
        self._check(poses, 2)
        kernels.place_nodes(poses, self._packed.ints, self._packed.static_poses, self._transforms)
        transforms = self._transforms.astype(np.float32)
        maps: dict[int, Shadow] = {}
        frames = []
        for camera in cameras:
            size = shadow_map_size(camera.height, self._softness)
            if size not in maps:
                maps[size] = self._shadow_map(size)
            frames.append(self._draw(camera, transforms, maps[size]))
        return frames

    def film(self, poses: FloatArray, cameras: Sequence[Camera], grid: int = 0) -> Film:
        """Draw many moments: the same bytes as `render`, without depth.

        Args:
            poses: (S, N, 7).
            cameras: V cameras of one resolution; `pose_w` of one that moves is (S, 4, 4).
            grid: Cells G a side of which the segmentation is wanted.

        Raises:
            ValueError: As `render` does.
        """
        sizes = {(camera.height, camera.width) for camera in cameras}
        if self._supersample or len(sizes) != 1:
            moments = (self.render(p, [camera.at(s) for camera in cameras]) for s, p in enumerate(poses))
            return filmed(list(moments), grid)
        poses = np.ascontiguousarray(poses, np.float32)
        self._check(poses, 3)
        kernels.place_nodes(poses[0], self._packed.ints, self._packed.static_poses, self._transforms)
        views = [_view(camera, 1) if camera.pose_w.ndim == 2 else _moving_view(camera) for camera in cameras]
        ((height, width),) = sizes
        seen, out = self._buffers_of((height, width)), _empty((height, width))
        layers = [self._film_layer(view, len(poses), seen) for view in views]
        numbers = np.array([(view.focal, view.near, view.far) for view in views])
        transforms = self._transforms, self._transforms.astype(np.float32)
        pixels = np.empty((len(poses), len(views), height, 3 * width), np.uint8)
        segments = np.empty((len(poses), len(views), grid, grid), np.int32)
        film.draw_film(
            (self._geometry, self._surface, self._packed.static_poses, self._lights),
            poses,
            (_stack([v.matrix for v in views], len(poses)), _stack([v.rays for v in views], len(poses)), numbers),
            (self._all, self._moving),
            self._film_shadow(height),
            stacked_layers(layers, (height, width)),
            (*transforms, self._scratch, self._work, *seen[:2], *out[1:], seen[2]),
            pixels,
            segments,
        )
        return Film(pixels.reshape(*pixels.shape[:2], height, width, 3), segments)

    def _film_layer(self, view: _View, moments: int, seen: tuple[Any, ...]) -> Layer | None:
        """What stands still as one camera sees it, if that is worth it: it stands still too, and for long enough."""
        if moments < FILM_LAYER or view.matrix.ndim > 2:
            return None
        return self._still_layer(view, self._transforms.astype(np.float32), seen)

    def _film_shadow(self, height: int) -> tuple[Any, ...]:
        """What `film.draw_film` needs for shadows."""
        size, radius_m = shadow_map_size(height, self._softness), self._softness / 2
        bias = SHADOW_BIAS_M, SHADOW_SLANT_TEXELS, radius_m, radius_m * STEEPEST
        maps = self._maps_of(size) if self._shadows else (_NOTHING, _NOTHING)
        return *maps, self._light_basis, np.array([SHADOW_QUANTUM_M, *bias])

    def close(self) -> None:
        """Free the buffers."""
        self._maps.clear()
        self._buffers.clear()
        self._layers = Layers()

    def _check(self, poses: FloatArray, dimensions: int) -> None:
        """Raise ValueError unless `poses` (..., N, 7) are finite and as many as the scene has."""
        if poses.ndim != dimensions or poses.shape[-1] != 7 or poses.shape[-2] < self._packed.rows:
            raise ValueError(f"the scene needs poses of shape ({self._packed.rows}, 7), got {poses.shape}")
        if not np.isfinite(poses).all():
            bad = ~np.isfinite(poses).all(axis=-1).reshape(-1, poses.shape[-2]).all(axis=0)
            raise ValueError(f"poses must be finite; rows {np.flatnonzero(bad)} are not")

    def _maps_of(self, size: int) -> tuple[FloatArray, FloatArray]:
        """Memory for a shadow map and its tiles."""
        if size not in self._maps:
            side = -(-size // kernels.TILE)
            self._maps[size] = np.empty((size, size), np.float32), np.empty((side, side), np.float32)
        return self._maps[size]

    def _buffers_of(self, size: tuple[int, int]) -> tuple[Any, ...]:
        """Memory for 1 / z, faces and wanted blocks of a picture."""
        if size not in self._buffers:
            wanted = np.empty(blocks_of(size), np.bool_)
            self._buffers[size] = np.empty(size, np.float32), np.empty(size, np.int32), wanted
        return self._buffers[size]

    def _shadow_map(self, size: int) -> Shadow:
        """Map, tiles, world-to-map matrix (3, 4), bias (4,), all float32, as `shading.shade` reads them."""
        if not self._shadows:
            return NO_SHADOW
        depth, tiles = self._maps_of(size)
        matrix = np.empty((3, 4), np.float32)
        texel, rows = kernels.draw_shadow_map(
            self._geometry, self._transforms, self._light_basis, SHADOW_QUANTUM_M, self._scratch, depth, tiles,
            matrix,
        )  # fmt: skip
        radius_m = self._softness / 2
        bias = np.array([SHADOW_BIAS_M, SHADOW_SLANT_TEXELS * texel, radius_m / texel, radius_m * STEEPEST], np.float32)
        return depth[:rows], tiles, matrix, bias

    def _draw(self, camera: Camera, transforms: FloatArray, shadow: Shadow) -> Frame:
        view = _view(camera, 2 if self._supersample else 1)
        inverse, faces, wanted = seen = self._buffers_of(view.size)
        layer = self._layers.get(view.key, lambda: self._still_layer(view, transforms, seen))
        if layer is None:
            self._clear(view, seen)
            self._rasterize(self._all, view, seen)
            out = _empty(view.size)
        else:
            inverse[:], faces[:] = layer.inverse, layer.faces
            self._rasterize(self._moving, view, seen)
            mark_blocks(faces, layer.faces, layer.bounds, shadow, wanted)
            out = layer.rgb.copy(), np.empty(view.size, np.float32), layer.segmentation.copy()
        shading.shade(self._surface, transforms, view.rays, self._lights, shadow, self._work, seen, out)
        rgb, depth, segmentation = out
        picture = rgb.reshape(*view.size, 3), depth, segmentation
        return Frame(*picture) if not self._supersample else halve(*picture)

    def _still_layer(self, view: _View, transforms: FloatArray, seen: tuple[Any, ...]) -> Layer:
        """What never moves, without shadows."""
        inverse, faces, _ = seen
        self._clear(view, seen)
        self._rasterize(self._still, view, seen)
        out = _empty(view.size)
        shading.shade(self._surface, transforms, view.rays, self._lights, NO_SHADOW, self._work, seen, out)
        bounds = light_bounds(out[1], faces, view.rays, self._light_basis.astype(np.float32))
        return Layer(inverse.copy(), faces.copy(), out[0], out[2], bounds)

    def _clear(self, view: _View, seen: tuple[Any, ...]) -> None:
        inverse, faces, wanted = seen
        inverse.fill(1 / view.far)
        faces.fill(-1)
        wanted.fill(True)

    def _rasterize(self, nodes: NDArray[np.int64], view: _View, seen: tuple[Any, ...]) -> None:
        inverse, faces, _ = seen
        kernels.draw_camera(
            self._geometry, self._transforms, view.matrix, view.focal, view.near, nodes, self._scratch, inverse, faces
        )


class _View(NamedTuple):
    """A camera as the kernels read it."""

    key: tuple[Any, ...]  # cameras of the same key see the same
    matrix: NDArray[np.float64]  # (3, 4) world to camera
    focal: float  # pixels
    near: float
    far: float
    rays: FloatArray  # (5, 3), as `shading.shade` says
    size: tuple[int, int]  # height, width


def _view(camera: Camera, factor: int) -> _View:
    height, width = camera.height * factor, camera.width * factor
    rotation, eye = camera.pose_w[:3, :3], camera.pose_w[:3, 3]
    matrix = np.empty((3, 4))
    matrix[:, :3], matrix[:, 3] = rotation.T, -rotation.T @ eye
    focal = 0.5 * height / math.tan(math.radians(camera.fov_y) / 2)
    right, down, forward = rotation.T
    corner = forward - right * (width / 2 / focal) - down * (height / 2 / focal)
    rays = np.array([eye, corner, right / focal, down / focal, (1 / focal, camera.far, camera.far)], np.float32)
    key = (camera.pose_w.tobytes(), camera.fov_y, camera.near, camera.far, height, width)
    return _View(key, matrix, focal, camera.near, camera.far, rays, (height, width))


def _moving_view(camera: Camera) -> _View:
    """`_view` of a camera with `pose_w` (S, 4, 4): matrices (S, 3, 4) and rays (S, 5, 3)."""
    one = _view(camera.at(0), 1)
    rotation, eye = camera.pose_w[:, :3, :3], camera.pose_w[:, :3, 3]
    right, down, forward = np.moveaxis(rotation, -1, 0)
    matrix = np.empty((len(eye), 3, 4))
    matrix[:, :, :3] = rotation.swapaxes(1, 2)
    matrix[:, :, 3] = np.einsum("sij,si->sj", -rotation, eye)
    corner = forward - right * (camera.width / 2 / one.focal) - down * (camera.height / 2 / one.focal)
    last = np.broadcast_to((1 / one.focal, camera.far, camera.far), eye.shape)
    rays = np.stack([eye, corner, right / one.focal, down / one.focal, last], axis=1).astype(np.float32)
    return one._replace(matrix=matrix, rays=rays)


def _stack(views: Sequence[NDArray[Any]], moments: int) -> NDArray[Any]:
    """(S, V, ...) of each view's array, of those that stand still the same for all S moments."""
    own = views[0].shape[-2:]
    return np.stack([np.broadcast_to(view, (moments, *own)) for view in views], axis=1)


def _empty(size: tuple[int, int]) -> tuple[Any, ...]:
    """Colours (H, 3 W), depth and segmentation (H, W) to be filled."""
    height, width = size
    return np.empty((height, 3 * width), np.uint8), np.empty(size, np.float32), np.empty(size, np.int32)


def shadow_map_size(image_height: int, softness: float = 0.0) -> int:
    """Texels along a shadow map: what a pixel can show, and what a soft edge (metres) needs, no finer."""
    size = 192 if image_height <= 128 else 256 if image_height <= 256 else 1024
    if softness == 0:
        return size
    return max(MIN_SHADOW_MAP, min(size, round(CASTERS_M * (shadowing.TAPS - 1) / softness)))


def light_basis(sun: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal rows (3, 3): right, down of a shadow map, direction to the light."""
    helper = np.array([1.0, 0.0, 0.0]) if abs(sun[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    right = _unit(np.cross(helper, sun))
    return np.stack([right, np.cross(sun, right), sun])


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    length = float(np.linalg.norm(vector))
    if not length > 0:
        raise ValueError(f"a light direction has a length > 0, got {vector.tolist()}")
    return np.asarray(vector / length)

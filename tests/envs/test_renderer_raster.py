"""The rasterizer's own promises: clipping, perspective, same bytes, textures, light, errors, cost of an episode."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from envs.frames import EpisodeRenderer
from envs.objects.meshes import box_mesh
from envs.renderer.build import build_render_scene
from envs.renderer.make import make_renderer
from envs.renderer.picture import background_gradient
from envs.renderer.raster import RasterRenderer
from envs.renderer.textures import KINDS, bake, texture_image
from envs.renderer.types import Camera, Frame, Material, Mesh, Node, RenderScene
from envs.scene import BackgroundSpec, LightSpec, Texture, TextureKind
from tests.envs.rendering import camera_at, random_case, random_poses, random_spec
from vla.contract import FloatArray

DARK = LightSpec(ambient=(1.0, 1.0, 1.0), directional=(0, 0, 0), point=(0, 0, 0), shadows=False)
NO_POSES = np.zeros((0, 7), np.float32)


def _square(side: float, z: float = 0.0) -> Mesh:
    half = side / 2
    corners = np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]], np.float32)
    up = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    return Mesh(corners, np.array([[0, 1, 2], [0, 2, 3]], np.int32), up, corners[:, :2] + np.float32(half))


def _node(mesh: Mesh, texture: Texture, body: int = 0) -> Node:
    return Node(f"body{body}", body, -1, mesh, Material(texture))


def _draw(scene: RenderScene, camera: Camera, poses: FloatArray = NO_POSES, **options: bool) -> Frame:
    return RasterRenderer(scene, **options).render(poses, [camera])[0]


def _points(camera: Camera, depth: FloatArray) -> np.ndarray:
    """World position (H, W, 3) of every pixel."""
    y, x = np.indices(depth.shape) + 0.5
    focal = camera.intrinsics[0, 0]
    rays_c = np.stack([(x - camera.width / 2) / focal, (y - camera.height / 2) / focal, np.ones_like(x)], axis=-1)
    return np.asarray(camera.pose_w[:3, 3] + rays_c * depth[..., None] @ camera.pose_w[:3, :3].T)


def test_plane_that_passes_under_the_camera_is_clipped_at_the_near_plane() -> None:
    """The square reaches behind the camera: everything below the horizon shows it, at the right depth."""
    camera = camera_at((0.0, 0.0, 0.03), (1.0, 0.0, 0.02), 96, fov=90.0, near=0.02)
    frame = _draw(RenderScene((_node(_square(4.0), Texture()),), DARK, BackgroundSpec()), camera)
    points = _points(camera, frame.depth)
    seen = frame.segmentation == 0
    assert seen[60:].all()
    assert not seen[:40].any()
    np.testing.assert_allclose(points[seen][:, 2], 0.0, atol=1e-5)
    assert frame.depth[seen].min() > 0.02


def test_near_plane_cuts_a_box_that_the_camera_is_in_front_of() -> None:
    camera = camera_at((-0.2, 0.0, 0.0), (0.0, 0.0, 0.0), 64, fov=60.0, near=0.19)
    frame = _draw(RenderScene((_node(box_mesh((0.04, 0.04, 0.04)), Texture()),), DARK, BackgroundSpec()), camera)
    assert (frame.segmentation == -1).all(), "its front is nearer than the near plane and its back is turned away"


def test_texture_is_perspective_correct() -> None:
    """A checkerboard seen at a slant: the colour of each pixel is that of the point it shows."""
    texture = Texture("checker", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), scale_m=0.5)
    camera = camera_at((-1.2, 0.3, 0.5), (0.0, 0.0, 0.0), 160)
    frame = _draw(RenderScene((_node(_square(2.0), texture),), DARK, BackgroundSpec()), camera)
    uv = (_points(camera, frame.depth)[..., :2] + 1.0) / 0.25
    expected = (np.floor(uv[..., 0]) + np.floor(uv[..., 1])) % 2
    to_border = np.abs(uv - np.round(uv)).min(axis=-1)
    clear = (frame.segmentation == 0) & (to_border > 0.25) & (frame.depth < 1.5)
    assert clear.sum() > 1000
    np.testing.assert_array_equal(frame.rgb[..., 0][clear] > 127, expected[clear] > 0.5)


def test_triangles_of_a_closed_surface_leave_no_holes() -> None:
    """A camera inside a finely divided, inward-facing sphere sees no background."""
    from envs.objects.meshes import lathe

    angles = np.linspace(-np.pi / 2, np.pi / 2, 60)
    ball = lathe([[(np.cos(a), np.sin(a)) for a in angles]], 97)
    inward = Mesh(ball.vertices, np.ascontiguousarray(ball.faces[:, ::-1]), -ball.normals, ball.uvs)
    scene = RenderScene((_node(inward, Texture()),), DARK, BackgroundSpec())
    for seed in range(4):
        target = np.random.default_rng(seed).normal(size=3)
        camera = camera_at((0.0, 0.0, 0.0), (float(target[0]), float(target[1]), float(target[2])), 200, fov=100.0)
        assert (_draw(scene, camera).segmentation == 0).all()


def test_same_input_same_bytes_whatever_was_drawn_before() -> None:
    spec, poses, cameras = random_case(3, 96)
    clean = make_renderer("raster", build_render_scene(spec)).render(poses, cameras)
    dirty_renderer = make_renderer("raster", build_render_scene(spec))
    dirty_renderer.render(random_poses(spec, np.random.default_rng(9)), cameras[::-1])
    other_spec, other_poses, other_cameras = random_case(4, 128)
    make_renderer("raster", build_render_scene(other_spec)).render(other_poses, other_cameras)
    for a, b in zip(clean, dirty_renderer.render(poses, cameras), strict=True):
        assert a.rgb.tobytes() == b.rgb.tobytes()
        assert a.depth.tobytes() == b.depth.tobytes()
        assert a.segmentation.tobytes() == b.segmentation.tobytes()
    alone = make_renderer("raster", build_render_scene(spec)).render(poses, cameras[2:])[0]
    assert alone.rgb.tobytes() == clean[2].rgb.tobytes(), "a picture does not depend on the other cameras"


def test_shadow_falls_away_from_the_light_and_only_there() -> None:
    light = LightSpec((0.4,) * 3, (0.6,) * 3, (1.0, 0.0, 1.0), (0, 0, 0))
    floor = replace(_node(_square(2.0), Texture("plain", (1.0, 1.0, 1.0))), casts_shadow=False)
    box = replace(_node(box_mesh((0.1, 0.1, 0.1)), Texture(), 1), static_pose=(0, 0, 0.3, 0, 0, 0, 1))
    scene = RenderScene((floor, box), light, BackgroundSpec())
    camera = camera_at((0.0, -0.01, 2.0), (0.0, 0.0, 0.0), 200)
    frame = _draw(scene, camera)
    points = _points(camera, frame.depth)
    ground = frame.segmentation == 0
    dark = ground & (frame.rgb[..., 0] < 0.6 * frame.rgb[ground][:, 0].max())
    centre = points[dark].mean(axis=0)
    np.testing.assert_allclose(centre[:2], (-0.3, 0.0), atol=0.03)
    assert np.abs(points[dark][:, :2] - centre[:2]).max() < 0.13
    assert not (_draw(scene, camera, shadows=False).rgb[..., 0][ground] < 100).any()


def test_supersampling_averages_and_keeps_the_size() -> None:
    spec, poses, cameras = random_case(5, 64)
    scene = build_render_scene(spec)
    plain, smooth = (make_renderer("raster", scene, supersample=s).render(poses, cameras[:1])[0] for s in (False, True))
    assert smooth.rgb.shape == plain.rgb.shape
    assert smooth.depth.shape == smooth.segmentation.shape == (64, 64)
    assert np.abs(smooth.rgb.astype(int) - plain.rgb).mean() < 12
    assert (smooth.segmentation == plain.segmentation).mean() > 0.95


def test_wide_picture_is_drawn_in_chunks_without_seams() -> None:
    """Rows longer than one chunk of the shader: a camera twice as wide shows the same in its middle."""
    spec, poses, cameras = random_case(6, 400)
    renderer = make_renderer("raster", build_render_scene(spec))
    narrow = renderer.render(poses, cameras[:1])[0]
    wide = renderer.render(poses, [replace(cameras[0], width=1200)])[0]
    middle = wide.rgb[:, 400:800].astype(int)
    assert np.mean(np.abs(middle - narrow.rgb) > 2) < 0.002


def test_background_is_the_same_in_both_painters() -> None:
    background = BackgroundSpec()
    camera = camera_at((0.0, 0.0, 1.0), (1.0, 0.2, 1.1), 48)
    frame = _draw(RenderScene((_node(_square(0.1, -50.0), Texture()),), DARK, background), camera)
    assert np.abs(frame.rgb.astype(int) - background_gradient(background, camera)).max() <= 1
    assert (frame.depth == camera.far).all()


@pytest.mark.parametrize("kind", KINDS)
def test_textures_tile_and_show_their_colours(kind: TextureKind, tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), np.full((40, 30, 3), (200, 100, 50), np.uint8))
    texture = Texture(kind, (0.9, 0.1, 0.1), (0.1, 0.1, 0.9), seed=3, path=str(path))
    picture = texture_image(texture, 64)
    assert picture.shape == (64, 64, 3)
    scene = RenderScene((_node(_square(4.0), texture),), DARK, BackgroundSpec())
    frame = _draw(scene, camera_at((0.0, 0.01, 1.0), (0.0, 0.0, 0.0), 64))
    shown, baked = frame.rgb.reshape(-1, 3).mean(axis=0), picture.reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(shown, baked, atol=12)
    assert bake(texture) is not None


def test_a_colour_does_not_change_the_pattern_and_a_seed_does() -> None:
    one, two = (bake(Texture("wood", rgb, seed=1)).texels for rgb in ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)))
    assert one is two
    pictures = {texture_image(Texture("noise", seed=seed)).tobytes() for seed in range(6)}
    assert len(pictures) == 6


def test_errors_name_what_is_wrong(tmp_path: Path) -> None:
    spec = random_spec(np.random.default_rng(0))
    scene = build_render_scene(spec)
    with pytest.raises(ValueError, match="raster"):
        make_renderer("rastr", scene)
    with pytest.raises(ValueError, match=r"\(17, 7\)|shape"):
        make_renderer("raster", scene).render(np.zeros((2, 7), np.float32), [])
    bad = random_poses(spec, np.random.default_rng(0))
    bad[3, 1] = np.nan
    with pytest.raises(ValueError, match="3"):
        make_renderer("raster", scene).render(bad, [])
    with pytest.raises(ValueError, match="front"):
        EpisodeRenderer(spec).frames(random_poses(spec, np.random.default_rng(0)), ["frnt"])
    with pytest.raises(ValueError, match="picture"):
        bake(Texture("image", path=str(tmp_path / "none.png")))
    with pytest.raises(ValueError, match="scale_m"):
        bake(Texture("wood", scale_m=0.0))


def test_making_an_episode_renderer_is_cheap() -> None:
    spec = random_spec(np.random.default_rng(1), 5)
    poses = random_poses(spec, np.random.default_rng(1))
    EpisodeRenderer(spec, size=96).frames(poses)
    best = np.inf
    for _ in range(10):
        start = time.thread_time()
        EpisodeRenderer(spec, size=96)
        best = min(best, time.thread_time() - start)
    assert best < 4e-3, "training makes one an episode; it takes about 0.5 ms"

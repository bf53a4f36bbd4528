"""Highlights, metal, own light, soft shadows and the room: what can be measured of how things look."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.objects.meshes import box_mesh, lathe
from envs.renderer.build import build_render_scene
from envs.renderer.raster import RasterRenderer
from envs.renderer.types import Camera, Frame, Material, Mesh, Node, RenderScene
from envs.scene import BackgroundSpec, LightSpec, Texture
from tests.envs.rendering import camera_at, random_poses, random_spec

NO_POSES = np.zeros((0, 7), np.float32)
RED = Texture("plain", (0.6, 0.1, 0.1))
SUN = LightSpec((0.4,) * 3, (0.6,) * 3, (0.0, 0.0, 1.0), (0, 0, 0))


def _draw(nodes: tuple[Node, ...], camera: Camera, light: LightSpec = SUN) -> Frame:
    return RasterRenderer(RenderScene(nodes, light, BackgroundSpec())).render(NO_POSES, [camera])[0]


def _ball() -> Mesh:
    angles = np.linspace(-np.pi / 2, np.pi / 2, 24)
    return lathe([[(0.1 * np.cos(a), 0.1 * np.sin(a)) for a in angles]], 48)


def _ball_of(**look: float) -> np.ndarray:
    """Colours (H, W, 3) of a ball seen from the side, lit from above."""
    node = Node("ball", 3, -1, _ball(), Material(RED, smooth=True, **look))
    return _draw((node,), camera_at((1.0, 0.0, 0.0), (0.0, 0.0, 0.0), 200, fov=15.0)).rgb.astype(int)


def test_highlight_lies_half_way_to_the_light_and_fades_away_from_it() -> None:
    difference = (_ball_of(specular=0.5, shininess=80.0) - _ball_of()).sum(axis=2)
    row, column = np.unravel_index(np.argmax(difference), difference.shape)
    radius = 200 / (2 * np.tan(np.radians(7.5))) * 0.1
    assert column == pytest.approx(100, abs=3)
    assert (100 - row) / radius == pytest.approx(np.sqrt(0.5), abs=0.1), "the normal half way between eye and light"
    assert difference.max() > 60
    assert (difference[120:] <= 3).all(), "no light from above reaches what is turned down"


def test_highlight_of_metal_has_its_colour_and_that_of_plastic_the_light_s() -> None:
    plastic, metal = (
        _ball_of(specular=0.8, shininess=60.0, metallic=m)[60:80, 90:110].mean((0, 1)) for m in (0.0, 1.0)
    )
    assert plastic[2] / plastic[0] > 1.5 * metal[2] / metal[0]


def test_what_emits_light_is_seen_in_the_dark() -> None:
    dark = LightSpec((0.0,) * 3, (0.0,) * 3, (0.0, 0.0, 1.0), (0, 0, 0))
    node = Node("lamp", 3, -1, box_mesh((0.1, 0.1, 0.1)), Material(RED, emission=1.0))
    camera = camera_at((1.0, 0.0, 0.0), (0.0, 0.0, 0.0), 40, fov=4.0)
    np.testing.assert_allclose(_draw((node,), camera, dark).rgb[20, 20], np.array(RED.rgb) * 255, atol=1)
    matt = replace(node, material=Material(RED))
    assert (_draw((matt,), camera, dark).rgb[20, 20] == 0).all()


def _edge_width(softness: float) -> float:
    """Metres over which the shadow of a straight edge goes from 10 to 90 per cent."""
    light = replace(SUN, softness=softness)
    floor = Node("floor", 0, -1, box_mesh((2.0, 2.0, 0.02)), Material(RED), casts_shadow=False)
    plate = Node("plate", 3, -1, box_mesh((0.4, 0.4, 0.02)), Material(RED), static_pose=(0.3, 0, 0.4, 0, 0, 0, 1))
    camera = camera_at((-0.6, 0.0, 1.0), (0.0, 0.0, 0.0), 224)
    frame = _draw((floor, plate), camera, light)
    y, x = np.indices(frame.depth.shape) + 0.5
    focal = camera.intrinsics[0, 0]
    rays = np.stack([(x - 112) / focal, (y - 112) / focal, np.ones_like(x)], axis=-1)
    points = camera.pose_w[:3, 3] + rays * frame.depth[..., None] @ camera.pose_w[:3, :3].T
    near = (frame.segmentation == 0) & (np.abs(points[..., 1]) < 0.1) & (np.abs(points[..., 0] - 0.1) < 0.09)
    value = frame.rgb[..., 0][near].astype(float)
    share = (value - value.min()) / (value.max() - value.min())
    between = points[near][(share > 0.1) & (share < 0.9), 0]
    return float(np.ptp(between)) if len(between) else 0.0


def test_soft_shadows_have_edges_of_the_width_that_was_asked_for() -> None:
    assert _edge_width(0.0) < 0.015
    assert _edge_width(0.06) == pytest.approx(0.8 * 0.06, rel=0.35)
    assert _edge_width(0.12) == pytest.approx(0.8 * 0.12, rel=0.35)


@pytest.mark.parametrize("kind", ["room", "shelves"])
def test_a_room_closes_the_view_all_around(kind: str) -> None:
    spec = random_spec(np.random.default_rng(0), 3)
    spec = replace(spec, background=replace(spec.background, kind=kind))  # type: ignore[arg-type]
    renderer = RasterRenderer(build_render_scene(spec, image_height=96))
    poses = random_poses(spec, np.random.default_rng(0))
    for target in ((1.4, 0.0, 0.4), (-1.0, 0.0, 0.4), (0.3, 1.0, 0.6), (0.3, -1.0, 0.6), (0.3, 0.1, 1.5)):
        frame = renderer.render(poses, [camera_at((0.35, 0.0, 0.5), target, 96, fov=70.0)])[0]
        assert (frame.segmentation >= 0).all()
        assert frame.depth.max() < 5.0


def test_shelves_depend_on_the_seed_and_nothing_else() -> None:
    camera = camera_at((0.9, 0.0, 0.5), (-1.0, 0.0, 0.3), 96)

    def shown(seed: int) -> bytes:
        spec = random_spec(np.random.default_rng(0), 1)
        spec = replace(spec, background=replace(spec.background, kind="shelves", seed=seed))
        poses = random_poses(spec, np.random.default_rng(0))
        return RasterRenderer(build_render_scene(spec)).render(poses, [camera])[0].rgb.tobytes()

    assert shown(1) == shown(1)
    assert shown(1) != shown(2)


def test_errors_of_light_and_background_name_what_is_wrong() -> None:
    spec = random_spec(np.random.default_rng(0), 1)
    with pytest.raises(ValueError, match="shelves"):
        build_render_scene(replace(spec, background=replace(spec.background, kind="shelvs")))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="softness"):
        RasterRenderer(build_render_scene(replace(spec, light=replace(spec.light, softness=-0.1))))

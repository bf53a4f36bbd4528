"""The rasterizer against TinyRenderer: same meshes, same poses, same cameras, on random scenes."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.objects import OBJECT_KINDS, object_kind
from envs.poses import ROBOT_BODY
from envs.renderer.build import build_render_scene
from envs.renderer.make import make_renderer
from envs.renderer.types import Frame, Renderer
from tests.envs.rendering import ROBOT_NAMES, random_case

SCENES = 20
SIZE = 160


def _edges(frame: Frame, radius: int = 2) -> NDArray[np.bool_]:
    """Pixels within `radius` of a step of segmentation or depth."""
    step = np.zeros(frame.depth.shape, bool)
    for axis in (0, 1):
        jump = np.diff(frame.segmentation, axis=axis) != 0
        jump |= np.abs(np.diff(frame.depth, axis=axis)) > 0.01
        before, after = [slice(None)] * 2, [slice(None)] * 2
        before[axis], after[axis] = slice(None, -1), slice(1, None)
        step[tuple(before)] |= jump
        step[tuple(after)] |= jump
    wide = step.copy()
    for dy in range(-radius, radius + 1):
        for dx in range(-radius, radius + 1):
            wide |= np.roll(step, (dy, dx), (0, 1))
    return wide


def _overlaps(a: Frame, b: Frame, pixels: int = 50) -> dict[int, float]:
    """Intersection over union of each body larger than so many pixels."""
    bodies_a, bodies_b = a.segmentation & 0xFFFFFF, b.segmentation & 0xFFFFFF
    out = {}
    for body in np.unique(bodies_b[b.segmentation >= 0]):
        mask_a, mask_b = (bodies_a == body) & (a.segmentation >= 0), (bodies_b == body) & (b.segmentation >= 0)
        if mask_b.sum() > pixels:
            out[int(body)] = float((mask_a & mask_b).sum() / (mask_a | mask_b).sum())
    return out


@pytest.fixture(scope="module", params=range(SCENES // 5))
def scene(request: pytest.FixtureRequest) -> Iterator[tuple[int, list[Renderer]]]:
    """Number of a scene; TinyRenderer and rasterizer with full meshes, and the rasterizer with the coarsest."""
    spec = random_case(5 * request.param, SIZE)[0]
    full = build_render_scene(spec, level_of_detail=False)
    coarse = build_render_scene(spec, image_height=96)
    renderers = [
        make_renderer("tiny", full, shadows=False),
        make_renderer("raster", full),
        make_renderer("raster", coarse),
    ]
    yield request.param, renderers
    for renderer in renderers:
        renderer.close()


@pytest.mark.parametrize("poses_number", range(5))
def test_depth_and_segmentation_agree_with_tiny_renderer(scene: tuple[int, list[Renderer]], poses_number: int) -> None:
    _, poses, cameras = random_case(5 * scene[0] + poses_number, SIZE)
    expected, exact, coarsest = (renderer.render(poses, cameras) for renderer in scene[1])
    for reference, frame, coarse in zip(expected, exact, coarsest, strict=True):
        inside = ~_edges(reference) & ~_edges(frame)
        error = np.abs(frame.depth - reference.depth)[inside]
        assert np.mean(error < 0.002) > 0.99
        same = _overlaps(frame, reference, 200)  # where things pass through one another, some pixels are either's
        assert all(value > 0.98 for value in same.values()), same
        things = _overlaps(coarse, reference, 200)  # of small things the coarser robot hides more or less
        things = {body: value for body, value in things.items() if body >= ROBOT_BODY}
        robot = things.pop(ROBOT_BODY, 1.0)
        assert robot > 0.92, "its coarsest meshes, drawn larger than they are meant for"
        assert all(value > 0.95 for value in things.values()), things  # floor and table show through as slivers


def test_the_scenes_above_have_every_robot_and_every_kind_of_fixture() -> None:
    specs = [random_case(5 * number, SIZE)[0] for number in range(SCENES // 5)]
    assert {spec.robot.name for spec in specs} == set(ROBOT_NAMES)
    fixtures = {name for name in OBJECT_KINDS if object_kind(name).fixture}
    assert fixtures <= {item.kind for spec in specs for item in spec.objects}


def test_depth_of_a_plane_is_exact() -> None:
    spec, poses, cameras = random_case(0, 64)
    frame = make_renderer("raster", build_render_scene(spec)).render(poses, cameras[:1])[0]
    camera = cameras[0]
    y, x = np.nonzero(frame.segmentation == 1)  # the table's top at z = 0 and its sides
    focal = 32 / math.tan(math.radians(camera.fov_y) / 2)
    rays_c = np.stack([(x + 0.5 - 32) / focal, (y + 0.5 - 32) / focal, np.ones(len(x))], axis=1)
    points_w = camera.pose_w[:3, 3] + rays_c * frame.depth[y, x, None] @ camera.pose_w[:3, :3].T
    top = points_w[:, 2] > -0.02
    assert top.sum() > 300
    np.testing.assert_allclose(points_w[top, 2], 0.0, atol=2e-6)

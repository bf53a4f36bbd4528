"""Things with a moving part: in physics, and in pictures."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from envs.fixture import part_pose, urdf_text
from envs.objects import object_kind
from envs.poses import FIRST_OBJECT_BODY, pose_rows
from envs.renderer.build import build_render_scene
from envs.renderer.make import make_renderer
from envs.scene import ObjectSpec
from envs.world import World
from tests.envs.kinds import PROCEDURAL
from tests.envs.rendering import camera_at
from tests.envs.scenes_by_hand import scene, thing

FIXTURES = [name for name in PROCEDURAL if object_kind(name).fixture]
REST = np.array([0, 0, 0, 0, 0, 0, -1], np.float32)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def fixture(kind: str, joint: float = 0.0, yaw: float = 0.0) -> ObjectSpec:
    return replace(thing("it", kind, 0.45, 0.1, yaw=yaw), joint=joint)


def bounds(kind: str) -> tuple[float, float]:
    part = object_kind(kind).shape(object_kind(kind).default_size).part
    assert part is not None
    return part.lower, part.upper


def test_kinds_are_pinned() -> None:
    assert FIXTURES == ["drawer", "knob", "lever", "long_button", "round_button", "sliding_door", "square_button"]


@pytest.mark.parametrize("kind", FIXTURES)
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_part_stays_where_it_is_unless_a_spring_drives_it_back(kind: str, share: float, world: World) -> None:
    low, high = bounds(kind)
    start = low + share * (high - low)
    item = fixture(kind, start, yaw=0.3)
    world.load(scene(item))
    for _ in range(20):
        world.step(REST)
    body = world.state().objects["it"]
    part = object_kind(kind).shape(item.size).part
    assert part is not None
    assert body.joint == pytest.approx(0.0 if part.spring else start, abs=1e-3)
    assert body.part is not None
    expected = part_pose(part, body.joint, item.position, body.quaternion.tolist())
    np.testing.assert_allclose(body.part[:3], expected[:3], atol=1e-6)
    assert abs(float(np.dot(body.part[3:], expected[3:]))) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("kind", FIXTURES)
@pytest.mark.parametrize("share", [0.0, 0.7])
def test_moved_part_is_drawn_where_it_is(kind: str, share: float, world: World) -> None:
    """Segmentation of base and part agrees between the rasterizer and PyBullet's own renderer."""
    low, high = bounds(kind)
    spec = scene(fixture(kind, low + share * (high - low), yaw=0.4))
    world.load(spec)
    poses = world.poses()
    assert pose_rows(spec)[-1].name == "it/part"
    part = world.state().objects["it"].part
    assert part is not None
    np.testing.assert_allclose(poses[-1], part, atol=1e-6)
    built = build_render_scene(spec, image_height=128)  # TinyRenderer does not give back the memory of large meshes
    renderers = [make_renderer("tiny", built, shadows=False), make_renderer("raster", built)]
    views = [camera_at((0.75, 0.3, 0.35), (0.45, 0.1, 0.03), 200), camera_at((0.45, -0.15, 0.4), (0.45, 0.1, 0.0), 200)]
    expected, drawn = (renderer.render(poses, views) for renderer in renderers)
    for reference, frame in zip(expected, drawn, strict=True):
        for segment in (FIRST_OBJECT_BODY, FIRST_OBJECT_BODY + (1 << 24)):
            a, b = reference.segmentation == segment, frame.segmentation == segment
            assert a.sum() > 100
            assert (a & b).sum() > 0.95 * (a | b).sum()
    for renderer in renderers:
        renderer.close()


def test_what_lies_in_a_drawer_travels_with_it(world: World) -> None:
    drawer = fixture("drawer", bounds("drawer")[1])
    inside = thing("load", "block", 0.53, 0.1, size=(0.03, 0.03, 0.03), above=0.01)
    spec = scene(drawer, inside)
    world.load(replace(spec, max_steps=1000))
    for _ in range(10):
        world.step(REST)
    before = world.state().objects
    assert before["load"].position[2] == pytest.approx(0.0135 + 0.015, abs=0.003)  # on the drawer's floor
    for target in ((0.67, 0.1, 0.2), (0.67, 0.1, 0.05), (0.59, 0.1, 0.05)):  # push its handle
        for _ in range(25):
            way = np.clip((np.array(target) - world.state().ee_position) / 0.05, -0.4, 0.4)
            world.step(np.array([*way, 0, 0, 0, 1], np.float32))
    after = world.state().objects
    moved = before["it"].joint - after["it"].joint
    assert moved > 0.03
    assert before["load"].position[0] - after["load"].position[0] == pytest.approx(moved, abs=0.005)


def test_a_kind_without_a_part_has_no_urdf() -> None:
    with pytest.raises(ValueError, match="'block' has no moving part"):
        urdf_text("block", object_kind("block").shape(object_kind("block").default_size))

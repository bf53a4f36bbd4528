"""A camera that stands still starts from what stands still; nobody can see whether it does."""

from __future__ import annotations

import numpy as np

from envs.frames import EpisodeRenderer
from envs.renderer.build import build_render_scene
from envs.renderer.layers import KEPT
from envs.renderer.raster import RasterRenderer
from envs.renderer.types import Camera, Frame
from envs.world import World
from tests.envs.rendering import camera_at, random_case, random_poses
from vla.contract import EpisodeRequest


def _same(one: Frame, other: Frame) -> bool:
    return all(
        a.tobytes() == b.tobytes()
        for a, b in ((one.rgb, other.rgb), (one.depth, other.depth), (one.segmentation, other.segmentation))
    )


def test_an_episode_is_the_same_bytes_with_and_without_the_layer_of_what_stands_still() -> None:
    """A renderer has none for the first picture of a camera, so fresh ones are compared."""
    world = World(image_size=(104, 72))  # no whole number of blocks
    world.reset(EpisodeRequest("PlaceInto", 3))
    expert = world.task.expert(world.spec)
    kept = EpisodeRenderer(world.spec, size=(104, 72))
    for step in range(30):
        live, again, poses = world.frames(), kept.frames(world.poses()), world.poses()
        if step % 5 == 0:
            fresh = EpisodeRenderer(world.spec, size=(104, 72))
            for name, frame in fresh.frames(poses).items():
                assert _same(frame, live[name]), f"{name} at {step}: live"
                assert _same(frame, again[name]), f"{name} at {step}: redrawn"
        if world.step(expert.act(world.state())).done:
            break
    world.close()


def test_two_renderers_in_turn_with_cameras_that_stand_and_move() -> None:
    scenes = [random_case(seed, size) for seed, size in ((0, 96), (7, 130))]
    renderers = [RasterRenderer(build_render_scene(spec)) for spec, _, _ in scenes]
    for turn in range(5):
        for (spec, _, cameras), renderer in zip(scenes, renderers, strict=True):
            poses = random_poses(spec, np.random.default_rng(turn))
            moving = camera_at((0.9, 0.05 * turn, 0.6), (0.4, 0.0, 0.1), 96)
            seen: list[Camera] = [*cameras, moving]
            fresh = RasterRenderer(build_render_scene(spec))
            for mine, other in zip(renderer.render(poses, seen), fresh.render(poses, seen), strict=True):
                assert _same(mine, other)


def test_cameras_that_move_do_not_fill_the_memory() -> None:
    spec, poses, _ = random_case(0, 32)
    renderer = RasterRenderer(build_render_scene(spec))
    for turn in range(3 * KEPT):
        renderer.render(poses, [camera_at((0.9, 0.05 * turn, 0.6), (0.4, 0.0, 0.1), 32)] * 2)
    assert len(renderer._layers._seen) <= KEPT

"""Many moments in one call are the same bytes as one at a time, whatever the cameras are; labels are those of then."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.cameras import place, project
from envs.frames import EpisodeRenderer
from envs.grounding import DemoView
from envs.poses import pose_rows
from envs.scene import SceneSpec, SensorSpec
from envs.scenes import make_scene
from envs.world import World
from policies.registry import make_policy
from vla.contract import EpisodeRequest
from vla.episode import Episode
from vla.rollout import Recorder, rollout


@pytest.fixture(scope="module")
def episode() -> Episode:
    world, recorder = World(), Recorder()
    rollout(world, make_policy("expert"), EpisodeRequest("PlaceInto", 0), subscribers=(recorder,))
    world.close()
    made = recorder.episode()
    assert made is not None
    return made


def one_by_one(spec: SceneSpec, episode: Episode, steps: list[int], size: int) -> np.ndarray:
    drawer = EpisodeRenderer(spec, size=size)
    names = drawer.cameras
    return np.stack([[f.rgb for f in drawer.seen(episode.poses, step, names).values()] for step in steps])


@pytest.mark.parametrize(
    "cameras", [("front",), ("wrist", "front"), ("side", "wrist", "top"), ("front", "wrist", "overview", "top")]
)
@pytest.mark.parametrize("steps", [[0], [3, 3, 1], list(range(0, 15, 2))])
def test_films_are_the_same_bytes(episode: Episode, cameras: tuple[str, ...], steps: list[int]) -> None:
    view = DemoView(episode.spec, cameras, 48)
    drawn = view.draw(episode.poses, np.array(steps))
    assert drawn.pixels.shape == (len(steps), len(cameras), 48, 48, 3)
    assert np.array_equal(drawn.pixels, one_by_one(view.spec, episode, steps, 48))
    again = view.draw(episode.poses, np.array(steps[::-1])).pixels[::-1]
    assert np.array_equal(drawn.pixels, again)


@pytest.mark.parametrize("shadows", [True, False])
@pytest.mark.parametrize(
    "sensor",
    [SensorSpec(noise=3.0, contrast=0.8, blur=1.0, seed=4), SensorSpec(fog=0.3), SensorSpec(drop=0.5, seed=3)],
)
def test_films_go_through_the_sensors(episode: Episode, sensor: SensorSpec, shadows: bool) -> None:
    spec = SceneSpec.from_dict(episode.spec)
    cameras = tuple(replace(camera, sensor=sensor) for camera in spec.cameras)
    spec = replace(spec, cameras=cameras, light=replace(spec.light, shadows=shadows, softness=0.02))
    steps = list(range(8))
    pixels = DemoView(spec, ("front", "wrist"), 32).draw(episode.poses, np.array(steps)).pixels
    assert np.array_equal(pixels, one_by_one(spec, episode, steps, 32))


def test_films_go_through_the_lens(episode: Episode) -> None:
    spec = make_scene(EpisodeRequest("PlaceInto", 0))
    spec = replace(spec, cameras=(replace(spec.cameras[0], distortion=(0.3, 0.0, 0.0, 0.0)), spec.cameras[1]))
    pixels = DemoView(spec, ("front", "wrist"), 32).draw(episode.poses, np.arange(4)).pixels
    assert np.array_equal(pixels, one_by_one(spec, episode, list(range(4)), 32))


def test_labels_of_many_steps_are_projections_of_each(episode: Episode) -> None:
    view = DemoView(episode.spec, ("front", "wrist"), 48)
    drawn = view.draw(episode.poses, np.arange(len(episode)))
    rows = pose_rows(view.spec)
    target = next(i for i, row in enumerate(rows) if row.name == view.spec.goal.target)
    visible = 0
    for step, poses in enumerate(episode.poses[:-1]):
        for number, camera in enumerate(view.spec.cameras):
            u, v, depth = project(poses[None, target, :3], place(camera, poses, rows, 48))[0] / 48
            seen = 0 < u < 1 and 0 < v < 1 and depth > 0
            visible += seen
            wanted = (u, v, 1) if seen else (0, 0, 0)
            np.testing.assert_allclose(drawn.points[step, number, 0], wanted, atol=1e-6)
        assert drawn.positions[step, 0, 3] == 1
        np.testing.assert_allclose(drawn.positions[step, 0, :3], poses[target, :3], atol=1e-6)
    assert visible > len(episode)


def test_bad_poses_and_cameras_are_told(episode: Episode) -> None:
    view = DemoView(episode.spec, ("front",), 32)
    with pytest.raises(ValueError, match=r"poses have shape \(\d+, 7\) in this scene, got \(4, 7\)"):
        view.draw(episode.poses[:, :4], np.arange(2))
    broken = episode.poses.copy()
    broken[1, 2, 0] = np.nan
    with pytest.raises(ValueError, match=r"poses must be finite; rows \[2\] are not"):
        view.draw(broken, np.arange(2))
    with pytest.raises(ValueError, match="front"):
        DemoView(episode.spec, ("fornt",), 32)


@pytest.mark.parametrize("sensor", [SensorSpec(), SensorSpec(fog=0.3)])
def test_films_say_what_is_in_a_cell(episode: Episode, sensor: SensorSpec) -> None:
    spec = SceneSpec.from_dict(episode.spec)
    spec = replace(spec, cameras=tuple(replace(camera, sensor=sensor) for camera in spec.cameras))
    drawer, steps = EpisodeRenderer(spec, size=48), np.array([0, 5, 9, 14])
    film = drawer.film(episode.poses, steps, ("front", "wrist"), 8)
    assert film.segments.shape == (4, 2, 8, 8)
    for row, step in enumerate(steps.tolist()):
        for view, name in enumerate(("front", "wrist")):
            whole = drawer.frames(episode.poses[step], (name,), step=step)[name].segmentation
            assert np.array_equal(film.segments[row, view], whole[3::6, 3::6])
    assert len(np.unique(film.segments)) > 3

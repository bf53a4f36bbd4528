"""What sensors do to pictures: each by its measure, the same bytes for the same moment, nothing where there is none."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from envs.cameras import FRONT, WRIST
from envs.frames import EpisodeRenderer
from envs.grounding import DemoView
from envs.scene import SceneSpec, SensorSpec
from envs.scenes import make_scene
from envs.sensor import seen_step, sensed
from envs.world import World
from experiments.drawing import frame_source
from tests.envs.scenes_by_hand import scene, thing
from vla.contract import ByteArray, EpisodeRequest, FloatArray, Perturbation
from vla.rollout import Recorder, rollout

SIDE = 96
FAR: FloatArray = np.full((SIDE, SIDE), 0.7, np.float32)


def picture() -> ByteArray:
    """A bright square on a dark ground, with a grey ramp below it."""
    rgb = np.full((SIDE, SIDE, 3), 60, np.uint8)
    rgb[20:50, 40:60] = (200, 120, 90)
    rgb[70:] = np.linspace(0, 255, SIDE).astype(np.uint8)[None, :, None]
    return rgb


def through(sensor: SensorSpec, step: int = 0, camera: str = "front", depth: FloatArray = FAR) -> ByteArray:
    return sensed(picture(), depth, sensor, camera, step)


def spread(rgb: ByteArray, axis: int) -> float:
    """Standard deviation, pixels, of where a bright point's light went along an axis."""
    light = rgb[:, :, 0].astype(float).sum(axis=1 - axis)
    at = np.arange(len(light))
    middle = at @ light / light.sum()
    return float(np.sqrt((at - middle) ** 2 @ light / light.sum()))


def point() -> ByteArray:
    rgb = np.zeros((224, 224, 3), np.uint8)
    rgb[110:114, 110:114] = 255
    return rgb


def test_no_sensor_changes_nothing() -> None:
    rgb = picture()
    assert sensed(rgb, FAR, SensorSpec(), "front", 3) is rgb


def test_noise_has_its_strength_and_is_new_at_every_step_and_in_every_camera() -> None:
    flat = np.full((SIDE, SIDE, 3), 128, np.uint8)
    noisy = [sensed(flat, FAR, SensorSpec(noise=8.0, seed=seed), name, step) for seed, name, step in
             ((1, "front", 0), (1, "front", 1), (1, "wrist", 0), (2, "front", 0))]  # fmt: skip
    for one in noisy:
        assert np.std(one.astype(float) - flat) == pytest.approx(8, abs=0.3)
        assert sum(np.array_equal(one, other) for other in noisy) == 1


def test_dead_pixels_stay_and_more_of_them_include_the_fewer() -> None:
    few, many = (through(SensorSpec(dead_pixels=share, seed=5)) for share in (0.05, 0.3))
    dead = (few != picture()).any(axis=2)
    assert dead.mean() == pytest.approx(0.05, abs=0.01)
    np.testing.assert_array_equal(few[dead], many[dead])
    np.testing.assert_array_equal(few, through(SensorSpec(dead_pixels=0.05, seed=5), step=9))


def test_blurs_have_their_widths_at_every_resolution() -> None:
    blurred = sensed(point(), np.ones((224, 224), np.float32), SensorSpec(blur=6.0), "front", 0)
    assert spread(blurred, 0) == pytest.approx(6.1, abs=0.4)
    streak = sensed(point(), np.ones((224, 224), np.float32), SensorSpec(motion_blur=10.0), "front", 0)
    assert spread(streak, 1) == pytest.approx(10 * np.sqrt(1 - 2 / np.pi), abs=0.7)  # of a half Gaussian
    assert spread(streak, 0) < 2
    half = point()[::2, ::2]
    small = sensed(half, np.ones((112, 112), np.float32), SensorSpec(blur=6.0), "front", 0)
    assert spread(small, 0) == pytest.approx(3.1, abs=0.4)


@pytest.mark.parametrize("sensor", [SensorSpec(motion_blur=12.0, motion_angle=0.6), SensorSpec(zoom_blur=0.5)])
def test_a_blurred_picture_is_not_a_moved_one(sensor: SensorSpec) -> None:
    light = sensed(point(), np.ones((224, 224), np.float32), sensor, "front", 0)[:, :, 0].astype(float)
    rows, columns = np.indices(light.shape)
    assert (rows * light).sum() / light.sum() == pytest.approx(111.5, abs=0.7)
    assert (columns * light).sum() / light.sum() == pytest.approx(111.5, abs=0.7)


def test_fog_hides_what_is_far() -> None:
    depth = np.full((SIDE, SIDE), 0.5, np.float32)
    depth[:, SIDE // 2 :] = 2.0
    foggy = through(SensorSpec(fog=1.0), depth=depth)[70:].astype(float)
    plain = picture()[70:].astype(float)
    for part, distance in ((slice(0, SIDE // 2), 0.5), (slice(SIDE // 2, SIDE), 2.0)):
        kept = np.ptp(foggy[:, part]) / np.ptp(plain[:, part])
        assert kept == pytest.approx(np.exp(-distance), abs=0.02)


def test_exposure_counts_stops_of_linear_light() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    darker = sensed(grey, FAR[:4, :4], SensorSpec(exposure=-1.0), "front", 0)[0, 0, 0] / 255
    linear = ((np.array([100 / 255, darker]) + 0.055) / 1.055) ** 2.4
    assert linear[1] / linear[0] == pytest.approx(0.5, abs=0.01)
    assert (sensed(grey, FAR[:4, :4], SensorSpec(exposure=5.0), "front", 0) == 255).all()


def test_contrast_resolution_and_jpeg() -> None:
    pale = through(SensorSpec(contrast=0.25)).astype(float)
    assert np.ptp(pale) == pytest.approx(0.25 * 255, abs=1)
    coarse = through(SensorSpec(shrink=4.0))
    blocks = coarse.reshape(SIDE // 4, 4, SIDE // 4, 4, 3)
    assert (blocks == blocks[:, :1, :, :1]).all()
    errors = [np.abs(through(SensorSpec(jpeg=quality)).astype(int) - picture()).mean() for quality in (95, 30, 5)]
    assert errors == sorted(errors)
    assert errors[0] > 0


def test_late_pictures_are_the_last_that_arrived() -> None:
    assert [seen_step(SensorSpec(delay_s=0.3), "front", step, 10.0) for step in range(6)] == [0, 0, 0, 0, 1, 2]
    assert seen_step(SensorSpec(delay_s=0.1), "front", 9, 5.0) == 8  # at least as late as it says
    lossy = SensorSpec(drop=0.4, seed=3)
    seen = [seen_step(lossy, "front", step, 10.0) for step in range(400)]
    assert seen[0] == 0
    assert all(later in (step, earlier) for step, (earlier, later) in enumerate(pairwise(seen), 1))
    assert np.mean(np.array(seen) != np.arange(400)) == pytest.approx(0.4, abs=0.07)
    both = replace(lossy, delay_s=0.2)
    assert [seen_step(both, "front", step, 10.0) for step in range(2, 50)] == seen[:48]
    assert seen != [seen_step(lossy, "wrist", step, 10.0) for step in range(400)]


HARSH = SensorSpec(
    blur=1.0, motion_blur=2.0, motion_angle=0.3, zoom_blur=0.05, fog=0.2, exposure=0.5, contrast=0.8, noise=6.0,
    dead_pixels=0.01, jpeg=60, shrink=1.5, drop=0.5, delay_s=0.1, seed=11,
)  # fmt: skip


def test_live_pictures_training_and_videos_are_the_same_bytes() -> None:
    item = thing("it", "block", 0.5, 0.0)
    spec = replace(scene(item), cameras=(replace(FRONT, sensor=HARSH), replace(WRIST, sensor=SensorSpec(noise=3.0))))
    spec = replace(spec, max_steps=8)
    world = World(image_size=48)
    world.load(spec)
    poses, live = [world.poses()], [world.pixels()]
    for _ in range(8):
        world.step(np.full(7, 0.4, np.float32))
        poses.append(world.poses())
        live.append(world.pixels())
        assert all(np.array_equal(image, live[-1][name]) for name, image in world.pixels().items())
    history = np.stack(poses)
    view = DemoView(spec.to_dict(), ("front", "wrist"), 48)
    film = view.draw(history, np.arange(len(history))).pixels
    drawer = EpisodeRenderer(SceneSpec.from_dict(spec.to_dict()), size=48)
    for step, seen in enumerate(live):
        np.testing.assert_array_equal(film[step], np.stack([seen["front"], seen["wrist"]]))
        again = drawer.seen(history, step)
        assert all(np.array_equal(again[name].rgb, image) for name, image in seen.items())
    drawer.close()
    world.close()


def test_a_scene_at_rest_has_new_noise_at_every_step_and_lost_pictures_repeat_bytes() -> None:
    sensor = SensorSpec(noise=5.0, drop=0.5, seed=2)
    world = World(image_size=32)
    world.load(replace(scene(thing("it", "block", 0.5, 0.0)), cameras=(replace(FRONT, sensor=sensor),)))
    seen = [world.pixels()["front"]]
    for _ in range(12):
        world.step(np.zeros(7, np.float32))
        seen.append(world.pixels()["front"])
    moments = [seen_step(sensor, "front", step, 10.0) for step in range(13)]
    assert 2 < len(set(moments)) < 13
    for a in range(13):
        for b in range(a):
            assert np.array_equal(seen[a], seen[b]) == (moments[a] == moments[b])
    world.close()


def test_labels_are_where_things_are_in_the_picture_that_is_seen() -> None:
    spec = scene(thing("it", "block", 0.5, 0.0))
    late = replace(spec, cameras=tuple(replace(c, sensor=SensorSpec(delay_s=0.2)) for c in spec.cameras))
    world = World()
    world.load(spec)
    poses = [world.poses()]
    for _ in range(4):
        world.step(np.full(7, 0.4, np.float32))
        poses.append(world.poses())
    history = np.stack(poses)
    now, then = (DemoView(each.to_dict(), ("front", "wrist"), 48) for each in (spec, late))
    seen, (before, after) = then.draw(history, np.array([4])), now.draw(history, np.array([2, 4]))[1]
    np.testing.assert_array_equal(seen.points[0], before)
    assert not np.array_equal(seen.points[0, 1], after[1])
    np.testing.assert_array_equal(seen.positions[0], now.draw(history, np.array([4])).positions[0])
    world.close()


def test_videos_show_what_the_policy_saw() -> None:
    changes = (Perturbation("delayed_frames", 2), Perturbation("sensor_noise", 1))
    request = EpisodeRequest("Reach", 0, 0, "eval", changes)
    world, recorder = World(image_size=32), Recorder()
    seen: list[ByteArray] = []

    class Watcher:
        inputs, batched, execute = frozenset({"pixels"}), False, 1

        def reset(self, episode_seed: int) -> None:
            seen.clear()

        def act(self, observations: object) -> FloatArray:
            seen.append(world.pixels()["front"])
            return np.full((1, 1, 7), 0.3, np.float32)

    rollout(world, Watcher(), request, subscribers=(recorder,))
    episode = recorder.episode()
    assert episode is not None
    frames = frame_source(episode, ("front", "overview"), 32, smooth=False)
    for step in (0, 1, 2, 5, len(seen) - 1):
        np.testing.assert_array_equal(frames(step)["front"], seen[step])
    assert not np.array_equal(frames(5)["overview"], frames(4)["overview"])  # the true scene is not late
    world.close()


def test_axes_share_one_seed_so_that_pairs_have_the_noise_of_each_alone() -> None:
    def cameras(*axes: str, index: int = 0) -> list[SensorSpec]:
        changes = tuple(Perturbation(axis, 2) for axis in axes)
        return [c.sensor for c in make_scene(EpisodeRequest("Lift", index, 0, "eval", changes)).cameras]

    noise, drop, both = cameras("sensor_noise"), cameras("dropped_frames"), cameras("dropped_frames", "sensor_noise")
    assert len({sensor.seed for sensor in (*noise, *drop, *both)}) == 1
    assert noise[0].seed != cameras("sensor_noise", index=1)[0].seed != 0
    assert cameras() == [SensorSpec()] * 2
    world = World(cameras=(replace(FRONT, sensor=SensorSpec(noise=4.0)), "wrist"))
    world.reset(EpisodeRequest("Lift", 0, 0, "eval"))
    assert world.spec.cameras[0].sensor.seed == noise[0].seed
    world.close()

"""What training changes and what evaluations test have nothing in common; same seed, same scene; nothing is touched."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
import torch

from envs.augment import CROWDED, FULL, LEVELS, Augment, allowed_kinds, augmentation, crowded, free_pairs
from envs.color_words import same_word
from envs.colors import difference
from envs.grounding import DemoView
from envs.layout import radius
from envs.objects.scans import STATED
from envs.poses import pose_rows
from envs.renderer.build import build_render_scene
from envs.scene import SceneSpec
from envs.scenes import make_scene
from envs.tasks.base import TASKS
from envs.variations import AXES
from envs.variations.crowding import KINDS
from envs.variations.novelty import UNSEEN
from envs.variations.scenery import ROOMS
from envs.variations.surfaces import PATTERNS
from envs.world import World
from policies.registry import make_policy
from vla.batches import BatchSource, Demonstrations
from vla.contract import EpisodeRequest, FloatArray, Perturbation
from vla.episode import Episode
from vla.registry import UnknownNameError
from vla.rollout import Recorder, rollout
from vla.sampling import Sampling
from vla.text import Vocabulary

CAMERAS = ("front", "wrist")
FAMILIES = ("Lift", "PlaceInto", "Stack", "Sort", "Refer", "OpenDrawer")
DRAWS = 12  # of each scene


def demo(task: str, index: int = 0) -> Episode:
    world, recorder = World(), Recorder()
    rollout(world, make_policy("expert"), EpisodeRequest(task, index), subscribers=(recorder,))
    world.close()
    made = recorder.episode()
    assert made is not None
    return made


@pytest.fixture(scope="module")
def episodes() -> list[Episode]:
    return [demo(task) for task in FAMILIES]


@pytest.fixture(scope="module")
def changed(episodes: list[Episode]) -> list[tuple[SceneSpec, SceneSpec, FloatArray]]:
    """(before, after `full`, poses)."""
    augment = Augment("full", CAMERAS)
    return [
        (SceneSpec.from_dict(e.spec), augment(e.spec, e.poses, np.random.default_rng((number, draw))), e.poses)
        for number, e in enumerate(episodes)
        for draw in range(DRAWS)
    ]


def test_every_change_is_weaker_than_the_first_level_of_its_axis() -> None:
    for level in LEVELS.values():
        for change in level:
            axis = AXES[change.axis]
            assert axis.family == "visual"
            assert axis.kind == "axis"
            assert list(axis.levels) == sorted(axis.levels)  # so that less than the first is less than all
            assert 0 < change.most < 1
            assert 0 < change.chance <= 1
            assert set(change.instead) <= {c.axis for c in level}


def test_axes_that_count_or_name_are_not_used_or_have_other_names() -> None:
    """Of an axis whose first level is one more thing there is no half a level; patterns, rooms and kinds have names."""
    assert not {"light_count", "distractors", "occluder", "shadows"} & {change.axis for change in FULL}
    assert not {*KINDS, *UNSEEN, *STATED} & set(allowed_kinds())


def same(before: Any, after: Any, names: set[str]) -> None:
    for field in fields(before):
        if field.name not in names:
            assert getattr(before, field.name) == getattr(after, field.name), field.name


def test_only_looks_change(changed: list[tuple[SceneSpec, SceneSpec, FloatArray]]) -> None:
    for before, after, _ in changed:
        same(before, after, {"light", "background", "scenery", "cameras", "table", "objects"})
        same(before.table, after.table, {"texture"})
        for old, new in zip(before.objects, after.objects, strict=False):
            same(old, new, {"texture", "mirror"})
        assert all(thing.distractor for thing in after.objects[len(before.objects) :])


def angle(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    unit = [np.asarray(v) / np.linalg.norm(v) for v in (a, b)]
    return float(np.degrees(np.arccos(np.clip(unit[0] @ unit[1], -1, 1))))


def first(axis: str) -> float:
    return float(AXES[axis].levels[0])


def test_what_is_drawn_is_less_than_what_is_tested(changed: list[tuple[SceneSpec, SceneSpec, FloatArray]]) -> None:
    """Measured on the scenes, whatever the code says."""
    for before, after, _ in changed:
        factors = np.array(after.light.ambient) / np.array(before.light.ambient)
        assert 1 - first("light_intensity") < factors.mean() < 1 + first("light_intensity") / 2 + 0.05
        grey: tuple[float, float, float] = tuple((0.7 * factors / factors.mean()).tolist())
        assert difference(grey, (0.7, 0.7, 0.7)) < first("light_color") + 0.5
        assert angle(before.light.direction, after.light.direction) < first("light_direction")
        assert (after.light.lamps, after.background.kind) == (before.light.lamps, before.background.kind)
        assert len(after.scenery) - len(before.scenery) < round(first("background") / 4)
        assert difference(before.background.wall.rgb, after.background.wall.rgb) < first("background")
        for old, new in zip(before.cameras, after.cameras, strict=True):
            name = "camera" if old.parent == "world" else "wrist"
            assert np.linalg.norm(np.subtract(old.eye, new.eye)) < first(f"{name}_position")
            way = np.subtract(old.target, old.eye), np.subtract(new.target, new.eye)
            assert angle(*map(tuple, way)) < first(f"{name}_orientation")
            assert abs(old.fov_y - new.fov_y) < first(f"{name}_fov")
            assert not new.distortion
            sensor = new.sensor
            assert sensor.noise < first("sensor_noise")
            assert sensor.blur < first("blur")
            assert sensor.contrast > 1 - first("contrast")
            untouched = replace(sensor, noise=0.0, blur=0.0, contrast=1.0, seed=0)
            assert untouched == replace(old.sensor, seed=0)


def test_surfaces_keep_their_names(changed: list[tuple[SceneSpec, SceneSpec, FloatArray]]) -> None:
    for before, after, _ in changed:
        assert after.background.kind not in ROOMS
        table = after.table.texture
        assert table.kind not in PATTERNS
        limit = max(first("table_texture"), difference(before.table.texture.rgb, before.table.texture.rgb2) + 3)
        assert difference(table.rgb, table.rgb2) < limit
        assert difference(before.table.texture.rgb, table.rgb) < first("table_color")
        for old, new in zip(before.objects, after.objects, strict=False):
            assert new.texture.kind not in PATTERNS or new.texture == old.texture
            assert same_word(new.color)(new.texture.rgb) or new.texture.rgb == old.texture.rgb
            assert new.mirror < first("object_material")
            assert difference(old.texture.rgb, new.texture.rgb) < first("object_color")
            if new.texture.kind == "tiles":
                assert difference(old.texture.rgb, new.texture.rgb2) < first("object_color")


def test_what_is_added_is_nothing_that_an_axis_adds(changed: list[tuple[SceneSpec, SceneSpec, FloatArray]]) -> None:
    counts = []
    for before, after, _ in changed:
        meant = [before.object(name) for name in before.goal.names]
        added = after.objects[len(before.objects) :]
        counts.append(len(added))
        for thing in added:
            assert thing.kind not in KINDS
            assert thing.kind not in {one.kind for one in before.objects}
            assert thing.color not in {one.color for one in meant}
            assert thing.color not in before.instruction.lower().split()
            assert (thing.color, thing.kind) in free_pairs(before)
    assert sum(counts) > 5
    tested = [
        {(o.color, o.kind) for o in scene.objects if o.distractor}
        for axis in ("distractors", "similar_color", "similar_shape")
        for index in range(4)
        for scene in (make_scene(EpisodeRequest("Lift", index, 0, "eval", (Perturbation(axis, 2),))),)
        if not {(o.color, o.kind) for o in scene.objects if o.distractor} & set(free_pairs(plain("Lift", index)))
    ]
    assert len(tested) == 12


def plain(task: str, index: int) -> SceneSpec:
    return make_scene(EpisodeRequest(task, index, 0, "eval"))


def test_added_things_touch_nothing_in_any_frame(episodes: list[Episode]) -> None:
    """Every vertex of everything else keeps outside the circle on which it stands, up to its height."""
    checked = 0
    for number, episode in enumerate(episodes[:3]):
        before = SceneSpec.from_dict(episode.spec)
        nodes = build_render_scene(before, image_height=96).nodes
        for draw in range(20):
            after = crowded(before, episode.poses, np.random.default_rng((number, draw)))
            for thing in after.objects[len(before.objects) :]:
                checked += 1
                top = 2 * thing.position[2]
                for node in nodes:
                    if node.row < 0:
                        continue
                    for pose in episode.poses[:, node.row]:
                        points = rotated(node.mesh.vertices, pose)
                        low = points[points[:, 2] < top]
                        gaps = np.hypot(*(low[:, :2] - thing.position[:2]).T)
                        assert gaps.min(initial=1.0) > radius(thing)
    assert checked > 60 * CROWDED / 2


def rotated(points: FloatArray, pose: FloatArray) -> FloatArray:
    x, y, z, w = pose[3:]
    axis = np.array([x, y, z])
    return np.asarray(points + 2 * np.cross(axis, np.cross(axis, points) + w * points) + pose[:3], np.float32)


def test_groups_are_not_crowded(changed: list[tuple[SceneSpec, SceneSpec, FloatArray]]) -> None:
    for before, after, _ in changed:
        if before.goal.task in ("Sort", "Refer"):
            assert len(after.objects) == len(before.objects)


def test_the_same_seed_gives_the_same_scene_and_every_family_can_be_drawn() -> None:
    for task in TASKS:
        spec = make_scene(EpisodeRequest(task, 1)).to_dict()
        rows = len(pose_rows(SceneSpec.from_dict(spec)))
        poses = np.zeros((3, rows, 7), np.float32)
        poses[:, :, 6] = 1
        poses[:, :, 2] = 2.0  # out of the way
        a, b, c = (augmented("full", spec, poses, seed) for seed in (1, 1, 2))
        assert a == b
        assert a != c


def augmented(level: str, spec: dict[str, Any], poses: FloatArray, seed: int) -> SceneSpec:
    return Augment(level, CAMERAS)(spec, poses, np.random.default_rng(seed))


@pytest.mark.parametrize("level", ["light", "full"])
def test_batches_are_functions_of_seed_and_step(episodes: list[Episode], level: str) -> None:
    def source(seed: int) -> BatchSource:
        data = Demonstrations(
            episodes[:3], lambda spec: DemoView(spec, CAMERAS, 32), chunk=4, augment=augmentation(level, CAMERAS)
        )
        words = Vocabulary.build(data.texts)
        return BatchSource(data, data.normalizer(), words, 16, seed, sampling=Sampling(window=20))

    one, two, other = source(0), source(0), source(1)
    forwards = [one.batch(step) for step in range(6)]
    backwards = [two.batch(step) for step in reversed(range(6))][::-1]
    for a, b in zip(forwards, backwards, strict=True):
        assert all(torch.equal(x, y) for x, y in zip(a, b, strict=True))
    assert not torch.equal(forwards[0].pixels, other.batch(0).pixels)
    samples, epoch = one.samples(0)
    later = epoch._replace(number=epoch.number + 1)
    assert not np.array_equal(one.data.draw(samples, epoch).pixels, one.data.draw(samples, later).pixels)


def test_unknown_levels_are_told() -> None:
    assert augmentation("none", CAMERAS) is None
    with pytest.raises(UnknownNameError, match="light"):
        augmentation("lihgt", CAMERAS)

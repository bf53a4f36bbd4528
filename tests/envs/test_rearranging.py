"""Other arrangements for pictures: what moves is elsewhere, free of everything; what may not change does not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from envs.layout import radius
from envs.lessons.rearranging import GAP_M, rearranged
from envs.objects import object_kind
from envs.scene import SceneSpec
from envs.scenes import make_scene
from vla.contract import EpisodeRequest


def scene(task: str, index: int = 0) -> SceneSpec:
    return make_scene(EpisodeRequest(task, index, seed=3, split="train"))


@pytest.mark.parametrize("task", ["PlaceBetween", "PutInDrawer", "Upright", "InsertPeg"])
def test_things_move_and_fixtures_stay(task: str) -> None:
    rng, moved = np.random.default_rng(0), 0
    for index in range(5):
        before = scene(task, index)
        after = rearranged(before, rng)
        for old, new in zip(before.objects, after.objects, strict=True):
            assert (new.name, new.color, new.kind, new.yaw, new.roll) == (
                old.name,
                old.color,
                old.kind,
                old.yaw,
                old.roll,
            )
            assert new.position[2] == old.position[2]
            if not object_kind(old.kind).moves:
                assert new == old
            moved += new.position != old.position
        for i, one in enumerate(after.objects):
            for other in after.objects[:i]:
                if object_kind(one.kind).moves or object_kind(other.kind).moves:
                    apart = math.dist(one.position[:2], other.position[:2])
                    assert apart >= radius(one) + radius(other) + GAP_M - 1e-9
    assert moved >= 5


def test_what_words_place_stays() -> None:
    before = scene("Refer")
    assert rearranged(before, np.random.default_rng(0)) is before


def test_what_stands_on_something_stays() -> None:
    before = scene("Unstack")
    assert rearranged(before, np.random.default_rng(0)) is before


def test_pictures_of_one_scene_show_different_arrangements() -> None:
    from envs.lessons.scenes import TrainingScenes

    shown = TrainingScenes(("PlaceInto",), size=32, each=4)(np.random.default_rng(0), 4)
    assert len({one.text for one in shown}) == 1
    places = np.stack([one.positions[0, :2] for one in shown])
    assert len(np.unique(places.round(3), axis=0)) == 4

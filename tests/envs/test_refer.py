"""Refer: descriptions that are needed, and stay true under the axes."""

import itertools

import numpy as np
import pytest

from envs.reading import parse
from envs.referring import WAYS
from envs.scenes import make_scene
from envs.tasks.base import TASKS
from envs.tasks.refer import DESCRIPTIONS
from vla.contract import EpisodeRequest, Perturbation


def test_descriptions_are_many_and_are_read_back() -> None:
    assert len(DESCRIPTIONS) == 603
    for text, description in DESCRIPTIONS.items():
        assert parse(text) == description
    assert {description.way for description in DESCRIPTIONS.values()} == set(WAYS) - {"both"}


def test_every_way_is_drawn_and_means_the_target() -> None:
    task, seen = TASKS["Refer"](), set()
    for index in range(120):
        spec = make_scene(EpisodeRequest("Refer", index))
        for goal in (spec.goal, *spec.alternatives):
            description = DESCRIPTIONS[goal.relation]
            assert [thing.name for thing in description.denotes(spec)] == [goal.target]
            assert task.atomic_goal(spec, goal) == goal.relation
        assert spec.goal.relation in spec.instruction
        seen.add(DESCRIPTIONS[spec.goal.relation].way)
    assert seen == set(WAYS) - {"both"}


def test_without_its_words_a_description_means_several() -> None:
    """Each word is needed: without the size, place, material ... there is more than one candidate."""
    for index in range(60):
        spec = make_scene(EpisodeRequest("Refer", index))
        description = DESCRIPTIONS[spec.goal.relation]
        if description.way not in ("color", "shape"):
            assert len(parse(f"the {description.noun}").denotes(spec)) > 1
        if description.color and description.way != "color":
            assert len(parse(f"the {description.color} {description.noun}").denotes(spec)) > 1


@pytest.mark.parametrize(("axis", "level"), list(itertools.product(("position", "distractors"), (1, 2, 3))))
def test_axes_keep_the_meaning(axis: str, level: int) -> None:
    for index in range(25):
        twin = make_scene(EpisodeRequest("Refer", index, 0, "eval"))
        spec = make_scene(EpisodeRequest("Refer", index, 0, "eval", (Perturbation(axis, level),)))
        assert spec.goal == twin.goal
        assert spec.instruction == twin.instruction
        assert [thing.name for thing in DESCRIPTIONS[spec.goal.relation].denotes(spec)] == [spec.goal.target]
        assert spec.alternatives


def test_held_out_phrasings_use_other_nouns() -> None:
    task, spec = TASKS["Refer"](), make_scene(EpisodeRequest("Refer", 0))
    said = {task.say(spec, np.random.default_rng(seed), 3) for seed in range(20)}
    assert not any(spec.goal.relation in sentence for sentence in said)

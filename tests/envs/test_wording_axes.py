"""How instructions are worded: each axis does what its level says, and the meaning stays."""

from functools import lru_cache

import pytest

from envs.grammar import MIN_NEW_WORDS, phrase, words
from envs.reading import mentions
from envs.rewording import WAYS_BY_LEVEL
from envs.scene import SceneSpec
from envs.scenes import make_scene
from envs.tasks.base import TASKS, training_vocabulary
from envs.variations import AXES
from vla.contract import EpisodeRequest, Perturbation

DEMO = ("Lift", "PlaceInto", "Push", "Reach")  # families whose scenes are a few things apart on the table


@lru_cache(maxsize=4096)
def scene(task: str, axis: str | None = None, level: int = 0, index: int = 0) -> SceneSpec:
    return make_scene(EpisodeRequest(task, index, 0, "eval", (Perturbation(axis, level),) if axis else ()))


@pytest.mark.parametrize("task", TASKS)
def test_paraphrases_use_new_words(task: str) -> None:
    known = set(training_vocabulary())
    for level, count in enumerate(AXES["paraphrase"].levels, 1):
        assert MIN_NEW_WORDS[level] == count
        for index in range(10):
            assert len(set(words(scene(task, "paraphrase", level, index).instruction)) - known) >= count


@pytest.mark.parametrize("task", TASKS)
def test_controls(task: str) -> None:
    for index in range(10):
        twin = scene(task, index=index)
        assert scene(task, "blank", 1, index).instruction == ""
        swapped = scene(task, "swapped", 1, index)
        assert swapped.goal == twin.goal
        assert swapped.spoken in twin.alternatives
        assert swapped.instruction != twin.instruction


@pytest.mark.parametrize("task", DEMO)
def test_a_swapped_instruction_names_the_other_goal(task: str) -> None:
    for index in range(10):
        swapped = scene(task, "swapped", 1, index)
        assert swapped.spoken is not None
        assert swapped.instruction in set(TASKS[task].grammar.instructions(0))
        thing = swapped.object(swapped.spoken.target)
        assert phrase(thing.color, thing.kind) in swapped.instruction


@pytest.mark.parametrize("task", DEMO)
def test_references_are_of_their_level_where_there_are_some(task: str) -> None:
    for level, ways in WAYS_BY_LEVEL.items():
        of_level = reworded = 0
        for index in range(20):
            twin, spec = scene(task, index=index), scene(task, "reference", level, index)
            found = mentions(spec.instruction, spec)
            of_level += sum(mention.description.way in ways for mention in found)
            reworded += spec.instruction != twin.instruction
            assert [m.things for m in found] == [m.things for m in mentions(twin.instruction, twin)]
        assert reworded == 20
        assert of_level >= (2 if level == 2 else 12)  # things of one material and size are told otherwise

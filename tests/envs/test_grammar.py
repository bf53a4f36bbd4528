import dataclasses
import itertools

import numpy as np
import pytest

from envs.grammar import COLORS, HELD_OUT_LEVELS, MIN_NEW_WORDS, phrase, unambiguous, vocabulary, words
from envs.objects import object_kind
from envs.scenes import make_scene
from envs.tasks.base import TASKS, make_thing, training_vocabulary
from vla.contract import EpisodeRequest

INSTRUCTIONS = {  # demo task -> number of instructions of level 0 (training), 1 to 5
    "Lift": (72, 54, 54, 72, 72, 72),
    "PlaceInto": (432, 432, 432, 576, 1152, 864),
    "Push": (216, 216, 216, 288, 576, 216),
    "Reach": (72, 54, 54, 72, 72, 54),
}
DRAWS = 200  # instructions of a level that are looked at: some families have millions


def drawn(name: str, level: int) -> set[str]:
    rng = np.random.default_rng(level)
    return {TASKS[name].grammar.draw(rng, level) for _ in range(DRAWS)}


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_instructions_are_counted_as_if_they_were_written_down(name: str) -> None:
    grammar = TASKS[name].grammar
    for level, count in enumerate(INSTRUCTIONS[name]):
        everything = list(grammar.instructions(level))
        assert len(everything) == len(set(everything)) == grammar.count(level) == count
        assert drawn(name, level) <= set(everything)


def test_vocabulary_is_small_and_sorted() -> None:
    known = training_vocabulary()
    assert len(known) < 300
    assert {"lift", "the", *COLORS, "block", "cylinder", "ball", "bowl", "plate", "zone"} <= set(known)
    assert known == tuple(sorted(set(known))) == vocabulary(TASKS[name].grammar for name in TASKS)


@pytest.mark.parametrize("name", TASKS)
def test_no_instruction_is_in_two_levels(name: str) -> None:
    levels = [drawn(name, level) for level in (0, *HELD_OUT_LEVELS)]
    for one, other in itertools.combinations(levels, 2):
        assert not one & other


def test_no_template_is_shared_by_training_and_held_out_of_any_task() -> None:
    train = {template for name in TASKS for template in TASKS[name].grammar.train}
    held_out = {t for name in TASKS for level in HELD_OUT_LEVELS for t in TASKS[name].grammar.templates(level)}
    assert not train & held_out


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("level", HELD_OUT_LEVELS)
def test_held_out_levels_are_graded_by_words_never_seen(name: str, level: int) -> None:
    known = set(training_vocabulary())
    below = MIN_NEW_WORDS.get(level + 1, 99)
    for sentence in drawn(name, level):
        new = len(set(words(sentence)) - known)
        assert MIN_NEW_WORDS[level] <= new < below, sentence


@pytest.mark.parametrize("name", TASKS)
def test_sentences_are_well_formed_and_use_known_words(name: str) -> None:
    known = set(training_vocabulary())
    for level in (0, *HELD_OUT_LEVELS):
        sentences = drawn(name, level)
        assert not [s for s in sentences if "{" in s or "  " in s or s != s.strip() or s != s.lower()]
        assert TASKS[name].grammar.count(level) >= len(sentences)
    assert {word for s in drawn(name, 0) for word in words(s)} <= known


@pytest.mark.parametrize("name", INSTRUCTIONS)
@pytest.mark.parametrize("level", [0, *HELD_OUT_LEVELS])
def test_every_color_word_is_spoken(name: str, level: int) -> None:
    sentences = list(TASKS[name].grammar.instructions(level))
    assert all(any(color in words(s) for s in sentences) for color in COLORS)


@pytest.mark.parametrize("name", INSTRUCTIONS)
@pytest.mark.parametrize("level", [0, *HELD_OUT_LEVELS])
def test_what_is_said_in_a_scene_can_be_enumerated_and_names_the_goal(name: str, level: int) -> None:
    task = TASKS[name]()
    everything = set(task.grammar.instructions(level))
    for index in range(10):
        spec = make_scene(EpisodeRequest(name, index))
        sentence = task.say(spec, np.random.default_rng(index), level)
        assert sentence in everything
        for part in filter(None, (spec.goal.target, spec.goal.place)):
            thing = spec.object(part)
            nouns = [phrase(thing.color, thing.kind, i) for i in range(-1, len(object_kind(thing.kind).noun.synonyms))]
            assert any(noun in sentence for noun in nouns)


def test_an_ambiguous_phrase_is_refused() -> None:
    spec = make_scene(EpisodeRequest("Lift", 0))
    target = spec.object(spec.goal.target)
    twin = make_thing(target.color, target.kind)
    crowded = dataclasses.replace(spec, objects=(*spec.objects, dataclasses.replace(twin, name="twin")))
    with pytest.raises(ValueError, match="not one object"):
        unambiguous(crowded, target.name)


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="level 6 does not exist"):
        TASKS["Lift"].grammar.templates(6)


def test_a_template_with_a_slot_that_the_goal_cannot_fill_is_refused() -> None:
    grammar = type(TASKS["Lift"].grammar)(train=("put {target} in {place}",), held_out={}, target_kinds=("block",))
    with pytest.raises(ValueError, match=r"has slots \['place'\]"):
        list(grammar.instructions(0))

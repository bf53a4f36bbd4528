"""What happens to a sentence as a whole, whatever it says: fillers, order, typing errors, another language."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from envs.grammar import Grammar, vocabulary
from envs.scene import GoalSpec, SceneSpec
from envs.speech.fillers import FILLERS, padded
from envs.speech.frames import LANGUAGES, found_frames
from envs.speech.switching import switched
from envs.speech.typing_errors import mistyped
from envs.speech.word_order import reordered
from envs.tasks.base import TASKS, Task
from envs.variations import axis


@axis(
    "politeness",
    "semantic",
    "words that say nothing",
    tuple(FILLERS),
    peers=("LIBERO-Plus", "LIBERO-Para"),
    stage=9,
)
def politeness(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Courtesies, and talk about other things, before and after the instruction.

    At level 5 it is longer than the twenty words that a policy of this project reads.
    """
    lines = [padded(line, int(magnitude), rng) for line in spec.instruction.split("\n")]
    return replace(spec, instruction="\n".join(lines))


@axis(
    "word_order",
    "semantic",
    "share of word pairs in reversed order",
    (0.15, 0.3, 0.45, 0.65, 0.85),
    stage=7,
)
def word_order(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The words of each clause in another order, from `lift the block red` to `block red the lift`."""
    goal, lines = spec.spoken or spec.goal, []
    for number, line in enumerate(spec.instruction.split("\n")):
        found = found_frames(line, spec, parts_of(goal, number if "\n" in spec.instruction else None))
        lines.append(reordered(line, magnitude, found, rng))
    return replace(spec, instruction="\n".join(lines))


@axis(
    "other_language",
    "semantic",
    "share of words in another language",
    (0.2, 0.4, 0.6, 0.8, 1.0),
    stage=8,
)
def other_language(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """The instruction in German, French or Spanish: first single words of it, at level 5 the whole.

    Of a held-out phrasing only the noun phrases are exchanged.
    """
    language = int(rng.integers(len(LANGUAGES)))
    goal, lines = spec.spoken or spec.goal, []
    for number, line in enumerate(spec.instruction.split("\n")):
        found = found_frames(line, spec, parts_of(goal, number if "\n" in spec.instruction else None))
        lines.append(" ".join(word for word, _ in switched(line, magnitude, spec, found, language, rng)))
    return replace(spec, instruction="\n".join(lines))


@axis("typos", "semantic", "share of words with a typing error", (0.2, 0.4, 0.6, 0.8, 1.0), stage=10)
def typos(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Letters swapped, left out, doubled, or mistaken for their neighbour on the keyboard."""
    known = known_words()
    lines = [mistyped(line, magnitude, known, rng) for line in spec.instruction.split("\n")]
    return replace(spec, instruction="\n".join(lines))


def known_words() -> tuple[str, ...]:
    """The words of training; kept for the families that are registered now, for they take a while to be listed."""
    return _known_words(tuple(TASKS))


@cache
def _known_words(names: tuple[str, ...]) -> tuple[str, ...]:
    return vocabulary(TASKS[name].grammar for name in names)


def parts_of(goal: GoalSpec, number: int | None) -> list[tuple[GoalSpec, Grammar]]:
    """The parts of a goal with the grammars of their families; only the one of a number where that is given."""
    parts = goal.parts or (goal,)
    chosen = parts if number is None else parts[number : number + 1]
    return [(part, TASKS[part.task].grammar) for part in chosen]

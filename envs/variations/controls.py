"""Controls of language: edits after which a policy that listens must act otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from envs.absent import about_absent
from envs.objects import OBJECT_KINDS
from envs.scene import GoalSpec, SceneSpec
from envs.tasks.base import TASKS, Task
from envs.variations import axis
from envs.variations.sentences import known_words

COMMON = ("block", "cylinder", "ball", "star", "cone")  # kinds that families speak of in the plural
SHUFFLES = 20  # draws until the order of the words is another one


@axis("blank", "semantic", "words left", (0,), peers=("LIBERO-PRO",), kind="control", stage=11)
def blank(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """No instruction at all: what remains is luck."""
    return replace(spec, instruction="")


@axis("swapped", "semantic", "goals exchanged", (1,), peers=("LIBERO-PRO",), kind="control", stage=2)
def swapped(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The instruction speaks of another goal of the scene; the goal that counts as success stays."""
    changed = replace(spec, spoken=spec.contrast)
    return replace(changed, instruction=task.say(changed, rng))


@axis("shuffled", "semantic", "share of words in random order", (1,), kind="control", stage=11)
def shuffled(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The words of each line in random order, never in their own: a bag of words."""
    lines = [_in_disorder(line, rng) for line in spec.instruction.split("\n")]
    return replace(spec, instruction="\n".join(lines))


@axis("absent", "semantic", "objects that are not there", (1,), peers=("LIBERO-PRO",), kind="control", stage=11)
def absent(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The instruction speaks of an object, or of things, that the scene has not: the right answer is to touch nothing.

    Colour and noun are training words of the family. Where the words cannot be read (another language, typing errors),
    the training sentence is said.
    """
    kinds, colors = _replaced(spec.spoken or spec.goal), task.grammar.colors
    said = about_absent(spec.instruction, spec, kinds, colors, rng)
    if said == spec.instruction != "":
        said = about_absent(task.say(spec, rng), spec, kinds, colors, rng)
    return replace(spec, instruction=said, refuse=True)


def _replaced(goal: GoalSpec) -> Mapping[str, Sequence[str]]:
    """The objects of a goal that are exchanged, and the kinds that may be named instead; an empty name is a group.

    Of each part the target; of three things that are named all but the last: else a tower could be begun.
    """
    known = set(known_words())
    common = [kind for kind in COMMON if {OBJECT_KINDS[kind].noun.word, OBJECT_KINDS[kind].noun.many} <= known]
    kinds: dict[str, Sequence[str]] = {}
    for part in goal.parts or (goal,):
        allowed = (*TASKS[part.task].grammar.roles.values(), common, common)
        names = (part.target, part.place, *part.others)
        kinds.update(zip(names[:-1] if part.others else names[:1], allowed, strict=False))
        if not TASKS[part.task].grammar.target_kinds:
            kinds[part.target] = common
    return kinds


def _in_disorder(line: str, rng: np.random.Generator) -> str:
    words = line.split()
    for _ in range(SHUFFLES):
        mixed = " ".join(words[i] for i in rng.permutation(len(words)))
        if mixed != line:
            return mixed
    return " ".join(reversed(words))

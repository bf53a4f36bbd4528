"""How the same instruction is worded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.grammar import MIN_NEW_WORDS
from envs.rewording import reworded
from envs.scene import SceneSpec
from envs.speech.synonyms import with_synonyms
from envs.tasks.base import Task
from envs.variations import axis


@axis(
    "paraphrase",
    "semantic",
    "words never seen in training, at least",
    tuple(MIN_NEW_WORDS.values()),
    peers=("CALVIN", "LIBERO-Plus", "LIBERO-PRO", "LIBERO-Para", "INT-ACT", "RoboTwin", "VLATest"),
    stage=3,
)
def paraphrase(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The instruction in a held-out phrasing: from another verb to a long sentence that tells a story."""
    level = next(level for level, count in MIN_NEW_WORDS.items() if count == magnitude)
    return replace(spec, instruction=task.say(spec, rng, level))


@axis(
    "reference",
    "semantic",
    "how to find it (1 a word, 2 place, 3 another object, 4 number or negation, 5 an object found so itself)",
    (1, 2, 3, 4, 5),
    peers=("INT-ACT", "LIBERO-Plus", "RoboLab", "VLABench", "VLA-Arena"),
    stage=4,
)
def reference(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Objects are referred to otherwise than by colour and kind: by one word, by place, by what they are not.

    Where the scene allows no reference of the level, one of the nearest other level is used (`envs.rewording`).
    """
    goal = spec.spoken or spec.goal
    return replace(spec, instruction=reworded(spec.instruction, spec, goal, int(magnitude), rng))


@axis(
    "synonyms",
    "semantic",
    "share of content words never seen in training",
    (0.2, 0.4, 0.6, 0.8, 1.0),
    peers=("VLA-Arena", "LIBERO-Para"),
    stage=5,
)
def synonyms(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Verbs, nouns, colours and adverbs are exchanged for synonyms; the sentence stays as it is built."""
    goal = spec.spoken or spec.goal
    lines = [with_synonyms(line, magnitude, spec, goal, rng) for line in spec.instruction.split("\n")]
    return replace(spec, instruction="\n".join(lines))

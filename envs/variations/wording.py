"""How the same instruction is worded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.grammar import MIN_NEW_WORDS
from envs.rewording import reworded
from envs.scene import SceneSpec
from envs.tasks.base import Task
from envs.variations import axis


@axis(
    "paraphrase",
    "semantic",
    "words never seen in training, at least",
    (1, 3, 6),
    peers=("CALVIN", "LIBERO-Plus", "LIBERO-PRO", "LIBERO-Para", "INT-ACT"),
    stage=3,
)
def paraphrase(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The instruction in held-out words: another verb; synonyms and politeness; a longer, indirect sentence."""
    level = next(level for level, count in MIN_NEW_WORDS.items() if count == magnitude)
    return replace(spec, instruction=task.say(spec, rng, level))


@axis(
    "reference",
    "semantic",
    "(1 one word, 2 place or order, 3 negation or nesting)",
    (1, 2, 3),
    peers=("INT-ACT", "LIBERO-Plus", "RoboLab", "VLABench"),
    stage=3,
)
def reference(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Objects are referred to otherwise than by colour and kind: by one word, by place, by what they are not.

    Where the scene allows no reference of the level, one of the nearest other level is used (`envs.rewording`).
    """
    goal = spec.spoken or spec.goal
    return replace(spec, instruction=reworded(spec.instruction, spec, goal, int(magnitude), rng))

"""What happens to a sentence as a whole, whatever it says: fillers, order, typing errors, another language."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.scene import SceneSpec
from envs.speech.fillers import FILLERS, padded
from envs.speech.typing_errors import mistyped
from envs.tasks.base import Task, training_vocabulary
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


@axis("typos", "semantic", "share of words with a typing error", (0.2, 0.4, 0.6, 0.8, 1.0), stage=10)
def typos(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Letters swapped, left out, doubled, or mistaken for their neighbour on the keyboard."""
    known = training_vocabulary()
    lines = [mistyped(line, magnitude, known, rng) for line in spec.instruction.split("\n")]
    return replace(spec, instruction="\n".join(lines))

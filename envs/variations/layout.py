"""Where things stand and what else stands there."""

from __future__ import annotations

import numpy as np

from envs.grammar import COLORS
from envs.scene import SceneSpec
from envs.tasks.base import Task, make_thing
from envs.variations import axis


@axis(
    "position",
    "object",
    "m beyond the training area",
    (0.01, 0.02, 0.03, 0.04, 0.05),
    peers=("LIBERO-Plus", "GemBench", "VIMA"),
    stage=0,
)
def position(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Object positions: the target starts outside the training area, by up to the magnitude."""
    return task.rearranged(spec, rng, magnitude, previous)


@axis(
    "distractors",
    "object",
    "objects added",
    (1, 2, 3, 4, 5),
    peers=("COLOSSEUM", "LIBERO-Plus", "RoboTwin", "SimplerEnv"),
)
def distractors(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """More objects on the table, none of which fits the instruction."""
    kinds = ("block", "cylinder", "ball")
    taken = {(thing.color, thing.kind) for thing in spec.objects}
    free = [(color, kind) for color in COLORS for kind in kinds if (color, kind) not in taken]
    chosen = [free[int(i)] for i in rng.permutation(len(free))[: int(magnitude)]]
    things = [make_thing(color, kind) for color, kind in chosen]
    return task.crowded(spec, things, rng)

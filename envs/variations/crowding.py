"""What else stands on the table: more things, things that look like the target, piles, and what hides the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from envs.grammar import COLORS
from envs.scene import ObjectSpec, SceneSpec
from envs.tasks.base import Task, make_thing
from envs.variations import axis

KINDS = ("block", "cylinder", "ball")


@axis(
    "distractors",
    "object",
    "objects added",
    (1, 2, 4, 7, 10),
    peers=(
        "COLOSSEUM",
        "LIBERO-Plus",
        "RoboTwin",
        "SimplerEnv",
        "INT-ACT",
        "VLATest",
        "VLA-Arena",
        "FactorWorld",
    ),
)
def distractors(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """More objects on the table, none of which fits the instruction."""
    free = _untaken(spec, ((color, kind) for color in COLORS for kind in KINDS))
    chosen = [free[int(i)] for i in rng.permutation(len(free))[: int(magnitude)]]
    return task.crowded(spec, _named([make_thing(*pair) for pair in chosen], spec.objects), rng)


def _untaken(spec: SceneSpec, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of (colour, kind) that no object of the scene is, nor stands in for."""
    taken = {(thing.color, kind) for thing in spec.objects for kind in (thing.kind, thing.role)}
    return [pair for pair in pairs if pair not in taken]


def _named(things: Sequence[ObjectSpec], others: Sequence[ObjectSpec]) -> tuple[ObjectSpec, ...]:
    """The things under names that neither they nor others have already."""
    names, out = {other.name for other in others}, []
    for thing in things:
        name, number = thing.name, 1
        while name in names:
            number += 1
            name = f"{thing.name}_{number}"
        names.add(name)
        out.append(replace(thing, name=name))
    return tuple(out)

"""What else stands on the table: more things, and things that look like the target."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from envs.grammar import COLORS, MORE_COLORS
from envs.objects import object_kind
from envs.scene import ObjectSpec, SceneSpec
from envs.tasks.base import Task, make_thing
from envs.variations import axis
from envs.variations.novelty import TALL, trained

KINDS = ("block", "cylinder", "ball")
LARGE = ("CloseDrawer", "OpenDrawer", "SlideDoor")  # families of furniture: there is no room for more of it


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
    free = untaken(spec, ((color, kind) for color in COLORS for kind in KINDS))
    chosen = [free[int(i)] for i in rng.permutation(len(free))[: int(magnitude)]]
    return task.crowded(spec, named_apart([make_thing(*pair) for pair in chosen], spec.objects), rng)


def untaken(spec: SceneSpec, pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of (colour, kind) that no object of the scene is, nor stands in for."""
    taken = {(thing.color, kind) for thing in spec.objects for kind in (thing.kind, thing.role)}
    return [pair for pair in pairs if pair not in taken]


def named_apart(things: Sequence[ObjectSpec], others: Sequence[ObjectSpec]) -> tuple[ObjectSpec, ...]:
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


def has_target(task: type[Task]) -> bool:
    """Whether a family's goals have a target that others can look like: no group, and no scene full of look-alikes."""
    return task.name not in ("Collect", "Sort", "Refer")


@axis("similar_color", "object", "objects added", (1, 2, 3, 4, 5), applies=has_target)
def similar_color(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """More objects of the target's colour, each of another kind."""
    target = target_of(spec)
    free = untaken(spec, ((target.color, kind) for kind in trained() if kind not in TALL))
    chosen = [free[int(i)] for i in rng.permutation(len(free))[: int(magnitude)]]
    return task.crowded(spec, named_apart([make_thing(*pair) for pair in chosen], spec.objects), rng)


@axis(
    "similar_shape",
    "object",
    "objects added",
    (1, 2, 3, 4, 5),
    applies=lambda task: has_target(task) and task.name not in LARGE,
)
def similar_shape(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """More objects of the target's kind and size, each of another colour."""
    target = target_of(spec)
    own = untaken(spec, ((color, target.kind) for color in COLORS))
    more = untaken(spec, ((color, target.kind) for color in MORE_COLORS))
    order = [*(own[int(i)] for i in rng.permutation(len(own))), *(more[int(i)] for i in rng.permutation(len(more)))]
    added = [_recolored(target, color) for color, _ in order[: int(magnitude)]]
    return task.crowded(spec, named_apart(added, spec.objects), rng)


def target_of(spec: SceneSpec) -> ObjectSpec:
    """The object that a scene's goal is about first, furniture only if there is nothing else; of a heap one thing."""
    named = [spec.object(goal.target) for goal in (spec.goal, *spec.goal.parts) if goal.target]
    named.sort(key=lambda thing: not object_kind(thing.kind).moves)
    if named:
        return named[0]
    return next(thing for thing in spec.objects if f"{thing.color} {thing.role}" == spec.goal.relation)


def _recolored(thing: ObjectSpec, color: str) -> ObjectSpec:
    plain = make_thing(color, thing.kind, thing.size, thing.material)
    return replace(plain, friction=thing.friction, mass=thing.mass, roll=thing.roll, joint=thing.joint)

"""How large things are, and how long for their width."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace

import numpy as np

from envs.exchange import exchanged, handles_things, loose
from envs.scene import ObjectSpec, SceneSpec
from envs.tasks.base import Task
from envs.variations import axis


@axis(
    "size",
    "object",
    "share larger or smaller",
    (0.08, 0.16, 0.25, 0.3, 0.35),
    peers=("COLOSSEUM", "LIBERO-PRO", "FactorWorld"),
    stage=0,
)
def size(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """All that the task is about is larger, or smaller, by the same share: what fitted still fits.

    Where there is no room for larger things, they are smaller.
    """
    for factor in rng.permutation([1 + magnitude, 1 - magnitude]):
        scaled = (thing if thing.distractor else _scaled(thing, factor) for thing in spec.objects)
        with contextlib.suppress(RuntimeError):
            return exchanged(spec, Given(task.fitted(spec, tuple(scaled))), task, rng, draws=1)
    raise RuntimeError(f"{task.name} has room neither for larger nor for smaller things")


@dataclass(frozen=True)
class Given:
    """A draw that always gives the same things."""

    things: tuple[ObjectSpec, ...]

    def __call__(self, rng: np.random.Generator) -> tuple[ObjectSpec, ...]:
        """The things."""
        return self.things


def _scaled(thing: ObjectSpec, factor: float) -> ObjectSpec:
    return replace(thing, size=tuple(round(float(factor * length), 5) for length in thing.size))


@axis(
    "aspect",
    "object",
    "share by which one side is longer for the others",
    (0.15, 0.3, 0.5, 0.75, 1.0),
    stage=0,
    applies=handles_things,
)
def aspect(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Things are stretched in one direction and thinner in the others, all of a kind in the same way.

    One of their size's entries grows against the others by the share; their product, and so about the volume, stays.
    """

    def draw(rng: np.random.Generator) -> tuple[ObjectSpec, ...]:
        own = {thing.name for thing in loose(spec, task)}
        longer = {thing.kind: int(rng.integers(len(thing.size))) for thing in spec.objects}
        return task.fitted(
            spec,
            [_stretched(o, longer[o.kind], 1 + magnitude) if o.name in own else o for o in spec.objects],
        )

    return exchanged(spec, draw, task, rng)


def _stretched(thing: ObjectSpec, entry: int, ratio: float) -> ObjectSpec:
    """A thing one entry of whose size has grown by `ratio` against all others."""
    count = len(thing.size)
    factors = [ratio ** ((count - 1) / count) if i == entry else ratio ** (-1 / count) for i in range(count)]
    return replace(thing, size=tuple(round(float(f * s), 5) for f, s in zip(factors, thing.size, strict=True)))

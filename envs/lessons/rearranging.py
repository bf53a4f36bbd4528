"""Things of a scene put elsewhere on the table: another arrangement for the price of a few random numbers.

For pictures only: nobody has to be able to carry out a task in them, so that gaps are small. Colours, looks, fixtures
and cameras stay, and with them whatever was prepared for drawing the scene.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.augment import ROOM
from envs.layout import REACHABLE, TRIES, radius
from envs.objects import object_kind
from envs.scene import ObjectSpec, SceneSpec

GAP_M = 0.015  # metres between footprints
INSIDE = 0.6  # of the sum of two radii: nearer than that, one stands on or in the other
PLACED_IN_WORDS = ("Refer",)  # families that may say where a thing is to tell which one is meant


def rearranged(spec: SceneSpec, rng: np.random.Generator) -> SceneSpec:
    """The scene with everything that can be moved at another place, turned as before.

    Unchanged where the instruction may say what stands where, where things stand on one another, and where no room is
    found.
    """
    if spec.goal.task in PLACED_IN_WORDS or _stacked(spec.objects):
        return spec
    moves = [object_kind(thing.kind).moves for thing in spec.objects]
    taken = [_circle(thing) for thing, moving in zip(spec.objects, moves, strict=True) if not moving]
    found: list[ObjectSpec] = []
    for thing, moving in zip(spec.objects, moves, strict=True):
        spot = _spot(thing, taken, rng) if moving else thing.position[:2]
        if spot is None:
            return spec
        found.append(replace(thing, position=(*spot, thing.position[2])) if moving else thing)
        taken.append(_circle(found[-1]))
    return replace(spec, objects=tuple(found))


def _spot(
    thing: ObjectSpec, taken: Sequence[tuple[float, float, float]], rng: np.random.Generator
) -> tuple[float, float] | None:
    own, area = radius(thing) + GAP_M, ROOM if thing.distractor else REACHABLE
    for _ in range(TRIES):
        x, y = area.sample(rng)
        if all(math.hypot(x - there[0], y - there[1]) >= own + there[2] for there in taken):
            return x, y
    return None


def _circle(thing: ObjectSpec) -> tuple[float, float, float]:
    return thing.position[0], thing.position[1], radius(thing)


def _stacked(things: Sequence[ObjectSpec]) -> bool:
    circles = [_circle(thing) for thing in things]
    return any(
        math.hypot(a[0] - b[0], a[1] - b[1]) < INSIDE * (a[2] + b[2])
        for i, a in enumerate(circles)
        for b in circles[:i]
    )

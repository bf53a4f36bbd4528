"""Where things stand, how they are turned, and how high the table is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.exchange import settled
from envs.layout import raised
from envs.objects import turnable
from envs.scene import ObjectSpec, SceneSpec
from envs.tasks.base import Task
from envs.variations import axis

TRIES = 60  # ways to turn all things, until nothing is in a fixture's way


@axis(
    "position",
    "object",
    "m beyond the training area",
    (0.01, 0.02, 0.03, 0.04, 0.05),
    peers=("LIBERO-Plus", "LIBERO-PRO", "GemBench", "VIMA", "SimplerEnv", "VLA-Arena"),
    stage=0,
)
def position(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Object positions: the target starts outside the training area, by up to the magnitude."""
    return task.rearranged(spec, rng, magnitude, previous)


@axis(
    "rotation",
    "object",
    "rad beyond the training range",
    (0.05, 0.1, 0.16, 0.22, 0.28),
    peers=("SimplerEnv", "LIBERO-Plus", "FactorWorld"),
    stage=0,
    applies=lambda task: task.name != "Upright",
)
def rotation(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Everything that is not round is turned farther than training ever turns it, by up to the magnitude.

    At level 5 a cube has every yaw that it can have: training turns it by 0.5 rad, and at 0.785 it
    begins to look the same again.
    """
    ranges = {slot.thing.name: slot.yaw for slot in task.slots(spec.objects, spec.goal, 0.0, -1.0)}
    for _ in range(TRIES):
        things = tuple(
            _turned(thing, ranges.get(thing.name, task.arranged_yaw), rng, magnitude, previous)
            for thing in spec.objects
        )
        own = [thing for thing in things if not thing.distractor]
        if task.accept(own, spec.goal):
            turned = replace(spec, objects=things)
            return replace(turned, alternatives=task.alternatives(turned))
    return settled(spec, things, task, rng)


def _turned(thing: ObjectSpec, limit: float, rng: np.random.Generator, magnitude: float, previous: float) -> ObjectSpec:
    """A thing at a yaw of `limit` and between `previous` and `magnitude` radians more, either way."""
    beyond, sign = limit + rng.uniform(previous, magnitude), 1.0 if rng.uniform() < 0.5 else -1.0
    if thing.distractor or not turnable(thing):
        return thing
    quarter = np.pi / 2 * round(thing.yaw / (np.pi / 2)) if limit < np.pi / 4 else 0.0
    return replace(thing, yaw=round(float(quarter + sign * beyond), 4))


@axis(
    "table_height",
    "object",
    "m higher or lower",
    (0.01, 0.02, 0.03, 0.05, 0.07),
    peers=("RoboTwin", "FactorWorld"),
    changes=("objects", "table.height"),
)
def table_height(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The table is higher or lower, and so is all that stands on it; robot and cameras stay."""
    by = float(magnitude if rng.uniform() < 0.5 else -magnitude)
    table = replace(spec.table, height=round(spec.table.height + by, 6))
    return replace(spec, table=table, objects=raised(spec.objects, by))

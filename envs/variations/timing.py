"""When the instruction is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.scene import SceneSpec
from envs.tasks.base import Task
from envs.variations import axis

FINAL = ("PutIn", "Unstack")  # nothing is taken out of a cup; the stacks that are not spoken of must stay
SAID = ("instruction_step", "instruction_before", "max_steps")


@axis("late_instruction", "semantic", "s until it is said", (1, 2, 3, 5, 8), stage=3, changes=SAID)
def late_instruction(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """Nothing is said at first; the time limit grows by the delay."""
    return _later(spec, magnitude, "")


def can_be_undone(task: type[Task]) -> bool:
    """Whether what was done for another goal of the scene does not spoil this one for good."""
    return task.name not in FINAL


@axis(
    "changed_instruction",
    "semantic",
    "s until it is changed",
    (0.4, 0.8, 1.2, 1.6, 2),
    stage=4,
    applies=can_be_undone,
    changes=SAID,
)
def changed_instruction(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """Another goal of the scene is asked for at first, then the right one; the time limit grows by twice as much."""
    other = spec.contrast if spec.spoken is None else spec.goal
    before = "" if other is None else task.say(replace(spec, spoken=other), rng)
    changed = _later(spec, magnitude, before.split("\n")[0])
    undoing = changed.max_steps - spec.max_steps  # what has been done may have to be undone
    return replace(changed, max_steps=changed.max_steps + undoing)


def _later(spec: SceneSpec, seconds: float, before: str) -> SceneSpec:
    """The instruction so many seconds later; of two such changes, the second decides what is said before."""
    steps = round(seconds * spec.robot.control_hz)
    return replace(
        spec,
        instruction_step=spec.instruction_step + steps,
        instruction_before=before,
        max_steps=spec.max_steps + steps,
    )

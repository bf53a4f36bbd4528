"""Controls of language: edits after which a policy that listens must act otherwise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.scene import SceneSpec
from envs.tasks.base import Task
from envs.variations import axis


@axis("blank", "semantic", "words left", (0,), peers=("LIBERO-PRO",), kind="control", stage=4)
def blank(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """No instruction at all: what remains is luck."""
    return replace(spec, instruction="")


@axis("swapped", "semantic", "goals exchanged", (1,), peers=("LIBERO-PRO",), kind="control", stage=2)
def swapped(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The instruction speaks of another goal of the scene; the goal that counts as success stays."""
    changed = replace(spec, spoken=spec.contrast)
    return replace(changed, instruction=task.say(changed, rng))

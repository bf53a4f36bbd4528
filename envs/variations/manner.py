"""How the goal is to be reached: an adverb in the instruction, and a limit that success asks for."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from envs.scene import MannerSpec, SceneSpec
from envs.tasks.base import Task
from envs.variations import axis

USUAL_SPEED = 0.35  # m/s: how fast the expert of training moves its tool
MANNER = ("instruction", "manner", "max_steps")


@axis("slowly", "semantic", "m/s at most", (0.3, 0.25, 0.2, 0.15, 0.1), stage=10, changes=MANNER)
def slowly(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Slowly: the tool may at no time be faster; the time limit grows as that asks for."""
    changed = replace(spec, max_steps=math.ceil(spec.max_steps * USUAL_SPEED / magnitude))
    return _asked(changed, MannerSpec("slowly", speed=magnitude))


@axis("gently", "semantic", "N at most", (150, 100, 75, 55, 40), stage=10, changes=MANNER)
def gently(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Gently: neither the robot nor what it holds may push harder against anything; the time limit is doubled."""
    return _asked(replace(spec, max_steps=2 * spec.max_steps), MannerSpec("gently", force=magnitude))


@axis("quickly", "semantic", "share of the time limit", (0.55, 0.5, 0.45, 0.4, 0.35), stage=10, changes=MANNER)
def quickly(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Quickly: only a share of the usual time limit counts."""
    return _asked(spec, MannerSpec("quickly", steps=math.ceil(spec.max_steps * magnitude)))


def _asked(spec: SceneSpec, manner: MannerSpec) -> SceneSpec:
    """The scene with the adverb after every line of what is said; of two manners both limits hold."""
    lines = [f"{line} {manner.word}" if line else "" for line in spec.instruction.split("\n")]
    if spec.manner is not None:
        other = spec.manner
        limits = {name: getattr(manner, name) or getattr(other, name) for name in ("speed", "force", "steps")}
        manner = MannerSpec(f"{other.word} {manner.word}", **limits)
    return replace(spec, instruction="\n".join(lines), manner=manner)

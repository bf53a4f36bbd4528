"""How the world answers the robot: what objects weigh, how they slide, and what becomes of an action."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from envs.objects import object_kind
from envs.scene import PHYSICS_HZ, ObjectSpec, SceneSpec
from envs.tasks.base import Task
from envs.variations import axis

RATES = tuple(PHYSICS_HZ // n for n in range(1, PHYSICS_HZ + 1) if PHYSICS_HZ % n == 0)  # Hz

NOISE_COST = 3.0  # share of the time limit that noise of full scale would add; experts lose 0.6 of theirs by 0.2
DELAY_COST = 4.5  # shares of the time limit a second; experts lose 0.33 of theirs by 0.1 s, 0.95 by 0.2 s


def longer(spec: SceneSpec, share: float) -> SceneSpec:
    """The scene with a time limit that is longer by a share of itself."""
    return replace(spec, max_steps=math.ceil(spec.max_steps * (1 + share)))


def concerned(spec: SceneSpec) -> tuple[ObjectSpec, ...]:
    """The objects that the goal is about, in the order of the scene: those it names, or all where it is of a group."""
    group = not spec.goal.target and not spec.goal.parts
    return tuple(thing for thing in spec.objects if not thing.distractor and (group or thing.name in spec.goal.names))


def movable(spec: SceneSpec) -> tuple[ObjectSpec, ...]:
    """Those of them that move freely."""
    return tuple(thing for thing in concerned(spec) if object_kind(thing.kind).moves)


def has_movable(task: type[Task]) -> bool:
    """Families whose goals are about something that moves freely; goals of groups and chains always are."""
    roles = (task.grammar.target_kinds, task.grammar.place_kinds, *task.grammar.other_kinds)
    return not task.grammar.target_kinds or any(object_kind(kind).moves for kinds in roles for kind in kinds)


def _replaced(spec: SceneSpec, changed: Iterable[ObjectSpec]) -> SceneSpec:
    """The scene with the objects `changed` in place of those of their names."""
    new = {thing.name: thing for thing in changed}
    return replace(spec, objects=tuple(new.get(thing.name, thing) for thing in spec.objects))


@axis("mass", "robot", "factor", (1.5, 2.5, 5.0, 10.0, 15.0), peers=("COLOSSEUM",), applies=has_movable)
def mass(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """What the goal is about is heavier than it looks; COLOSSEUM's ranges span factors from 5 to 15."""
    return _replaced(spec, (replace(thing, mass=round(magnitude * thing.mass, 5)) for thing in movable(spec)))


@axis("friction", "robot", "share of the friction lost", (0.08, 0.16, 0.25, 0.5, 0.8), peers=("COLOSSEUM",))
def friction(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """What the goal is about is more slippery than it looks; level 3 has the least friction of COLOSSEUM, 0.75."""
    left = 1.0 - magnitude
    return _replaced(spec, (replace(thing, friction=round(left * thing.friction, 5)) for thing in concerned(spec)))


@axis("action_noise", "robot", "share of full scale (standard deviation)", (0.04, 0.08, 0.12, 0.16, 0.2))
def action_noise(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Gaussian noise is added to every entry of each motion that the policy asks for.

    The time limit grows by what it costs the expert: the magnitude times `NOISE_COST`.
    """
    disturbed = replace(spec, disturbance=replace(spec.disturbance, action_noise=magnitude, seed=seed(rng)))
    return longer(disturbed, NOISE_COST * magnitude)


@axis("action_delay", "robot", "ms", (50, 100, 150, 200, 300))
def action_delay(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Actions are carried out late; until the first one arrives, the robot holds still.

    The time limit grows by what it costs the expert, which is cautious then: the delay in seconds times `DELAY_COST`.
    """
    late = magnitude / 1000
    return longer(replace(spec, disturbance=replace(spec.disturbance, action_delay=late)), DELAY_COST * late)


@axis("control_rate", "robot", "factor, up or down", (1.25, 1.6, 2.0, 2.5, 3.0))
def control_rate(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The policy is asked more or less often than it was trained; an action moves the arm as far as ever.

    Per step, as in ManiSkill and robosuite: the robot is faster or slower by the factor. The rate is the nearest to it
    that divides the rate of physics. The time limit stays the same in seconds, but is never fewer steps than before, as
    that many are needed.
    """
    old = spec.robot.control_hz
    wanted = old * magnitude if rng.uniform() < 0.5 else old / magnitude
    rate = min(RATES, key=lambda hz: abs(math.log(hz / wanted)))
    steps = max(spec.max_steps, round(spec.max_steps * rate / old))
    return replace(spec, robot=replace(spec.robot, control_hz=float(rate)), max_steps=steps)


def seed(rng: np.random.Generator) -> int:
    """A seed for what is drawn while the episode runs."""
    return int(rng.integers(2**31))

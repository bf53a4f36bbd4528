"""What interferes while the robot works: pushes, somebody who moves things, a grasp that fails."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.disturbing import solid
from envs.geometry import at_start
from envs.layout import REACHABLE, clear, resting
from envs.scene import MoveSpec, ObjectSpec, PushSpec, SceneSpec
from envs.tasks.base import Task
from envs.variations import axis, vec3
from envs.variations.dynamics import has_movable, movable, seed

WHILE_AT_WORK = (0.05, 0.25)  # shares of the time limit between which experts are at work on nearly all goals
BEFORE_THE_GRASP = (0.04, 0.12)  # shares between which they mostly have not come to the object yet
HAND = 100.0  # a push on the hand is so much harder than one on an object: motors hold the arm to 1 cm even so
GAP = 0.04  # metres that a place keeps from other objects
MIDDLE = (0.5, 0.0)  # metres, world: of REACHABLE
ANGLES = 72  # directions that are tried
LOST_STEPS = 25  # control steps that a slip costs


def _grasps(task: type[Task]) -> bool:
    """Families in which something is taken hold of."""
    return task.grasps


def _can_be_moved(task: type[Task]) -> bool:
    """Families whose objects are loose and stand by themselves."""
    return task.free_standing and has_movable(task)


@axis("push", "robot", "N s on an object, 100 times that on the hand", (0.02, 0.03, 0.04, 0.06, 0.08))
def push(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """An object of the goal, and at another moment the robot's hand, get a push sideways while the robot works."""
    things = movable(spec)
    pushes = [PushSpec(_moment(spec, rng), "", vec3(HAND * magnitude * _sideways(rng)))]
    if things:
        thing = things[int(rng.integers(len(things)))]
        pushes.append(PushSpec(_moment(spec, rng), thing.name, vec3(magnitude * _inwards(thing, rng))))
    return replace(spec, disturbance=replace(spec.disturbance, pushes=tuple(pushes)))


@axis("target_moved", "robot", "m", (0.05, 0.10, 0.15, 0.20, 0.25), applies=_can_be_moved)
def target_moved(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """While the robot works, somebody moves an object of the goal to a free place so far away; not out of its hand.

    Where no object of the goal has a free place at that distance, the nearest distance below that has one is taken.
    """
    step, turn = _moment(spec, rng, BEFORE_THE_GRASP), rng.uniform(-np.pi, np.pi)
    things = [thing for thing in movable(spec) if _stands_free(thing, spec)]
    order = rng.permutation(len(things))
    for share in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5):
        for i in order:
            place = _place(spec, task, things[int(i)], share * magnitude, turn)
            if place is not None:
                move = MoveSpec(step, place.name, place.position, place.yaw)
                return replace(spec, disturbance=replace(spec.disturbance, moves=(move,)))
    return spec


@axis("slip", "robot", "times that a grasp fails", (1, 2, 3, 4, 5), applies=_grasps)
def slip(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The fingers open by themselves for a moment, soon after they have taken hold; there is more time to try again."""
    disturbance = replace(spec.disturbance, slips=int(magnitude), seed=seed(rng))
    return replace(spec, disturbance=disturbance, max_steps=spec.max_steps + LOST_STEPS * int(magnitude))


def _stands_free(thing: ObjectSpec, spec: SceneSpec) -> bool:
    """Whether it stands on the table, and nothing solid above or below it."""
    others = [other for other in spec.objects if other.name != thing.name and solid(other)]
    return resting(thing, spec.table.height) and clear(thing, others, 0.0)


def _moment(spec: SceneSpec, rng: np.random.Generator, share: tuple[float, float] = WHILE_AT_WORK) -> int:
    """A control step between two shares of the time limit."""
    return round(spec.max_steps * rng.uniform(*share))


def _sideways(rng: np.random.Generator) -> NDArray[np.float64]:
    """A random horizontal unit vector (3,)."""
    angle = rng.uniform(-np.pi, np.pi)
    return np.array([np.cos(angle), np.sin(angle), 0.0])


def _inwards(thing: ObjectSpec, rng: np.random.Generator) -> NDArray[np.float64]:
    """A random horizontal unit vector (3,), not away from the middle of what the robot reaches."""
    ahead = np.arctan2(MIDDLE[1] - thing.position[1], MIDDLE[0] - thing.position[0])
    angle = ahead + rng.uniform(-np.pi / 2, np.pi / 2)
    return np.array([np.cos(angle), np.sin(angle), 0.0])


def _place(spec: SceneSpec, task: Task, thing: ObjectSpec, distance: float, turn: float) -> ObjectSpec | None:
    """`thing` where the goal is possible and not yet reached, `distance` metres from where it stands; None for nowhere.

    The first direction that is tried is `turn`, radians from x.
    """
    others = [other for other in spec.objects if other.name != thing.name and solid(other)]
    for angle in turn + np.arange(ANGLES) * (2 * np.pi / ANGLES):
        x = round(thing.position[0] + distance * float(np.cos(angle)), 5)
        y = round(thing.position[1] + distance * float(np.sin(angle)), 5)
        moved = replace(thing, position=(x, y, thing.position[2]))
        if REACHABLE.contains(x, y) and clear(moved, others, GAP) and _still_to_do(spec, task, moved):
            return moved
    return None


def _still_to_do(spec: SceneSpec, task: Task, moved: ObjectSpec) -> bool:
    """Whether the goal is possible with an object where `moved` is, and not reached by that alone."""
    objects = tuple(moved if thing.name == moved.name else thing for thing in spec.objects)
    there = replace(spec, objects=objects)
    return spec.goal in task.goals(there) and not task.condition(spec, spec.goal).holds(at_start(there))

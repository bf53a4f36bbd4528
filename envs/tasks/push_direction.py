"""PushDirection: the named object to the left, to the right, away from the robot or nearer to it, by 8 cm at least."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import push, stay
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import REACHABLE, Rect, Slot, off_lane
from envs.predicates import PUSHED_SPEED, AtRest, Displaced, OnTable
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing, yaw_range
from vla.contract import FloatArray

KINDS = ("block", "cylinder")  # a ball rolls on
DIRECTIONS: Mapping[str, tuple[float, float]] = {  # left and right as the front camera sees them
    "left": (0.0, -1.0),
    "right": (0.0, 1.0),
    "away": (1.0, 0.0),
    "near": (-1.0, 0.0),
}
START = Rect(0.44, 0.56, -0.15, 0.15)
FRICTION = 0.5  # things that slide: with more they tip over the fingers, and turn with them
DISTANCE = 0.08  # metres that count
STOP = 0.085  # metres after which the expert stops; the arm comes to rest some 2 cm farther on
FAR = 0.2  # metres ahead of the start: the point that the expert pushes to, so that the direction stays
LANE = 0.075  # metres: nothing else may be nearer to the line along which an object is pushed
RUN_UP, RUN_OUT = 0.08, 0.14  # metres of that line before and after the object's start
WORKSPACE = REACHABLE.grown(0.05)  # where the lane's ends must lie


@TASKS.register("PushDirection")
class PushDirection(Task):
    """One of three objects in one of four directions."""

    name: ClassVar[str] = "PushDirection"
    max_steps: ClassVar[int] = 70
    grasps: ClassVar[bool] = False
    grammar: ClassVar[Grammar] = Grammar(
        train=("push {target} {relation}", "slide {target} {relation}", "move {target} {relation}"),
        held_out={
            1: ("nudge {target} {relation}", "drive {target} {relation}", "push {target} {relation_syn}"),
            2: (
                "nudge {target_syn} {relation}",
                "please shift {target} {relation}",
            ),
            3: ("could you please shift {target} {relation}", "kindly nudge {target_syn} a bit {relation}"),
            4: (
                "i would like {target_syn} to be shifted {relation} somewhat afterwards",
                "without lifting it see that {target_syn} slips {relation} somewhat",
            ),
            5: (
                "there is too little space where {target_syn} stands so please nudge it some way {relation}",
                "i need some space here so would you kindly make {target} drift {relation} for me",
            ),
        },
        target_kinds=KINDS,
        relations={
            "left": "to the left",
            "right": "to the right",
            "away": "away from the robot",
            "near": "closer to the robot",
        },
        relation_synonyms={
            "left": ("leftwards",),
            "right": ("rightwards",),
            "away": ("outwards",),
            "near": ("inwards",),
        },
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        pairs = draw_descriptions(rng, 3, KINDS)
        things = tuple(replace(make_thing(color, kind), friction=FRICTION) for color, kind in pairs)
        return things, GoalSpec(self.name, things[0].name, relation=str(rng.choice(list(DIRECTIONS))))

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task."""
        area, hole = START.grown(margin).within(REACHABLE), START.grown(inner) if inner >= 0 else None
        return [Slot(thing, area, hole if thing.name == goal.target else None, yaw_range(thing)) for thing in things]

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """The way of the goal is free, and so are that of another object and another way of the same one."""
        free = [(thing.name, relation) for thing in things for relation in DIRECTIONS if _free(thing, relation, things)]
        targets = [name for name, _ in free]
        return (goal.target, goal.relation) in free and len(set(targets)) > 1 and targets.count(goal.target) > 1

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """See Task. Nothing stands in the lane of the goal."""
        return _free(spec.object(spec.goal.target), spec.goal.relation, added)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Those whose way is free."""
        every = super().goals(spec)
        return tuple(goal for goal in every if _free(spec.object(goal.target), goal.relation, spec.objects))

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Moved by `DISTANCE` in the direction, on the table, nearly at rest."""
        moved = Displaced(goal.target, DIRECTIONS[goal.relation], DISTANCE)
        return moved & OnTable(goal.target) & AtRest(goal.target, PUSHED_SPEED)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return PushDirectionExpert(spec)


class PushDirectionExpert:
    """Come down on the object's other side, push, and stop."""

    def __init__(self, spec: SceneSpec) -> None:
        """Of the goal of `spec`."""
        goal = spec.goal
        self.far_enough = Displaced(goal.target, DIRECTIONS[goal.relation], STOP)
        self.target = goal.target
        self.point = np.array(spec.object(goal.target).position[:2]) + FAR * np.array(DIRECTIONS[goal.relation])

    def act(self, state: WorldState) -> FloatArray:
        """See Expert."""
        return stay(state) if self.far_enough.holds(state) else push(state, self.target, self.point)


def _free(thing: ObjectSpec, relation: str, others: Sequence[ObjectSpec]) -> bool:
    """Whether nothing stands in the way of pushing `thing`, run-up included, and the arm gets to both ends."""
    ahead_x, ahead_y = DIRECTIONS[relation]
    x, y = thing.position[:2]
    if not all(WORKSPACE.contains(x + d * ahead_x, y + d * ahead_y) for d in (-RUN_UP, RUN_OUT)):
        return False
    end = (x + RUN_OUT * ahead_x, y + RUN_OUT * ahead_y)
    return all(off_lane(o.position[:2], (x, y), end, RUN_UP) >= LANE for o in others if o.name != thing.name)

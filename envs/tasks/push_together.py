"""PushTogether: two named objects next to each other, by pushing one of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import push, stay
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import REACHABLE, off_lane
from envs.predicates import PUSHED_SPEED, AtRest, Near, OnTable
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing
from vla.contract import FloatArray

SIZES = {"block": (0.04, 0.04, 0.04), "cylinder": (0.022, 0.045)}  # low: the hand that pushes one passes over the other
FRICTION = 0.5  # things that slide: with more they tip over the fingers, and turn with them
TOGETHER = 0.065  # metres between centres: at most 2.5 cm of table between them
STOP = 0.055  # metres between centres at which the expert stops; the arm comes to rest some 2 cm farther on
APART = 0.11  # metres between centres at the start
LANE = 0.075  # metres: nothing else may be nearer to the line along which an object is pushed
RUN_UP = 0.08  # metres behind an object where the fingers come down
WORKSPACE = REACHABLE.grown(0.05)  # where that must be


@TASKS.register("PushTogether")
class PushTogether(Task):
    """Two of four objects; either may be moved."""

    name: ClassVar[str] = "PushTogether"
    max_steps: ClassVar[int] = 70
    interchangeable: ClassVar[tuple[int, ...]] = (0, 1)
    grasps: ClassVar[bool] = False
    grammar: ClassVar[Grammar] = Grammar(
        train=("push {target} and {place} together", "group {target} and {place}", "push {target} next to {place}"),
        held_out={
            1: ("join {target} and {place}", "bring {target} and {place} together", "slide {target} beside {place}"),
            2: (
                "join {target_syn} and {place}",
                "please bring {target} and {place} together",
            ),
            3: ("could you please gather {target_syn} and {place}", "kindly bring {target} and {place_syn} together"),
            4: (
                "i would like {target_syn} and {place_syn} to end up side by side",
                "leave not even some slight gap separating {target_syn} and {place_syn}",
            ),
            5: (
                "{target_syn} and {place} look rather lonely so would you please slide one beside its neighbour",
                "i want so small a gap separating {target} and {place_syn} that not even paper would fit",
            ),
        },
        target_kinds=tuple(SIZES),
        place_kinds=tuple(SIZES),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        pairs = draw_descriptions(rng, 4, tuple(SIZES))
        things = tuple(replace(make_thing(color, kind, SIZES[kind]), friction=FRICTION) for color, kind in pairs)
        first, second = sorted(thing.name for thing in things[:2])
        return things, GoalSpec(self.name, first, second)

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """No two are together, and this goal and another can be reached."""
        for one, other in itertools.combinations(things, 2):
            if np.hypot(one.position[0] - other.position[0], one.position[1] - other.position[1]) < APART:
                return False
        spec = SceneSpec(goal, "", tuple(things))
        free = self.goals(spec)
        return goal in free and len(free) > 1

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """See Task. The way of the goal stays free."""
        return bool(_pusher(replace(spec, objects=(*spec.objects, *added)), spec.goal))

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Those whose way is free."""
        return tuple(g for g in super().goals(spec) if _pusher(spec, g))

    def handled(self, spec: SceneSpec, goal: GoalSpec) -> frozenset[str]:
        """See Task. Either may be pushed to the other."""
        return frozenset(goal.names)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Near each other on the table, both nearly at rest."""
        near = Near(goal.target, goal.place, TOGETHER) & OnTable(goal.target) & OnTable(goal.place)
        return near & AtRest(goal.target, PUSHED_SPEED) & AtRest(goal.place, PUSHED_SPEED)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        pusher = _pusher(spec, spec.goal) or spec.goal.target
        return PushTogetherExpert(pusher, spec.goal.place if pusher == spec.goal.target else spec.goal.target)


class PushTogetherExpert:
    """Come down behind one object as seen from the other, push, and stop there."""

    def __init__(self, moved: str, other: str) -> None:
        """Names of the object that is pushed and of the one that it is pushed to."""
        self.moved, self.other = moved, other

    def act(self, state: WorldState) -> FloatArray:
        """See Expert."""
        if Near(self.moved, self.other, STOP).holds(state):
            return stay(state)
        return push(state, self.moved, state.objects[self.other].position)


def _pusher(spec: SceneSpec, goal: GoalSpec) -> str:
    """Which of the goal's two objects can be pushed to the other: the one nearer to the robot first; or empty."""
    pair = sorted((spec.object(goal.target), spec.object(goal.place)), key=lambda thing: thing.position[0])
    rest = [thing for thing in spec.objects if thing.name not in goal.names]
    for thing, other in (pair, reversed(pair)):
        start, end = thing.position[:2], other.position[:2]
        length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
        if length < TOGETHER:
            return ""  # one is on the other
        behind = [start[i] - RUN_UP * (end[i] - start[i]) / length for i in (0, 1)]
        if WORKSPACE.contains(behind[0], behind[1]) and all(
            off_lane(o.position[:2], start, end, RUN_UP) >= LANE for o in rest
        ):
            return thing.name
    return ""

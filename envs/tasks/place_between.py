"""PlaceBetween: the named object between two other named ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.arrangements import Between
from envs.expert import Plan, fetch
from envs.geometry import at_start
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import radius
from envs.predicates import AtRest, Held, OnTable, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing
from vla.contract import FloatArray

KINDS = ("block", "ball", "star", "ring")
POSTS = {"block": (0.04, 0.04, 0.04), "cylinder": (0.02, 0.045)}  # low, so that the hand does not hit them
NEAREST, FARTHEST = 0.18, 0.3  # metres between the two
ROOM = 0.055  # metres around a thing that is put down: the fingers open there


@TASKS.register("PlaceBetween")
class PlaceBetween(Task):
    """One of four objects between two of the others."""

    name: ClassVar[str] = "PlaceBetween"
    max_steps: ClassVar[int] = 80
    interchangeable: ClassVar[tuple[int, ...]] = (1, 2)
    grammar: ClassVar[Grammar] = Grammar(
        train=(
            "put {target} between {place} and {third}",
            "place {target} between {place} and {third}",
            "move {target} between {place} and {third}",
        ),
        held_out={
            1: ("position {target} between {place} and {third}", "deposit {target} between {place} and {third}"),
            2: (
                "deposit {target_syn} between {place} and {third}",
                "please position {target} between {place} and {third}",
            ),
            3: (
                "could you please deposit {target_syn} between {place} and {third}",
                "kindly position {target} halfway between {place_syn} and {third}",
            ),
            4: (
                "i would like {target_syn} to separate {place_syn} from {third_syn} afterwards",
                "let {target_syn} have {place} as neighbour here and {third} there",
            ),
            5: (
                "{place_syn} and {third} look rather lonely so please let {target_syn} join them somewhere midway",
                "i would be happy if {target} could sit halfway along from {place} to {third} when you finish",
            ),
        },
        target_kinds=KINDS,
        place_kinds=tuple(POSTS),
        other_kinds=(tuple(POSTS),),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        posts = draw_descriptions(rng, 3, tuple(POSTS))
        first, second = sorted(f"{color}_{kind}" for color, kind in posts[:2])
        what = draw_descriptions(rng, 1, KINDS, taken=posts)[0]
        things = (make_thing(*what), *(make_thing(color, kind, POSTS[kind]) for color, kind in posts))
        return things, GoalSpec(self.name, things[0].name, first, (second,))

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """There is room for this goal, which is not reached yet, and for another."""
        spec = SceneSpec(goal, "", tuple(things))
        reached = self.condition(spec, goal).holds(at_start(spec))
        return _free(spec, goal) and not reached and len(self.alternatives(spec)) > 0

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """See Task. The place of the goal stays free."""
        return _free(replace(spec, objects=(*spec.objects, *added)), spec.goal)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Those whose place is free."""
        return tuple(goal for goal in super().goals(spec) if _free(spec, goal))

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Between the two, on the table, let go, and nearly at rest."""
        one, other = goal.place, goal.others[0]
        return Between(goal.target, one, other) & OnTable(goal.target) & Released(goal.target) & AtRest(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, one, other = spec.goal.names

        def bring(state: WorldState) -> FloatArray:
            x, y = (state.objects[one].position[:2] + state.objects[other].position[:2]) / 2
            return fetch(state, target, np.array([x, y, spec.table.height]))

        return Plan((Between(target, one, other) & OnTable(target) & ~Held(target), bring))


def _free(spec: SceneSpec, goal: GoalSpec) -> bool:
    """Whether the two are as far apart as they should be, and nothing else stands between them."""
    one, other = (np.array(spec.object(name).position[:2]) for name in goal.names[1:])
    point = (one + other) / 2
    others = [thing for thing in spec.objects if thing.name not in goal.names]
    return NEAREST < np.hypot(*(one - other)) < FARTHEST and all(
        np.hypot(o.position[0] - point[0], o.position[1] - point[1]) > radius(o) + ROOM for o in others
    )

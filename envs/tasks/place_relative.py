"""PlaceRelative: the named object to the left of, to the right of, in front of or behind a named dish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import Plan, fetch
from envs.geometry import at_start
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import REACHABLE, radius
from envs.predicates import SIDES, AtRest, Beside, Held, OnTable, Released, Side
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import Float64, WorldState
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing
from vla.contract import FloatArray

KINDS = ("block", "cylinder", "ball", "star", "ring")
REFERENCES = {  # low, so that the hand does not hit them
    "bowl": (0.05, 0.035),
    "plate": (0.055, 0.012),
    "cup": (0.03, 0.045),
    "crate": (0.08, 0.08, 0.035),
}
SPOKEN: dict[str, Side] = {"left": "left", "right": "right", "front": "front", "behind": "behind"}
BESIDE = 0.065  # metres from the edge of the dish to where the expert puts things: the fingers open in between
ROOM = 0.055  # metres around a thing that is put down
WORKSPACE = REACHABLE.grown(0.02)


@TASKS.register("PlaceRelative")
class PlaceRelative(Task):
    """One of two objects on one of four sides of one of two dishes."""

    name: ClassVar[str] = "PlaceRelative"
    max_steps: ClassVar[int] = 80
    grammar: ClassVar[Grammar] = Grammar(
        train=(
            "put {target} {relation} {place}",
            "place {target} {relation} {place}",
            "move {target} {relation} {place}",
        ),
        held_out={
            1: ("deposit {target} {relation} {place}", "position {target} {relation} {place}"),
            2: (
                "deposit {target_syn} {relation} {place}",
                "please park {target} {relation} {place}",
            ),
            3: (
                "could you please deposit {target_syn} {relation} {place}",
                "kindly park {target} {relation} {place_syn}",
            ),
            4: (
                "i would like to find {target_syn} {relation} {place_syn} afterwards",
                "make sure that {target_syn} finishes {relation} {place_syn} without touching",
            ),
            5: (
                "when my guests arrive they should find {target_syn} waiting {relation} {place} so please arrange that",
                "i am going to take some photographs so kindly park {target} {relation} {place_syn} without touching",
            ),
        },
        target_kinds=KINDS,
        place_kinds=tuple(REFERENCES),
        relations={
            "left": "to the left of",
            "right": "to the right of",
            "front": "in front of",
            "behind": "behind",
        },
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = [make_thing(color, kind) for color, kind in draw_descriptions(rng, 2, KINDS)]
        dishes = [
            make_thing(color, kind, REFERENCES[kind]) for color, kind in draw_descriptions(rng, 2, tuple(REFERENCES))
        ]
        side = list(SPOKEN)[int(rng.integers(len(SPOKEN)))]
        return (*things, *dishes), GoalSpec(self.name, things[0].name, dishes[0].name, relation=side)

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """There is room for this goal, which is not reached yet, and for three others."""
        spec = SceneSpec(goal, "", tuple(things))
        reached = self.condition(spec, goal).holds(at_start(spec))
        return _free(spec, goal) and not reached and len(self.alternatives(spec)) > 2

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """See Task. The place of the goal stays free."""
        return _free(replace(spec, objects=(*spec.objects, *added)), spec.goal)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Those whose place is free and within reach."""
        return tuple(goal for goal in super().goals(spec) if _free(spec, goal))

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """On that side of the dish, on the table, let go, and nearly at rest."""
        beside = Beside(goal.target, goal.place, SPOKEN[goal.relation])
        return beside & OnTable(goal.target) & Released(goal.target) & AtRest(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        goal = spec.goal
        there = Beside(goal.target, goal.place, SPOKEN[goal.relation]) & OnTable(goal.target) & ~Held(goal.target)

        def bring(state: WorldState) -> FloatArray:
            dish = state.objects[goal.place].position
            x, y = _beside(dish, spec.object(goal.place), SPOKEN[goal.relation])
            return fetch(state, goal.target, np.array([x, y, spec.table.height]))

        return Plan((there, bring))


def _beside(dish_w: Float64 | tuple[float, ...], dish: ObjectSpec, side: Side) -> tuple[float, float]:
    """The point (2,), metres, world, to which the expert brings things."""
    away = radius(dish) + BESIDE
    return float(dish_w[0]) + away * SIDES[side][0], float(dish_w[1]) + away * SIDES[side][1]


def _free(spec: SceneSpec, goal: GoalSpec) -> bool:
    """Whether the place of the goal is within reach, and nothing else stands there."""
    dish = spec.object(goal.place)
    point = _beside(dish.position, dish, SPOKEN[goal.relation])
    others = [thing for thing in spec.objects if thing.name not in goal.names]
    return WORKSPACE.contains(*point) and all(
        np.hypot(o.position[0] - point[0], o.position[1] - point[1]) > radius(o) + ROOM for o in others
    )

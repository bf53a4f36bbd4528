"""Stack: the named object on top of another named one, let go and at rest."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from envs.expert import Plan, fetch_onto
from envs.goals import Condition
from envs.grammar import Grammar
from envs.predicates import AtRest, Held, On, OnTable, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing

SIZES = {"block": (0.04, 0.04, 0.04), "cylinder": (0.02, 0.045)}  # a low can stands well on another


@TASKS.register("Stack")
class Stack(Task):
    """One of four objects on another."""

    name: ClassVar[str] = "Stack"
    max_steps: ClassVar[int] = 95
    grammar: ClassVar[Grammar] = Grammar(
        train=("stack {target} on {place}", "put {target} on top of {place}", "place {target} on top of {place}"),
        held_out={
            1: ("pile {target} on top of {place}", "balance {target} on {place}", "mount {target} on top of {place}"),
            2: (
                "pile {target_syn} on {place}",
                "please balance {target} on {place}",
            ),
            3: ("could you please pile {target_syn} on {place}", "kindly set {target} on top of {place_syn} please"),
            4: (
                "i would be glad if {target_syn} could stand on {place}",
                "build me something quite small with {target_syn} over {place} underneath",
            ),
            5: (
                "i wonder whether {target_syn} would stay there if you let it rest upon {place}",
                "my child loves tall buildings so please begin by placing {target} above {place_syn}",
            ),
        },
        target_kinds=tuple(SIZES),
        place_kinds=tuple(SIZES),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        pairs = draw_descriptions(rng, 4, tuple(SIZES))
        things = tuple(make_thing(color, kind, SIZES[kind]) for color, kind in pairs)
        return things, GoalSpec(self.name, things[0].name, things[1].name)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """One on the other, which stands on the table; let go, and nearly at rest."""
        return On(goal.target, goal.place) & OnTable(goal.place) & Released(goal.target) & AtRest(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, place = spec.goal.target, spec.goal.place
        return Plan((On(target, place) & ~Held(target), lambda state: fetch_onto(state, target, place)))

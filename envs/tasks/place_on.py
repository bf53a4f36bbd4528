"""PlaceOn: the named object on the named plate, zone or flat block, let go and at rest."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from envs.expert import Plan, fetch_onto
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import radius
from envs.predicates import AtRest, Held, InZone, On, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing

KINDS = ("block", "cylinder", "cup", "cone", "star", "ring", "l_shape")  # a ball rolls off; a bottle is in the way
PLACES = {"plate": (0.065, 0.014), "zone": (0.1,), "block": (0.09, 0.09, 0.02)}  # the block is too wide to be taken
WIDE = 0.04  # metres: a block that reaches farther from its middle is a place


@TASKS.register("PlaceOn")
class PlaceOn(Task):
    """One of three objects on one of two places."""

    name: ClassVar[str] = "PlaceOn"
    max_steps: ClassVar[int] = 80
    grammar: ClassVar[Grammar] = Grammar(
        train=("put {target} on {place}", "place {target} on {place}", "lay {target} on {place}"),
        held_out={
            1: ("perch {target} on {place}", "deposit {target} on {place}", "position {target} on {place}"),
            2: (
                "perch {target_syn} on {place}",
                "please deposit {target} on {place}",
            ),
            3: ("could you please set {target_syn} on {place}", "kindly deposit {target} on {place_syn} please"),
            4: (
                "i would like to find {target_syn} resting upon {place_syn}",
                "make sure that {target_syn} gets its spot upon {place} when you finish",
            ),
            5: (
                "somebody wants {target_syn} displayed nicely so please let it rest upon {place} for everyone",
                "i am clearing my desk so would you kindly deposit {target} on {place_syn} as its new home",
            ),
        },
        target_kinds=KINDS,
        place_kinds=tuple(PLACES),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        where = draw_descriptions(rng, 2, tuple(PLACES))
        what = draw_descriptions(rng, 3, KINDS, taken=where)
        places = [make_thing(color, kind, PLACES[kind]) for color, kind in where]
        things = [make_thing(color, kind) for color, kind in what]
        return (*things, *places), GoalSpec(self.name, things[0].name, places[0].name)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Flat blocks are places, the others are put there."""
        return tuple(
            goal
            for goal in super().goals(spec)
            if not _is_place(spec.object(goal.target)) and _is_place(spec.object(goal.place))
        )

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """On the plate or block, or in the zone; let go, and nearly at rest."""
        zone = spec.object(goal.place).kind == "zone"
        there = InZone(goal.target, goal.place) if zone else On(goal.target, goal.place)
        return there & Released(goal.target) & AtRest(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, place = spec.goal.target, spec.goal.place
        there = InZone(target, place) if spec.object(place).kind == "zone" else On(target, place)
        return Plan((there & ~Held(target), lambda state: fetch_onto(state, target, place)))


def _is_place(thing: ObjectSpec) -> bool:
    return thing.role in PLACES and (thing.role != "block" or radius(thing) > WIDE)

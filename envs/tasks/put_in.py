"""PutIn: a small named object into the named box, cup or mug, or onto the named tray, let go.

PlaceInto keeps its bowls and plates alone: the published policy was trained on that distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import NEAR_XY, Plan, carry, holds, pick
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import radius
from envs.objects import object_kind
from envs.predicates import AtRest, In, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing
from vla.contract import FloatArray

SIZES = {"block": (0.028, 0.028, 0.028), "cylinder": (0.014, 0.045), "ball": (0.015,)}  # they fit into a cup
CONTAINERS = {
    "crate": (0.11, 0.11, 0.045),
    "tray": (0.13, 0.11, 0.018),
    "cup": (0.034, 0.055),
    "mug": (0.034, 0.055),
}
ROOM = 0.004  # metres around a thing in a container, at least
MASS = 0.3  # kg: a touch does not tip a cup over


@TASKS.register("PutIn")
class PutIn(Task):
    """One of two objects into one of two containers."""

    name: ClassVar[str] = "PutIn"
    max_steps: ClassVar[int] = 80
    grammar: ClassVar[Grammar] = Grammar(
        train=("put {target} {on} {place}", "place {target} {on} {place}", "move {target} {on} {place}"),
        held_out={
            1: ("drop {target} {on} {place}", "deposit {target} {on} {place}", "transfer {target} {on} {place}"),
            2: (
                "deposit {target_syn} {on} {place}",
                "please drop {target} {on} {place}",
            ),
            3: ("could you please put {target_syn} {on} {place}", "kindly drop {target} {on} {place_syn} please"),
            4: (
                "i would like {target_syn} to be inside {place_syn} now",
                "see that {target_syn} lands inside {place_syn} before you finish",
            ),
            5: (
                "i am packing for a journey so would you kindly let {target_syn} travel inside {place}",
                "somebody asked where {target} should be kept and my answer was inside {place_syn} so please help",
            ),
        },
        target_kinds=tuple(SIZES),
        place_kinds=tuple(CONTAINERS),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = [make_thing(color, kind, SIZES[kind]) for color, kind in draw_descriptions(rng, 2, tuple(SIZES))]
        where = draw_descriptions(rng, 2, tuple(CONTAINERS))
        places = [replace(make_thing(color, kind, CONTAINERS[kind]), mass=MASS) for color, kind in where]
        return (*things, *places), GoalSpec(self.name, things[0].name, places[0].name)

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """Everything fits into every container."""
        places = [thing for thing in things if thing.role in CONTAINERS]
        least = min(object_kind(place.kind).inner_radius(place.size) for place in places)
        return all(radius(thing) + ROOM <= least for thing in things if thing.role in SIZES)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """In the container, let go, and nearly at rest."""
        return In(goal.target, goal.place) & Released(goal.target) & AtRest(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, place = spec.object(spec.goal.target), spec.object(spec.goal.place)
        room = object_kind(place.kind).inner_radius(place.size) - radius(target)

        def bring(state: WorldState) -> FloatArray:
            if not holds(state, target.name):
                return pick(state, target.name)
            return carry(state, target.name, place.name, tolerance=min(NEAR_XY, room / 2))

        return Plan((In(target.name, place.name), bring))

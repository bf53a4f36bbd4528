"""PlaceInto: the named object into the named container (bowl or plate), let go."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from envs.expert import OPEN, carry, holds, move, pick
from envs.geometry import moved
from envs.goals import Condition
from envs.grammar import Grammar
from envs.predicates import AtRest, In, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import MOVED, TASKS, Expert, Task, fallen, make_thing, pick_descriptions
from vla.contract import FloatArray

KINDS = ("block", "cylinder")  # a ball rolls off a plate
CONTAINERS = ("bowl", "plate")
SIZES = {"bowl": (0.065, 0.04), "plate": (0.07, 0.014)}  # smaller than default: four things share the table


@TASKS.register("PlaceInto")
class PlaceInto(Task):
    """One of two objects into one of two containers."""

    name: ClassVar[str] = "PlaceInto"
    max_steps: ClassVar[int] = 80
    grammar: ClassVar[Grammar] = Grammar(
        train=("put {target} {on} {place}", "place {target} {on} {place}", "move {target} {on} {place}"),
        held_out={
            1: ("drop {target} {on} {place}", "deposit {target} {on} {place}", "transfer {target} {on} {place}"),
            2: (
                "drop {target_syn} {on} {place}",
                "please transfer {target} {on} {place}",
            ),
            3: ("could you please put {target_syn} {on} {place}", "kindly drop {target} {on} {place_syn} please"),
            4: (
                "i would like {target_syn} to end up inside {place_syn} now",
                "make sure that {target_syn} rests inside {place_syn} when you finish",
            ),
            5: (
                "i am clearing my desk so would you kindly move {target_syn} {on} {place} for me",
                "whoever comes looking for {target_syn} should find it lying inside {place_syn} so please help",
            ),
        },
        target_kinds=KINDS,
        place_kinds=CONTAINERS,
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = [make_thing(color, kind) for color, kind in pick_descriptions(rng, 2, KINDS)]
        places = [make_thing(color, kind, SIZES[kind]) for color, kind in pick_descriptions(rng, 2, CONTAINERS)]
        return (*things, *places), GoalSpec(self.name, things[0].name, places[0].name)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """In the container, let go, and nearly at rest."""
        return In(goal.target, goal.place) & Released(goal.target) & AtRest(goal.target)

    def failure_reason(self, state: WorldState, goal: GoalSpec | None = None) -> str:
        """Why not.

        `wrong_object:NAME` (held, or in the named container), `wrong_container:NAME`, `not_released` (also: still
        moving in the container), `fallen:NAME`, `not_in_container` (it was moved), or `not_grasped`.
        """
        wanted = goal or state.spec.goal
        for other in (o.name for o in state.spec.objects if o.role in KINDS and o.name != wanted.target):
            if other in state.grasped or In(other, wanted.place).holds(state):
                return f"wrong_object:{other}"
        for place in (o.name for o in state.spec.objects if o.role in CONTAINERS):
            if In(wanted.target, place).holds(state):
                return "not_released" if place == wanted.place else f"wrong_container:{place}"
        if fallen(state):
            return f"fallen:{fallen(state)}"
        in_hand = wanted.target in state.grasped
        return "not_in_container" if in_hand or moved(state, wanted.target) > MOVED else "not_grasped"

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return PlaceIntoExpert(spec.goal.target, spec.goal.place)


class PlaceIntoExpert:
    """Pick it, carry it over the container, let go above it."""

    def __init__(self, target: str, place: str) -> None:
        """Names of the object and of the container."""
        self.target = target
        self.place = place

    def act(self, state: WorldState) -> FloatArray:
        """See Expert."""
        if In(self.target, self.place).holds(state):
            return move(state, state.ee_position + np.array([0.0, 0.0, 0.05]), OPEN)
        if holds(state, self.target):
            return carry(state, self.target, self.place)
        return pick(state, self.target)

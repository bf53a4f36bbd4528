"""Tower: three named objects on top of each other, in the order in which they are named."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from envs.expert import Plan, fetch_onto
from envs.goals import Condition, for_all
from envs.grammar import Grammar
from envs.layout import clears_hand
from envs.predicates import AtRest, Held, On, OnTable, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing

TOPS = ("block", "cone", "star", "half_cylinder")  # below are only blocks: what falls from a round thing rolls away


@TASKS.register("Tower")
class Tower(Task):
    """Three of four objects, three of which are blocks.

    The goal's target is the top, its place the middle, its third object the bottom.
    """

    name: ClassVar[str] = "Tower"
    max_steps: ClassVar[int] = 200
    grammar: ClassVar[Grammar] = Grammar(
        train=(
            "put {place} on {third} and {target} on {place}",
            "stack {place} on {third} and put {target} on top",
            "make a tower of {third} {place} and {target}",
        ),
        held_out={
            1: (
                "pile {place} on {third} and {target} on {place}",
                "build a tower of {third} {place} and {target}",
            ),
            2: (
                "pile {place} on {third_syn} and {target} on {place}",
                "please build a tower of {third} {place} and {target}",
            ),
            3: (
                "could you please build a tower of {third_syn} {place} and {target}",
                "kindly pile {place} on {third} then {target_syn} on top",
            ),
            4: (
                "i would like a column with {third_syn} below {place} in between and {target} highest",
                "start with {third_syn} then add {place_syn} over it finally {target} should crown them",
            ),
            5: (
                "imagine a skyscraper whose ground floor is {third_syn} with {place} above and {target} as its roof",
                "i am fond of tall buildings so kindly begin with {third} add {place} and finish with {target_syn}",
            ),
        },
        target_kinds=TOPS,
        place_kinds=("block",),
        other_kinds=(("block",),),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        below = draw_descriptions(rng, 3, ("block",))
        above = draw_descriptions(rng, 1, TOPS, taken=below)
        top, middle, bottom, other = (make_thing(color, kind) for color, kind in (*above, *below))
        return (top, middle, bottom, other), GoalSpec(self.name, top.name, middle.name, (bottom.name,))

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """The hand that takes one of them does not hit what is stacked on another."""
        pairs = itertools.permutations(things, 2)
        return all(clears_hand(thing.position[:2], other) for thing, other in pairs)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Top on middle, middle on bottom, bottom on the table; let go, and nearly at rest."""
        top, middle, bottom = goal.names
        tower = OnTable(bottom) & On(middle, bottom) & On(top, middle)
        return tower & for_all((middle, top), lambda name: Released(name) & AtRest(name))

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        top, middle, bottom = spec.goal.names
        return Plan(
            (On(middle, bottom) & ~Held(middle), lambda state: fetch_onto(state, middle, bottom)),
            (On(top, middle) & ~Held(top), lambda state: fetch_onto(state, top, middle)),
        )

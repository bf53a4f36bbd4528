"""Swap: two named objects exchange their places, which are marked on the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.arrangements import At
from envs.expert import Plan, fetch, fetch_onto
from envs.goals import Condition, for_all
from envs.grammar import Grammar
from envs.layout import Slot, free_spot
from envs.predicates import AtRest, Held, InZone, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing

SIZES = {"block": (0.04, 0.04, 0.04), "cylinder": (0.02, 0.045), "star": (0.031, 0.024), "ring": (0.029, 0.022)}
MARK = (0.08,)  # metres: side of the square under each object
ROOM = 0.06  # metres around the object that is put aside


@TASKS.register("Swap")
class Swap(Task):
    """Two of three objects. The mark of an object's place is called after it."""

    name: ClassVar[str] = "Swap"
    max_steps: ClassVar[int] = 180
    interchangeable: ClassVar[tuple[int, ...]] = (0, 1)
    grammar: ClassVar[Grammar] = Grammar(
        train=("swap {target} and {place}", "exchange {target} and {place}", "swap the places of {target} and {place}"),
        held_out={
            1: ("switch {target} with {place}", "switch the places of {target} and {place}"),
            2: (
                "switch {target_syn} with {place}",
                "please switch {target} with {place}",
            ),
            3: (
                "could you please switch {target_syn} with {place}",
                "kindly exchange where {target} and {place_syn} stay",
            ),
            4: (
                "i would like {target} to be where {place} is now and vice versa",
                "i want {target_syn} to be where {place} was and vice versa",
            ),
            5: (
                "i mixed up where {target_syn} and {place} belong so would you please correct my mistake",
                "please make {target} sit where {place_syn} sits now while sending that where its partner was",
            ),
        },
        target_kinds=tuple(SIZES),
        place_kinds=tuple(SIZES),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        pairs = draw_descriptions(rng, 3, tuple(SIZES))
        things = [make_thing(color, kind, SIZES[kind]) for color, kind in pairs]
        marks = [replace(make_thing("white", "zone", MARK), name=_mark(thing.name)) for thing in things]
        first, second = sorted(thing.name for thing in things[:2])
        return (*things, *marks), GoalSpec(self.name, first, second)

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task. Marks need no room of their own: they lie under the objects."""
        return super().slots([thing for thing in things if thing.kind != "zone"], goal, margin, inner)

    def arranged(
        self, objects: tuple[ObjectSpec, ...], goal: GoalSpec, rng: np.random.Generator
    ) -> tuple[ObjectSpec, ...]:
        """A mark under each object."""
        marks = []
        for thing in objects:
            mark = make_thing("white", "zone", MARK)
            marks.append(replace(mark, name=_mark(thing.name), position=(*thing.position[:2], 0.001)))
        return (*objects, *marks)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Those of things whose places are marked: distractors have none."""
        marks = {thing.name for thing in spec.objects if thing.kind == "zone"}
        return tuple(g for g in super().goals(spec) if {_mark(g.target), _mark(g.place)} <= marks)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Each where the other was, let go, and nearly at rest."""
        exchanged = InZone(goal.target, _mark(goal.place)) & InZone(goal.place, _mark(goal.target))
        return exchanged & for_all(goal.names, lambda name: Released(name) & AtRest(name))

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task. One is put aside, the other comes to its place, then the first to the other's."""
        one, other = spec.goal.target, spec.goal.place
        rest = [thing for thing in spec.objects if thing.kind != "zone"]
        aside = free_spot(spec.object(one), rest, ROOM)
        changed = InZone(other, _mark(one)) & ~Held(other)
        return Plan(
            (
                changed | (At(one, aside, 0.03) & ~Held(one)),
                lambda state: fetch(state, one, np.array([*aside, spec.table.height])),
            ),
            (changed, lambda state: fetch_onto(state, other, _mark(one))),
            (InZone(one, _mark(other)) & ~Held(one), lambda state: fetch_onto(state, one, _mark(other))),
        )


def _mark(name: str) -> str:
    return f"{name}_place"

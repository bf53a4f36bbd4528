"""Sort: each thing to its like, by colour or by shape; one of each sort is in its container already."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.goals import Condition
from envs.grammar import COLORS, Grammar
from envs.layout import REACHABLE, Slot
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert
from envs.tasks.group_base import KINDS, SIZES, GroupTask, bring_all, brought, container, four_things, loose, within

FLAT = ("crate", "tray")  # things lie still beside the middle of these


@TASKS.register("Sort")
class Sort(GroupTask):
    """Two things into two containers, each of which shows a colour and a shape."""

    name: ClassVar[str] = "Sort"
    max_steps: ClassVar[int] = 240
    grammar: ClassVar[Grammar] = Grammar(
        train=("sort the things by {relation}", "put each thing with the one of its {relation}"),
        held_out={
            1: ("organize the things by {relation}", "categorize the things by {relation}"),
            2: (
                "please organize the things by {relation}",
                "organize everything by {relation}",
            ),
            3: ("please organize these things by {relation}", "kindly tidy these things by {relation}"),
            4: (
                "i would like everything organized according to its {relation} please",
                "would you mind tidying so that every {relation} stays together",
            ),
            5: (
                "my desk is a mess so would you please tidy everything such that each {relation} stays together",
                "imagine you work in a museum where whatever shares its {relation} gets displayed together",
            ),
        },
        target_kinds=(),
        relations={"color": "color", "shape": "shape"},
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = four_things(rng)
        colors = [color for color in COLORS if color not in {thing.color for thing in things}]
        kind = str(rng.choice(FLAT))
        places = [container(str(color), kind) for color in rng.permutation(colors)[:2]]
        return (*things, *places), GoalSpec(self.name, "", relation=str(rng.choice(["color", "shape"])))

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task. Containers may stand anywhere within reach; two of the four things find their place in them."""
        slots = super().slots(things, goal, margin, inner)
        return [replace(slot, rect=REACHABLE) if slot.thing.role in SIZES else slot for slot in slots]

    def arranged(
        self, objects: tuple[ObjectSpec, ...], goal: GoalSpec, rng: np.random.Generator
    ) -> tuple[ObjectSpec, ...]:
        """Two things that differ in colour and in kind are in the containers."""
        places = [thing for thing in objects if thing.role in SIZES]
        things = [thing for thing in objects if thing.role not in SIZES]
        first = things[int(rng.integers(len(things)))]
        second = next(o for o in things if o.color != first.color and o.kind != first.kind)
        shown = {first.name: places[0], second.name: places[1]}
        return tuple(within(thing, shown[thing.name]) if thing.name in shown else thing for thing in objects)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """All in the container of their sort, let go, at rest."""
        return brought(_sorted(spec, goal.relation))

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return bring_all(_shown(spec) | _sorted(spec, spec.goal.relation))  # first what was knocked out

    def atomic_goals(self) -> Iterator[str]:
        """See Task. By what is sorted, the colours and the kinds."""
        for relation in self.grammar.relations:
            for colors, kinds in itertools.product(itertools.combinations(COLORS, 2), itertools.combinations(KINDS, 2)):
                yield _named(relation, colors, kinds)

    def atomic_goal(self, spec: SceneSpec, goal: GoalSpec | None = None) -> str:
        """See Task."""
        colors, kinds = {thing.color for thing in loose(spec)}, {thing.kind for thing in loose(spec)}
        relation = (goal or spec.goal).relation
        return _named(relation, sorted(colors, key=list(COLORS).index), sorted(kinds, key=KINDS.index))


def _named(relation: str, colors: Sequence[str], kinds: Sequence[str]) -> str:
    return f"{relation}: {' '.join(colors)}, {' '.join(kinds)}"


def _shown(spec: SceneSpec) -> dict[str, str]:
    """The things that are in containers from the start -> their containers."""
    places = [thing for thing in spec.objects if thing.role in SIZES]
    away = {
        (thing.name, place.name): np.hypot(*np.subtract(thing.position[:2], place.position[:2]))
        for thing, place in itertools.product(loose(spec), places)
    }
    return {thing: place for (thing, place), distance in away.items() if distance < 0.05}


def _sorted(spec: SceneSpec, relation: str) -> dict[str, str]:
    """Every thing -> the container that shows its colour, or its shape."""
    goals = {}
    for thing in loose(spec):
        for name, place in _shown(spec).items():
            example = spec.object(name)
            same = example.color == thing.color if relation == "color" else example.kind == thing.kind
            if same:
                goals[thing.name] = place
    return goals

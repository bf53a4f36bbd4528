"""Unstack: the named object off the stack on whose top it is, onto the table; the other stacks stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import Motion, Plan, fetch, fetch_onto
from envs.goals import And, Condition
from envs.grammar import Grammar
from envs.layout import Slot, free_spot, radius, resting
from envs.predicates import AtRest, Held, On, OnTable, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing

SIZES = {"block": (0.04, 0.04, 0.04), "cylinder": (0.021, 0.04)}
STACKS = 3
ROOM = 0.09  # metres around the place on the table: for a hand that is wider than the fingers


@TASKS.register("Unstack")
class Unstack(Task):
    """The top of one of three stacks of two. The goal's place is what the target stands on."""

    name: ClassVar[str] = "Unstack"
    max_steps: ClassVar[int] = 80
    free_standing: ClassVar[bool] = False
    grammar: ClassVar[Grammar] = Grammar(
        train=("unstack {target}", "remove {target} from {place}", "move {target} from {place} to the table"),
        held_out={
            1: ("unload {target} from {place}", "take {target} from {place}", "lower {target} from {place}"),
            2: (
                "take {target_syn} from {place}",
                "please unload {target} from {place}",
            ),
            3: ("could you please take {target_syn} from {place}", "kindly remove {target} from above {place_syn}"),
            4: (
                "i would rather have {target_syn} standing beside {place_syn}",
                "nothing should remain above {place_syn} so relocate {target_syn}",
            ),
            5: (
                "i worry that {target_syn} might fall so would you please bring it down from {place}",
                "{place_syn} should not carry any weight so kindly lower {target} until it stands beside",
            ),
        },
        target_kinds=tuple(SIZES),
        place_kinds=tuple(SIZES),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        pairs = draw_descriptions(rng, 2 * STACKS, tuple(SIZES))
        things = tuple(make_thing(color, kind, SIZES[kind]) for color, kind in pairs)
        return things, GoalSpec(self.name, things[0].name, things[1].name)

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task. Each has a place of its own first; the stack of the goal is what is displaced."""
        return super().slots(things, replace(goal, target=goal.place), margin, inner)

    def arranged(
        self, objects: tuple[ObjectSpec, ...], goal: GoalSpec, rng: np.random.Generator
    ) -> tuple[ObjectSpec, ...]:
        """Target on place; the others on each other, two by two in their order."""
        rest = [thing.name for thing in objects if thing.name not in goal.names]
        below = {goal.target: goal.place} | dict(zip(rest[::2], rest[1::2], strict=True))
        named = {thing.name: thing for thing in objects}
        return tuple(_on(thing, named[below[thing.name]]) if thing.name in below else thing for thing in objects)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Those of the stacks as they are at the start."""
        stacks = stacks_of(spec)
        return tuple(GoalSpec(self.name, top, bottom) for top, bottom in stacks.items())

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """On the table, let go, and nearly at rest; what else was stacked still is."""
        others = [On(top, bottom) for top, bottom in stacks_of(spec).items() if top != goal.target]
        return And(OnTable(goal.target), Released(goal.target), AtRest(goal.target), *others)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task. Stacks that somebody took apart are built up again."""
        target = spec.goal.target
        others = [thing for thing in spec.objects if thing.name != target]
        point = np.array([*free_spot(spec.object(target), others, ROOM), spec.table.height])
        stays = [(top, bottom) for top, bottom in stacks_of(spec).items() if top != target]
        again = [(On(top, bottom) & ~Held(top), _stacking(top, bottom)) for top, bottom in stays]
        return Plan((OnTable(target) & ~Held(target), lambda state: fetch(state, target, point)), *again)


def _stacking(top: str, bottom: str) -> Motion:
    return lambda state: fetch_onto(state, top, bottom)


def stacks_of(spec: SceneSpec) -> dict[str, str]:
    """Name of what is on top -> name of what it stands on, at the start of a scene."""
    low = [thing for thing in spec.objects if resting(thing, spec.table.height)]
    return {
        top.name: bottom.name
        for top in spec.objects
        for bottom in low
        if top not in low and np.hypot(*np.subtract(top.position[:2], bottom.position[:2])) < radius(bottom)
    }


def _on(thing: ObjectSpec, below: ObjectSpec) -> ObjectSpec:
    x, y, z = below.position
    return replace(thing, position=(x, y, round(2 * z + thing.position[2], 6)))

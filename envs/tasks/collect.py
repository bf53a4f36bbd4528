"""Collect: all things of a colour or of a kind into the named container, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from envs.goals import Condition, for_all
from envs.grammar import COLORS, Grammar
from envs.predicates import In
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert
from envs.tasks.group_base import GROUPS, SIZES, GroupTask, belongs, bring_all, brought, container, four_things, loose


@TASKS.register("Collect")
class Collect(GroupTask):
    """Two of four things into a container."""

    name: ClassVar[str] = "Collect"
    max_steps: ClassVar[int] = 130
    grammar: ClassVar[Grammar] = Grammar(
        train=("put all {relation} {on} {place}", "collect {relation} and put them {on} {place}"),
        held_out={
            1: ("stow all {relation} {on} {place}", "toss all {relation} {on} {place}"),
            2: (
                "please stow all {relation} {on} {place}",
                "stow just {relation} {on} {place}",
            ),
            3: (
                "kindly stow exactly {relation} {on} {place}",
                "please stow everything but only {relation} {on} {place}",
            ),
            4: (
                "i would like only {relation} to end up inside {place}",
                "would you mind clearing away {relation} by dropping them carefully {on} {place}",
            ),
            5: (
                "i am tidying my desk so would you kindly gather {relation} and drop every single one {on} {place}",
                "my desk looks messy because of {relation} so please drop them {on} {place} but leave everything else",
            ),
        },
        target_kinds=(),
        place_kinds=tuple(SIZES),
        relations=GROUPS,
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task. The container has a colour of its own."""
        things = four_things(rng)
        free = [color for color in COLORS if color not in {thing.color for thing in things}]
        place = container(str(rng.choice(free)), str(rng.choice(list(SIZES))))
        one = things[int(rng.integers(len(things)))]
        group = one.color if rng.uniform() < 0.5 else one.kind
        return (*things, place), GoalSpec(self.name, "", place.name, relation=group)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Only groups of which the scene has some things, but not those things alone."""
        things = loose(spec)
        sizes = {group: sum(belongs(thing, group) for thing in things) for group in GROUPS}
        return tuple(goal for goal in super().goals(spec) if 0 < sizes[goal.relation] < len(things))

    def atomic_goals(self) -> Iterator[str]:
        """See Task."""
        for group, color, kind in itertools.product(GROUPS, COLORS, SIZES):
            if group != color:
                yield f"{group} {color} {kind}"

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Nothing else in the container; the group in it, let go, at rest."""
        others = [
            thing.name for thing in spec.objects if thing.name != goal.place and not belongs(thing, goal.relation)
        ]
        wanted = dict.fromkeys(_members(spec, goal), goal.place)
        return for_all(others, lambda name: ~In(name, goal.place)) & brought(wanted)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return bring_all(dict.fromkeys(_members(spec, spec.goal), spec.goal.place))


def _members(spec: SceneSpec, goal: GoalSpec) -> list[str]:
    return [thing.name for thing in loose(spec) if belongs(thing, goal.relation)]

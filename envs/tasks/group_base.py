"""What tasks about groups of things share: how a group is called, what belongs to it, how it is brought somewhere."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import Motion, Plan, carry, holds, pick
from envs.goals import And, Condition
from envs.grammar import COLORS
from envs.objects import object_kind
from envs.predicates import AtRest, Held, In, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import Expert, Task, fallen, make_thing
from vla.contract import FloatArray

KINDS = ("block", "cylinder", "ball", "star")  # of what is grouped
GROUPS: Mapping[str, str] = {  # a colour or a kind -> its words
    **{color: f"the {color} things" for color in COLORS},
    **{kind: f"the {object_kind(kind).noun.many}" for kind in KINDS},
}
SIZES = {"crate": (0.115, 0.115, 0.045), "tray": (0.13, 0.11, 0.018), "bowl": (0.07, 0.045)}  # metres
APART = 0.027  # metres from the middle of a container to each of two things in it; the fingers open across


class GroupTask(Task):
    """A family about colours and kinds of things, and containers."""

    containers: ClassVar[tuple[str, ...]] = tuple(SIZES)

    def failure_reason(self, state: WorldState, goal: GoalSpec | None = None) -> str:
        """`fallen:NAME`, `still_in:NAME` for what should be elsewhere, or what the condition says."""
        name = fallen(state)
        return f"fallen:{name}" if name else self.condition(state.spec, goal or state.spec.goal).reason(state)

    def crowded(self, spec: SceneSpec, things: Sequence[ObjectSpec], rng: np.random.Generator) -> SceneSpec:
        """See Task. What belongs to the group that is spoken of is replaced by something that does not."""
        taken = {(thing.color, thing.kind) for thing in (*spec.objects, *things)}
        spare = (pair for pair in itertools.product(COLORS, ("block", "cylinder", "ball")) if pair not in taken)
        strangers = (thing for thing in itertools.starmap(make_thing, spare) if not belongs(thing, spec.goal.relation))
        fit = [next(strangers) if belongs(thing, spec.goal.relation) else thing for thing in things]
        return super().crowded(spec, fit, rng)


def belongs(thing: ObjectSpec, group: str) -> bool:
    """Whether a thing is of the colour or the kind that `group` names."""
    return group in (thing.color, thing.kind)


def loose(spec: SceneSpec, containers: Sequence[str] = tuple(SIZES)) -> list[ObjectSpec]:
    """What the task is about but the containers."""
    return [thing for thing in spec.objects if thing.role not in containers and not thing.distractor]


def four_things(rng: np.random.Generator) -> list[ObjectSpec]:
    """Two colours times two kinds: the same four things make up groups by colour and groups by kind."""
    colors, kinds = rng.permutation(list(COLORS))[:2], rng.permutation(list(KINDS))[:2]
    return [make_thing(str(color), str(kind)) for color in colors for kind in kinds]


def brought(goals: Mapping[str, str]) -> Condition:
    """Everything is in its container (thing -> container), let go and at rest."""
    return And(*(In(name, place) & Released(name) & AtRest(name) for name, place in goals.items()))


def bring_all(goals: Mapping[str, str]) -> Expert:
    """Bring one thing after another into its container (thing -> container), side by side."""
    count: dict[str, int] = {}
    steps: list[tuple[Condition, Motion]] = []
    for name, place in goals.items():
        slot = count.get(place, 0)
        count[place] = slot + 1
        steps.append((In(name, place) & ~Held(name), _into(name, place, APART if slot % 2 else -APART)))
    return Plan(*steps)


def container(color: str, kind: str) -> ObjectSpec:
    """A container that leaves room on the table for others."""
    return make_thing(color, kind, SIZES[kind])


def within(thing: ObjectSpec, place: ObjectSpec) -> ObjectSpec:
    """`thing` in a container, where `bring_all` would bring the first."""
    x, y, z = place.position
    kind, around = object_kind(thing.kind), object_kind(place.kind)
    floor = z - around.height(place.size) / 2 + around.floor_height(place.size)
    return replace(thing, position=(round(x - APART, 4), y, floor + kind.height(thing.size) / 2), yaw=0.0)


def _into(name: str, place: str, shift: float) -> Motion:
    def act(state: WorldState) -> FloatArray:
        thing = state.spec.object(place)
        by = shift * thing.size[0] / SIZES[thing.kind][0] if thing.kind in SIZES else shift  # of a larger one: farther
        return carry(state, name, place, (by, 0.0)) if holds(state, name) else pick(state, name)

    return act

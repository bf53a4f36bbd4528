"""Cover: put the named cover over the named small thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import Plan, fetch, leaning_of_tool
from envs.geometry import lean_of
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import free_spot, radius
from envs.objects import object_kind
from envs.predicates import AtRest, Covers, Held, Released, Upright
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert, Task, make_thing, pick_descriptions
from envs.tilting import LEANING, LEFT, RIGHT, stand_up
from vla.contract import FloatArray

SMALL = {"ball": (0.02,), "block": (0.03, 0.03, 0.03), "cylinder": (0.015, 0.04)}  # metres: they fit under a cover
COVER = (0.036, 0.08)  # metres: open fingers get around it, and cannot be stuck on it
KNOB, SKIRT = 0.0305, 0.005  # metres of a cover's height and radius that are not hollow
TOPPLED = 0.5  # radians: a cover that leans more has fallen over
TRAVEL = 0.175  # metres: a cover that is held passes over those that stand


@TASKS.register("Cover")
class Cover(Task):
    """One of two covers over one of three things."""

    name: ClassVar[str] = "Cover"
    max_steps: ClassVar[int] = 100
    grammar: ClassVar[Grammar] = Grammar(
        train=("cover {place} with {target}", "put {target} over {place}", "hide {place} under {target}"),
        held_out={
            1: ("drop {target} over {place}", "conceal {place} under {target}", "position {target} over {place}"),
            2: (
                "conceal {place} beneath {target}",
                "drop {target_syn} over {place}",
            ),
            3: ("could you please cover {place_syn} with {target}", "kindly conceal {place} under {target_syn}"),
            4: (
                "i would like {place_syn} to end up beneath {target_syn} now",
                "make sure that nobody can see {place_syn} because of {target_syn}",
            ),
            5: (
                "nobody who walks by should notice {place_syn} so please let {target_syn} hide it completely",
                "i want a surprise for my friends so make {place} vanish beneath {target} before they arrive",
            ),
        },
        target_kinds=("cover",),
        place_kinds=tuple(SMALL),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        covers = [make_thing(color, kind, COVER) for color, kind in pick_descriptions(rng, 2, ("cover",))]
        things = [make_thing(color, kind, SMALL[kind]) for color, kind in pick_descriptions(rng, 3, tuple(SMALL))]
        return (*covers, *things), GoalSpec(self.name, covers[0].name, things[0].name)

    def fitted(self, spec: SceneSpec, things: Sequence[ObjectSpec]) -> tuple[ObjectSpec, ...]:
        """See Task. What is hollow of a cover is resized; its knob and walls are not."""
        return tuple(resized_cover(spec.object(o.name), o) if o.kind == "cover" else o for o in things)

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """Everything fits under every cover."""
        covers = [thing for thing in things if thing.kind == "cover"]
        return all(fits_under(o, cover) for o in things for cover in covers if o.kind != "cover")

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Over it, standing on the table, let go."""
        cover = goal.target
        return Covers(cover, goal.place) & Upright(cover) & Released(cover) & AtRest(cover)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        cover, thing = spec.goal.target, spec.goal.place
        others = [other for other in spec.objects if other.name != cover]
        left, right = (np.array(free_spot(spec.object(cover), others, area=area)) for area in (LEFT, RIGHT))

        def bring(state: WorldState) -> FloatArray:
            if lean_of(state, cover) > TOPPLED or leaning_of_tool(state) > LEANING:
                return stand_up(state, cover, left, right)
            point = np.array([*state.objects[thing].position[:2], spec.table.height])
            return fetch(state, cover, point, travel=TRAVEL)

        return Plan((Covers(cover, thing) & ~Held(cover), bring))


def resized_cover(old: ObjectSpec, new: ObjectSpec) -> ObjectSpec:
    """A cover whose inside is larger (or smaller) by the shares by which `new` is larger than `old`."""
    solid = (SKIRT, KNOB)
    pairs = zip(old.size, new.size, solid, strict=True)
    return replace(new, size=tuple(round((before - rest) * now / before + rest, 5) for before, now, rest in pairs))


def fits_under(thing: ObjectSpec, cover: ObjectSpec) -> bool:
    """Whether a thing stands under a cover without touching it."""
    radius_m, height = cover.size
    low = object_kind(thing.kind).height(thing.size) <= height - KNOB
    return low and radius(thing) <= radius_m - SKIRT

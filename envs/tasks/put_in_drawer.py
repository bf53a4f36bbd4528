"""PutInDrawer: the named object into the named drawer, which may have to be opened first."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import Plan
from envs.fixture_predicates import InDrawer
from envs.goals import Condition
from envs.grammar import COLORS, Grammar
from envs.layout import Rect
from envs.motions_fixtures import fetch_into_drawer, operate
from envs.predicates import AtRest, Released, opened
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert, draw_descriptions, make_thing
from envs.tasks.fixture_base import FixtureTask, travel

KINDS = ("block", "ball", "cylinder")
SIZES = {"block": (0.035, 0.035, 0.035), "ball": (0.018,), "cylinder": (0.016, 0.045)}  # they fit into a drawer
OPEN = 0.4  # share of scenes in which a drawer is open at first, for each of the two
WIDE = 0.75  # share of its travel at which things fit in
LEFT, RIGHT = Rect(0.36, 0.42, -0.20, -0.155), Rect(0.36, 0.42, 0.155, 0.20)  # farther apart than for OpenDrawer
MIDDLE = Rect(0.42, 0.60, -0.03, 0.03)  # between the drawers


@TASKS.register("PutInDrawer")
class PutInDrawer(FixtureTask):
    """One of two objects into one of two drawers."""

    name: ClassVar[str] = "PutInDrawer"
    max_steps: ClassVar[int] = 110
    rects: ClassVar[tuple[Rect, ...]] = (LEFT, RIGHT)
    turned: ClassVar[float] = 0.2
    grammar: ClassVar[Grammar] = Grammar(
        train=("put {target} {on} {place}", "place {target} {on} {place}", "move {target} {on} {place}"),
        held_out={
            1: ("drop {target} {on} {place}", "stow {target} {on} {place}", "transfer {target} {on} {place}"),
            2: (
                "stow {target_syn} {on} {place}",
                "please drop {target} {on} {place}",
            ),
            3: ("could you please put {target_syn} {on} {place}", "kindly drop {target} {on} {place_syn} please"),
            4: (
                "i would like {target_syn} to end up inside {place_syn} now",
                "make sure that {target_syn} rests inside {place_syn} when you finish",
            ),
            5: (
                "visitors are coming so would you kindly make {target_syn} disappear inside {place} for today",
                "i never want to search for {target} again so please always store it inside {place_syn}",
            ),
        },
        target_kinds=KINDS,
        place_kinds=("drawer",),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = [make_thing(color, kind, SIZES[kind]) for color, kind in draw_descriptions(rng, 2, KINDS)]
        places = []
        for color in rng.permutation(list(COLORS))[:2]:
            place = make_thing(str(color), "drawer")
            joint = round(float(rng.uniform(0.9, 1.0)) * travel(place), 4) if rng.uniform() < OPEN else 0.0
            places.append(replace(place, joint=joint))
        return (*things, *places), GoalSpec(self.name, things[0].name, places[0].name)

    def loose(self, thing: ObjectSpec) -> Rect:
        """See FixtureTask."""
        return MIDDLE

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """In the drawer, let go, and nearly at rest; whether the drawer is open or shut does not matter."""
        return InDrawer(goal.target, goal.place) & Released(goal.target) & AtRest(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, place = spec.goal.target, spec.goal.place
        whole = travel(spec.object(place))
        inside, wide = InDrawer(target, place), opened(place, WIDE * whole)
        return Plan(
            (inside | wide, lambda state: operate(state, place, 0.97 * whole)),
            (inside, lambda state: fetch_into_drawer(state, target, place)),
        )

"""OpenDrawer: pull the named drawer open, a little, halfway or all the way, and let it go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.expert import Plan
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import Rect
from envs.motions_fixtures import operate
from envs.predicates import JointBetween, Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert
from envs.tasks.fixture_base import FIXTURE_COLORS, FixtureTask, draw_fixtures, travel

AMOUNTS: Mapping[str, tuple[float, float]] = {  # shares of the drawer's travel that count as so much
    "little": (0.15, 0.4),
    "half": (0.4, 0.65),
    "full": (0.85, np.inf),
}
AIMS = {"little": 0.28, "half": 0.52, "full": 0.97}  # shares that the expert goes for
NEAR_ENOUGH = 0.06  # share of the travel at which the expert lets go
LEFT, RIGHT = Rect(0.36, 0.42, -0.19, -0.11), Rect(0.36, 0.42, 0.11, 0.19)  # where cabinets stand


@TASKS.register("OpenDrawer")
class OpenDrawer(FixtureTask):
    """One of two drawers that are closed."""

    name: ClassVar[str] = "OpenDrawer"
    max_steps: ClassVar[int] = 50
    rects: ClassVar[tuple[Rect, ...]] = (LEFT, RIGHT)
    grammar: ClassVar[Grammar] = Grammar(
        train=("open {target} {relation}", "pull {target} open {relation}"),
        held_out={
            1: ("slide {target} outwards {relation}", "draw {target} open {relation}", "open {target_syn} {relation}"),
            2: (
                "draw {target_syn} open {relation}",
                "please slide {target} outwards {relation}",
            ),
            3: ("could you please draw {target} open {relation}", "kindly tug {target_syn} open {relation}"),
            4: (
                "i would like to look inside {target} so please unclose it {relation}",
                "there is something that i need from within {target_syn} have it open {relation}",
            ),
            5: (
                "i need something that was put inside {target_syn} yesterday so would you pull it open {relation}",
                "my hands are full right now so please be kind and tug {target} open {relation}",
            ),
        },
        target_kinds=("drawer",),
        colors=FIXTURE_COLORS,
        relations={"little": "a little", "half": "halfway", "full": "all the way"},
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = tuple(draw_fixtures(rng, 2, ("drawer",)))
        return things, GoalSpec(self.name, things[0].name, relation=str(rng.choice(list(AMOUNTS))))

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Open by so much, and let go."""
        whole = travel(spec.object(goal.target))
        low, high = AMOUNTS[goal.relation]
        return JointBetween(goal.target, low * whole, high * whole, "not_open") & Released(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, whole = spec.goal.target, travel(spec.object(spec.goal.target))
        aim, near = AIMS[spec.goal.relation] * whole, NEAR_ENOUGH * whole
        return Plan((JointBetween(target, aim - near, aim + near), lambda state: operate(state, target, aim)))

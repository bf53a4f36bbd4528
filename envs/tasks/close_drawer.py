"""CloseDrawer: push the named drawer, which is open, shut or halfway shut, and let it go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
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
from envs.tasks.open_drawer import LEFT, NEAR_ENOUGH, RIGHT

AMOUNTS: Mapping[str, tuple[float, float]] = {  # shares of its travel by which the drawer may still be open
    "little": (0.55, 0.75),
    "half": (0.3, 0.55),
    "full": (-np.inf, 0.1),
}
AIMS = {"little": 0.65, "half": 0.43, "full": 0.0}  # shares that the expert goes for
START = (0.9, 1.0)  # shares of its travel by which a drawer is open at first


@TASKS.register("CloseDrawer")
class CloseDrawer(FixtureTask):
    """One of two drawers that are open."""

    name: ClassVar[str] = "CloseDrawer"
    max_steps: ClassVar[int] = 50
    grasps: ClassVar[bool] = False
    rects: ClassVar[tuple[Rect, ...]] = (LEFT, RIGHT)
    grammar: ClassVar[Grammar] = Grammar(
        train=("close {target} {relation}", "push {target} shut {relation}"),
        held_out={
            1: ("slide {target} inwards {relation}", "slam {target} {relation}", "close {target_syn} {relation}"),
            2: (
                "slam {target_syn} {relation}",
                "nudge {target_syn} shut {relation}",
            ),
            3: ("could you please slam {target} {relation}", "kindly nudge {target_syn} shut {relation}"),
            4: (
                "i would like {target} to be shut so nudge it inwards {relation}",
                "would you mind making sure that {target_syn} slides shut {relation}",
            ),
            5: (
                "i keep bumping my knee against {target_syn} so would you nudge it shut {relation}",
                "somebody left {target} sticking out again so kindly help me by nudging it shut {relation}",
            ),
        },
        target_kinds=("drawer",),
        colors=FIXTURE_COLORS,
        relations={"little": "a little", "half": "halfway", "full": "all the way"},
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        shares = rng.uniform(*START, 2)
        drawers = zip(draw_fixtures(rng, 2, ("drawer",)), shares, strict=True)
        things = tuple(replace(thing, joint=round(float(share) * travel(thing), 4)) for thing, share in drawers)
        return things, GoalSpec(self.name, things[0].name, relation=str(rng.choice(list(AMOUNTS))))

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Open by no more and no less than so much, and let go."""
        whole = travel(spec.object(goal.target))
        low, high = AMOUNTS[goal.relation]
        return JointBetween(goal.target, low * whole, high * whole, "not_closed") & Released(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, whole = spec.goal.target, travel(spec.object(spec.goal.target))
        aim, near = AIMS[spec.goal.relation] * whole, NEAR_ENOUGH * whole
        return Plan((JointBetween(target, aim - near, aim + near), lambda state: operate(state, target, aim)))

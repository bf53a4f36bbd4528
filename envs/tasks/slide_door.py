"""SlideDoor: slide the door of the named box open or shut, or to the left or right, and let it go."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import Plan
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import Rect
from envs.motions_fixtures import operate
from envs.predicates import JointBetween, Released, closed, opened
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert
from envs.tasks.fixture_base import FIXTURE_COLORS, FixtureTask, draw_fixtures, travel

START = (0.4, 0.6)  # shares of its travel by which a door is open at first
DONE = 0.85  # share of its travel that counts as all of it
LEFT, RIGHT = Rect(0.38, 0.46, -0.19, -0.135), Rect(0.38, 0.46, 0.135, 0.19)
PAIRS = (("open", "shut"), ("left", "right"))  # ways that a scene tells apart


@TASKS.register("SlideDoor")
class SlideDoor(FixtureTask):
    """One of two doors that are half open. Some open to the left, others to the right: one has to look."""

    name: ClassVar[str] = "SlideDoor"
    max_steps: ClassVar[int] = 50
    rects: ClassVar[tuple[Rect, ...]] = (LEFT, RIGHT)
    grammar: ClassVar[Grammar] = Grammar(
        train=("slide {target} {relation}", "push {target} {relation}", "move {target} {relation}"),
        held_out={
            1: ("shift {target} {relation}", "draw {target} {relation}", "slide {target_syn} {relation}"),
            2: (
                "shift {target_syn} {relation}",
                "please draw {target} {relation}",
            ),
            3: ("could you please shift {target} {relation}", "kindly draw {target_syn} {relation}"),
            4: (
                "i would like {target_syn} to be shifted {relation} now please",
                "would you mind making sure that {target_syn} is {relation}",
            ),
            5: (
                "before my guests arrive somebody should make {target_syn} glide {relation} so please do",
                "my plants need another climate so would you make {target} glide {relation} please",
            ),
        },
        target_kinds=("sliding_door",),
        colors=FIXTURE_COLORS,
        relations={"open": "open", "shut": "shut", "left": "to the left", "right": "to the right"},
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = []
        for thing in draw_fixtures(rng, 2, ("sliding_door",)):
            joint = round(float(rng.uniform(*START)) * travel(thing), 4)
            things.append(replace(thing, joint=joint, roll=np.pi if rng.uniform() < 0.5 else 0.0))
        relation = str(rng.choice(list(self.grammar.relations)))
        return tuple(things), GoalSpec(self.name, things[0].name, relation=relation)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Either open and shut or left and right: of one door, two of the four are the same."""
        pair = next(pair for pair in PAIRS if spec.goal.relation in pair)
        return tuple(goal for goal in super().goals(spec) if goal.relation in pair)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """At that end of its way, and let go."""
        return self._at_end(spec, goal, DONE) & Released(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target = spec.goal.target
        aim = travel(spec.object(target)) if opens(spec, spec.goal) else 0.0
        return Plan((self._at_end(spec, spec.goal, 0.95), lambda state: operate(state, target, aim)))

    def _at_end(self, spec: SceneSpec, goal: GoalSpec, share: float) -> JointBetween:
        whole = travel(spec.object(goal.target))
        if opens(spec, goal):
            return opened(goal.target, share * whole)
        return closed(goal.target, (1 - share) * whole)


def opens(spec: SceneSpec, goal: GoalSpec) -> bool:
    """Whether the goal's way is the one that opens the door: to the left, if the box does not stand on its head."""
    upside_down = spec.object(goal.target).roll != 0.0
    return goal.relation == ("right" if upside_down else "left") or goal.relation == "open"

"""FlipLever: flip the named lever to the left, to the right, away, near or to the middle, and let it go."""

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
from envs.tasks.fixture_base import FIXTURE_COLORS, FixtureTask, draw_fixtures

TILTED = 0.52  # radians
ASIDE: Mapping[str, float] = {"left": -TILTED, "middle": 0.0, "right": TILTED}  # of a lever that stands straight
AHEAD: Mapping[str, float] = {"away": -TILTED, "middle": 0.0, "near": TILTED}  # of one that is turned by a quarter
COUNTS = 0.18  # radians either way
NEAR_ENOUGH = 0.08  # radians at which the expert lets go
LANES = tuple(Rect(0.41, 0.55, y - 0.04, y + 0.04) for y in (-0.16, 0.0, 0.16))


@TASKS.register("FlipLever")
class FlipLever(FixtureTask):
    """One of three levers, each in one of three positions. Some tilt to the sides, others away and near."""

    name: ClassVar[str] = "FlipLever"
    max_steps: ClassVar[int] = 60
    rects: ClassVar[tuple[Rect, ...]] = LANES
    grammar: ClassVar[Grammar] = Grammar(
        train=("flip {target} {relation}", "move {target} {relation}", "push {target} {relation}"),
        held_out={
            1: ("tilt {target} {relation}", "throw {target} {relation}", "flip {target_syn} {relation}"),
            2: (
                "tilt {target_syn} {relation}",
                "please tilt {target} {relation}",
            ),
            3: ("could you please tilt {target} {relation}", "kindly throw {target_syn} {relation}"),
            4: (
                "i would like {target_syn} to be tilted {relation} now please",
                "would you mind making sure that {target_syn} points {relation}",
            ),
            5: (
                "before we can start somebody has got to tilt {target_syn} {relation} so please do that",
                "my machine only works properly when {target} has been tilted {relation} so kindly do it",
            ),
        },
        target_kinds=("lever",),
        colors=FIXTURE_COLORS,
        relations={
            "left": "to the left",
            "middle": "to the middle",
            "right": "to the right",
            "away": "away from the robot",
            "near": "closer to the robot",
        },
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        levers = draw_fixtures(rng, 3, ("lever",))
        starts = rng.choice((-TILTED, 0.0, TILTED), len(levers))
        things = tuple(replace(thing, joint=float(start)) for thing, start in zip(levers, starts, strict=True))
        ways = (ASIDE, AHEAD)[int(rng.integers(2))]
        others = [relation for relation, joint in ways.items() if joint != starts[0]]
        return things, GoalSpec(self.name, things[0].name, relation=str(rng.choice(others)))

    def arranged(
        self, objects: tuple[ObjectSpec, ...], goal: GoalSpec, rng: np.random.Generator
    ) -> tuple[ObjectSpec, ...]:
        """See Task. Turns half of the levers by a quarter; the goal's, if that is how it can be reached."""
        quarter = {thing.name: bool(rng.uniform() < 0.5) for thing in objects}
        if goal.relation != "middle":
            quarter[goal.target] = goal.relation in AHEAD
        return tuple(replace(o, yaw=round(o.yaw + np.pi / 2, 4)) if quarter[o.name] else o for o in objects)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. The ways in which each lever tilts."""
        return tuple(goal for goal in super().goals(spec) if goal.relation in ways_of(spec, goal.target))

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Within `COUNTS` of the position, and let go."""
        return _at(spec, goal, COUNTS) & Released(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, aim = spec.goal.target, ways_of(spec, spec.goal.target)[spec.goal.relation]
        return Plan((_at(spec, spec.goal, NEAR_ENOUGH), lambda state: operate(state, target, aim)))


def ways_of(spec: SceneSpec, name: str) -> Mapping[str, float]:
    """The positions of a lever by what they are called, radians."""
    return ASIDE if abs(spec.object(name).yaw) < np.pi / 4 else AHEAD


def _at(spec: SceneSpec, goal: GoalSpec, near: float) -> JointBetween:
    aim = ways_of(spec, goal.target)[goal.relation]
    return JointBetween(goal.target, aim - near, aim + near, "not_flipped")

"""TurnKnob: turn the named knob by a named angle, clockwise or counter-clockwise, and let it go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from envs.expert import Plan
from envs.fixture_predicates import turned_by
from envs.goals import Condition
from envs.grammar import Grammar
from envs.motions_fixtures import operate
from envs.predicates import Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert
from envs.tasks.fixture_base import FIXTURE_COLORS, FixtureTask, draw_fixtures

ANGLES: Mapping[str, float] = {  # radians, counter-clockwise seen from above
    f"{size} {way}": sign * angle
    for size, angle in (("eighth", np.pi / 4), ("quarter", np.pi / 2))
    for way, sign in (("left", 1.0), ("right", -1.0))
}
TOLERANCE = 0.2  # radians that count
NEAR_ENOUGH = 0.08  # radians at which the expert lets go


@TASKS.register("TurnKnob")
class TurnKnob(FixtureTask):
    """One of three knobs, by one of two angles, either way."""

    name: ClassVar[str] = "TurnKnob"
    max_steps: ClassVar[int] = 70
    turned: ClassVar[float] = 0.4
    grammar: ClassVar[Grammar] = Grammar(
        train=("turn {target} {relation}", "turn {relation} {target}"),
        held_out={
            1: ("revolve {target} {relation}", "twist {target} {relation}", "turn {target_syn} {relation}"),
            2: (
                "twist {target_syn} {relation}",
                "please revolve {target} {relation}",
            ),
            3: ("could you please twist {target} {relation}", "kindly swivel {target_syn} {relation}"),
            4: (
                "i would like {target_syn} to be set differently namely {relation}",
                "would you mind rotating {target_syn} {relation} please",
            ),
            5: (
                "this music is not as loud as i like so please twist {target_syn} {relation}",
                "somebody changed my settings again so would you kindly twist {target} {relation} for me",
            ),
        },
        target_kinds=("knob",),
        colors=FIXTURE_COLORS,
        relations={
            "eighth left": "a little to the left",
            "eighth right": "a little to the right",
            "quarter left": "a quarter turn to the left",
            "quarter right": "a quarter turn to the right",
        },
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = tuple(draw_fixtures(rng, 3, ("knob",)))
        return things, GoalSpec(self.name, things[0].name, relation=str(rng.choice(list(ANGLES))))

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Turned by the angle, within `TOLERANCE`, and let go."""
        return turned_by(spec, goal.target, ANGLES[goal.relation], TOLERANCE) & Released(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, angle = spec.goal.target, ANGLES[spec.goal.relation]
        there = turned_by(spec, target, angle, NEAR_ENOUGH)
        return Plan((there, lambda state: operate(state, target, spec.object(target).joint + angle)))

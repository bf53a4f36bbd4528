"""PressButton: press one of several buttons through and hold it down for a moment; it springs back when let go."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from envs.fixture_predicates import pressed
from envs.goals import Condition
from envs.grammar import Grammar
from envs.motions_fixtures import press
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert
from envs.tasks.fixture_base import FIXTURE_COLORS, FixtureTask, draw_fixtures
from vla.contract import FloatArray

KINDS = ("round_button", "square_button", "long_button")


@TASKS.register("PressButton")
class PressButton(FixtureTask):
    """One of four buttons, round, square or long."""

    name: ClassVar[str] = "PressButton"
    max_steps: ClassVar[int] = 40
    turned: ClassVar[float] = 0.4
    grasps: ClassVar[bool] = False
    grammar: ClassVar[Grammar] = Grammar(
        train=("press {target}", "push {target}", "press on {target}"),
        held_out={
            1: ("hit {target}", "tap {target}", "activate {target}"),
            2: (
                "tap {target_syn}",
                "please activate {target}",
            ),
            3: ("could you please press {target_syn}", "would you kindly tap {target_syn}"),
            4: (
                "i would like {target_syn} to be activated now please",
                "make sure that {target_syn} gets depressed when you finish",
            ),
            5: (
                "nothing happens unless somebody holds {target_syn} down for some seconds so please do just that",
                "would you be so kind as to keep your fingertip upon {target} until something happens",
            ),
        },
        target_kinds=KINDS,
        colors=FIXTURE_COLORS,
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = tuple(draw_fixtures(rng, 4, KINDS))
        return things, GoalSpec(self.name, things[0].name)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Down by three quarters of its travel."""
        return pressed(spec, goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return PressExpert(spec.goal.target)


class PressExpert:
    """Come down on it with closed fingers."""

    def __init__(self, target: str) -> None:
        """`target` is the button's name."""
        self.target = target

    def act(self, state: WorldState) -> FloatArray:
        """See Expert."""
        return press(state, self.target)

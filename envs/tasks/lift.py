"""Lift: grasp the named object and hold it at least 6 cm above the table."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from envs.expert import CLOSED, holds, move, pick
from envs.geometry import moved
from envs.goals import Condition
from envs.grammar import Grammar
from envs.predicates import Held, Lifted
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import MOVED, TASKS, Expert, Task, fallen, make_thing, pick_descriptions
from vla.contract import FloatArray

LIFTED = 0.06  # metres between the table and the lowest point of the object
KINDS = ("block", "cylinder", "ball")


@TASKS.register("Lift")
class Lift(Task):
    """Lift one of four objects."""

    name: ClassVar[str] = "Lift"
    max_steps: ClassVar[int] = 50
    grammar: ClassVar[Grammar] = Grammar(
        train=("lift {target}", "pick up {target}", "raise {target}", "grasp {target} and lift it"),
        held_out={
            1: ("grab {target}", "hoist {target}", "take {target}"),
            2: (
                "grab {target_syn}",
                "please hoist {target}",
            ),
            3: ("could you please grab {target_syn}", "would you kindly hoist {target_syn}"),
            4: (
                "i would like to see {target_syn} held high in the air",
                "there is something i need off the table namely {target_syn}",
            ),
            5: (
                "my cloth should get beneath {target_syn} so please keep it hovering while i wipe here",
                "would you be so kind as to let {target_syn} hover above its spot for some time",
            ),
        },
        target_kinds=KINDS,
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = tuple(make_thing(color, kind) for color, kind in pick_descriptions(rng, 4, KINDS))
        return things, GoalSpec(self.name, things[0].name)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Between both fingers, all of it at least `LIFTED` above the table."""
        return Held(goal.target) & Lifted(goal.target, LIFTED)

    def failure_reason(self, state: WorldState, goal: GoalSpec | None = None) -> str:
        """`wrong_object:NAME`, `fallen:NAME`, `not_high_enough`, `dropped` (it was moved), or `not_grasped`."""
        target = (goal or state.spec.goal).target
        others = sorted(state.grasped - {target})
        if others:
            return f"wrong_object:{others[0]}"
        if fallen(state):
            return f"fallen:{fallen(state)}"
        if target in state.grasped:
            return "not_high_enough"
        return "dropped" if moved(state, target) > MOVED else "not_grasped"

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return LiftExpert(spec.goal.target)


class LiftExpert:
    """Pick it, then go straight up."""

    def __init__(self, target: str) -> None:
        """`target` is the object's name."""
        self.target = target

    def act(self, state: WorldState) -> FloatArray:
        """See Expert."""
        if not holds(state, self.target):
            return pick(state, self.target)
        return move(state, state.ee_position + np.array([0.0, 0.0, 0.05]), CLOSED)

"""Reach: touch the named object, and no other, with the closed gripper."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from envs.expert import CLOSED, TIP, descend, move
from envs.geometry import bottom_of
from envs.goals import And, Condition
from envs.grammar import Grammar
from envs.predicates import Touched
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert, Task, make_thing, pick_descriptions
from vla.contract import FloatArray

PRESS = 0.01  # metres below the object's top that the expert aims at, so that it touches for sure
KINDS = ("block", "cylinder", "ball")


@TASKS.register("Reach")
class Reach(Task):
    """Touch one of four objects."""

    name: ClassVar[str] = "Reach"
    max_steps: ClassVar[int] = 30
    grasps: ClassVar[bool] = False
    grammar: ClassVar[Grammar] = Grammar(
        train=("touch {target}", "reach {target}", "go to {target}", "move the gripper to {target}"),
        held_out={
            1: ("tap {target}", "approach {target}", "contact {target}"),
            2: (
                "tap {target_syn}",
                "please approach {target}",
            ),
            3: ("could you please tap {target_syn}", "please extend towards {target_syn}"),
            4: (
                "i would like your fingertips to touch {target_syn} now",
                "show me which one is {target_syn} by tapping its surface gently",
            ),
            5: (
                "i am not sure which one people call {target_syn} so please show me with your fingertips",
                "as if you wanted to know how warm {target} is hold your closed fingertips against it",
            ),
        },
        target_kinds=KINDS,
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = tuple(make_thing(color, kind) for color, kind in pick_descriptions(rng, 4, KINDS))
        return things, GoalSpec(self.name, things[0].name)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Contact with the target, and with nothing else."""
        others = [~Touched(thing.name) for thing in spec.objects if thing.name != goal.target]
        return And(Touched(goal.target), *others)

    def failure_reason(self, state: WorldState, goal: GoalSpec | None = None) -> str:
        """`wrong_object:NAME` while it touches another object, else `not_reached`."""
        others = sorted(state.touched - {(goal or state.spec.goal).target})
        return f"wrong_object:{others[0]}" if others else "not_reached"

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return ReachExpert(spec.goal.target)


class ReachExpert:
    """Come down on the object with a closed gripper and stay on its top: lower, the wide hand touches neighbours."""

    def __init__(self, target: str) -> None:
        """`target` is the object's name."""
        self.target = target

    def act(self, state: WorldState) -> FloatArray:
        """See Expert."""
        if self.target in state.touched:
            return move(state, state.ee_position, CLOSED)
        goal = state.objects[self.target].position.copy()
        goal[2] = 2 * goal[2] - bottom_of(state, self.target) + TIP - PRESS
        return move(state, descend(state, goal), CLOSED)

"""Rotate: turn the named thing by the named angle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import Plan
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import Slot
from envs.predicates import AtRest, Held, OnTable, Released, Turned, Upright
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.spinning import spin
from envs.tasks.base import TASKS, Expert, Task, make_thing, pick_descriptions

KINDS = ("l_shape", "t_shape", "mug", "letter_j", "letter_v", "letter_y")  # only a full turn leaves them the same
ANGLES: Mapping[str, float] = {  # radians, counterclockwise seen from above
    "quarter left": np.pi / 2,
    "quarter right": -np.pi / 2,
    "eighth left": np.pi / 4,
    "eighth right": -np.pi / 4,
    "half": np.pi,
}
YAW = 0.6  # radians either way at the start
TOLERANCE = 0.1  # radians with which the expert is content; the goal's is twice as much


@TASKS.register("Rotate")
class Rotate(Task):
    """One of three things by one of five angles."""

    name: ClassVar[str] = "Rotate"
    max_steps: ClassVar[int] = 110
    grammar: ClassVar[Grammar] = Grammar(
        train=("turn {target} {relation}", "rotate {target} {relation}", "turn {target} around {relation}"),
        held_out={
            1: ("twist {target} {relation}", "spin {target} {relation}", "swivel {target} {relation}"),
            2: (
                "twist {target_syn} {relation}",
                "please spin {target} {relation}",
            ),
            3: ("please twist {target_syn} {relation}", "kindly swivel {target_syn} {relation}"),
            4: (
                "i would like you to reorient {target_syn} {relation}",
                "would you mind giving {target_syn} some twist {relation}",
            ),
            5: (
                "i would prefer another view so please let {target_syn} pivot where it stands {relation}",
                "without carrying {target} anywhere kindly change which direction it faces namely {relation}",
            ),
        },
        target_kinds=KINDS,
        relations={
            "quarter left": "ninety degrees to the left",
            "quarter right": "ninety degrees to the right",
            "eighth left": "forty five degrees to the left",
            "eighth right": "forty five degrees to the right",
            "half": "one hundred and eighty degrees",
        },
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = tuple(make_thing(color, kind) for color, kind in pick_descriptions(rng, 3, KINDS))
        return things, GoalSpec(self.name, things[0].name, relation=list(ANGLES)[int(rng.integers(len(ANGLES)))])

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task. Things are turned a little at the start, so that an angle cannot be read off the table."""
        return [replace(slot, yaw=YAW) for slot in super().slots(things, goal, margin, inner)]

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Turned by the angle from where the scene put it, standing on the table, let go."""
        name = goal.target
        turned = Turned(name, spec.object(name).yaw + ANGLES[goal.relation], 2 * TOLERANCE)
        return turned & Upright(name) & OnTable(name) & Released(name) & AtRest(name)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        name = spec.goal.target
        thing = spec.object(name)
        yaw, point = thing.yaw + ANGLES[spec.goal.relation], np.array(thing.position[:2])
        done = Turned(name, yaw, TOLERANCE) & OnTable(name) & ~Held(name)
        return Plan((done, lambda state: spin(state, name, yaw, point)))

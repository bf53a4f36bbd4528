"""Upright: set the named thing, which has fallen over, on its base."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from envs.expert import Plan
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import REACHABLE, Rect, Slot, free_spot
from envs.predicates import AtRest, Held, OnTable, Released
from envs.predicates import Upright as IsUpright
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert, Task, make_thing, pick_descriptions
from envs.tilting import LEFT, RIGHT, back_off, stand_up

TALL = {"bottle": (0.024, 0.105), "cylinder": (0.02, 0.08), "cup": (0.029, 0.07)}  # metres

FAR = Rect(0.49, 0.605, -0.2, 0.2)  # where things lie: nearer to the robot, arms cannot lean to the side

ROOM = 0.05  # metres around what was stood up: the hand lies beside it


@TASKS.register("Upright")
class Upright(Task):
    """One of three things that lie on the table."""

    name: ClassVar[str] = "Upright"
    max_steps: ClassVar[int] = 120
    grammar: ClassVar[Grammar] = Grammar(
        train=("stand {target} up", "turn {target} upright", "put {target} on its base"),
        held_out={
            1: ("erect {target}", "hoist {target} upright", "turn {target} vertical"),
            2: (
                "erect {target_syn}",
                "please hoist {target} upright",
            ),
            3: ("please erect {target_syn} properly", "kindly hoist {target_syn} upright"),
            4: (
                "i would like {target_syn} to stop lying down there",
                "would you mind straightening {target_syn} because somebody knocked it over",
            ),
            5: (
                "somebody knocked {target_syn} over so would you please help it get back upright again",
                "i cannot use {target} while it is lying there so kindly make it stand straight",
            ),
        },
        target_kinds=tuple(TALL),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        named = pick_descriptions(rng, 3, tuple(TALL))
        things = [replace(make_thing(color, kind, TALL[kind]), roll=np.pi / 2) for color, kind in named]
        return tuple(things), GoalSpec(self.name, things[0].name)

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task."""
        area, hole = FAR.grown(margin).within(REACHABLE), FAR.grown(inner) if inner >= 0 else None
        return [Slot(thing, area, hole if thing.name == goal.target else None, np.pi) for thing in things]

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Upright on the table, let go, at rest."""
        name = goal.target
        return IsUpright(name) & OnTable(name) & Released(name) & AtRest(name)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        name = spec.goal.target
        left, right = _spot(spec, name, LEFT), _spot(spec, name, RIGHT)
        standing = IsUpright(name) & OnTable(name)
        return Plan((standing & ~Held(name), lambda state: stand_up(state, name, left, right)), then=back_off)


def _spot(spec: SceneSpec, name: str, area: Rect) -> NDArray[np.float64]:
    """A free point (2,), metres, world, of an area where arms lean well, near to where a thing lies."""
    others = [other for other in spec.objects if other.name != name]
    return np.array(free_spot(replace(spec.object(name), roll=0.0), others, ROOM, area))

"""FindHidden: find the named thing, which one of three covers hides, and pick it up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from envs.expert import Plan, fetch, lift
from envs.goals import Condition
from envs.grammar import COLORS, Grammar
from envs.layout import free_spot, radius, stand
from envs.predicates import Held, Lifted, Near, OnTable
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert, Task, make_thing, pick_descriptions
from envs.tasks.cover import COVER, SMALL, TRAVEL, fits_under, resized_cover

HEIGHT = 0.06  # metres between the table and the lowest point of what was found
ROOM = 0.045  # metres around a cover that was taken away: room for the hand
NEAR = 0.09  # metres between the middles of a cover and what it hid, at which it is in the way


@TASKS.register("FindHidden")
class FindHidden(Task):
    """Two things under two of three covers."""

    name: ClassVar[str] = "FindHidden"
    max_steps: ClassVar[int] = 110
    free_standing: ClassVar[bool] = False
    grammar: ClassVar[Grammar] = Grammar(
        train=("find {target}", "look under the covers and pick up {target}", "find {target} and pick it up"),
        held_out={
            1: ("discover {target} and pick it up", "uncover {target} and pick it up"),
            2: (
                "uncover {target} and grab it",
                "uncover {target_syn} and pick it up",
            ),
            3: ("please search for {target_syn}", "kindly look where {target_syn} is hidden"),
            4: (
                "i would like you to discover where {target_syn} is",
                "would you mind checking the covers until {target_syn} appears",
            ),
            5: (
                "somebody concealed {target_syn} beneath something here so would you kindly search until it turns up",
                "i cannot remember which lid i dropped over {target} so please help me discover it again",
            ),
        },
        target_kinds=tuple(SMALL),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = [make_thing(color, kind, SMALL[kind]) for color, kind in pick_descriptions(rng, 2, tuple(SMALL))]
        covers = [make_thing(str(color), "cover", COVER) for color in rng.permutation(list(COLORS))[:3]]
        return (*things, *covers), GoalSpec(self.name, things[0].name)

    def arranged(
        self, objects: tuple[ObjectSpec, ...], goal: GoalSpec, rng: np.random.Generator
    ) -> tuple[ObjectSpec, ...]:
        """Each thing stands under a cover of its own."""
        covers = [thing for thing in objects if thing.kind == "cover"]
        hiding = iter([covers[int(i)] for i in rng.permutation(len(covers))])
        return tuple(thing if thing.kind == "cover" else _under(thing, next(hiding)) for thing in objects)

    def handled(self, spec: SceneSpec, goal: GoalSpec) -> frozenset[str]:
        """See Task. The cover, too."""
        return frozenset({goal.target, hiding(spec, goal.target)})

    def fitted(self, spec: SceneSpec, things: Sequence[ObjectSpec]) -> tuple[ObjectSpec, ...]:
        """See Task. What is hollow of a cover is resized; its knob and walls are not."""
        return tuple(resized_cover(spec.object(o.name), o) if o.kind == "cover" else o for o in things)

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """Everything fits under every cover."""
        covers = [thing for thing in things if thing.kind == "cover"]
        return all(fits_under(o, cover) for o in things for cover in covers if o.kind != "cover")

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Held in the air."""
        return Held(goal.target) & Lifted(goal.target, HEIGHT)

    def expert(self, spec: SceneSpec) -> Expert:
        """Take the cover that hides it away (the expert sees through it), then pick up what was found."""
        target = spec.goal.target
        cover = hiding(spec, target)
        others = [thing for thing in spec.objects if thing.name != cover]
        widths = radius(spec.object(cover)) + radius(spec.object(target))
        room = max(ROOM, NEAR + 0.005 - widths)  # small ones must go as far away
        away = np.array([*free_spot(spec.object(cover), others, room), spec.table.height])
        return Plan(
            (
                ~Near(cover, target, NEAR) & OnTable(cover) & ~Held(cover),
                lambda state: fetch(state, cover, away, travel=TRAVEL),
            ),
            (Lifted(target, np.inf), lambda state: lift(state, target)),
        )


def hiding(spec: SceneSpec, name: str) -> str:
    """The cover under which the scene has the thing called `name`: the nearest one."""
    x, y, _ = spec.object(name).position
    covers = [thing for thing in spec.objects if thing.kind == "cover"]
    return min(covers, key=lambda cover: float(np.hypot(cover.position[0] - x, cover.position[1] - y))).name


def _under(thing: ObjectSpec, cover: ObjectSpec) -> ObjectSpec:
    return stand(thing, cover.position[0], cover.position[1], thing.yaw)

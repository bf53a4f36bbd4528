"""Push: the named object into the named zone on the table, with the closed gripper."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import push, stay
from envs.geometry import moved
from envs.goals import Condition
from envs.grammar import Grammar
from envs.layout import REACHABLE, Rect, Slot, off_lane, radius
from envs.predicates import PUSHED_SPEED, AtRest, InZone
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import MOVED, TASKS, Expert, Task, fallen, make_thing, pick_descriptions, yaw_range
from vla.contract import FloatArray

KINDS = ("block", "cylinder")  # a ball rolls on
NEAR_SIDE = Rect(0.37, 0.41, -0.08, 0.08)  # where objects start
FAR_SIDE = Rect(0.595, 0.635, -0.105, 0.105)  # where zones lie
STEEPEST = 1.0  # metres aside for each metre ahead: on steeper ways objects slip off the fingers
FRICTION = 0.5  # things that slide: with more they tip over the fingers, and turn with them
LANE = 0.075  # metres: nothing else may be nearer to the line along which an object is pushed
STOP = 0.04  # metres from the zone's middle at which the expert stops: the arm comes to rest some 2 cm farther on
RUN_UP = 0.08  # metres behind an object that must be free too


@TASKS.register("Push")
class Push(Task):
    """One of two objects into one of two zones."""

    name: ClassVar[str] = "Push"
    max_steps: ClassVar[int] = 80
    grasps: ClassVar[bool] = False
    grammar: ClassVar[Grammar] = Grammar(
        train=("push {target} {on} {place}", "slide {target} {on} {place}", "shove {target} {on} {place}"),
        held_out={
            1: ("nudge {target} {on} {place}", "drive {target} {on} {place}", "push {target} inside {place}"),
            2: (
                "nudge {target_syn} {on} {place}",
                "please drive {target} {on} {place}",
            ),
            3: ("could you please slide {target_syn} {on} {place}", "kindly nudge {target} {on} {place_syn} please"),
            4: (
                "i would like {target_syn} to end up inside {place_syn} now",
                "without lifting make sure that {target_syn} gets inside {place_syn}",
            ),
            5: (
                "i drew {place} on this surface because {target_syn} should be there so please nudge it over",
                "without ever losing contact with my desk {target} has got to travel until it reaches {place}",
            ),
        },
        target_kinds=KINDS,
        place_kinds=("zone",),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = [
            replace(make_thing(color, kind), friction=FRICTION) for color, kind in pick_descriptions(rng, 2, KINDS)
        ]
        zones = [make_thing(color, kind) for color, kind in pick_descriptions(rng, 2, ("zone",))]
        return (*things, *zones), GoalSpec(self.name, things[0].name, zones[0].name)

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task. Objects on the near side, zones on the far side: every push goes away from the robot."""
        hole = NEAR_SIDE.grown(inner) if inner >= 0 else None
        slots = []
        for thing in things:
            if thing.kind == "zone":
                slots.append(Slot(thing, FAR_SIDE.grown(margin).within(REACHABLE)))
            else:
                near, forbidden = NEAR_SIDE.grown(margin).within(REACHABLE), hole if thing.name == goal.target else None
                slots.append(Slot(thing, near, forbidden, yaw_range(thing)))
        return slots

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """Every object can be pushed to every zone, nearly ahead, without touching or crossing another thing."""
        zones = [thing for thing in things if thing.kind == "zone"]
        movable = [thing for thing in things if thing.kind != "zone"]
        return all(_nearly_ahead(thing, zone) for thing, zone in itertools.product(movable, zones)) and all(
            _far_from_lane(other, thing, zone)
            for thing, zone in itertools.product(movable, zones)
            for other in things
            if other is not thing and other is not zone
        )

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """See Task. Nothing stands in the lane of the goal."""
        thing, zone = spec.object(spec.goal.target), spec.object(spec.goal.place)
        return all(_far_from_lane(other, thing, zone) for other in added)

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Centre inside the zone, standing or lying on the table, nearly at rest: not on the way through."""
        return InZone(goal.target, goal.place) & AtRest(goal.target, PUSHED_SPEED)

    def failure_reason(self, state: WorldState, goal: GoalSpec | None = None) -> str:
        """`wrong_object:NAME`, `wrong_zone:NAME`, `fallen:NAME`, `still_moving:NAME`, `outside_zone`, `not_moved`."""
        wanted = goal or state.spec.goal
        things = [thing for thing in state.spec.objects if thing.kind != "zone"]
        zones = [thing.name for thing in state.spec.objects if thing.kind == "zone"]
        for zone in zones:
            if InZone(wanted.target, zone).holds(state):
                return f"still_moving:{wanted.target}" if zone == wanted.place else f"wrong_zone:{zone}"
        if fallen(state):
            return f"fallen:{fallen(state)}"
        far = moved(state, wanted.target) > MOVED
        for other in (thing.name for thing in things if thing.name != wanted.target):
            if not far and moved(state, other) > MOVED:
                return f"wrong_object:{other}"
        return "outside_zone" if far else "not_moved"

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return PushExpert(spec.goal.target, spec.goal.place)


class PushExpert:
    """Come down behind the object as seen from the zone, push, and stop in the zone."""

    def __init__(self, target: str, place: str) -> None:
        """Names of the object and of the zone."""
        self.target = target
        self.place = place

    def act(self, state: WorldState) -> FloatArray:
        """See Expert."""
        point = state.objects[self.place].position[:2]
        away = state.objects[self.target].position[:2] - point
        return stay(state) if np.hypot(away[0], away[1]) < STOP else push(state, self.target, point)


def _nearly_ahead(thing: ObjectSpec, zone: ObjectSpec) -> bool:
    """Whether the way to the zone is within `STEEPEST` of straight away from the robot."""
    (x, y), (to_x, to_y) = thing.position[:2], zone.position[:2]
    return abs(to_y - y) <= STEEPEST * (to_x - x)


def _far_from_lane(other: ObjectSpec, thing: ObjectSpec, zone: ObjectSpec) -> bool:
    """Whether `other` keeps away from the straight way of `thing` to `zone`, run-up included.

    Objects stay `LANE` away; the way crosses no other zone.
    """
    limit = radius(other) if other.kind == "zone" else LANE
    return off_lane(other.position[:2], thing.position[:2], zone.position[:2], RUN_UP) >= limit

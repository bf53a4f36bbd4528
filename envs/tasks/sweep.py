"""Sweep: all small things of one colour and kind into the named zone, with the closed gripper; the others stay out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import PUSH_ASIDE, PUSH_Z, STANDOFF, push, stay
from envs.geometry import moved
from envs.goals import Condition, for_all
from envs.grammar import COLORS, Grammar
from envs.layout import REACHABLE, Rect, Slot, off_lane, radius
from envs.objects import object_kind
from envs.predicates import PUSHED_SPEED, AtRest, InZone
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import MOVED, TASKS, Expert, Task, draw_descriptions, fallen, make_thing
from vla.contract import FloatArray

SIZES = {"block": (0.025, 0.025, 0.025), "cylinder": (0.014, 0.025), "cone": (0.015, 0.03)}
MANY = 4  # in each heap
NOMINAL = 0.018  # metres: radius of a block in a heap
PITCH, JITTER = 0.036, 0.003  # metres between neighbours in a heap, and how far off each is either way
YAW = 0.4  # radians either way
HEAPS = (Rect(0.385, 0.41, -0.1, -0.07), Rect(0.385, 0.41, 0.07, 0.1))  # where the middles of heaps are
ZONES = (Rect(0.58, 0.6, -0.135, -0.115), Rect(0.58, 0.6, 0.115, 0.135))
ZONE = (0.13,)  # metres: side
FRICTION = 0.5  # things that slide
MASS = 0.02  # kg
INSIDE = 0.009  # metres inside the zone: far enough for the expert to turn to the next thing
BLOCKED = 0.03  # metres: the fingers do not come down where another thing is so near
LANE = 0.1  # metres on either side of the way of a heap


@TASKS.register("Sweep")
class Sweep(Task):
    """One of two heaps into one of two zones. The goal's relation names the heap."""

    name: ClassVar[str] = "Sweep"
    max_steps: ClassVar[int] = 200
    arranged_yaw: ClassVar[float] = YAW
    grasps: ClassVar[bool] = False
    grammar: ClassVar[Grammar] = Grammar(
        train=("sweep {relation} into {place}", "push all of {relation} into {place}", "brush {relation} into {place}"),
        held_out={
            1: ("herd {relation} into {place}", "shovel {relation} into {place}"),
            2: (
                "herd {relation_syn} into {place}",
                "please shovel {relation} into {place}",
            ),
            3: ("could you please herd {relation} into {place}", "kindly shovel {relation_syn} into {place_syn}"),
            4: (
                "i would like {relation_syn} to end up inside {place_syn} now",
                "without lifting any make sure that {relation_syn} get inside {place_syn}",
            ),
            5: (
                "somebody scattered {relation_syn} so would you please herd every single piece into {place}",
                "my desk looks messy because of {relation} which should be swept into {place} so please help",
            ),
        },
        target_kinds=(),
        place_kinds=("zone",),
        relations={f"{c} {kind}": f"the {c} {object_kind(kind).noun.many}" for c in COLORS for kind in SIZES},
        relation_synonyms={
            f"{c} {kind}": tuple(f"the {c} {word}s" for word in object_kind(kind).noun.synonyms)
            for c in COLORS
            for kind in SIZES
        },
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        zones = [make_thing(color, kind, ZONE) for color, kind in draw_descriptions(rng, 2, ("zone",))]
        heaps = draw_descriptions(rng, 2, tuple(SIZES))
        firsts = [replace(make_thing(c, kind, SIZES[kind]), friction=FRICTION, mass=MASS) for c, kind in heaps]
        things = [replace(one, name=f"{one.name}_1") for one in firsts]
        return (*things, *zones), GoalSpec(self.name, "", zones[0].name, relation=" ".join(heaps[0]))

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task. The first thing of a heap stands for it. The heap of the goal is what is displaced."""
        firsts = [thing for thing in things if thing.name.endswith("_1")]
        zones = [thing for thing in things if thing.kind == "zone"]
        slots = []
        for thing, rect in (*zip(firsts, HEAPS, strict=True), *zip(zones, ZONES, strict=True)):
            displaced = inner >= 0 and goal.relation == _group(thing)
            slots.append(Slot(thing, rect.grown(margin).within(REACHABLE), rect.grown(inner) if displaced else None))
        return slots

    def arranged(
        self, objects: tuple[ObjectSpec, ...], goal: GoalSpec, rng: np.random.Generator
    ) -> tuple[ObjectSpec, ...]:
        """Each heap in full, where its first thing was."""
        heaps = [_heap(thing, rng) for thing in objects if thing.kind != "zone"]
        return (*(thing for heap in heaps for thing in heap), *(thing for thing in objects if thing.kind == "zone"))

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """See Task. Nothing stands in the way of the heap."""
        first, zone = heap_of(spec, spec.goal.relation)[0], spec.object(spec.goal.place)
        return all(off_lane(o.position[:2], first.position[:2], zone.position[:2], LANE) > LANE for o in added)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Those of the heaps that are there."""
        return tuple(goal for goal in super().goals(spec) if heap_of(spec, goal.relation))

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """All of the heap in the zone and nearly at rest, nothing of another heap there."""
        names = [thing.name for thing in heap_of(spec, goal.relation)]
        others = [o.name for o in spec.objects if o.role in SIZES and o.name not in names and not o.distractor]
        inside = for_all(names, lambda name: InZone(name, goal.place) & AtRest(name, PUSHED_SPEED))
        return inside & for_all(others, lambda name: ~InZone(name, goal.place))

    def failure_reason(self, state: WorldState, goal: GoalSpec | None = None) -> str:
        """`fallen:NAME`, `not_moved`, or what the condition says."""
        wanted = goal or state.spec.goal
        if fallen(state):
            return f"fallen:{fallen(state)}"
        if all(moved(state, thing.name) < MOVED for thing in heap_of(state.spec, wanted.relation)):
            return "not_moved"
        return self.condition(state.spec, wanted).reason(state)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return SweepExpert([thing.name for thing in heap_of(spec, spec.goal.relation)], spec.goal.place)


class SweepExpert:
    """Push one thing after another, and what is before it, into the zone: those first that the fingers are behind."""

    def __init__(self, names: Sequence[str], place: str) -> None:
        """Names of the things and of the zone."""
        self.names, self.place = names, place

    def act(self, state: WorldState) -> FloatArray:
        """See Expert."""
        outside = [name for name in self.names if InZone(name, self.place).gap(state) > -INSIDE]
        if not outside:
            return stay(state)
        point = state.objects[self.place].position[:2]
        return push(state, min(outside, key=lambda name: self._cost(state, name)), point)

    def _cost(self, state: WorldState, name: str) -> float:
        """How far the tool is from where a push of a thing begins, metres; more where another thing is there."""
        thing, point = state.objects[name].position[:2], state.objects[self.place].position[:2]
        ahead = (point - thing) / max(float(np.hypot(*(point - thing))), 1e-6)
        offset = state.ee_position[:2] - thing
        along, aside = float(offset @ ahead), abs(float(offset @ (ahead[1], -ahead[0])))
        reach = radius(state.spec.object(name))
        if (
            along < -0.5 * reach
            and aside < PUSH_ASIDE
            and state.ee_position[2] < state.spec.table.height + PUSH_Z + 0.02
        ):
            return aside - 1.0
        begin = thing - (reach + STANDOFF) * ahead
        others = [o.name for o in state.spec.objects if o.kind != "zone" and o.name != name]
        blocked = any(np.hypot(*(state.objects[other].position[:2] - begin)) < BLOCKED for other in others)
        return float(np.hypot(*(state.ee_position[:2] - begin))) + (1.0 if blocked else 0.0)


def heap_of(spec: SceneSpec, group: str) -> list[ObjectSpec]:
    """The things of a colour and kind, for example `red block`, in the order of their names."""
    heap = [thing for thing in spec.objects if _group(thing) == group and not thing.distractor]
    return sorted(heap, key=lambda thing: thing.name)


def _group(thing: ObjectSpec) -> str:
    return f"{thing.color} {thing.kind}"


def _heap(first: ObjectSpec, rng: np.random.Generator) -> list[ObjectSpec]:
    """`MANY` things around the place of the first, in two rows; farther apart if they are wider than usual."""
    x, y, z = first.position
    heap = []
    pitch = PITCH + max(2 * (radius(first) - NOMINAL), 0.0)
    for i in range(MANY):
        dx, dy = (
            pitch * (i // 2 - 0.5) + rng.uniform(-JITTER, JITTER),
            pitch * (i % 2 - 0.5) + rng.uniform(-JITTER, JITTER),
        )
        name = f"{first.name.removesuffix('_1')}_{i + 1}"
        yaw = round(float(rng.uniform(-YAW, YAW)), 4)
        heap.append(replace(first, name=name, position=(round(x + dx, 4), round(y + dy, 4), z), yaw=yaw))
    return heap

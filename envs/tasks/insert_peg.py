"""InsertPeg: the named peg into the named hole of its shape; the instruction says how much room there is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.expert import Plan
from envs.fixture_predicates import Inserted
from envs.goals import Condition
from envs.grammar import COLORS, Grammar
from envs.layout import AREA, REACHABLE, Rect, Slot
from envs.motions_fixtures import fetch_into_hole, let_go
from envs.predicates import Released
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Expert, Task, make_thing

WIDTH = 0.03  # metres: diameter or side of every peg
SOCKETS: Mapping[str, str] = {"peg_round": "socket_round", "peg_square": "socket_square"}
ROUND: Mapping[str, bool] = {"socket_round": True, "socket_square": False}
CLEARANCES: Mapping[str, float] = {"3 mm": 0.003, "6 mm": 0.006}  # by how much a hole is wider than its peg
HEIGHT = 0.065  # metres
FAR = Rect(0.49, 0.605, -0.2, 0.2)
TURNED = {"peg_round": 0.0, "peg_square": 0.4, "socket_round": 0.3, "socket_square": 0.3}  # greatest yaw, radians
DEPTH = 0.02  # metres that a peg must be in
EXACT = 0.0005  # metres by which the room around a peg may differ from what is said


@TASKS.register("InsertPeg")
class InsertPeg(Task):
    """Two pegs and two holes: all round or all square, or one of each; tight and wide ones."""

    name: ClassVar[str] = "InsertPeg"
    max_steps: ClassVar[int] = 200
    grammar: ClassVar[Grammar] = Grammar(
        train=("put {target} into {place} {relation}", "push {target} into {place} {relation}"),
        held_out={
            1: ("insert {target} into {place} {relation}", "stick {target} into {place} {relation}"),
            2: (
                "insert {target_syn} into {place} {relation}",
                "please stick {target} into {place} {relation}",
            ),
            3: (
                "could you please insert {target} into {place} {relation}",
                "kindly plug {target_syn} {relation} please",
            ),
            4: (
                "i would like {target_syn} to end up inside {place_syn} {relation}",
                "would you mind making sure that {target_syn} sits within {place} {relation}",
            ),
            5: (
                "i am testing how precisely you work so please let {target_syn} slip into {place} {relation}",
                "would you be so kind as to guide {target} carefully down into {place_syn} {relation}",
            ),
        },
        target_kinds=tuple(SOCKETS),
        place_kinds=tuple(SOCKETS.values()),
        relations={"3 mm": "with three millimeters of room", "6 mm": "with six millimeters of room"},
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        shapes = [str(shape) for shape in rng.choice(list(SOCKETS), 2)]
        widths = [str(name) for name in rng.permutation(list(CLEARANCES))]
        pegs = zip(rng.permutation(list(COLORS))[:2], shapes, strict=True)
        holes = zip(rng.permutation(list(COLORS))[:2], shapes, widths, strict=True)
        things = [make_thing(str(color), shape, peg_size(shape)) for color, shape in pegs]
        places = [make_thing(str(color), SOCKETS[shape], hole_size(shape, width)) for color, shape, width in holes]
        return (*things, *places), GoalSpec(self.name, things[0].name, places[0].name, relation=widths[0])

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task. Pegs not near the robot: arms that set up a fallen one have to lean."""
        slots = []
        for thing in things:
            area = FAR if thing.kind in SOCKETS else AREA
            hole = area.grown(inner) if inner >= 0 and thing.name == goal.target else None
            slots.append(Slot(thing, area.grown(margin).within(REACHABLE), hole, TURNED[thing.kind]))
        return slots

    def fitted(self, spec: SceneSpec, things: Sequence[ObjectSpec]) -> tuple[ObjectSpec, ...]:
        """See Task. Holes leave as much room around their new pegs as they did."""
        return tuple(self._around(spec, thing, things) if thing.kind in ROUND else thing for thing in things)

    def _around(self, spec: SceneSpec, socket: ObjectSpec, things: Sequence[ObjectSpec]) -> ObjectSpec:
        peg = next(thing for thing in things if SOCKETS.get(thing.kind) == socket.kind)
        hole = _width(peg) + _width(spec.object(socket.name)) - _width(spec.object(peg.name))
        return replace(socket, size=(*socket.size[:2], round(hole / 2 if ROUND[socket.kind] else hole, 5)))

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. Pegs into holes of their shape, with the room that there is."""
        return tuple(goal for goal in super().goals(spec) if _fits(spec, goal))

    def atomic_goals(self) -> Iterator[str]:
        """See Task. Without pegs that do not fit."""
        for relation, (peg, hole), one, other in itertools.product(CLEARANCES, SOCKETS.items(), COLORS, COLORS):
            yield f"{relation} {one} {peg} + {other} {hole}"

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """In the hole by `DEPTH`, and let go."""
        return Inserted(goal.target, goal.place, DEPTH) & Released(goal.target)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        target, place = spec.goal.target, spec.goal.place
        home = np.array(spec.object(target).position[:2])
        inserted = Inserted(target, place, DEPTH)
        return Plan(
            (inserted, lambda state: fetch_into_hole(state, target, place, home)),
            then=lambda state: let_go(state, target),
        )


def peg_size(shape: str) -> tuple[float, ...]:
    """Size of a peg `WIDTH` wide and `HEIGHT` high, metres."""
    return (WIDTH / 2, HEIGHT) if shape == "peg_round" else (WIDTH, HEIGHT)


def hole_size(shape: str, clearance: str) -> tuple[float, ...]:
    """Size of the socket of a peg, metres."""
    hole = WIDTH + CLEARANCES[clearance]
    return (0.08, 0.032, hole / 2 if shape == "peg_round" else hole)


def _fits(spec: SceneSpec, goal: GoalSpec) -> bool:
    peg, hole = spec.object(goal.target), spec.object(goal.place)
    room = _width(hole) - _width(peg)
    return SOCKETS[peg.kind] == hole.kind and abs(room - CLEARANCES[goal.relation]) < EXACT


def _width(thing: ObjectSpec) -> float:
    """Of a peg or a hole: diameter or side, metres."""
    inner = thing.size[2] if thing.kind in ROUND else thing.size[0]
    return 2 * inner if thing.kind in ("peg_round", "socket_round") else inner

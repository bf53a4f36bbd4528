"""LineUp: three named blocks in a straight row, in the order in which they are named."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from envs.arrangements import At, InRow
from envs.expert import Plan, fetch
from envs.goals import And, Condition, for_all
from envs.grammar import COLORS, Grammar
from envs.layout import Rect
from envs.predicates import SIDES, Held, Released, Side
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert, Task, make_thing
from vla.contract import FloatArray

SPACING: dict[Side, float] = {
    "right": 0.105,
    "behind": 0.075,
}  # metres between neighbours; the fingers open to the sides
TOLERANCE = 0.012  # metres: near enough to its place in the row
WAYS: dict[str, Side] = {"left to right": "right", "front to back": "behind"}
MIDDLES = Rect(0.44, 0.56, -0.11, 0.11)  # where the middle of a row may be
ROOM = 0.09  # metres that a place in the row keeps from what stands elsewhere
CROOKED = 0.03  # metres: no three blocks of a new scene stand so straight


@TASKS.register("LineUp")
class LineUp(Task):
    """Three of four blocks."""

    name: ClassVar[str] = "LineUp"
    max_steps: ClassVar[int] = 190
    grammar: ClassVar[Grammar] = Grammar(
        train=(
            "line up {target} {place} and {third} {relation}",
            "put {target} {place} and {third} in a row {relation}",
            "make a row of {target} {place} and {third} {relation}",
        ),
        held_out={
            1: (
                "arrange {target} {place} and {third} in a row {relation}",
                "form a line of {target} {place} and {third} {relation}",
            ),
            2: (
                "arrange {target} {place} and {third_syn} in a row {relation}",
                "form a straight line of {target} {place} and {third} {relation}",
            ),
            3: (
                "could you please arrange {target} {place} and {third_syn} {relation}",
                "kindly form a straight line of {target} {place_syn} and {third} {relation}",
            ),
            4: (
                "i would like {target_syn} {place} and {third} to end up straight in sequence {relation}",
                "would you mind aligning {target} {place_syn} and {third_syn} neatly {relation} please",
            ),
            5: (
                "i want a neat picture so please arrange {target} {place} and {third_syn} in a straight row {relation}",
                "our guests love order so let {target} {place} and {third} queue {relation} as if shopping",
            ),
        },
        target_kinds=("block",),
        place_kinds=("block",),
        other_kinds=(("block",),),
        relations={way: f"from {way}" for way in WAYS},
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task."""
        things = tuple(make_thing(str(color), "block") for color in rng.permutation(list(COLORS))[:4])
        target, place, third, _ = (thing.name for thing in things)
        return things, GoalSpec(self.name, target, place, (third,), list(WAYS)[int(rng.integers(len(WAYS)))])

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """No three blocks stand in a row already."""
        points = [thing.position[:2] for thing in things if thing.role == "block"]
        for three in itertools.combinations(points, 3):
            if any(np.ptp([p[axis] for p in three]) < 2 * CROOKED for axis in (0, 1)):
                return False
        return True

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Each two neighbours and all three in a row, let go."""
        names, side = goal.names, WAYS[goal.relation]
        rows = (names[:2], names[1:], names)
        return And(*(InRow(row, side) for row in rows)) & for_all(names, Released)

    def reward(self, state: WorldState, goal: GoalSpec | None = None) -> float:
        """See Task. Not more for a tool that stays with the first of the three."""
        return self.nearness(state, goal or state.spec.goal)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return Plan(*(_bring(name, point) for name, point in zip(spec.goal.names, row_of(spec), strict=True)))


def row_of(spec: SceneSpec) -> list[tuple[float, float]]:
    """Where the expert puts each of the goal's objects: free places, and as little to carry as there can be.

    They follow from the scene alone, not from where things are now, so that the row does not wander.
    """
    names, side = spec.goal.names, WAYS[spec.goal.relation]
    starts = np.array([spec.object(name).position[:2] for name in names])
    others = np.array([thing.position[:2] for thing in spec.objects if thing.name not in names])
    steps = np.arange(-1, len(names) - 1)[:, None] * SPACING[side] * np.array(SIDES[side])
    middles = [np.array(m) for m in itertools.product(np.arange(0.44, 0.57, 0.02), np.arange(-0.10, 0.11, 0.02))]
    middles += [place for place in starts - steps if MIDDLES.contains(*place)]  # one of them stays where it is

    def cost(middle: NDArray[np.float64]) -> float:
        places = middle + steps
        away = np.linalg.norm(places[:, None] - np.concatenate([starts, others])[None], axis=2)
        carried = np.diag(away).copy()
        np.fill_diagonal(away, ROOM)
        crowded = np.maximum(ROOM - away, 0.0).sum()
        return float(100 * crowded + (carried + 0.2 * (carried > TOLERANCE)).sum())

    best = min(middles, key=cost) + steps
    return [(float(x), float(y)) for x, y in best]


def _bring(name: str, point: tuple[float, float]) -> tuple[Condition, Callable[[WorldState], FloatArray]]:
    """The step of a plan that brings a thing to a point on the table."""
    return At(name, point, TOLERANCE) & ~Held(name), lambda state: fetch(
        state, name, np.array([*point, state.spec.table.height])
    )

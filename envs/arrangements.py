"""Predicates about a point on the table and about several objects at once, each with its measure in metres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from envs.goals import Atom
from envs.predicates import SIDES, OnTable, Side
from envs.state import WorldState


@dataclass(frozen=True)
class At(Atom):
    """Its centre is within `tolerance` metres of a point (2,) seen from above, and it is on the table."""

    name: str
    point: tuple[float, float]
    tolerance: float = 0.015
    word: ClassVar[str] = "not_there"

    @property
    def subject(self) -> str:
        """See Atom."""
        return self.name

    def gap(self, state: WorldState) -> float:
        """Metres beyond the tolerance, or above the table."""
        x, y = state.objects[self.name].position[:2] - np.asarray(self.point)
        return max(float(np.hypot(x, y)) - self.tolerance, OnTable(self.name).gap(state))


@dataclass(frozen=True)
class InRow(Atom):
    """The objects are on the table in a straight row that goes to one side, in the order of their names.

    Neighbours are `nearest` to `farthest` metres apart along the row (centres, seen from above), and nothing is more
    than `tolerance` metres off the row's line. Gap: the most that one of these is missed by, metres.
    """

    names: tuple[str, ...]
    side: Side
    nearest: float = 0.04
    farthest: float = 0.14
    tolerance: float = 0.02
    word: ClassVar[str] = "not_in_row"

    @property
    def subject(self) -> str:
        """No single one is to blame."""
        return ""

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        points = np.stack([state.objects[name].position[:2] for name in self.names])
        x, y = SIDES[self.side]
        steps = np.diff(points @ np.array([x, y]))
        aside = points @ np.array([y, -x])
        off = np.abs(aside - aside.mean()).max() - self.tolerance
        above = max(OnTable(name).gap(state) for name in self.names)
        return float(max(self.nearest - steps.min(), steps.max() - self.farthest, off, above))


@dataclass(frozen=True)
class Between(Atom):
    """Its centre is over the middle half of the straight line between two others, at most `aside` metres off it."""

    name: str
    one: str
    other: str
    aside: float = 0.03
    word: ClassVar[str] = "not_between"

    @property
    def subject(self) -> str:
        """See Atom."""
        return self.name

    def gap(self, state: WorldState) -> float:
        """Metres to that region, at most."""
        start, end = (state.objects[name].position[:2] for name in (self.one, self.other))
        length = max(float(np.hypot(*(end - start))), 1e-6)
        x, y = (end - start) / length
        offset = state.objects[self.name].position[:2] - (start + end) / 2
        along, across = abs(float(offset @ (x, y))), abs(float(offset @ (y, -x)))
        return max(along - length / 4, across - self.aside)

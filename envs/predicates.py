"""Predicates: what a goal may ask of one object or two, each with its measure in metres or radians.

Directions are those of the front camera's picture, which is what a person who writes an instruction sees: left is -y,
right is +y, in front of (nearer to the camera) is +x, behind is -x.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from envs.geometry import bottom_of, lean_of, top_of, yaw_of
from envs.goals import Atom
from envs.objects import object_kind
from envs.state import WorldState

Side = Literal["left", "right", "front", "behind"]
SIDES: Mapping[Side, tuple[float, float]] = {
    "left": (0.0, -1.0),
    "right": (0.0, 1.0),
    "front": (1.0, 0.0),
    "behind": (-1.0, 0.0),
}

REST_SPEED = 0.1  # m/s: faster things may still leave where they are
PUSHED_SPEED = 0.03  # m/s: faster things are still being pushed; the arm moves by up to 0.4 m/s
SEATED = 0.012  # metres: what lies on something has its lowest point so near to the other's top


@dataclass(frozen=True)
class OfOne(Atom):
    """An atom about one object."""

    name: str

    @property
    def subject(self) -> str:
        """See Atom."""
        return self.name


@dataclass(frozen=True)
class Touched(OfOne):
    """The robot touches it. Gap: metres from the tool to its centre, at least 1 mm while there is no contact."""

    word: ClassVar[str] = "not_reached"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        if self.name in state.touched:
            return 0.0
        return max(float(np.linalg.norm(state.ee_position - state.objects[self.name].position)), 0.001)


@dataclass(frozen=True)
class Held(OfOne):
    """Both fingers touch it. Gap: metres from the tool to its centre, at least 1 mm while they do not."""

    word: ClassVar[str] = "not_grasped"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        if self.name in state.grasped:
            return 0.0
        return max(float(np.linalg.norm(state.ee_position - state.objects[self.name].position)), 0.001)


@dataclass(frozen=True)
class Released(OfOne):
    """The robot does not touch it."""

    word: ClassVar[str] = "not_released"

    def gap(self, state: WorldState) -> float:
        """1 cm while it is touched."""
        return 0.01 if self.name in state.touched else 0.0


@dataclass(frozen=True)
class AtRest(OfOne):
    """It is slower than `speed`. Gap: the excess, m/s."""

    speed: float = REST_SPEED
    word: ClassVar[str] = "still_moving"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        return float(np.linalg.norm(state.objects[self.name].linear_velocity)) - self.speed


@dataclass(frozen=True)
class Lifted(OfOne):
    """Its lowest point is at least `height` metres above the table."""

    height: float = 0.06
    word: ClassVar[str] = "not_high_enough"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        return state.spec.table.height + self.height - bottom_of(state, self.name)


@dataclass(frozen=True)
class OnTable(OfOne):
    """Its lowest point is within 1 cm of the table."""

    word: ClassVar[str] = "not_on_table"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        return abs(bottom_of(state, self.name) - state.spec.table.height) - 0.01


@dataclass(frozen=True)
class Upright(OfOne):
    """Its own z axis is within `tolerance` radians of the world's."""

    tolerance: float = 0.2
    word: ClassVar[str] = "not_upright"
    scale: ClassVar[float] = 1.0

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        return lean_of(state, self.name) - self.tolerance


@dataclass(frozen=True)
class Turned(OfOne):
    """Its yaw is within `tolerance` of `yaw`, both radians, world; `turns` equal yaws in a full turn count as one."""

    yaw: float
    tolerance: float = 0.2
    turns: int = 1
    word: ClassVar[str] = "not_turned"
    scale: ClassVar[float] = 1.0

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        period = 2 * np.pi / self.turns
        away = (yaw_of(state, self.name) - self.yaw + period / 2) % period - period / 2
        return float(abs(away)) - self.tolerance


@dataclass(frozen=True)
class JointBetween(OfOne):
    """The joint of a fixture is in [`low`, `high`], metres or radians (drawer open, button down, lever up ...)."""

    low: float
    high: float
    said: str = "not_moved_enough"
    word: ClassVar[str] = "joint"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        joint = state.objects[self.name].joint
        return max(self.low - joint, joint - self.high)

    def reason(self, state: WorldState) -> str:
        """See Condition."""
        return "" if self.holds(state) else f"{self.said}:{self.name}"


def opened(name: str, amount: float) -> JointBetween:
    """The fixture is open by at least `amount`, metres or radians."""
    return JointBetween(name, amount, np.inf, "not_open")


def closed(name: str, amount: float) -> JointBetween:
    """The fixture is open by at most `amount`, metres or radians."""
    return JointBetween(name, -np.inf, amount, "not_closed")


Open, Closed = opened, closed


@dataclass(frozen=True)
class OfTwo(Atom):
    """An atom about an object and another one that it is related to."""

    name: str
    other: str

    @property
    def subject(self) -> str:
        """See Atom."""
        return self.name

    def touching(self, state: WorldState) -> bool:
        """Whether the two are in contact."""
        return tuple(sorted((self.name, self.other))) in state.contacts


@dataclass(frozen=True)
class On(OfTwo):
    """It lies on the other: in contact, its lowest point at the other's top, its centre over the other.

    Gap: the larger of how far (m) its centre is outside the other's footprint and how far its lowest point is from the
    other's top beyond `SEATED`; at least 1 mm without contact.
    """

    word: ClassVar[str] = "not_on"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        base = state.spec.object(self.other)
        kind = object_kind(base.kind)
        offset = state.objects[self.name].position - state.objects[self.other].position
        reach = kind.inner_radius(base.size) or 0.8 * kind.radius(base.size)
        aside = float(np.hypot(offset[0], offset[1])) - reach
        rest = top_of(state, self.other) - (kind.height(base.size) - kind.floor_height(base.size))
        above = abs(bottom_of(state, self.name) - rest) - SEATED
        gap = max(aside, above)
        return gap if gap > 0 or self.touching(state) else 0.001


@dataclass(frozen=True)
class In(OfTwo):
    """It lies in (or on) a container: in contact, its centre within the opening, its lowest point below the rim.

    Gap: the larger of how far (m) its centre is outside the opening and its lowest point above the rim; at least 1 mm
    without contact.
    """

    word: ClassVar[str] = "not_in"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        base = state.spec.object(self.other)
        kind = object_kind(base.kind)
        offset = state.objects[self.name].position - state.objects[self.other].position
        half = kind.height(base.size) / 2
        aside = float(np.hypot(offset[0], offset[1])) - kind.inner_radius(base.size)
        above = bottom_of(state, self.name) - float(state.objects[self.other].position[2]) - half - 0.01
        under = kind.floor_height(base.size) - half - float(offset[2])
        gap = max(aside, above, under + 1e-9)
        return gap if gap > 0 or self.touching(state) else 0.001


@dataclass(frozen=True)
class InZone(OfTwo):
    """Its centre is over a square on the table, and it is on the table. Gap: metres outside either."""

    word: ClassVar[str] = "outside_zone"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        zone = state.spec.object(self.other)
        offset = state.objects[self.name].position[:2] - state.objects[self.other].position[:2]
        cos, sin = np.cos(zone.yaw), np.sin(zone.yaw)
        u, v = cos * offset[0] + sin * offset[1], cos * offset[1] - sin * offset[0]
        outside = max(abs(float(u)), abs(float(v))) - zone.size[0] / 2
        return max(outside, OnTable(self.name).gap(state))


@dataclass(frozen=True)
class Near(OfTwo):
    """Their centres are at most `distance` metres apart, seen from above."""

    distance: float = 0.08
    word: ClassVar[str] = "not_near"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        offset = state.objects[self.name].position[:2] - state.objects[self.other].position[:2]
        return float(np.hypot(offset[0], offset[1])) - self.distance


@dataclass(frozen=True)
class Beside(OfTwo):
    """It is on one side of the other: within 45 degrees of that direction, and `nearest` to `farthest` metres away.

    Distances are between centres, seen from above. Gap: metres to that region, at most.
    """

    side: Side
    nearest: float = 0.04
    farthest: float = 0.16
    word: ClassVar[str] = "not_beside"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        offset = state.objects[self.name].position[:2] - state.objects[self.other].position[:2]
        x, y = SIDES[self.side]
        along = float(offset[0] * x + offset[1] * y)
        aside = abs(float(offset[0] * y - offset[1] * x))
        far = float(np.hypot(offset[0], offset[1])) - self.farthest
        return max(self.nearest - along, aside - along, far)


def left_of(name: str, other: str) -> Beside:
    """It is to the left of the other in the front camera's picture (towards -y)."""
    return Beside(name, other, "left")


def right_of(name: str, other: str) -> Beside:
    """It is to the right of the other in the front camera's picture (towards +y)."""
    return Beside(name, other, "right")


LeftOf, RightOf = left_of, right_of


@dataclass(frozen=True)
class Displaced(OfOne):
    """It was moved at least `distance` metres in a direction (2,), by no more than `aside` metres across it."""

    direction: tuple[float, float]
    distance: float = 0.08
    aside: float = 0.05
    word: ClassVar[str] = "not_moved_enough"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        start = np.asarray(state.spec.object(self.name).position[:2])
        way = state.objects[self.name].position[:2] - start
        along = float(way @ np.asarray(self.direction))
        across = abs(float(way[0] * self.direction[1] - way[1] * self.direction[0]))
        return max(self.distance - along, across - self.aside)


@dataclass(frozen=True)
class Covers(OfTwo):
    """A cover stands over the other: centres within `tolerance` metres seen from above, the cover on the table."""

    tolerance: float = 0.02
    word: ClassVar[str] = "not_covered"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        offset = state.objects[self.name].position[:2] - state.objects[self.other].position[:2]
        aside = float(np.hypot(offset[0], offset[1])) - self.tolerance
        return max(aside, OnTable(self.name).gap(state), OnTable(self.other).gap(state))

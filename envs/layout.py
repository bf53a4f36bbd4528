"""Where objects stand at the start: rejection sampling with gaps that let a gripper in.

Knows no task: a task says which object may stand in which rectangle of the table.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.objects import object_kind, resting_z
from envs.scene import ObjectSpec

TRIES = 60  # positions tried for one object before the whole layout starts again
RESTARTS = 400


@dataclass(frozen=True)
class Rect:
    """A rectangle on the table, metres, world; bounds of object centres."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def grown(self, margin: float) -> Rect:
        """The rectangle with `margin` metres more on each side, rounded to micrometres."""
        low, high = (self.x_low - margin, self.y_low - margin), (self.x_high + margin, self.y_high + margin)
        return Rect(round(low[0], 6), round(high[0], 6), round(low[1], 6), round(high[1], 6))

    def within(self, other: Rect) -> Rect:
        """The part of it that lies in `other`."""
        x_low, x_high = max(self.x_low, other.x_low), min(self.x_high, other.x_high)
        return Rect(x_low, x_high, max(self.y_low, other.y_low), min(self.y_high, other.y_high))

    def contains(self, x: float, y: float) -> bool:
        """Whether the point lies inside, borders included."""
        return self.x_low <= x <= self.x_high and self.y_low <= y <= self.y_high

    def sample(self, rng: np.random.Generator) -> tuple[float, float]:
        """A uniform point, rounded to 0.1 mm."""
        x, y = rng.uniform(self.x_low, self.x_high), rng.uniform(self.y_low, self.y_high)  # four times faster than once
        return round(x, 4), round(y, 4)


AREA = Rect(0.395, 0.605, -0.20, 0.20)  # where training scenes put objects
REACHABLE = Rect(0.35, 0.65, -0.25, 0.25)  # where any scene may put them: the expert works in all of it
GAP = 0.04  # metres between footprints: an open finger is 1 to 2 cm thick and needs room for errors


HAND = (0.045, 0.105)  # metres in x and y from the fingertips to the outside of a hand that opens along y


@dataclass(frozen=True)
class Slot:
    """An object that needs a place.

    Attributes:
        thing: The object; its position is ignored.
        rect: Where its centre may be.
        hole: Where its centre may not be (for levels of the position axis), or None.
        yaw: Greatest yaw either way, radians.
    """

    thing: ObjectSpec
    rect: Rect
    hole: Rect | None = None
    yaw: float = 0.0


def radius(thing: ObjectSpec) -> float:
    """Radius of the smallest upright cylinder around an object, metres; around its middle if it lies."""
    kind = object_kind(thing.kind)
    upright = kind.radius(thing.size)
    return math.hypot(upright, kind.height(thing.size) / 2) if thing.roll else upright


def clear(thing: ObjectSpec, others: Sequence[ObjectSpec], gap: float) -> bool:
    """Whether `thing` keeps `gap` metres from all others (footprints taken as circles)."""
    return all(
        math.hypot(thing.position[0] - other.position[0], thing.position[1] - other.position[1])
        >= radius(thing) + radius(other) + gap
        for other in others
    )


def stand(thing: ObjectSpec, x: float, y: float, yaw: float = 0.0) -> ObjectSpec:
    """`thing` resting on the table at (x, y), metres, world."""
    return replace(thing, position=(x, y, resting_z(thing.kind, thing.size, roll=thing.roll)), yaw=yaw)


def raised(things: Sequence[ObjectSpec], height: float) -> tuple[ObjectSpec, ...]:
    """The things `height` metres higher: as on a table whose top is there."""
    if not height:
        return tuple(things)
    return tuple(replace(o, position=(*o.position[:2], round(o.position[2] + height, 6))) for o in things)


def free_spot(
    thing: ObjectSpec, others: Sequence[ObjectSpec], gap: float = GAP, area: Rect = REACHABLE
) -> tuple[float, float]:
    """The point of `area` nearest to `thing` where it keeps `gap` metres from `others`; metres, world.

    Where there is none, the one with the most room.
    """
    best, least = (thing.position[0], thing.position[1]), math.inf
    for x in np.arange(area.x_low, area.x_high + 1e-6, 0.01):
        for y in np.arange(area.y_low, area.y_high + 1e-6, 0.01):
            far = math.hypot(x - thing.position[0], y - thing.position[1])
            room = min(
                (math.hypot(x - o.position[0], y - o.position[1]) - radius(thing) - radius(o) for o in others),
                default=gap,
            )
            cost = far + 100 * max(gap - room, 0.0)
            if cost < least:
                best, least = (float(x), float(y)), cost
    return best


def resting(thing: ObjectSpec, table_height: float = 0.0) -> bool:
    """Whether it stands on the table, not on something else."""
    return abs(thing.position[2] - resting_z(thing.kind, thing.size, table_height, thing.roll)) < 1e-3


def arrange(
    slots: Sequence[Slot],
    rng: np.random.Generator,
    *,
    fixed: Sequence[ObjectSpec] = (),
    gap: float = GAP,
    accept: Callable[[Sequence[ObjectSpec]], bool] = lambda _: True,
    restarts: int = RESTARTS,
) -> tuple[ObjectSpec, ...]:
    """Give every slot's object a place, all `gap` apart from each other and from `fixed`.

    `accept` judges a complete layout (without `fixed`), of which `restarts` are begun at most. Raises RuntimeError when
    no layout is found: the request is too dense for the rectangles.
    """
    for _ in range(restarts):
        placed = _attempt(slots, rng, fixed, gap)
        if placed is not None and accept(placed):
            return placed
    names = [slot.thing.name for slot in slots]
    raise RuntimeError(f"found no layout for {names} with gaps of {gap} m in {restarts} attempts")


def _attempt(
    slots: Sequence[Slot], rng: np.random.Generator, fixed: Sequence[ObjectSpec], gap: float
) -> tuple[ObjectSpec, ...] | None:
    placed: list[ObjectSpec] = []
    taken = [(other.position[0], other.position[1], radius(other)) for other in fixed]
    for slot in slots:
        own = radius(slot.thing)
        for _ in range(TRIES):
            x, y = slot.rect.sample(rng)
            yaw = round(float(rng.uniform(-slot.yaw, slot.yaw)), 4) if slot.yaw else 0.0
            if slot.hole is not None and slot.hole.contains(x, y):
                continue
            if all(math.hypot(x - there[0], y - there[1]) >= own + there[2] + gap for there in taken):
                placed.append(stand(slot.thing, x, y, yaw))
                taken.append((x, y, own))
                break
        else:
            return None
    return tuple(placed)


def off_lane(point: tuple[float, float], start: tuple[float, float], end: tuple[float, float], run_up: float) -> float:
    """Distance (m) of a point from the straight way between two points that begins `run_up` metres before `start`."""
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    ahead_x, ahead_y = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    aside_x, aside_y = point[0] - start[0], point[1] - start[1]
    along = min(max(aside_x * ahead_x + aside_y * ahead_y, -run_up), length)
    return math.hypot(aside_x - along * ahead_x, aside_y - along * ahead_y)


def clears_hand(point: tuple[float, float], thing: ObjectSpec) -> bool:
    """Whether a hand that works low at a point of the table keeps from a thing that is higher than the fingers."""
    away_x, away_y = abs(thing.position[0] - point[0]), abs(thing.position[1] - point[1])
    return away_x >= HAND[0] + radius(thing) or away_y >= HAND[1] + radius(thing)

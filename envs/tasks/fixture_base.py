"""What the families about fixtures have in common: where fixtures stand, and that nothing is in the gripper's way."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from envs.fixture import part_pose, rotate
from envs.grammar import COLORS
from envs.layout import AREA, REACHABLE, Rect, Slot, radius
from envs.objects import object_kind
from envs.scene import GoalSpec, ObjectSpec, SceneSpec, orientation
from envs.tasks.base import Task, make_thing, yaw_range

FIXTURE_COLORS = (*COLORS, "pink", "cyan", "white", "black")
FINGERS = 0.06  # metres around a handle that open fingers need
WAYPOINTS = 5  # positions of a joint at which the room for the gripper is looked at


class FixtureTask(Task):
    """A family about fixtures.

    Attributes:
        rects: Where each fixture may stand, one after another; a single one stands for all.
        turned: Greatest yaw of a fixture either way, radians.
    """

    rects: ClassVar[tuple[Rect, ...]] = (AREA,)
    turned: ClassVar[float] = 0.3

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task. Fixtures in their rectangles, other things where `loose` says."""
        slots = []
        fixtures = [thing.name for thing in things if is_fixture(thing)]
        for thing in things:
            fixed = thing.name in fixtures
            rect = self.rects[fixtures.index(thing.name) % len(self.rects)] if fixed else self.loose(thing)
            hole = rect.grown(inner) if inner >= 0 and thing.name == goal.target else None
            yaw = self.turned if fixed else yaw_range(thing)
            slots.append(Slot(thing, rect.grown(margin).within(REACHABLE), hole, yaw))
        return slots

    def loose(self, thing: ObjectSpec) -> Rect:
        """Where a thing that is no fixture may stand; by default in the training area."""
        return AREA

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """Nothing stands where the gripper works a fixture."""
        return all(keeps_clear(thing, [other for other in things if other is not thing]) for thing in things)

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """See Task."""
        return all(keeps_clear(spec.object(name), added) for name in spec.goal.names)


def is_fixture(thing: ObjectSpec) -> bool:
    """Whether a thing has a moving part."""
    return object_kind(thing.kind).shape(thing.size).part is not None


def travel(thing: ObjectSpec) -> float:
    """The highest position of a fixture's joint, metres or radians. Raises ValueError if it has no moving part."""
    part = object_kind(thing.kind).shape(thing.size).part
    if part is None:
        raise ValueError(f"{thing.name!r} is of kind {thing.kind!r}, which has no moving part")
    return part.upper


def keeps_clear(thing: ObjectSpec, others: Sequence[ObjectSpec]) -> bool:
    """Whether nothing else stands where the gripper comes when it works `thing`; always for what is no fixture."""
    part = object_kind(thing.kind).shape(thing.size).part
    if part is None:
        return True
    for joint in np.linspace(part.lower, part.upper, WAYPOINTS):
        pose = part_pose(part, float(joint), thing.position, orientation(thing))
        x, y, _ = np.asarray(pose[:3]) + rotate(pose[3:], part.grasp.position)
        for other in others:
            if math.hypot(other.position[0] - x, other.position[1] - y) < FINGERS + radius(other):
                return False
    return True


def draw_fixtures(rng: np.random.Generator, count: int, kinds: Sequence[str]) -> list[ObjectSpec]:
    """`count` fixtures, no two of which have both colour and kind in common."""
    pairs = list(itertools.product(FIXTURE_COLORS, kinds))
    return [make_thing(*pairs[int(i)]) for i in rng.permutation(len(pairs))[:count]]

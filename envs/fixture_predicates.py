"""Predicates about fixtures, pegs and holes, and the geometry that they and the experts share.

Metres and radians, world frame; the joint of a fixture is judged by `envs.predicates.JointBetween`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from envs.fixture import rotate
from envs.geometry import bottom_of, top_of
from envs.objects import Part, object_kind
from envs.predicates import JointBetween, OfTwo
from envs.scene import SceneSpec
from envs.state import Float64, WorldState


def moving_part(spec: SceneSpec, name: str) -> Part:
    """The moving part of a fixture of the scene. Raises ValueError if it has none."""
    item = spec.object(name)
    part = object_kind(item.kind).shape(item.size).part
    if part is None:
        raise ValueError(f"{name!r} is of kind {item.kind!r}, which has no moving part")
    return part


def part_of(state: WorldState, name: str) -> Part:
    """The moving part of a fixture. Raises ValueError if it has none."""
    return moving_part(state.spec, name)


def pressed(spec: SceneSpec, name: str, share: float = 0.75) -> JointBetween:
    """The button is down by at least that share of its travel."""
    return JointBetween(name, share * moving_part(spec, name).upper, np.inf, "not_pressed")


def turned_by(spec: SceneSpec, name: str, angle: float, tolerance: float) -> JointBetween:
    """The knob is turned by `angle` (rad, counter-clockwise seen from above) from where the scene put it."""
    goal = spec.object(name).joint + angle
    return JointBetween(name, goal - tolerance, goal + tolerance, "not_turned_enough")


def exposed(state: WorldState, drawer: str) -> tuple[Float64, float, float]:
    """Where things can be let go into a drawer.

    Returns:
        The middle (2,) of what sticks out of the cabinet; height of its side walls and of its floor. Metres, world.
    """
    part, body = part_of(state, drawer), state.objects[drawer]
    assert part.room is not None
    assert body.part is not None
    low, high = part.room
    point = np.array([(max(low[0], -body.joint) + high[0]) / 2, (low[1] + high[1]) / 2, 0.0])
    at = body.part[:3] + rotate(body.part[3:], point)
    return at[:2], float(at[2] + high[2]), float(at[2] + low[2])


@dataclass(frozen=True)
class InDrawer(OfTwo):
    """It lies in a drawer: in contact, its centre between the walls, its lowest point below the side walls.

    Gap: how far (m) its centre is outside the walls or its lowest point outside their height; at least 1 mm without
    contact.
    """

    word: ClassVar[str] = "not_in"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        part, pose = part_of(state, self.other), state.objects[self.other].part
        assert part.room is not None
        assert pose is not None
        back = np.array([*(-pose[3:6]), pose[6]])
        low, high = np.asarray(part.room[0]), np.asarray(part.room[1])
        inside = rotate(back, state.objects[self.name].position - pose[:3])
        bottom = bottom_of(state, self.name) - float(pose[2])
        aside = max((low - inside)[:2].max(), (inside - high)[:2].max())
        gap = float(max(aside, bottom - high[2], low[2] - 0.006 - bottom))
        return gap if gap > 0 or self.touching(state) else 0.001


def tip_of(state: WorldState, peg: str) -> Float64:
    """The middle of a peg's lower end, (3,) metres, world."""
    item, body = state.spec.object(peg), state.objects[peg]
    half = object_kind(item.kind).height(item.size) / 2
    up = rotate(body.quaternion, (0.0, 0.0, 1.0))
    return np.asarray(body.position - (half if up[2] > 0 else -half) * up)


@dataclass(frozen=True)
class Inserted(OfTwo):
    """A peg sticks in a hole: the middle of its lower end within the hole's, `depth` metres below the socket's top.

    Gap: the larger of how far (m) it is outside the hole and how much depth is missing.
    """

    depth: float = 0.025
    word: ClassVar[str] = "not_inserted"

    def gap(self, state: WorldState) -> float:
        """See Atom."""
        socket = state.spec.object(self.other)
        tip = tip_of(state, self.name)
        offset = tip[:2] - state.objects[self.other].position[:2]
        aside = float(np.hypot(offset[0], offset[1])) - object_kind(socket.kind).inner_radius(socket.size)
        return max(aside, float(tip[2]) - (top_of(state, self.other) - self.depth))

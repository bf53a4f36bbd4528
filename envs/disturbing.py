"""What goes wrong between the policy's action and the world, as a scene's `DisturbanceSpec` says.

All draws are functions of the spec's seed and of the step (or the slip) alone: the same request gives the same bytes.
Knows no axis, no task and no physics: `World` asks it what to carry out, and tells the simulator of pushes and moves.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.layout import radius
from envs.objects import object_kind
from envs.scene import PHYSICS_HZ, TABLE_NAME, MoveSpec, ObjectSpec, PushSpec, SceneSpec
from envs.state import WorldState

Float64 = NDArray[np.float64]

SLIP_S = 0.2  # seconds that the fingers stay open: the Panda's go 4 cm each in them
SLIP_AFTER_S = (0.1, 0.35)  # seconds from the grasp to the slip
FREE_GAP = 0.005  # metres that a moved object keeps from others
FREE_HAND = (0.1, 0.03)  # metres from the tool, sideways or upwards, that are free of the hand and its fingers
NOISE, SLIP = 1, 2  # keys of the random streams


class Disturber:
    """The disturbances of one episode."""

    def __init__(self, spec: SceneSpec, still: Float64) -> None:
        """Of the scene `spec`; `still` (n,) is the action that does nothing."""
        self._spec, self._what, self._still = spec, spec.disturbance, still
        self._substeps = round(PHYSICS_HZ / spec.robot.control_hz)
        self._late = round(self._what.action_delay * PHYSICS_HZ)
        self._waiting: deque[Float64] = deque()
        self._held = self._open = 0  # control steps since the grasp, and until the fingers close again
        self._slips = 0  # so far
        self._moves = list(self._what.moves)  # that are still to come

    @property
    def late(self) -> int:
        """Steps of physics of each control step in which the action before is still being carried out."""
        return self._late % self._substeps

    def due(self, action: Float64) -> Float64 | None:
        """The action that begins to be carried out in this step, when the policy wants `action`; None for none."""
        self._waiting.append(action)
        return self._waiting.popleft() if len(self._waiting) > self._late // self._substeps else None

    def carried_out(self, action: Float64 | None, state: WorldState) -> Float64:
        """What becomes of an action that is due, (n,) in [-1, 1], in the step that begins with `state`."""
        changed = (self._still if action is None else action).copy()
        if self._what.action_noise > 0 and action is not None:
            rng = np.random.default_rng((self._what.seed, NOISE, state.step))
            changed[:-1] += self._what.action_noise * rng.standard_normal(len(changed) - 1)
        if self._slipping(bool(state.grasped)):
            changed[-1] = -1.0
        clipped: Float64 = np.clip(changed, -1.0, 1.0)
        return clipped

    def pushes(self, step: int) -> tuple[PushSpec, ...]:
        """What is pushed at the beginning of a control step."""
        return tuple(push for push in self._what.pushes if push.step == step)

    def moves(self, state: WorldState) -> tuple[ObjectSpec, ...]:
        """What is moved, and where it stands then, at the beginning of the control step that begins with `state`."""
        now = [move for move in self._moves if move.step <= state.step and _possible(state, move)]
        self._moves = [move for move in self._moves if move not in now]
        return tuple(_moved(state, move) for move in now)

    def _slipping(self, holds: bool) -> bool:
        """Whether the fingers are open by themselves in this control step."""
        if self._open > 0:
            self._open -= 1
            return True
        self._held = self._held + 1 if holds else 0
        if self._slips == self._what.slips or self._held <= self._patience():
            return False
        self._held, self._slips = 0, self._slips + 1
        self._open = math.ceil(SLIP_S * self._spec.robot.control_hz) - 1
        return True

    def _patience(self) -> int:
        """Control steps that the next grasp lasts before it slips."""
        after = np.random.default_rng((self._what.seed, SLIP, self._slips)).uniform(*SLIP_AFTER_S)
        return math.ceil(after * self._spec.robot.control_hz)


def _moved(state: WorldState, move: MoveSpec) -> ObjectSpec:
    return replace(state.spec.object(move.name), position=move.position, yaw=move.yaw)


def _possible(state: WorldState, move: MoveSpec) -> bool:
    """Whether the robot leaves the object alone, and nothing stands (and no hand is) where it is to stand."""
    thing = _moved(state, move)
    if move.name in state.touched or any(move.name in pair and TABLE_NAME not in pair for pair in state.contacts):
        return False
    beside, above = FREE_HAND
    away = math.dist(state.ee_position[:2], thing.position[:2])
    top = thing.position[2] + object_kind(thing.kind).height(thing.size) / 2
    if away < radius(thing) + beside and state.ee_position[2] < top + above:
        return False
    others = (other for other in state.spec.objects if other.name != move.name and solid(other))
    return all(
        math.dist(state.objects[other.name].position[:2], thing.position[:2])
        >= radius(thing) + radius(other) + FREE_GAP
        for other in others
    )


def solid(thing: ObjectSpec) -> bool:
    """Whether it can be touched; zones cannot."""
    return bool(object_kind(thing.kind).pieces(thing.size))

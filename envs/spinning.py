"""Motions that turn a thing about the vertical axis. As Markovian as those of `envs.expert`; knows no task."""

from __future__ import annotations

import numpy as np

from envs.expert import CLOSED, OPEN, TIP, descend, grasp_yaw, holds, move, pick, retreat, tool_yaw
from envs.geometry import bottom_of, grasp_of, yaw_of
from envs.state import Float64, WorldState
from vla.contract import FloatArray

FARTHEST = 1.9  # radians either way from straight that every gripper turns
AMBIGUOUS = 0.35  # radians: so near to the opposite yaw, either way round is as good
PRECISE = 0.05  # radians: near enough to the wanted yaw to let go
HIGH = 0.03  # metres under a thing that is being turned
ALIGNED = 0.3  # radians: the fingers fit around a thing with so much error
HALF_WAY = 2.0  # radians: less than half a turn, so that the shortest way there is the one that was meant
AROUND = 0.05  # metres: nearer than that the fingers are around it, and must go up before they turn


def spin(state: WorldState, name: str, yaw: float, point: Float64) -> FloatArray:
    """Pick a thing up, turn it to `yaw` and put it down with its middle at `point`; in two goes where one is too few.

    Args:
        state: Where everything is.
        name: The thing.
        yaw: Radians, world, of its own x axis.
        point: (2,) metres, world.
    """
    left = wrapped(yaw - yaw_of(state, name))
    if holds(state, name):
        return _turn(state, name, _reachable(tool_yaw(state), left), point)
    wanted = _best_grasp(state, name, left)
    offset = state.ee_position - grasp_of(state, name)[0]
    if abs(wanted - tool_yaw(state)) > ALIGNED and np.linalg.norm(offset) < AROUND:
        return retreat(state)
    return pick(state, name, _by_straight(state, wanted))


def wrapped(angle: float) -> float:
    """The same angle in [-pi, pi), radians."""
    return float((angle + np.pi) % (2 * np.pi) - np.pi)


def _turn(state: WorldState, name: str, yaw: float, point: Float64) -> FloatArray:
    """Turn what is held until the gripper's yaw is `yaw`, a little above the table; then put it down and let go."""
    aside = state.ee_position[:2] - state.objects[name].position[:2]
    hangs = float(state.ee_position[2]) - bottom_of(state, name)
    error = abs(yaw - tool_yaw(state))
    above = HIGH if error > 2 * PRECISE else 0.002
    table = state.spec.table.height
    goal = np.array([*(point + aside), table + max(above + hangs, TIP + 0.005)])
    offset = state.ee_position - goal
    arrived = error < PRECISE and abs(offset[2]) < 0.006 and np.hypot(offset[0], offset[1]) < 0.01
    return move(state, descend(state, goal), OPEN if arrived else CLOSED, _by_straight(state, yaw))


def _by_straight(state: WorldState, yaw: float) -> float:
    """A yaw on the way to `yaw` that does not go around the far side, where wrists end."""
    present = tool_yaw(state)
    return present + float(np.clip(yaw - present, -HALF_WAY, HALF_WAY))


def _reachable(yaw: float, left: float) -> float:
    """Where a gripper at `yaw` turns to when `left` radians are missing: as far as it can."""
    final = wrapped(yaw + left)
    if abs(final) <= FARTHEST:
        return final
    return FARTHEST * float(np.sign(yaw + 1e-6 if np.pi - abs(final) < AMBIGUOUS else final))


def _best_grasp(state: WorldState, name: str, left: float) -> float:
    """The yaw to grasp a thing at that is to be turned by `left` radians: of those that do, the one with most room."""
    turns = grasp_of(state, name)[2]
    if turns == 0:
        return float(np.clip(-left / 2, -FARTHEST, FARTHEST))
    first = grasp_yaw(state, name)
    yaws = [wrapped(first + k * 2 * np.pi / turns) for k in range(turns)]
    return min(yaws, key=lambda yaw: max(abs(yaw), abs(wrapped(yaw + left)) - 0.1))

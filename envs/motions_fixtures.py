"""Motion primitives on fixtures: work a joint by its handle, press a button, fill a drawer, put a peg into a hole.

Functions of the current state alone, like those of `envs.expert`. Knows no task.
"""

from __future__ import annotations

import numpy as np

from envs.expert import (
    CLOSED,
    NEAR_Z,
    OPEN,
    PUT_XY,
    TIP,
    TURNED,
    descend,
    holds,
    leaning_of_tool,
    move,
    pick,
    retreat,
    stay,
    tool_yaw,
)
from envs.fixture import part_pose, rotate
from envs.fixture_predicates import exposed, part_of, tip_of
from envs.geometry import bottom_of, grasp_of, lean_of, top_of, yaw_of
from envs.state import Float64, WorldState
from envs.tilting import LEANING, stand_up
from vla.contract import FloatArray

STRIDE_M = 0.05  # metres of a sliding joint, and
STRIDE_RAD = 0.4  # radians of a turning one, asked for at a time
REGRIP = 0.2  # share of the slip between fingers and handle that is made good: with more, a slip stops the motion
ABOVE = 0.012  # metres above a button at which the fingers wait until they are over its middle
OVER_BUTTON = 0.008  # metres off its middle: near enough to press
DEEP = 0.012  # metres below the top of a button that the fingers aim at
PRESSED = 0.9  # share of its travel at which pressing stops
HOVER = 0.008  # metres between a peg's end and the hole while it is brought over it
ALIGNED = 0.0012  # metres off the middle of the hole: near enough to go in
LYING = 0.25  # radians: a peg that leans more is set up first
ROOM = 0.004  # metres off the middle at which a peg that is low enough is in the hole
ALIGNED_RAD = 0.04  # radians that a square peg may be turned against its hole
SWING_Z = 0.1  # metres: higher, the hand may turn without touching the cabinets
OVER_RIM = 0.006  # metres between the fingertips and the side walls of a drawer


def operate(state: WorldState, name: str, joint: float) -> FloatArray:
    """Take hold of the moving part of a fixture and bring its joint to a position, metres or radians."""
    part, body = part_of(state, name), state.objects[name]
    upright = part.motion == "revolute" and abs(part.axis[2]) > 0.5
    yaw = _turning_yaw(state, name, joint - body.joint) if upright else grasp_of(state, name)[1]
    if not holds(state, name):
        return pick(state, name, yaw if upright else None)
    stride = STRIDE_M if part.motion == "prismatic" else STRIDE_RAD
    ahead = float(np.clip(joint - body.joint, -stride, stride))
    now = grasp_of(state, name)[0]
    pose = part_pose(part, body.joint + ahead, body.position.tolist(), body.quaternion.tolist())
    way = np.asarray(pose[:3]) + rotate(pose[3:], part.grasp.position) - now
    point = state.ee_position + way + (1.0 if upright else REGRIP) * (now - state.ee_position)
    point[2] = max(point[2], state.spec.table.height + TIP + 0.007)
    return move(state, point, CLOSED, yaw + ahead if upright else _nearest(yaw, tool_yaw(state), np.pi))


def _turning_yaw(state: WorldState, name: str, angle: float) -> float:
    """Of the two yaws at which an upright fin can be held, the one that stays nearer to 0 while it turns by `angle`.

    Once it is held, that is the one at which the gripper is.
    """
    now = grasp_of(state, name)[1]
    if holds(state, name):
        return _nearest(now, tool_yaw(state), np.pi)
    choices = [now + k * np.pi for k in (-2, -1, 0, 1, 2)]
    return min(choices, key=lambda yaw: (round(max(abs(yaw), abs(yaw + angle)), 1), yaw))


def _nearest(yaw: float, to: float, period: float) -> float:
    """`yaw` plus the multiple of `period` that brings it nearest to another one, radians."""
    return to + (yaw - to + period / 2) % period - period / 2


def press(state: WorldState, name: str) -> FloatArray:
    """Press a button with the closed fingers until it is down, and keep it there."""
    part, body = part_of(state, name), state.objects[name]
    top = grasp_of(state, name)[0]
    aside = float(np.hypot(*(state.ee_position[:2] - top[:2])))
    if aside < OVER_BUTTON and body.joint > PRESSED * part.upper:
        return stay(state)
    if aside < OVER_BUTTON:
        return move(state, np.array([*top[:2], top[2] + TIP - DEEP]), CLOSED, tool_yaw(state))
    return move(state, descend(state, np.array([*top[:2], top[2] + TIP + ABOVE])), CLOSED)


def drop_in(state: WorldState, name: str, drawer: str) -> FloatArray:
    """Bring the held object over the open part of a drawer, and let it go above its side walls."""
    middle, rim, floor = exposed(state, drawer)
    held = state.ee_position - state.objects[name].position
    hangs = float(state.ee_position[2]) - bottom_of(state, name)
    goal = np.array([*(middle + held[:2]), max(rim + TIP + OVER_RIM, floor + hangs + 0.004)])
    offset = state.ee_position - goal
    arrived = np.hypot(offset[0], offset[1]) < 2 * PUT_XY and offset[2] < NEAR_Z
    low = state.ee_position[2] - state.spec.table.height < SWING_Z
    yaw = tool_yaw(state) if low else _nearest(yaw_of(state, drawer), tool_yaw(state), np.pi)
    return move(state, descend(state, goal), OPEN if arrived and abs(yaw - tool_yaw(state)) < TURNED else CLOSED, yaw)


def insert(state: WorldState, peg: str, socket: str) -> FloatArray:
    """Bring the held peg over the hole, turned like it, and down into it; let go near the bottom."""
    tip, hole = tip_of(state, peg), state.objects[socket].position
    aside = hole[:2] - tip[:2]
    top, floor = top_of(state, socket), bottom_of(state, socket)
    yaw = tool_yaw(state)
    twist = 0.0
    if grasp_of(state, peg)[2]:
        twist = _nearest(yaw_of(state, socket) - yaw_of(state, peg), 0.0, np.pi / 2)
    off = float(np.hypot(aside[0], aside[1]))
    within = tip[2] < top - 0.002 and off < ROOM
    aligned = off < ALIGNED and abs(twist) < ALIGNED_RAD
    end = floor + 0.004 if within or aligned else top + HOVER
    goal: Float64 = state.ee_position + np.array([*aside, end - tip[2]])
    down = within and tip[2] < floor + 0.008
    waypoint = goal if within or aligned else descend(state, goal)
    return move(state, waypoint, OPEN if down else CLOSED, yaw + twist)


def fetch_into_hole(state: WorldState, peg: str, socket: str, home: Float64) -> FloatArray:
    """Pick a peg up and put it into a hole; one that has fallen over is first set up at `home` (2,), metres, world."""
    if lean_of(state, peg) > LYING or leaning_of_tool(state) > LEANING:
        return stand_up(state, peg, home, home)
    return insert(state, peg, socket) if holds(state, peg) else pick(state, peg)


def let_go(state: WorldState, name: str) -> FloatArray:
    """Open the fingers where they are, and go up once they have left the object: what sits in a hole stays in it.

    Fingers that went into the hole with it cannot open there: they go up at once.
    """
    opening = state.grasped == {name}
    return move(state, state.ee_position, OPEN, tool_yaw(state)) if opening else retreat(state)


def fetch_into_drawer(state: WorldState, name: str, drawer: str) -> FloatArray:
    """Pick an object up and drop it into an open drawer.

    The hand is longer across the fingers than it is thick: between cabinets that look to the front, it stands along x.
    """
    return drop_in(state, name, drawer) if holds(state, name) else pick(state, name, np.pi / 2)

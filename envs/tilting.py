"""Motions that turn a thing about a horizontal axis: the gripper leans. As Markovian as those of `envs.expert`."""

from __future__ import annotations

import numpy as np

from envs.expert import (
    CLOSED,
    OPEN,
    STEP_M,
    STEP_RAD,
    TIP,
    TRAVEL_Z,
    caution,
    descend,
    grip,
    leaning_of_tool,
    move,
    to_straight,
    tool_yaw,
)
from envs.fixture import rotate
from envs.geometry import bottom_of, lean_of
from envs.layout import Rect
from envs.objects import object_kind
from envs.state import Float64, WorldState
from vla.contract import FloatArray

LEFT, RIGHT = Rect(0.47, 0.56, -0.2, 0.0), Rect(0.47, 0.56, 0.0, 0.2)  # where arms can lean to the right, to the left
END = 0.015  # metres from the top of a thing to where it is gripped: the hand stays off the table when it leans
SIDE = np.pi / 2  # yaw of a gripper that leans to the left or right
LOPSIDED = np.pi / 4  # radians: how much farther the gripper turns from straight than beyond `SIDE`
SIDEWAYS = 0.25  # radians: near enough to it
LEANING = 0.35  # radians: a tool that leans more has begun to turn a thing upright
UPRIGHT = 0.2  # radians: what leans less is put down, and what is left of its lean falls to the right side
CLEARANCE = 0.025  # metres below what is being turned
LET_GO = 0.01  # metres above the table at which it is let go
LOW = 0.1  # metres: what is dropped from higher rolls away
THERE = 0.02  # metres: near enough to where it is stood up
TILT_GAIN = 0.4
TILT_STEP = 0.15  # radians in one step


def stand_up(state: WorldState, name: str, left: Float64, right: Float64) -> FloatArray:
    """Grip a lying thing near its top, from above; carry it to a free point, turn it upright there and let it go.

    Arms lean best to their sides: so it is turned until its axis points there before the gripper begins to lean.

    Args:
        state: Where everything is.
        name: The thing.
        left: Where to stand it up if the hand comes to lie on its right side: (2,) metres, world.
        right: The same if the hand comes to lie on its left side.
    """
    axis, end = axis_of(state, name), end_of(state, name)
    if name in state.grasped and np.linalg.norm(state.ee_position - end) < 0.04:
        yaw = tool_yaw(state)
        return _raise(state, name, right if axis[:2] @ [np.cos(yaw), np.sin(yaw)] > 0 else left, axis)
    if lean_of(state, name) < 0.5 or leaning_of_tool(state) > LEANING:
        return back_off(state)
    end[2] = max(end[2], state.spec.table.height + TIP + 0.007)
    return grip(state, end, _across(state, axis))


def _raise(state: WorldState, name: str, point: Float64, axis: Float64) -> FloatArray:
    """What to do with a thing that is held by its end."""
    lean = lean_of(state, name)
    rest = bottom_of(state, name) - state.spec.table.height
    aside = point - state.objects[name].position[:2]
    if lean < UPRIGHT:
        waypoint = state.ee_position + np.array([*aside, 0.002 - rest])
        return lean_to(state, waypoint, OPEN if rest < LET_GO else CLOSED, np.zeros(3))
    waypoint = state.ee_position + np.array([*aside, CLEARANCE - rest])
    if leaning_of_tool(state) < LEANING and (abs(SIDE - tool_yaw(state)) > SIDEWAYS or np.hypot(*aside) > THERE):
        waypoint[2] += 2 * CLEARANCE
        return move(state, descend(state, waypoint, LOW), CLOSED, SIDE)
    across = np.cross(axis, [0.0, 0.0, 1.0])
    return lean_to(state, waypoint, CLOSED, lean * across / max(float(np.linalg.norm(across)), 1e-6))


def _across(state: WorldState, axis: Float64) -> float:
    """Yaw (rad) at which the fingers close across a lying axis (3,), from -45 to 135 degrees: around `SIDE`."""
    yaw = (float(np.arctan2(axis[1], axis[0])) - SIDE + np.pi / 2 + LOPSIDED) % np.pi + SIDE - np.pi / 2 - LOPSIDED
    if yaw + np.pi < SIDE + np.pi / 2 - LOPSIDED + 0.2 and tool_yaw(state) > SIDE:
        yaw += np.pi  # both are about as near: the one that the gripper is nearer to
    return float(yaw)


def back_off(state: WorldState) -> FloatArray:
    """Open the fingers and go up; the gripper points down again only where it is out of the way."""
    above = state.ee_position[2] - state.spec.table.height
    up = state.ee_position + np.array([0.0, 0.0, STEP_M if above < 2 * TRAVEL_Z else 0.0])
    return lean_to(state, up, OPEN, to_straight(state) if above > TRAVEL_Z else np.zeros(3))


def lean_to(state: WorldState, waypoint: Float64, gripper: float, turn: Float64) -> FloatArray:
    """The action towards a tool position (3,), metres, world; `turn` (3,) is the rotation left to do, radians."""
    action = move(state, waypoint, gripper)
    step = caution(state) * TILT_GAIN * turn
    step *= min(1.0, TILT_STEP / max(float(np.linalg.norm(step)), 1e-9))
    action[3:6] = step / STEP_RAD
    return action


def axis_of(state: WorldState, name: str) -> Float64:
    """An object's own z axis (3,) in the world."""
    return np.asarray(rotate(state.objects[name].quaternion, (0.0, 0.0, 1.0)))


def end_of(state: WorldState, name: str) -> Float64:
    """The point (3,), metres, world, on an object's axis `END` below its top."""
    spec = state.spec.object(name)
    top = object_kind(spec.kind).shape(spec.size).extent(np.array([0.0, 0.0, 1.0]))
    return np.asarray(state.objects[name].position + (top - END) * axis_of(state, name))

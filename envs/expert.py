"""Motion primitives of the scripted experts.

Every primitive is a function of the current state alone: phases are decided by geometry (above it? around it? between
the fingers?), so that a disturbed expert recovers and a network without memory can imitate it. Actions are those of
`pd_ee_delta_pose`. Knows no task.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

from envs.fixture import rotate
from envs.geometry import bottom_of, grasp_of, seat_of, top_of
from envs.goals import Condition
from envs.layout import HAND, radius
from envs.objects import object_kind
from envs.state import Float64, WorldState
from vla.contract import FloatArray

Motion = Callable[[WorldState], FloatArray]  # from the state to an action (7,) in [-1, 1]

OPEN, CLOSED = -1.0, 1.0
STEP_M = 0.05  # metres of one full action, each axis
STEP_RAD = 0.25  # radians of one full action, each axis
GAIN = 0.7  # share of the error asked for in one step: the controller lags by about one step
MAX_STEP = 0.035  # metres in one step: slower than the robot could, so that a policy has time to look
TURN_GAIN = 0.4

TRAVEL_Z = 0.13  # metres above the table: what is held or the fingertips pass over everything on the table
OVER = 0.03  # metres: what is put on a high thing comes from so much above it
TALL = 0.09  # metres: the lowest point of what is carried is so high
SLOPE = 2.5  # metres of height per metre of distance when coming down
TIP = 0.008  # metres from the tool centre point down to the fingertips
NEAR_XY = 0.012  # metres: near enough to close or open the gripper
NEAR_Z = 0.012
FREE_OPENING = 0.06  # metres: with less, the gripper cannot come down over an object
ALMOST = 0.003  # metres: the fingers are open when no more than that is missing
FINGER = 0.035  # metres from the tool up to the hand, at least
TURNED = 0.12  # radians: near enough to the wanted yaw to come down or let go
TURN_HEIGHT = 0.05  # metres above the grasp at which the gripper turns first
LENIENT = 0.55  # radians: a square block that is turned less aligns itself with the closing fingers
TILTED = 0.5  # radians from straight down: no hand of ours leans like that on its way to a grasp
MIDDLE = np.array([0.45, 0.0, 0.28])  # metres, above the table: clear of everything, within everybody's reach
FREE = 0.05  # metres between the tool and where a thing is grasped: nearer, it may be between the fingers
PUT_XY = 0.006  # metres: near enough to let go where the place matters


def move(state: WorldState, waypoint: Float64, gripper: float, yaw: float = 0.0) -> FloatArray:
    """The action towards a tool position (3,), metres, world, gripper down and turned by `yaw` (rad, about z)."""
    action = np.zeros(7)
    step = caution(state) * GAIN * (waypoint - state.ee_position)
    action[:3] = step * min(1.0, MAX_STEP / max(float(np.linalg.norm(step)), 1e-9)) / STEP_M
    action[3:6] = caution(state) * TURN_GAIN * turn(state.ee_quaternion, down(yaw)) / STEP_RAD
    action[6] = gripper
    return np.clip(action, -1.0, 1.0).astype(np.float32)


def caution(state: WorldState) -> float:
    """Share of the usual gains at which the tool does not overshoot although actions are carried out late."""
    return 1.0 / (1.0 + state.spec.disturbance.action_delay * state.spec.robot.control_hz)


def descend(state: WorldState, goal: Float64, travel: float = TRAVEL_Z) -> Float64:
    """Waypoint (3,) on the way to `goal` through a funnel above it: the farther away sideways, the higher.

    It does not go above `travel` metres over the table. Sideways motion waits while the tool is below the funnel, so
    that it never ploughs through other objects.
    """
    aside = goal[:2] - state.ee_position[:2]
    distance = float(np.hypot(aside[0], aside[1]))
    height = float(np.clip(SLOPE * (distance - NEAR_XY), 0.0, max(travel + state.spec.table.height - goal[2], 0.0)))
    z = float(goal[2]) + height
    below = z - float(state.ee_position[2])
    share = float(np.clip(1.5 - below / 0.04, 0.0, 1.0))
    return np.array([*(state.ee_position[:2] + share * aside), z])


def pick(state: WorldState, name: str, yaw: float | None = None) -> FloatArray:
    """Come down over an object with open fingers and close them around it; reopen after a miss.

    `yaw` of the gripper (radians, world) is by default the best one of its grasp.
    """
    return grip(state, grasp_point(state, name), grasp_yaw(state, name) if yaw is None else yaw)


def grip(state: WorldState, goal: Float64, yaw: float) -> FloatArray:
    """Close the fingers at a tool position (3,), metres, world; come down open and turned by `yaw`, radians."""
    if leaning_of_tool(state) > TILTED:
        return straighten(state)
    offset = state.ee_position - goal
    aside = float(np.hypot(offset[0], offset[1]))
    if aside < NEAR_XY and abs(offset[2]) < NEAR_Z:
        return move(state, goal, CLOSED, yaw)
    if state.opening < _free_opening(state) and aside < 0.07 and offset[2] < 0.06:
        return move(state, state.ee_position + np.array([0.0, 0.0, STEP_M]), OPEN, yaw)
    waypoint = descend(state, goal)
    if abs(yaw - tool_yaw(state)) > TURNED:  # turn above things, not between them
        waypoint[2] = max(waypoint[2], min(goal[2] + TURN_HEIGHT, TRAVEL_Z + state.spec.table.height))
    return move(state, waypoint, OPEN, yaw)


def _free_opening(state: WorldState) -> float:
    """Metres between fingers that are as good as open; nearly the widest, where they do not open far."""
    widest = state.spec.robot.widest
    return min(FREE_OPENING, widest - ALMOST) if widest else FREE_OPENING


def straighten(state: WorldState) -> FloatArray:
    """Point the gripper down, over the middle of the table, by the shortest turn.

    Towards the yaw of a grasp at once, a wrist that somebody has twisted may run into the end of its range.
    """
    action = move(state, MIDDLE + np.array([0.0, 0.0, state.spec.table.height]), OPEN)
    action[3:6] = np.clip(caution(state) * TURN_GAIN * to_straight(state) / STEP_RAD, -1.0, 1.0)
    return action


def carry(
    state: WorldState, name: str, place: str, shift: tuple[float, float] = (0.0, 0.0), tolerance: float = NEAR_XY
) -> FloatArray:
    """Bring the held object over a container and let it go there, `shift` metres (world) away from its middle.

    It is let go within `tolerance` metres of that, seen from above.
    """
    goal = release_point(state, name, place) + np.array([*shift, 0.0])
    offset = state.ee_position - goal
    arrived = np.hypot(offset[0], offset[1]) < tolerance and offset[2] < NEAR_Z
    return move(state, descend(state, goal), OPEN if arrived else CLOSED)


def put(
    state: WorldState,
    name: str,
    point: Float64,
    yaw: float | None = None,
    clearance: float = 0.004,
    travel: float = TRAVEL_Z,
) -> FloatArray:
    """Bring the held object to where its lowest point is `point` (3,), metres, world, under its centre; then let go.

    `yaw` is that of the gripper (radians, world; None keeps it), `clearance` metres are left below the object; the tool
    crosses the table at a height of `travel` metres, or more if the place or the object is high.
    """
    aside = state.ee_position[:2] - state.objects[name].position[:2]
    hangs = float(state.ee_position[2]) - bottom_of(state, name)
    table = state.spec.table.height
    goal = np.array([*(point[:2] + aside), max(float(point[2]) + clearance + hangs, table + TIP + 0.005)])
    offset = state.ee_position - goal
    turned = tool_yaw(state) if yaw is None else yaw
    arrived = np.hypot(offset[0], offset[1]) < PUT_XY and offset[2] < 0.006 and abs(turned - tool_yaw(state)) < TURNED
    travel = max(travel, goal[2] - table + OVER, hangs + TALL)
    return move(state, descend(state, goal, travel), OPEN if arrived else CLOSED, turned)


def fetch(
    state: WorldState, name: str, point: Float64, yaw: float | None = None, travel: float = TRAVEL_Z
) -> FloatArray:
    """Pick an object up wherever it is and put it down with its lowest point at `point` (3,), metres, world."""
    return put(state, name, point, yaw, travel=travel) if holds(state, name) else pick(state, name)


def lift(state: WorldState, name: str) -> FloatArray:
    """Pick an object up and go straight up with it."""
    if not holds(state, name):
        return pick(state, name)
    return move(state, state.ee_position + np.array([0.0, 0.0, STEP_M]), CLOSED, tool_yaw(state))


def fetch_onto(state: WorldState, name: str, place: str) -> FloatArray:
    """Pick an object up wherever it is and put it on top of another, or on a zone."""
    if not holds(state, name):
        return pick(state, name, roomy_yaw(state, name))
    return put(state, name, seat_of(state, place))


def retreat(state: WorldState) -> FloatArray:
    """Open the fingers and go straight up, away from what was let go."""
    return move(state, state.ee_position + np.array([0.0, 0.0, STEP_M]), OPEN, tool_yaw(state))


def put_aside(state: WorldState, needed: Collection[str]) -> FloatArray | None:
    """Put down, where it is, what is in the hand and is not `needed`, and go up from it; None if there is nothing."""
    for thing in state.spec.objects:
        name = thing.name
        if thing.mass <= 0 or name in needed or object_kind(thing.kind).shape(thing.size).part is not None:
            continue
        if holds(state, name):
            return put(state, name, np.array([*state.objects[name].position[:2], state.spec.table.height]))
        near = float(np.linalg.norm(grasp_of(state, name)[0] - state.ee_position)) < FREE
        if near and not thing.distractor:  # those were never taken, and may stand that near
            return retreat(state)
    return None


class Plan:
    """An expert that does the first step whose condition does not hold.

    Markovian: which step it is follows from the state, so that it goes back to a step that was undone.

    Args:
        steps: (condition, what to do until it holds), in their order.
        then: What to do when all hold.
    """

    def __init__(self, *steps: tuple[Condition, Motion], then: Motion = retreat) -> None:
        """See the class."""
        self._steps = steps
        self._then = then

    def act(self, state: WorldState) -> FloatArray:
        """The action (7,) float32 in [-1, 1]."""
        for condition, action in self._steps:
            if not condition.holds(state):
                return action(state)
        return self._then(state)


def push(state: WorldState, name: str, point: Float64) -> FloatArray:
    """Push an object over the table to a point (2,), metres, world, with the closed fingers; around it if not behind.

    A pushed object sticks to the fingers and goes where they go. So they go straight for the point, not sideways (which
    would drag the object along) unless they have come off the line so far that they back off.
    """
    thing = state.objects[name].position
    way = point[:2] - thing[:2]
    ahead = way / max(float(np.hypot(way[0], way[1])), 1e-6)
    offset = state.ee_position[:2] - thing[:2]
    along = float(offset @ ahead)
    aside = offset - along * ahead
    spec = state.spec.object(name)
    reach = object_kind(spec.kind).radius(spec.size)
    error = float(np.hypot(aside[0], aside[1]))
    yaw = flat_yaw(state, ahead)
    low = state.spec.table.height + PUSH_Z
    rise = float(state.ee_position[2]) - low
    if along < -0.5 * reach and error < PUSH_ASIDE and rise < (0.02 if name in state.touched else 0.008):
        off = (error / PUSH_OFF_LINE) ** 2
        waypoint = state.ee_position[:2] + PUSH_STEP * (1.0 - off) * ahead - min(off, 1.0) * aside
        z = low if abs(rise) > 0.01 else state.ee_position[2]  # fingers that move up or down take the object along
        return move(state, np.array([*waypoint, z]), CLOSED, yaw)
    start = thing[:2] - (reach + STANDOFF) * ahead
    wedged = name in state.grasped  # a cylinder can force its way in between the fingers
    return move(state, descend(state, np.array([*start, low])), OPEN if wedged else CLOSED, yaw)


def stay(state: WorldState) -> FloatArray:
    """Stand still with closed fingers: what they push comes to rest."""
    return move(state, state.ee_position, CLOSED, tool_yaw(state))


PUSH_Z = 0.02  # metres: the tool's height above the table when pushing; higher, and tall objects tip over
PUSH_ASIDE = 0.03  # metres off the line at which pushing is given up and begun anew
PUSH_OFF_LINE = 0.02  # metres off the line at which pushing stops, and turns into backing off
PUSH_STEP = 0.045  # metres asked for in one step of pushing
STANDOFF = 0.03  # metres between the object and the fingers that come down behind it


def flat_yaw(state: WorldState, ahead: Float64) -> float:
    """Yaw (rad) at which one of the four sides of the closed fingers faces the direction `ahead` (2,).

    Pushed by a corner, things turn away from the line. Of the four yaws it is a small one near the present one, so that
    a direction that wavers around 45 degrees does not make the gripper swing to and fro.
    """
    quarter = np.pi / 2
    nearest = (float(np.arctan2(ahead[1], ahead[0])) + quarter / 2) % quarter - quarter / 2
    x, y = state.ee_quaternion[:2]
    present = 2 * float(np.arctan(y / x)) if abs(x) > 1e-6 else np.pi
    return min((nearest + k * quarter for k in (-1, 0, 1)), key=lambda yaw: abs(yaw - present) + abs(yaw) / 2)


def down(yaw: float) -> Float64:
    """Quaternion xyzw of the gripper pointing down; at yaw 0 the fingers open along y."""
    return np.array([np.cos(yaw / 2), np.sin(yaw / 2), 0.0, 0.0])


def leaning_of_tool(state: WorldState) -> float:
    """Angle between the gripper and straight down, radians."""
    return float(np.linalg.norm(to_straight(state)))


def to_straight(state: WorldState) -> Float64:
    """The shortest rotation (3,), radians, world, after which the gripper points straight down."""
    ahead = rotate(state.ee_quaternion, (0.0, 0.0, 1.0))
    across = np.cross(ahead, [0.0, 0.0, -1.0])
    angle = np.arccos(np.clip(-ahead[2], -1.0, 1.0))
    return np.asarray(angle * across / max(float(np.linalg.norm(across)), 1e-9))


def tool_yaw(state: WorldState) -> float:
    """Yaw (rad) of a gripper that points down, in (-pi, pi]; the inverse of `down`."""
    x, y = state.ee_quaternion[:2]
    yaw = 2 * float(np.arctan2(y, x))
    return (yaw + np.pi) % (2 * np.pi) - np.pi


def grasp_point(state: WorldState, name: str) -> Float64:
    """Where the tool centre point grasps an object, (3,) metres, world: off the table."""
    goal = grasp_of(state, name)[0]
    goal[2] = max(goal[2], state.spec.table.height + TIP + 0.007)
    return goal


def grasp_yaw(state: WorldState, name: str) -> float:
    """Yaw (rad, world) at which the gripper grasps an object: of those that do as well, the one nearest to straight.

    A square that is turned by less than `LENIENT` turns into the fingers by itself: then the gripper stays straight.
    """
    _, yaw, turns = grasp_of(state, name)
    if turns == 0:
        return 0.0
    period = 2 * np.pi / turns
    nearest = (yaw + period / 2) % period - period / 2
    if turns > 2 and abs(nearest) < LENIENT:
        return 0.0
    if abs(abs(nearest) - period / 2) < 0.1:  # two yaws are about as near: the one that the gripper is nearer to
        nearest += 0.0 if abs(nearest - tool_yaw(state)) < period / 2 else -np.sign(nearest) * period
    return float(nearest)


def roomy_yaw(state: WorldState, name: str) -> float:
    """Yaw (rad, world) at which the gripper takes an object without the hand hitting something higher beside it.

    It is that of the grasp unless a quarter of a turn is better.
    """
    yaw = grasp_yaw(state, name)
    if grasp_of(state, name)[2] not in (0, 4) or not _hand_hits(state, name, yaw):
        return yaw
    turned = min(yaw + np.pi / 2, yaw - np.pi / 2, key=lambda other: abs(other - tool_yaw(state)))
    return yaw if _hand_hits(state, name, turned) else turned


def _hand_hits(state: WorldState, name: str, yaw: float) -> bool:
    """Whether a hand that is turned by `yaw` and takes an object meets another one."""
    goal = grasp_point(state, name)
    cos, sin = np.cos(yaw), np.sin(yaw)
    for thing in state.spec.objects:
        x, y = state.objects[thing.name].position[:2] - goal[:2]
        if thing.name == name or top_of(state, thing.name) < goal[2] + FINGER:
            continue
        across, along = abs(cos * x + sin * y), abs(cos * y - sin * x)
        if across < HAND[0] + radius(thing) and along < HAND[1] + radius(thing):
            return True
    return False


def release_point(state: WorldState, name: str, place: str) -> Float64:
    """Where the tool lets the held object go, (3,) metres, world: fingertips above the rim, object near the floor."""
    spec = state.spec.object(place)
    kind, base = object_kind(spec.kind), state.objects[place].position
    bottom = float(base[2]) - kind.height(spec.size) / 2
    held = float(state.ee_position[2]) - bottom_of(state, name)
    tips_clear = bottom + kind.height(spec.size) + TIP + 0.005
    on_floor = bottom + kind.floor_height(spec.size) + held + 0.005
    aside = state.ee_position[:2] - state.objects[name].position[:2]
    return np.array([*(base[:2] + aside), max(tips_clear, on_floor)])


def holds(state: WorldState, name: str) -> bool:
    """Whether the object is between the fingers and the tool is at its grasp."""
    gap = state.ee_position - grasp_of(state, name)[0]
    return name in state.grasped and bool(np.linalg.norm(gap) < 0.04)


def turn(current: NDArray[np.floating], wanted: NDArray[np.floating]) -> Float64:
    """Rotation vector (3,), radians, world frame, that takes quaternion `current` to `wanted` (both xyzw)."""
    cv, cw = -np.asarray(current[:3], np.float64), float(current[3])
    wv, ww = np.asarray(wanted[:3], np.float64), float(wanted[3])
    vector = ww * cv + cw * wv + np.cross(wv, cv)
    scalar = ww * cw - float(wv @ cv)
    if scalar < 0:
        vector, scalar = -vector, -scalar
    length = float(np.linalg.norm(vector))
    if length < 1e-9:
        return np.zeros(3)
    angle: Float64 = vector / length * 2.0 * np.arctan2(length, scalar)
    return angle

"""Why an episode failed, out of a closed list: rules on what happened in the simulator. Knows no task by name.

What the right objects went through decides; then what was done to others in their place; then whether the tool came
near at all. Thresholds are metres, world frame.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from envs.control import WORKSPACE
from envs.geometry import at_start, bottom_of, lean_of
from envs.goals import Atom, Condition
from envs.objects import object_kind
from envs.predicates import AtRest, Released
from envs.scene import GoalSpec
from envs.state import WorldState
from envs.tasks.base import FALLEN, MOVED, TASKS, Task
from envs.trace import Flags, Trace, moved_by_others
from vla.measures import FailureName

NEAR = 0.04  # from the tool to where an object is taken hold of: it has been approached
AT = 0.025  # the fingers are around it
CLOSING = 0.005  # metres by which fingers that close do so in one control step, at least
HELD_STEPS = 2  # consecutive control steps in which both fingers touch what is held
TRIED_STEPS = 3  # control steps at an object that are no mere passing by
ALMOST = 0.015  # a gap that letting go would close
DROP = 0.03  # what was let go from so high above the table was dropped
FAR = 0.05  # an object that was moved so far was disturbed
TOPPLED = 0.5  # radians by which one that was toppled leans more than before
WORKED = 0.1  # share of a fixture's travel: it was worked


def failure_of(trace: Trace, goal: GoalSpec, reached: bool) -> FailureName:
    """Why `goal` was not reached.

    Args:
        trace: What happened since it was its turn.
        goal: A goal without parts.
        reached: Whether its condition held at any time.
    """
    task, state = TASKS[goal.task](), trace.last
    right, named = task.handled(state.spec, goal), task.involved(state.spec, goal)
    if any(_lost(state, name) for name in named):
        return "out_of_workspace"
    unmet = [atom for atom in task.condition(state.spec, goal).atoms() if not atom.holds(state)]
    if reached and unmet:
        return "undone"
    if unmet and all(_only_held(atom, state) for atom in unmet):
        return "not_released"
    instead = _instead(trace, task, goal)
    if instead:
        return instead
    blamed = frozenset().union(*(_blamed(atom, goal) for atom in unmet))
    if unmet and not blamed & named:
        return "disturbed_others"  # the rest is as asked
    open_at_first = {atom.subject for atom in task.open_atoms(state.spec, goal)}
    missing, helpers = blamed & right or right, right - blamed - open_at_first
    story = _story(trace, task, missing, right, named)
    if story is not None:
        return story
    begun = bool(right & open_at_first - blamed) or any(_acted_on(trace, name, task) for name in helpers)
    return "timeout" if begun else _approach(trace, task, right - (open_at_first - blamed))


def _story(
    trace: Trace, task: Task, missing: frozenset[str], right: frozenset[str], named: frozenset[str]
) -> FailureName | None:
    """What was done to the objects that are `missing`, or to others in their place; None if nothing was."""
    if any(trace.grasped[-1, trace.column(name)] for name in missing):
        return "timeout"
    held = [name for name in missing if longest(trace.grasped[:, trace.column(name)]) >= HELD_STEPS]
    if held:
        return _let_go(trace, max(held, key=lambda name: _last(trace.grasped[:, trace.column(name)])))
    if task.grasps and any(_tried(trace, name) for name in missing):
        return "missed_grasp"
    others = [name for name in trace.names if name not in right]
    if any(_acted_on(trace, name, task) for name in others):
        return "wrong_object"
    if any(_worked(trace, name) for name in missing):
        return "not_placed"
    return "disturbed_others" if any(_disturbed(trace, name) for name in others if name not in named) else None


def _approach(trace: Trace, task: Task, names: Iterable[str]) -> FailureName:
    """Whether the tool came near any of the objects at all; if so, nothing came of it."""
    near = (trace.away < NEAR) | trace.touched
    came = any(near[:, trace.column(name)].any() for name in names)
    return "never_approached" if not came else "missed_grasp" if task.grasps else "timeout"


def _blamed(unmet: Condition, goal: GoalSpec) -> frozenset[str]:
    """The objects that an unmet part of a condition is about; none for a negation, which is about others."""
    if not isinstance(unmet, Atom):
        return frozenset()
    return frozenset({unmet.subject} if unmet.subject else goal.names)


def longest(flags: Flags) -> int:
    """Greatest number of consecutive true entries of (T,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


def _lost(state: WorldState, name: str) -> bool:
    """Whether an object is off the table, or where the tool cannot go."""
    x, y, z = state.objects[name].position
    if z < state.spec.table.height + FALLEN:
        return True
    robot = state.spec.robot
    cos, sin = np.cos(robot.base_yaw), np.sin(robot.base_yaw)
    ahead, aside = x - robot.base[0], y - robot.base[1]
    at = cos * ahead + sin * aside, cos * aside - sin * ahead
    ranges = zip(at, (WORKSPACE.x, WORKSPACE.y), strict=True)
    return not all(low <= value <= high for value, (low, high) in ranges)


def _only_held(atom: Condition, state: WorldState) -> bool:
    """Whether letting go is all that an unmet atom asks for."""
    if isinstance(atom, Released):
        return True
    if not isinstance(atom, Atom) or atom.subject not in state.grasped:
        return False
    return isinstance(atom, AtRest) or atom.gap(state) <= ALMOST


def _instead(trace: Trace, task: Task, goal: GoalSpec) -> FailureName | None:
    """Which mistake it was if another goal of the scene is reached, and was not at the start."""
    state, starts = trace.last, (at_start(trace.last.spec), trace.states[0])
    for other in task.goals(state.spec):
        condition = task.condition(state.spec, other)
        if other != goal and condition.holds(state) and not any(condition.holds(start) for start in starts):
            same = task.handled(state.spec, other) == task.handled(state.spec, goal)
            return "wrong_place" if same else "wrong_object"
    return None


def _let_go(trace: Trace, name: str) -> FailureName:
    """What became of an object that was held and is not: let go on purpose, or dropped."""
    column = trace.column(name)
    end = _last(trace.grasped[:, column])
    before, after = trace.states[end], trace.states[end + 1]
    opened = after.opening > before.opening + CLOSING
    high = bottom_of(before, name) - before.spec.table.height > DROP
    moved = np.linalg.norm(trace.position[-1, column] - trace.position[0, column]) > MOVED
    if opened and not high:
        return "not_placed" if moved or _worked(trace, name) else "missed_grasp"
    return "dropped"


def _last(flags: Flags) -> int:
    """Index of the last true entry of (T,); -1 if there is none."""
    return int(np.flatnonzero(flags)[-1]) if flags.any() else -1


def _tried(trace: Trace, name: str) -> bool:
    """Whether the fingers stayed around an object, or closed near it."""
    away = trace.away[:, trace.column(name)]
    if longest(away < AT) >= TRIED_STEPS:
        return True
    closing = np.diff(trace.opening) < -CLOSING
    return bool((closing & (away[1:] < NEAR)).any())


def _worked(trace: Trace, name: str) -> bool:
    """Whether the robot has moved an object, or worked a fixture."""
    column = trace.column(name)
    touched = np.flatnonzero(trace.touched[:, column])
    if not len(touched):
        return False
    first = max(int(touched[0]) - 1, 0)
    part = _travel(trace, name)
    if part:
        return bool(abs(trace.joint[-1, column] - trace.joint[first, column]) > WORKED * part)
    return bool(np.linalg.norm(trace.position[-1, column] - trace.position[first, column]) > MOVED)


def _travel(trace: Trace, name: str) -> float:
    """How far the part of a fixture moves, metres or radians; 0 for what is none."""
    item = trace.last.spec.object(name)
    part = object_kind(item.kind).shape(item.size).part
    return 0.0 if part is None else part.upper - part.lower


def _acted_on(trace: Trace, name: str, task: Task) -> bool:
    """Whether the robot did to an object that was not meant what it should have done to another."""
    column = trace.column(name)
    if longest(trace.grasped[:, column]) >= HELD_STEPS:
        return True
    if task.grasps:
        return _tried(trace, name) or (bool(_travel(trace, name)) and _worked(trace, name))
    return longest(trace.touched[:, column]) >= HELD_STEPS or _worked(trace, name)


def _disturbed(trace: Trace, name: str) -> bool:
    """Whether an object is far from where it was, leans or fell off, though nobody but the robot moved it."""
    if name in moved_by_others(trace.last.spec):
        return False
    column = trace.column(name)
    way = np.linalg.norm(trace.position[-1, column] - trace.position[0, column])
    leans = lean_of(trace.last, name) - lean_of(trace.states[0], name)
    return bool(way > FAR or leans > TOPPLED)

"""Measures of an episode, taken on the simulator's state after every control step. Knows no task by name."""

from __future__ import annotations

import numpy as np

from envs.failing import NEAR, failure_of
from envs.robots import ROBOTS
from envs.scene import SceneSpec
from envs.state import Float64, WorldState
from envs.tally import Tally
from envs.tasks.base import FALLEN, TASKS
from envs.trace import Flags, Trace
from vla.measures import FailureName, FirstGoal, Measures

AT_LIMIT = 0.01  # radians from a joint's limit


class Gauge:
    """Measures one episode: `look` at the start and after every control step, `measures` at the end.

    It keeps the states; but for the two peaks nothing is computed before it is asked for.

    Attributes:
        peak_speed: Greatest speed of the tool between two control steps, m/s.
        peak_force: Greatest `WorldState.force` after the reset, newtons.
    """

    def __init__(self, spec: SceneSpec) -> None:
        """Nothing has been seen yet."""
        self._spec = spec
        self._states: list[WorldState] = []
        self._known: Trace | None = None
        self.peak_speed = 0.0
        self.peak_force = 0.0

    def look(self, state: WorldState) -> None:
        """See the state at the reset, or after a control step."""
        if self._states:
            x, y, z = (state.ee_position - self._states[-1].ee_position).tolist()
            self.peak_speed = max(self.peak_speed, (x * x + y * y + z * z) ** 0.5 * self._spec.robot.control_hz)
            self.peak_force = max(self.peak_force, state.force)
        self._states.append(state)

    @property
    def _trace(self) -> Trace:
        """All that was seen; kept until more is."""
        if self._known is None or len(self._known.states) < len(self._states):
            self._known = Trace(tuple(self._states))
        return self._known

    def failure(self, tally: Tally) -> FailureName:
        """Why the goal that `tally` counts has not been reached."""
        trace = Trace(self._states[tally.since :]) if tally.since else self._trace
        return failure_of(trace, tally.present, tally.reached)

    def measures(self, failure: FailureName | None, progress: float, first_goal: FirstGoal) -> Measures:
        """What has been measured, with what was judged elsewhere."""
        trace = self._trace
        goals = self._spec.goal.parts or (self._spec.goal,)
        tasks = [TASKS[goal.task]() for goal in goals]
        right = [task.handled(self._spec, goal) for task, goal in zip(tasks, goals, strict=True)]
        named = [task.involved(self._spec, goal) for task, goal in zip(tasks, goals, strict=True)]
        columns = [trace.column(name) for name in frozenset().union(*right) if name in trace.names]
        others = [trace.column(name) for name in trace.names if name not in frozenset().union(*named)]
        first = self._first(trace, (trace.away < NEAR) | trace.touched)
        touched, told = self._first(trace, trace.touched), self._told()
        path_m, jerk = motion(trace.tool, self._spec.robot.control_hz)
        return Measures(
            failure=failure or "",
            progress=progress,
            first_approached=first,
            first_touched=touched,
            intended=first in right[0],
            grasped=bool(trace.grasped[:, columns].any()),
            first_goal=first_goal,
            told=self._words(told),
            touched=self._other(touched, told) + self._words(touched),
            path_m=path_m,
            jerk=jerk,
            peak_speed=round(self.peak_speed, 5),
            peak_force=round(self.peak_force, 3),
            table_hits=sum(state.arm_on_table for state in self._states[1:]),
            bystander_hits=int(trace.touched[1:, others].any(axis=1).sum()),
            limit_steps=self._limit_steps(),
            knocked_off=int((trace.position[-1, :, 2] < self._spec.table.height + FALLEN).sum()),
        )

    def _told(self) -> str:
        """Name of the object that the instruction asks to act on first; empty for a group and for what is not there."""
        goal = self._spec.spoken or self._spec.goal
        return "" if self._spec.refuse else (goal.parts or (goal,))[0].target

    def _words(self, name: str) -> str:
        """Colour and kind of an object; empty without a name."""
        if not name:
            return ""
        thing = self._spec.object(name)
        return f"{thing.color} {thing.kind}".replace("_", " ").strip()

    def _other(self, touched: str, told: str) -> str:
        """A word that tells a look-alike from the object that was meant."""
        return "other " if touched not in ("", told) and self._words(touched) == self._words(told) else ""

    def _first(self, trace: Trace, flags: Flags) -> str:
        """The object whose flag (T+1, K) is the first to be true, of several at once the nearest; empty if none."""
        when = np.flatnonzero(flags.any(axis=1))
        if not len(when):
            return ""
        away = np.where(flags[when[0]], trace.away[when[0]], np.inf)
        return trace.names[int(np.argmin(away))]

    def _limit_steps(self) -> int:
        """Control steps in which a joint was at its limit."""
        robot = ROBOTS[self._spec.robot.name]()
        joints = np.array([state.joints for state in self._states[1:]]).reshape(-1, len(robot.arm_joints))
        near = (joints < np.array(robot.lower) + AT_LIMIT) | (joints > np.array(robot.upper) - AT_LIMIT)
        return int(near.any(axis=1).sum())


def motion(points: Float64, hz: float) -> tuple[float, float]:
    """Length (m) of a way (T, 3) whose points are 1 / `hz` seconds apart, and its root mean square jerk, m/s^3."""
    path = float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())
    third = np.diff(points, 3, axis=0) * hz**3
    jerk = float(np.sqrt((third**2).sum(axis=1).mean())) if len(third) else 0.0
    return round(path, 5), round(jerk, 4)

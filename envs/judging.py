"""Judge: when an episode is over, whether it is a success, and why not. Knows no physics and no policy."""

from __future__ import annotations

import numpy as np

from envs.measuring import Gauge
from envs.scene import SceneSpec
from envs.state import WorldState
from envs.tally import Tally
from envs.tasks.base import TASKS
from envs.trace import moved_by_others
from vla.contract import FloatArray, StepResult
from vla.measures import FailureName, FirstGoal, Measures

REFUSE_STEPS = 40  # control steps after which a robot that was to touch nothing has touched nothing
STIRRED = 0.01  # metres: what is to be left alone may move so far, for example because it settles


class Judge:
    """Watches one episode: `look` at the reset, `result` after every control step, `measures` at any time.

    A goal is reached when its condition held in `hold_steps` consecutive control steps; one with parts when that was so
    of each of them, in their order. Where the instruction speaks of another goal than the one that counts, the episode
    is over when either is reached. Where it speaks of what is not there, success is to touch nothing until the end.
    """

    def __init__(self, spec: SceneSpec) -> None:
        """Nothing has been seen yet."""
        self._spec = spec
        self._task = TASKS[spec.goal.task]()
        self._gauge = Gauge(spec)
        told = spec.spoken or spec.goal
        contrast = spec.contrast if told == spec.goal else spec.goal
        self._goal = Tally(spec, spec.goal)
        self._told = self._goal if told == spec.goal else Tally(spec, told)
        self._contrast = self._goal if contrast == spec.goal else Tally(spec, contrast) if contrast else None
        self._first: FirstGoal = ""
        self._failure: FailureName | None = None
        self._over = self._success = False

    @property
    def over(self) -> bool:
        """Whether the episode is."""
        return self._over

    @property
    def stage(self) -> int:
        """Parts of the goal that have been done; 0 for a goal without parts."""
        return self._goal.done if self._spec.goal.parts else 0

    @property
    def heard(self) -> int:
        """Parts done of the goal that the instruction speaks of."""
        return self._told.done

    def look(self, state: WorldState) -> None:
        """See the state at the reset."""
        self._gauge.look(state)
        self._start = self._state = state

    def count(self, state: WorldState) -> None:
        """Count what has been reached after a control step; `stage` and `heard` follow."""
        tallies = {id(tally): tally for tally in (self._goal, self._told, self._contrast) if tally}
        for tally in tallies.values():
            tally.count(state)
        if not self._first and self._told.complete:
            self._first = "told"
        elif not self._first and self._contrast is not None and self._contrast.complete:
            self._first = "contrast"

    def result(self, state: WorldState, executed: FloatArray | None = None) -> StepResult:
        """What the control step did that led to a state, which has been counted; `executed` is passed on."""
        self._gauge.look(state)
        self._state = state
        reason = self._refusal(state) if self._spec.refuse else self._verdict(state)
        self._over, self._success = bool(reason), reason == "success"
        if self._over and not self._success and self._failure is None:
            self._failure = self._gauge.failure(self._goal)
        return StepResult(self._over, self._success, reason, self._goal.done, self._goal.parts, executed)

    def measures(self) -> Measures:
        """What has been measured so far."""
        progress = 0.0 if self._spec.refuse else self._task.progress(self._state)
        return self._gauge.measures(self._failure, 1.0 if self._success else progress, self._first)

    def _verdict(self, state: WorldState) -> str:
        """`success`, why not, or nothing while the episode goes on."""
        if self._goal.complete:
            return self._broken(state) or "success"
        if self._told is not self._goal and self._told.complete:
            return "did_spoken_goal"
        if state.step < self._spec.max_steps:
            return ""
        return f"time_limit:{self._task.failure_reason(state)}"

    def _broken(self, state: WorldState) -> str:
        """Which limit of the manner that was asked for was passed; empty if none was."""
        manner = self._spec.manner
        if manner is None:
            return ""
        limits = {
            "speed": (manner.speed, self._gauge.peak_speed),
            "force": (manner.force, self._gauge.peak_force),
            "steps": (manner.steps, state.step),
        }
        passed = next((name for name, (limit, value) in limits.items() if 0 < limit < value), "")
        if passed:
            self._failure = "wrong_manner"
        return f"wrong_manner:{passed}" if passed else ""

    def _refusal(self, state: WorldState) -> str:
        """As `_verdict`, where nothing is to be done."""
        name = next(iter(sorted(state.touched)), "") or self._stirred(state)
        if name:
            self._failure = "touched"
            return f"touched:{name}"
        return "success" if state.step >= self._spec.max_steps else ""

    def _stirred(self, state: WorldState) -> str:
        """Name of an object that has moved, though no rule of the scene moves it; empty if there is none."""
        others = moved_by_others(self._spec)
        for name, body in state.objects.items():
            if name not in others and np.abs(body.position - self._start.objects[name].position).max() > STIRRED:
                return name
        return ""

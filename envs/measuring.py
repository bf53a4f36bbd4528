"""Measures of an episode, taken on the simulator's state after every control step. Knows no task by name."""

from __future__ import annotations

from envs.scene import SceneSpec
from envs.state import WorldState
from envs.tasks.base import Task
from vla.measures import Measures


class Gauge:
    """Measures one episode: `look` at the start and after every control step, `measures` at the end."""

    def __init__(self, spec: SceneSpec, task: Task) -> None:
        """Nothing has been seen yet."""
        self._spec, self._task = spec, task
        self._last: WorldState | None = None
        self._succeeded = False

    def look(self, state: WorldState, success: bool) -> None:
        """See the state after a control step, and whether the episode has just succeeded."""
        self._last, self._succeeded = state, success

    def measures(self) -> Measures:
        """What has been measured so far."""
        if self._last is None:
            return Measures()
        progress = 1.0 if self._succeeded else self._task.progress(self._last)
        return Measures(failure="" if self._succeeded else "timeout", progress=progress)

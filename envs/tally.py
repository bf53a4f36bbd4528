"""Counts how far a goal has been reached: its parts one after another, each held for several control steps."""

from __future__ import annotations

from envs.scene import GoalSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Task


class Tally:
    """Parts of a goal that have been done, in their order; a goal without parts is one part.

    A part is done when its task's condition has held in `hold_steps` consecutive control steps while it was its turn.
    """

    def __init__(self, goal: GoalSpec) -> None:
        """Nothing has been done yet."""
        self._goals = goal.parts or (goal,)
        self._tasks: list[Task] = [TASKS[part.task]() for part in self._goals]
        self._held = 0
        self.done = 0

    @property
    def parts(self) -> int:
        """How many there are."""
        return len(self._goals)

    @property
    def complete(self) -> bool:
        """Whether all have been done."""
        return self.done == len(self._goals)

    def count(self, state: WorldState) -> bool:
        """Look at the state after a control step; returns `complete`."""
        if not self.complete:
            task, part = self._tasks[self.done], self._goals[self.done]
            self._held = self._held + 1 if task.success(state, part) else 0
            if self._held >= task.hold_steps:
                self.done, self._held = self.done + 1, 0
        return self.complete

"""Counts how far a goal has been reached: its parts one after another, each held for several control steps."""

from __future__ import annotations

from envs.scene import GoalSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS


class Tally:
    """Parts of a goal that have been done, in their order; a goal without parts is one part.

    A part is done when its task's condition has held in `hold_steps` consecutive control steps while it was its turn.

    Attributes:
        done: Parts that have been done.
        since: Control step at which the turn of the present part came.
        reached: Whether the present part's condition held at any time since then.
    """

    def __init__(self, spec: SceneSpec, goal: GoalSpec) -> None:
        """Nothing of `goal`, in the scene `spec`, has been done yet."""
        self._goals = goal.parts or (goal,)
        tasks = [TASKS[part.task]() for part in self._goals]
        pairs = zip(tasks, self._goals, strict=True)
        self._parts = [(task.condition(spec, part), task.hold_steps) for task, part in pairs]
        self._held = 0
        self.done = 0
        self.since = 0
        self.reached = False

    @property
    def parts(self) -> int:
        """How many there are."""
        return len(self._goals)

    @property
    def present(self) -> GoalSpec:
        """The part whose turn it is, or the last."""
        return self._goals[min(self.done, self.parts - 1)]

    @property
    def complete(self) -> bool:
        """Whether all have been done."""
        return self.done == self.parts

    def count(self, state: WorldState) -> bool:
        """Look at the state after a control step; returns `complete`."""
        if not self.complete:
            condition, hold_steps = self._parts[self.done]
            self._held = self._held + 1 if condition.holds(state) else 0
            self.reached = self.reached or self._held > 0
            if self._held >= hold_steps:
                self.done, self._held = self.done + 1, 0
                self.since, self.reached = state.step, False
        return self.complete

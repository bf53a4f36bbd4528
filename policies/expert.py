"""The scripted expert as a policy: sees the simulator's state, does what the scene's goal says, as it is asked to.

It obeys in time: until the instruction is said it stands still; while another thing is asked for it does that, and then
undoes it. Where the instruction speaks of what is not there, it stands still for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.control.convert import converted
from envs.expert import OPEN, fetch, move, put_aside, tool_yaw
from envs.geometry import bottom_of, moved
from envs.manners import in_manner
from envs.scene import GoalSpec, SceneSpec
from envs.state import WorldState
from envs.tasks.base import MOVED, TASKS, Expert
from envs.tasks.fixture_base import is_fixture
from policies.registry import POLICIES
from vla.contract import FloatArray, Observation


@POLICIES.register("expert")
class ExpertPolicy:
    """Runs the expert of the scene's task, its actions converted to the scene's control mode."""

    inputs: frozenset[str] = frozenset({"state"})
    batched = False
    execute = 1

    def __init__(self) -> None:
        """Wait for the first scene."""
        self._spec: SceneSpec | None = None
        self._goal: GoalSpec | None = None
        self._expert: Expert | None = None

    def reset(self, episode_seed: int) -> None:
        """Forget the scene."""
        self._spec, self._goal, self._expert = None, None, None

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """Return the expert's action, (1, 1, n)."""
        (observation,) = observations
        state: WorldState = observation["state"]
        wanted = self._wanted(state)
        if state.spec.manner is not None:
            wanted = in_manner(wanted, state, state.spec.manner)
        return converted(wanted, state.spec, state.joints, state.commanded)[None, None]

    def _wanted(self, state: WorldState) -> FloatArray:
        """The action (7,) of `pd_ee_delta_pose` for what is asked for now."""
        spec, goal = state.spec, asked_for(state.spec, state.step)
        if goal is None:
            return move(state, state.ee_position, OPEN, tool_yaw(state))
        if self._expert is None or self._spec is not spec or self._goal != goal:
            self._spec, self._goal = spec, goal
            self._expert = TASKS[goal.task]().expert(replace(spec, goal=goal))
        if spec.instruction_before and goal == spec.goal:
            undone = undo(state, asked_for(spec, 0), goal)
            if undone is not None:
                return undone
        return self._expert.act(state)


def asked_for(spec: SceneSpec, step: int) -> GoalSpec | None:
    """The goal that is to be worked for at a control step; None for none."""
    if spec.refuse or (step < spec.instruction_step and not spec.instruction_before):
        return None
    if step < spec.instruction_step:
        return spec.contrast if spec.spoken is None else spec.goal
    return spec.goal


def undo(state: WorldState, other: GoalSpec | None, goal: GoalSpec) -> FloatArray | None:
    """Put what was moved for the `other` goal, and is not needed, back where it was; None if nothing is left to do."""
    if other is None or goal.parts or not TASKS[goal.task].grasps:
        return None
    task, spec = TASKS[goal.task](), state.spec
    needed = task.handled(spec, goal)
    for name in sorted(task.handled(spec, other) - needed):
        if not is_fixture(spec.object(name)) and moved(state, name) > MOVED:
            x, y, z = spec.object(name).position
            bottom = z - float(state.objects[name].position[2]) + bottom_of(state, name)
            return fetch(state, name, np.array([x, y, bottom]))
    return put_aside(state, task.involved(spec, goal))

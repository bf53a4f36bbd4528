"""The scripted expert as a policy: sees the simulator's state, does what the scene's goal says.

Where the instruction speaks of what is not there, it stands still.
"""

from __future__ import annotations

from collections.abc import Sequence

from envs.control.convert import converted
from envs.expert import OPEN, move, tool_yaw
from envs.scene import SceneSpec
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert
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
        self._expert: Expert | None = None

    def reset(self, episode_seed: int) -> None:
        """Forget the scene."""
        self._spec, self._expert = None, None

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """Return the expert's action, (1, 1, n)."""
        (observation,) = observations
        state = observation["state"]
        if self._expert is None or self._spec is not state.spec:
            self._spec = state.spec
            self._expert = TASKS[state.spec.goal.task]().expert(state.spec)
        wanted = still(state) if state.spec.refuse else self._expert.act(state)
        return converted(wanted, state.spec, state.joints, state.commanded)[None, None]


def still(state: WorldState) -> FloatArray:
    """The action (7,) of a robot that waits, as it is at the start."""
    return move(state, state.ee_position, OPEN, tool_yaw(state))

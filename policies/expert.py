"""The scripted expert as a policy: sees the simulator's state, does what the scene's goal says."""

from __future__ import annotations

from collections.abc import Sequence

from envs.control.convert import converted
from envs.scene import SceneSpec
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
        return converted(self._expert.act(state), state.spec, state.joints, state.commanded)[None, None]

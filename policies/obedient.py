"""Obedient policy: a control that does what is said, where the scripted expert does what counts.

They differ where the instruction speaks of another goal (`swapped`): this one has a language-following index of 1, the
expert, which reads the goal and not the words, one of 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envs.scene import SceneSpec
from envs.state import WorldState
from envs.tally import Tally
from policies.expert import ExpertPolicy
from policies.registry import POLICIES
from vla.contract import FloatArray, Observation


@POLICIES.register("obedient")
class ObedientPolicy(ExpertPolicy):
    """The expert of the goal that the instruction speaks of."""

    def reset(self, episode_seed: int) -> None:
        """Forget the scene."""
        super().reset(episode_seed)
        self._seen: SceneSpec | None = None

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """Return the expert's action, (1, 1, n)."""
        (observation,) = observations
        state: WorldState = observation["state"]
        spec, spoken = state.spec, state.spec.spoken
        if spoken is None:
            return super().act(observations)
        if self._seen is not spec:
            self._seen, self._heard, self._tally = spec, replace(spec, goal=spoken), Tally(spec, spoken)
        elif spoken.parts:
            self._tally.count(state)
        stage = self._tally.done if spoken.parts else 0
        return super().act([{**observation, "state": replace(state, spec=self._heard, stage=stage)}])

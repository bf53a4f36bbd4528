"""Deaf policies: controls that see everything and hear nothing.

`deaf` is scripted: the expert of a goal drawn at random from all goals that the scene has, the ceiling for policies
that ignore words. `deaf:CHECKPOINT` is the learned policy whose instruction is always empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.state import WorldState
from envs.tasks.base import TASKS, Expert
from policies.edited import EditedPolicy
from policies.registry import POLICIES, make_policy
from vla.contract import FloatArray, Observation, Policy


@POLICIES.register("deaf")
def deaf(checkpoint: str = "") -> Policy:
    """The scripted control, or `checkpoint` without words."""
    return EditedPolicy(make_policy(checkpoint), without_words) if checkpoint else DeafExpert()


def without_words(observation: Observation) -> Observation:
    """The observation with an empty instruction, as in training with words dropped."""
    edited = observation.copy()
    edited["instruction"] = ""
    return edited


class DeafExpert:
    """The expert of a random goal of the scene; which one is a function of the episode's seed."""

    inputs: frozenset[str] = frozenset({"state"})
    batched = False
    execute = 1

    def __init__(self) -> None:
        """Wait for the first scene."""
        self.reset(0)

    def reset(self, episode_seed: int) -> None:
        """Forget the scene."""
        self._rng = np.random.default_rng([episode_seed, 1])
        self._expert: Expert | None = None

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """Return the expert's action, (1, 1, 7)."""
        (observation,) = observations
        state: WorldState = observation["state"]
        if self._expert is None:
            self._expert = self._any_expert(state)
        return np.asarray(self._expert.act(state), dtype=np.float32)[None, None]

    def _any_expert(self, state: WorldState) -> Expert:
        spec = state.spec
        goals = (spec.goal, *spec.alternatives)
        chosen = goals[int(self._rng.integers(len(goals)))]
        return TASKS[chosen.task]().expert(replace(spec, goal=chosen))

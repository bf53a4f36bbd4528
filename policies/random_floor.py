"""The random policy: what success rate doing anything at all has. Sees nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from policies.registry import POLICIES
from vla.contract import ACTION_DIM, FloatArray, Observation


@POLICIES.register("random")
class RandomPolicy:
    """Uniform actions, a function of the episode's seed."""

    inputs: frozenset[str] = frozenset()
    batched = False
    execute = 1

    def __init__(self) -> None:
        """Start with a fixed seed until `reset` gives one."""
        self._rng = np.random.default_rng(0)

    def reset(self, episode_seed: int) -> None:
        """Start the episode's own stream of actions."""
        self._rng = np.random.default_rng([episode_seed, 1])

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """Return (B, 1, 7) uniform in [-1, 1]."""
        return self._rng.uniform(-1.0, 1.0, (len(observations), 1, ACTION_DIM)).astype(np.float32)

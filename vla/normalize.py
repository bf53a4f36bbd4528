"""Normalisation of proprioception and actions; the statistics are saved with the weights.

Knows no model and no file format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vla.contract import ACTION_DIM, STATE_DIM, FloatArray


@dataclass(frozen=True)
class Normalizer:
    """Mean and standard deviation per dimension: `(x - mean) / std`.

    Attributes:
        state_mean: (8,) of `agent_pos`.
        state_std: (8,), floored so that a constant dimension does not explode.
        action_mean: (7,).
        action_std: (7,).
    """

    state_mean: tuple[float, ...]
    state_std: tuple[float, ...]
    action_mean: tuple[float, ...]
    action_std: tuple[float, ...]

    def __post_init__(self) -> None:
        """Raise ValueError when the statistics belong to another robot or action space."""
        for name, expected in (("state", STATE_DIM), ("action", ACTION_DIM)):
            mean, std = getattr(self, f"{name}_mean"), getattr(self, f"{name}_std")
            if len(mean) != expected or len(std) != expected:
                raise ValueError(f"{name} statistics have {len(mean)}/{len(std)} dimensions, expected {expected}")
            if not np.all(np.isfinite([*mean, *std])) or min(std) <= 0:
                raise ValueError(f"{name} statistics must be finite with positive deviations, got {mean}, {std}")

    @staticmethod
    def fit(states: Sequence[FloatArray], actions: Sequence[FloatArray]) -> Normalizer:
        """Statistics of all steps of all episodes: lists of (T, 8) and (T, 7)."""
        state, action = np.concatenate(states).astype(np.float64), np.concatenate(actions).astype(np.float64)
        # Floors: 1 cm / 0.01 rad of proprioception, a twentieth of an action's range.
        return Normalizer(
            tuple(state.mean(0).round(6).tolist()),
            tuple(np.maximum(state.std(0), 0.01).round(6).tolist()),
            tuple(action.mean(0).round(6).tolist()),
            tuple(np.maximum(action.std(0), 0.1).round(6).tolist()),
        )

    def state(self, agent_pos: FloatArray) -> FloatArray:
        """Normalised `agent_pos` (..., 8), float32."""
        mean, std = _vector(self.state_mean), _vector(self.state_std)
        return np.asarray((agent_pos - mean) / std, np.float32)

    def actions(self, actions: FloatArray) -> FloatArray:
        """Normalised actions (..., 7), float32."""
        mean, std = _vector(self.action_mean), _vector(self.action_std)
        return np.asarray((actions - mean) / std, np.float32)

    def unnormalize(self, actions: FloatArray) -> FloatArray:
        """Actions (..., 7) in the environment's [-1, 1], clipped, float32."""
        mean, std = _vector(self.action_mean), _vector(self.action_std)
        return np.asarray(np.clip(actions * std + mean, -1, 1), np.float32)


def _vector(values: tuple[float, ...]) -> FloatArray:
    return np.array(values, np.float32)

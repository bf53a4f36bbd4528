"""Normalisation of proprioception and actions; the statistics are saved with the weights.

Knows no model and no file format.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla.contract import ACTION_DIM, STATE_DIM, FloatArray
from vla.registry import nearest

Statistics = tuple[NDArray[np.float64], NDArray[np.float64]]  # offset, scale, one entry a dimension


def quantile_range(values: FloatArray | NDArray[np.float64], least: float) -> Statistics:
    """1 % and 99 % quantiles of `values` (N, D), moved apart to at least `least` where a dimension hardly varies."""
    low, high = np.quantile(np.asarray(values, np.float64), (0.01, 0.99), axis=0)
    missing = np.maximum(least - (high - low), 0) / 2
    return low - missing, high + missing


def _mean_std(values: NDArray[np.float64]) -> Statistics:
    return values.mean(0), values.std(0)


def _quantile(values: NDArray[np.float64]) -> Statistics:
    low, high = quantile_range(values, 0.0)
    return (low + high) / 2, (high - low) / 2


def _min_max(values: NDArray[np.float64]) -> Statistics:
    low, high = values.min(0), values.max(0)
    return (low + high) / 2, (high - low) / 2


MODES: dict[str, Callable[[NDArray[np.float64]], Statistics]] = {
    "mean_std": _mean_std,
    "quantile": _quantile,
    "min_max": _min_max,
}


@dataclass(frozen=True)
class Normalizer:
    """`(x - offset) / scale` per dimension.

    Attributes:
        state_offset: (8,) of `agent_pos`, in its units.
        state_scale: (8,), floored so that a constant dimension does not explode.
        action_offset: (7,).
        action_scale: (7,), floored likewise.
        mode: Where offset and scale are from. `mean_std`: mean and standard deviation. `quantile`: the 1 % and 99 %
            quantiles become -1 and 1 (openpi's for pi0-FAST and pi0.5); what lies outside is not clipped. `min_max`:
            the extremes become -1 and 1 (Diffusion Policy).
    """

    state_offset: tuple[float, ...]
    state_scale: tuple[float, ...]
    action_offset: tuple[float, ...]
    action_scale: tuple[float, ...]
    mode: str = "mean_std"

    def __post_init__(self) -> None:
        """Raise ValueError when the statistics belong to another robot or action space."""
        check_mode(self.mode)
        for name, expected in (("state", STATE_DIM), ("action", ACTION_DIM)):
            offset, scale = getattr(self, f"{name}_offset"), getattr(self, f"{name}_scale")
            if len(offset) != expected or len(scale) != expected:
                raise ValueError(
                    f"{name} statistics have {len(offset)}/{len(scale)} dimensions, expected {expected}: "
                    "they are of another robot or control mode"
                )
            if not np.all(np.isfinite([*offset, *scale])) or min(scale) <= 0:
                raise ValueError(f"{name} statistics must be finite with positive scales, got {offset}, {scale}")

    @staticmethod
    def fit(states: Sequence[FloatArray], actions: Sequence[FloatArray], mode: str = "mean_std") -> Normalizer:
        """Statistics of all steps of all episodes: lists of (T, 8) and (T, 7).

        Raises UnknownNameError for a mode that does not exist, ValueError for other dimensions.
        """
        check_mode(mode)
        # Floors: 1 cm / 0.01 rad of proprioception, a twentieth of an action's range.
        state_offset, state_scale = _statistics(states, mode, 0.01)
        action_offset, action_scale = _statistics(actions, mode, 0.1)
        return Normalizer(state_offset, state_scale, action_offset, action_scale, mode)

    def state(self, agent_pos: FloatArray) -> FloatArray:
        """Normalised `agent_pos` (..., 8), float32. Raises ValueError for another robot's."""
        if agent_pos.shape[-1:] != (STATE_DIM,):
            raise ValueError(
                f"proprioception has shape {agent_pos.shape}, the statistics are of {STATE_DIM} entries: another robot?"
            )
        return np.asarray((agent_pos - _vector(self.state_offset)) / _vector(self.state_scale), np.float32)

    def actions(self, actions: FloatArray) -> FloatArray:
        """Normalised actions (..., 7), float32."""
        return np.asarray((actions - _vector(self.action_offset)) / _vector(self.action_scale), np.float32)

    def unnormalize(self, actions: FloatArray) -> FloatArray:
        """Actions (..., 7) in the environment's [-1, 1], clipped, float32."""
        plain = actions * _vector(self.action_scale) + _vector(self.action_offset)
        return np.asarray(np.clip(plain, -1, 1), np.float32)


def check_mode(mode: str) -> None:
    """Raise UnknownNameError, with the nearest name, for a mode that does not exist."""
    if mode not in MODES:
        raise nearest("normalisation", mode, list(MODES))


def _statistics(episodes: Sequence[FloatArray], mode: str, least: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Offset and scale, the latter at least `least`; six decimals, so that the JSON is short and exact."""
    offset, scale = MODES[mode](np.concatenate(episodes).astype(np.float64))
    return tuple(offset.round(6).tolist()), tuple(np.maximum(scale, least).round(6).tolist())


def _vector(values: tuple[float, ...]) -> FloatArray:
    return np.array(values, np.float32)

"""Normalisation: what each mode maps to what, and errors for another robot's numbers."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import cattrs
import numpy as np
import pytest

from vla.contract import FloatArray
from vla.normalize import MODES, Normalizer


def data(count: int = 500) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (count, 7)).astype(np.float32)
    actions[:, 3] = 0
    return rng.normal(3, 2, (count, 8)).astype(np.float32), actions


@pytest.mark.parametrize("mode", MODES)
def test_round_trip(mode: str) -> None:
    states, actions = data()
    normalizer = Normalizer.fit([states[:200], states[200:]], [actions], mode)
    np.testing.assert_allclose(normalizer.unnormalize(normalizer.actions(actions)), actions, atol=1e-5)
    assert normalizer.state(states[0]).dtype == normalizer.actions(actions).dtype == np.float32
    assert cattrs.structure(json.loads(json.dumps(asdict(normalizer))), Normalizer) == normalizer


def test_what_each_mode_maps_to_one() -> None:
    states, actions = data()
    plain, quantile, extreme = (Normalizer.fit([states], [actions], mode) for mode in MODES)
    np.testing.assert_allclose(plain.state(states).mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(plain.state(states).std(0), 1, atol=1e-4)
    np.testing.assert_allclose(
        np.quantile(quantile.state(states), (0.01, 0.99), axis=0), [[-1] * 8, [1] * 8], atol=1e-4
    )
    assert np.abs(quantile.state(states)).max() > 1.05  # not clipped
    normal = extreme.state(states)
    np.testing.assert_allclose([normal.min(0), normal.max(0)], [[-1] * 8, [1] * 8], atol=1e-5)


@pytest.mark.parametrize("mode", MODES)
def test_what_does_not_move_does_not_explode(mode: str) -> None:
    states, actions = data()
    normalizer = Normalizer.fit([np.zeros_like(states)], [actions], mode)
    assert normalizer.state_scale == (0.01,) * 8
    assert normalizer.action_scale[3] == 0.1


def test_wrong_mode_and_wrong_robot_are_named() -> None:
    states, actions = data()
    with pytest.raises(ValueError, match=r"unknown normalisation 'quantiles'\. Did you mean 'quantile'"):
        Normalizer.fit([states], [actions], "quantiles")
    with pytest.raises(ValueError, match=r"14/14 dimensions, expected 8: .*another robot"):
        Normalizer.fit([np.zeros((5, 14), np.float32)], [actions])
    with pytest.raises(ValueError, match="action statistics have 8/8"):
        Normalizer.fit([states], [states])
    fitted = Normalizer.fit([states], [actions])
    with pytest.raises(ValueError, match=r"shape \(14,\).*another robot"):
        fitted.state(np.zeros(14, np.float32))
    with pytest.raises(ValueError, match="finite"):
        replace(fitted, action_scale=(0.0,) * 7)
    with pytest.raises(ValueError, match="Did you mean"):
        replace(fitted, mode="meanstd")

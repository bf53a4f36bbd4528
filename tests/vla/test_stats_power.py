"""Plans: as many episodes as are said give the power that is asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vla.paired import mcnemar
from vla.power import detectable, discordance, episodes_needed, paired_power, pairs_needed


def test_known_sample_sizes() -> None:
    # Fleiss, Levin and Paik: the usual 1094 for 0.80 against 0.75; R: power.prop.test(p1 = .8, p2 = .75, power = .8).
    assert episodes_needed(0.8, 0.05) == 1094
    assert episodes_needed(0.9, 0.2) == 62  # R: power.prop.test(p1 = .9, p2 = .7, power = .8): 61.1 rounded up
    assert episodes_needed(0.8, 0.05, power=0.9) > 1400


def test_power_is_as_planned_for_two_proportions() -> None:
    rng, n = np.random.default_rng(0), episodes_needed(0.8, 0.1)
    a, b = rng.binomial(n, 0.8, 20000) / n, rng.binomial(n, 0.7, 20000) / n
    mean = (a + b) / 2
    z = (a - b) / np.sqrt(2 * mean * (1 - mean) / n)
    assert float((np.abs(z) > 1.96).mean()) == pytest.approx(0.8, abs=0.015)


@pytest.mark.parametrize(("difference", "differing"), [(0.1, 0.2), (0.2, 0.2), (0.1, 0.5)])
def test_power_is_as_planned_for_pairs(difference: float, differing: float) -> None:
    n = pairs_needed(difference, differing)
    rng = np.random.default_rng(1)
    kinds = [(differing + difference) / 2, (differing - difference) / 2, 1 - differing]
    counts = rng.multinomial(n, kinds, 3000)
    pairs = [(wins, losses) for wins, losses, _ in counts.tolist()]
    p = {pair: mcnemar(*pair) for pair in set(pairs)}
    found = float(np.mean([p[pair] <= 0.05 for pair in pairs]))
    assert found == pytest.approx(paired_power(n, difference, differing), abs=0.025)
    assert 0.8 <= paired_power(n, difference, differing) < 0.86
    assert paired_power(n - 1, difference, differing) < 0.8


def test_detectable_inverts_the_plan() -> None:
    pairs = pairs_needed(0.1, discordance(0.8, 0.1))
    assert detectable(pairs, 0.8) == pytest.approx(0.1, abs=0.002)
    assert math.isnan(detectable(3, 0.8))
    assert detectable(1000, 0.8) < detectable(100, 0.8) < detectable(100, 0.8, alpha=0.001)


def test_bad_plans_are_refused() -> None:
    with pytest.raises(ValueError, match="a difference of 0"):
        episodes_needed(0.8, 0.9)
    with pytest.raises(ValueError, match="power and alpha"):
        episodes_needed(0.8, 0.1, power=1.0)
    with pytest.raises(ValueError, match="differing pairs"):
        pairs_needed(0.3, 0.2)
    with pytest.raises(ValueError, match="more than"):
        pairs_needed(0.0001, 1.0)

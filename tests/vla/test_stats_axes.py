"""Numbers of an axis: severity and interactions, with intervals that cover."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import norm

from tests.vla.made import record
from vla.interaction import interaction, interactions
from vla.severity import severities, severity

RUNS = 150
Array = NDArray[np.float64]


def scenes(rng: np.random.Generator, n: int, rates: list[float]) -> Array:
    """(n, K) outcomes with these rates; the arms of one scene are dependent (correlation 1/2 of what is behind)."""
    hidden = rng.standard_normal((n, 1)) + rng.standard_normal((n, len(rates)))
    table: Array = (norm.cdf(hidden / math.sqrt(2)) < np.array(rates)).astype(float)
    return table


def outcomes(table: Array, levels: list[int]) -> dict[int, dict[tuple[str, int], bool]]:
    columns = zip(levels, table.T.tolist(), strict=True)
    return {level: {("Lift", i): bool(good) for i, good in enumerate(column)} for level, column in columns}


def test_severity_known_values() -> None:
    table = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0]])
    found = severity(outcomes(table, [0, 1, 3, 5]))
    assert [rate.k for rate in found.rates] == [4, 3, 2, 0]
    assert found.half.value == pytest.approx(3.0)  # half of 4
    assert found.area.value == pytest.approx(((4 + 3) / 2 + (3 + 2) / 2 * 2 + (2 + 0) / 2 * 2) / (4 * 5))
    steep = severity(outcomes(np.array([[1, 0]] * 5), [0, 5]))
    assert steep.half.value == pytest.approx(2.5)
    assert steep.area.value == pytest.approx(0.5)


def test_severity_beyond_the_last_level_and_unknown() -> None:
    robust = severity(outcomes(np.ones((10, 3)), [0, 3, 5]))
    assert robust.half.value == math.inf
    assert robust.text == "beyond 5"
    assert (robust.area.value, robust.area.high) == (1.0, 1.0)
    assert 0.6 < robust.area.low < 0.99  # ten scenes leave something open
    assert robust.to_dict()["half"]["value"] is None
    never = severity(outcomes(np.zeros((10, 3)), [0, 3, 5]))
    assert (never.text, never.area.known) == ("cannot tell", False)
    with pytest.raises(ValueError, match="from 0"):
        severity({1: {}, 2: {}})


@pytest.mark.parametrize(
    ("rates", "half"), [([0.9, 0.8, 0.5, 0.2], 3 + 2 * 0.05 / 0.3), ([0.6, 0.5, 0.4, 0.35], math.inf)]
)
def test_severity_covers(rates: list[float], half: float) -> None:
    rng, levels = np.random.default_rng(0), [0, 1, 3, 5]
    area = float(np.interp(np.linspace(0, 5, 50001), levels, rates).mean()) / rates[0]
    hits = np.zeros(2)
    for run in range(RUNS):
        found = severity(outcomes(scenes(rng, 60, rates), levels), seed=run)
        hits[0] += found.area.low <= area <= found.area.high
        hits[1] += found.half.low <= half <= found.half.high
    assert np.all(hits / RUNS >= 0.9)


def test_severities_of_records() -> None:
    """Level 0 is that of the families that have the axis; errors count in their own column."""
    records = [record(True, i) for i in range(6)] + [record(False, i, task="Push") for i in range(6)]
    records += [record(i < 3, i, "fog", level) for i in range(6) for level in (3, 1)]
    records += [record("error", 6, "fog", 3)]
    found = severities(records)
    assert list(found) == ["fog"]
    fog = found["fog"]
    assert fog.levels == (0, 1, 3)
    assert [(rate.k, rate.n, rate.errors) for rate in fog.rates] == [(6, 6, 0), (3, 6, 0), (3, 6, 1)]
    assert fog.half.value == 1.0


def test_interaction_known_values() -> None:
    table = np.array([[1, 1, 1, 0]] * 4 + [[1, 0, 1, 0]] * 2 + [[1, 1, 0, 0]] * 2 + [[1, 1, 1, 1]] * 2)
    found = interaction(("a", "b"), 3, table.astype(float))
    assert (found.base, found.together, found.scenes) == (1.0, 0.2, 10)
    assert found.kept == pytest.approx((0.8, 0.8))
    assert found.drops == pytest.approx((0.2, 0.2))
    assert found.additive.value == pytest.approx(0.8 - 0.4)
    assert found.multiplicative.value == pytest.approx(0.64 - 0.2)
    assert found.additive.low > 0
    with pytest.raises(ValueError, match="paired outcomes of 2 axes"):
        interaction(("a", "b"), 3, np.ones((4, 3)))


@pytest.mark.parametrize("rates", [[0.9, 0.7, 0.8, 0.4], [0.98, 0.95, 0.97, 0.94]])
@pytest.mark.parametrize("matched", [True, False])
def test_interaction_covers(rates: list[float], matched: bool) -> None:
    base, a, b, both = rates
    additive, multiplicative = base - both - (2 * base - a - b), a * b / base - both
    rng = np.random.default_rng(1)
    hits = np.zeros(2)
    for run in range(RUNS):
        table = scenes(rng, 60, rates)
        if not matched:  # each arm has a third of the scenes
            for arm in (1, 2, 3):
                table[np.arange(60) % 3 != arm - 1, arm] = np.nan
        found = interaction(("a", "b"), 1, table, seed=run)
        hits[0] += found.additive.low <= additive <= found.additive.high
        hits[1] += found.multiplicative.low <= multiplicative <= found.multiplicative.high
    assert np.all(hits / RUNS >= 0.9)


def test_interactions_of_records() -> None:
    records = [record(True, i) for i in range(8)]
    records += [record(i % 2 == 0, i, "fog", 3) for i in range(8)]
    records += [record(True, i, "blur", 3) for i in range(4)] + [record("error", 5, "blur", 3)]
    records += [record(False, i, "fog+blur", 3) for i in range(8)]
    records += [record(False, i, "fog+blur", 5) for i in range(8)]  # not run alone at this level
    (found,) = interactions(records)
    assert (found.axes, found.level, found.scenes) == (("fog", "blur"), 3, 8)
    assert found.additive.value == pytest.approx(1.0 - 0.5)
    assert found.multiplicative.value == pytest.approx(0.5)

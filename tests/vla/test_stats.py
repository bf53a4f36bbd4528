from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from vla.paired import paired_drop
from vla.stats import Rate, clopper_pearson, count, percent, wilson


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        # Newcombe 1998 (Statistics in Medicine 17:857-872), table I, method 3: Wilson's score without correction.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_known_values(k: int, n: int, low: float, high: float) -> None:
    assert wilson(k, n) == pytest.approx((low, high), abs=5e-5)


def test_wilson_is_symmetric_and_stays_inside() -> None:
    for n in (1, 2, 7, 50, 1000):
        for k in range(n + 1):
            low, high = wilson(k, n)
            assert 0 <= low <= k / n <= high <= 1
            assert wilson(n - k, n) == pytest.approx((1 - high, 1 - low))
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="k=3, n=2"):
        wilson(3, 2)


@pytest.mark.parametrize("p", [0.5, 0.8, 0.95])
def test_wilson_coverage(p: float) -> None:
    rng = np.random.default_rng(0)
    hits = []
    for k in rng.binomial(30, p, size=4000):
        low, high = wilson(int(k), 30)
        hits.append(low <= p <= high)
    assert 0.92 <= float(np.mean(hits)) <= 0.99


def test_clopper_pearson_known_values() -> None:
    # Newcombe 1998, table I, method 5.
    assert clopper_pearson(81, 263) == pytest.approx((0.2527, 0.3676), abs=5e-5)
    assert clopper_pearson(0, 20) == pytest.approx((0.0, 0.1684), abs=5e-5)
    assert clopper_pearson(0, 0) == (0.0, 1.0)
    assert Rate(15, 148).exact_interval == clopper_pearson(15, 148) == pytest.approx((0.0578, 0.1617), abs=5e-5)


def test_clopper_pearson_covers_whatever_the_truth_and_wilson_on_average() -> None:
    n, rates = 25, np.linspace(0.01, 0.99, 197)
    chance = binom.pmf(np.arange(n + 1), n, rates[:, None])
    covered = {}
    for interval in (clopper_pearson, wilson):
        low, high = np.array([interval(k, n) for k in range(n + 1)]).T
        covered[interval] = (chance * ((low <= rates[:, None]) & (rates[:, None] <= high))).sum(axis=1)
    assert covered[clopper_pearson].min() >= 0.95
    assert covered[wilson].mean() == pytest.approx(0.95, abs=0.01)
    assert covered[wilson].min() < 0.95


def test_paired_drop_counts_pairs() -> None:
    drop = paired_drop([(True, False)] * 8 + [(True, True)] * 8 + [(False, True)] * 1 + [(False, False)] * 3)
    assert (drop.pairs, drop.lost, drop.gained) == (20, 8, 1)
    assert drop.value == pytest.approx(0.35)
    assert 0 < drop.low < 0.35 < drop.high < 1
    assert drop.text.startswith("-35 pt [-")


def test_paired_drop_extremes() -> None:
    none = paired_drop([(True, True)] * 10)
    assert none.value == 0
    assert none.low == pytest.approx(-none.high)
    assert none.high < 0.35
    all_lost = paired_drop([(True, False)] * 10)
    assert all_lost.value == all_lost.high == 1.0
    assert all_lost.low > 0.55
    empty = paired_drop([])
    assert math.isnan(empty.value)
    assert empty.text == "no pairs"
    assert empty.to_dict()["drop"] is None


@pytest.mark.parametrize(("base", "keep", "gain"), [(0.9, 0.7, 0.1), (0.95, 0.95, 0.3), (0.6, 0.3, 0.1)])
def test_paired_drop_coverage(base: float, keep: float, gain: float) -> None:
    true = base * (1 - keep) - (1 - base) * gain
    rng = np.random.default_rng(1)
    hits = []
    for _ in range(1500):
        twins = rng.random(30) < base
        cells = np.where(twins, rng.random(30) < keep, rng.random(30) < gain)
        drop = paired_drop(list(zip(twins.tolist(), cells.tolist(), strict=True)))
        hits.append(drop.low <= true <= drop.high)
    assert 0.92 <= float(np.mean(hits)) <= 1.0


def test_errors_are_neither_success_nor_failure() -> None:
    rate = count(["success", "error", "failure", "success"])
    assert (rate.k, rate.n, rate.errors) == (2, 3, 1)
    assert rate.text.endswith("+1 err")
    assert count(["error"]).text == "no episode +1 err"
    assert Rate(0, 0).to_dict()["rate"] is None
    with pytest.raises(ValueError, match="errors=-1"):
        Rate(1, 2, -1)


def test_percent_never_claims_all_or_nothing() -> None:
    assert [percent(x) for x in (0.0, 0.001, 0.5, 0.999, 1.0)] == ["0", "0.1", "50", "99.9", "100"]

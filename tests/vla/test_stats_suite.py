"""Suite means over families: the intervals cover what a suite of other families would show."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import beta

from vla import resampling
from vla.paired import paired_drop
from vla.resampling import suite_drop, suite_iqm, suite_rate
from vla.stats import Estimate, wilson

RUNS = 120


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "DRAWS", 400)


def coverage(interval: Callable[[dict[str, list[bool]], int], Estimate], true: float, families: int, n: int) -> float:
    """How often the interval holds `true`; families' own rates are Beta(3, 1.5)."""
    rng = np.random.default_rng(0)
    hits = 0
    for run in range(RUNS):
        rates = rng.beta(3, 1.5, families)
        found = interval({str(i): (rng.random(n) < rate).tolist() for i, rate in enumerate(rates)}, run)
        hits += found.low <= true <= found.high
    return hits / RUNS


@pytest.mark.parametrize(("families", "n"), [(6, 20), (30, 4), (30, 20)])
def test_suite_rate_covers(families: int, n: int) -> None:
    assert coverage(suite_rate, 2 / 3, families, n) >= 0.9


def test_pooling_all_episodes_would_not_cover() -> None:
    """Episodes of a family are alike: an interval that takes them as independent is far too narrow."""

    def pooled(families: dict[str, list[bool]], seed: int) -> Estimate:
        outcomes = [good for rows in families.values() for good in rows]
        return Estimate(0.0, *wilson(sum(outcomes), len(outcomes)))

    assert coverage(pooled, 2 / 3, 30, 20) < 0.8


def test_iqm_covers() -> None:
    middle = beta.expect(lambda x: x, (3, 1.5), lb=beta.ppf(0.25, 3, 1.5), ub=beta.ppf(0.75, 3, 1.5), conditional=True)
    assert coverage(suite_iqm, float(middle), 30, 20) >= 0.9


def test_suite_drop_covers() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for run in range(RUNS):
        keep = rng.beta(4, 2, 25)
        twins = rng.random((25, 8)) < 0.9
        cells = twins & (rng.random((25, 8)) < keep[:, None])
        pairs = {str(i): list(zip(twins[i].tolist(), cells[i].tolist(), strict=True)) for i in range(25)}
        found = suite_drop(pairs, run)
        hits += found.low <= 0.9 * (1 - 4 / 6) <= found.high
    assert hits / RUNS >= 0.9


def test_known_values() -> None:
    families = {"a": [True] * 4, "b": [False] * 8, "c": [True, False], "d": [True, True, True, False], "empty": []}
    assert suite_rate(families).value == pytest.approx((1 + 0 + 0.5 + 0.75) / 4)  # each family counts the same
    assert suite_iqm(families).value == pytest.approx((0.5 + 0.75) / 2)  # the middle half
    assert suite_rate(families, seed=5) == suite_rate(families, seed=5)
    assert not suite_rate({}).known
    assert not suite_iqm({"a": []}).known
    assert not suite_drop({}).known


def test_success_everywhere_does_not_close_the_interval() -> None:
    families = {name: [True] * 5 for name in "abcdefgh"}
    assert suite_rate(families) == Estimate(1.0, wilson(40, 40)[0], 1.0)
    assert suite_iqm(families) == Estimate(1.0, wilson(20, 20)[0], 1.0)
    drop = suite_drop({name: [(True, True)] * 5 for name in "abcdefgh"})
    assert (drop.low, drop.high) == (paired_drop([(True, True)] * 40).low, paired_drop([(True, True)] * 40).high)


def test_one_family_is_about_its_episodes() -> None:
    found = suite_rate({"a": [True] * 30 + [False] * 10})
    assert (found.low, found.high) == pytest.approx(wilson(30, 40), abs=0.06)

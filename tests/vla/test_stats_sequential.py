"""The sequential test: looking after every episode does not inflate its error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import beta
from scipy.stats import binom

from vla.sequential import confidence_sequence, frozen_order, log_evidence, sequential


@pytest.mark.parametrize("differing", [0.2, 1.0])
def test_optional_stopping_keeps_the_error_rate(differing: float) -> None:
    """Of 2000 comparisons of equal policies, each looked at after each of 500 pairs, at most 5 % are ever rejected."""
    rng = np.random.default_rng(0)
    signs = rng.choice([1, 0, -1], size=(2000, 500), p=[differing / 2, 1 - differing, differing / 2])
    wins, losses = (np.cumsum(signs == sign, axis=1, dtype=np.int64) for sign in (1, -1))
    rejected = (log_evidence(wins, losses) >= math.log(20)).any(axis=1)
    assert 0.0 < float(rejected.mean()) <= 0.05
    naive = 2 * binom.cdf(np.minimum(wins, losses), wins + losses, 0.5) <= 0.05  # McNemar's test after every pair
    assert float(naive.any(axis=1).mean()) > 0.15


def test_evidence_is_a_fair_game() -> None:
    """The mean of the e-value over all outcomes is 1 at every time: nobody can expect to win."""
    for n in (1, 7, 40):
        wins = np.arange(n + 1)
        assert float(binom.pmf(wins, n, 0.5) @ np.exp(log_evidence(wins, n - wins))) == pytest.approx(1.0)


def test_sequential_known_values() -> None:
    found = sequential([1.0] * 10)
    assert (found.wins, found.losses, found.better) == (10, 0, 1)
    evidence = [2**n * beta(n + 0.5, 0.5) / math.pi for n in range(11)]
    assert found.stopped == next(n for n, e in enumerate(evidence) if e >= 20)
    assert found.evidence == pytest.approx(evidence[-1])
    assert found.p == pytest.approx(1 / evidence[-1])
    assert sequential([-3.0, 0.0] * 10).better == -1
    nothing = sequential([])
    assert (nothing.stopped, nothing.p, nothing.share) == (None, 1.0, (0.0, 1.0))
    with pytest.raises(ValueError, match="error rate"):
        sequential([1.0], alpha=1.0)


def test_sequential_finds_differences_early() -> None:
    rng = np.random.default_rng(1)
    stopped = [sequential(rng.choice([1, 0, -1], size=400, p=[0.3, 0.6, 0.1]).tolist()).stopped for _ in range(200)]
    found = [n for n in stopped if n is not None]
    assert len(found) > 190
    assert np.median(found) < 120  # of 400


def test_confidence_sequence_covers_at_all_times() -> None:
    rng = np.random.default_rng(2)
    wins = np.cumsum(rng.random((300, 60)) < 0.7, axis=1)
    ends = {(w, n - w): confidence_sequence(w, n - w) for n in range(1, 61) for w in range(n + 1)}
    times = [[(int(w), n - int(w)) for n, w in enumerate(row, start=1)] for row in wins]
    always = [all(ends[at][0] <= 0.7 <= ends[at][1] for at in row) for row in times]
    assert float(np.mean(always)) >= 0.95
    assert confidence_sequence(60, 0)[0] > 0.85


def test_frozen_order_depends_on_names_alone() -> None:
    names = [f"scene {i}" for i in range(50)]
    order = frozen_order(names, "suite")
    assert order == frozen_order(reversed(names), "suite")
    assert sorted(order) == sorted(names) != order
    assert order != frozen_order(names, "another")

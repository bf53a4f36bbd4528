"""Holm's correction and letters."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from vla.multiple import holm, letters


def test_holm_known_values() -> None:
    # As p.adjust of R gives them.
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert list(adjusted) == ["a", "b", "c", "d"]
    assert holm({}) == {}
    with pytest.raises(ValueError, match=r"p-values in \[0, 1\]"):
        holm({"a": 1.1})


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_holm_keeps_the_chance_of_any_false_rejection(shared: float) -> None:
    """Also where the axes' tests depend on each other, and with true differences among them."""
    rng = np.random.default_rng(0)
    tests, true = 12, 4
    z = shared * rng.standard_normal((2000, 1)) + np.sqrt(1 - shared**2) * rng.standard_normal((2000, tests))
    z[:, :true] += 3.0
    p = 2 * norm.sf(np.abs(z))
    adjusted = np.array([list(holm(dict(enumerate(row))).values()) for row in p.tolist()])
    assert float((adjusted[:, true:] <= 0.05).any(axis=1).mean()) <= 0.06
    assert float((p[:, true:] <= 0.05).any(axis=1).mean()) > 0.15  # what the correction is for
    assert float((adjusted[:, :true] <= 0.05).mean()) > 0.4


def test_letters_are_shared_if_and_only_if_policies_do_not_differ() -> None:
    # Piepho's kind of case: 1 and 3 differ, 2 is like both, 4 is unlike all.
    different = {(1, 3): True, (4, 1): True, (2, 4): True, (3, 4): True, (1, 2): False}
    assert letters([1, 2, 3, 4], different) == {1: "a", 2: "ab", 3: "b", 4: "c"}
    assert letters(["x", "y"], {}) == {"x": "a", "y": "a"}
    rng = np.random.default_rng(1)
    for _ in range(20):
        pairs = {(i, j): bool(rng.random() < 0.5) for i in range(6) for j in range(i)}
        shown = letters(list(range(6)), pairs)
        for (i, j), differ in pairs.items():
            assert bool(set(shown[i]) & set(shown[j])) != differ

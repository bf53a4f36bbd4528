"""Two arms on the same episodes: the drop with its interval, the exact test, how probable it is that one is better.

Knows outcomes as booleans; neither episodes nor policies.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import convolve
from scipy.special import betainc
from scipy.stats import binom, binomtest

from vla.stats import points, wilson

PRIOR = 0.5  # of each kind of pair: Jeffreys' prior


@dataclass(frozen=True)
class PairedDrop:
    """How much success falls from the matched unperturbed twins to a cell, over the pairs that finished in both.

    Attributes:
        pairs: Twin pairs with neither side an error.
        lost: Pairs that succeed unperturbed and fail perturbed.
        gained: Pairs that fail unperturbed and succeed perturbed.
        value: Drop, (lost - gained) / pairs, in [-1, 1]; NaN without pairs.
        low: Lower end of the 95 % interval.
        high: Upper end of the 95 % interval.
    """

    pairs: int
    lost: int
    gained: int
    value: float
    low: float
    high: float

    @property
    def p_value(self) -> float:
        """Of McNemar's exact test that both arms succeed equally often."""
        return mcnemar(self.lost, self.gained)

    @property
    def text(self) -> str:
        """For tables, in percentage points: `-25 pt [-44, -9] (20 pairs)`; the sign is that of the change."""
        if not self.pairs:
            return "no pairs"
        change, low, high = (points(-x) for x in (self.value, self.high, self.low))
        return f"{change} pt [{low}, {high}] ({self.pairs} pairs)"

    def to_dict(self) -> dict[str, float | int | None]:
        """JSON-ready fields; `drop` is None without pairs."""
        drop = self.value if self.pairs else None
        return {
            "pairs": self.pairs,
            "lost": self.lost,
            "gained": self.gained,
            "drop": drop,
            "low": self.low,
            "high": self.high,
            "p": self.p_value,
        }


def paired_drop(pairs: Sequence[tuple[bool, bool]]) -> PairedDrop:
    """The drop over `(twin succeeded, perturbed succeeded)` pairs, with Newcombe's 95 % interval.

    Source: R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on
    paired data", Statistics in Medicine 17 (1998) 2635-2650, method 10: square-and-add of Wilson limits, with the
    continuity-corrected correlation of the pairs.
    """
    n = len(pairs)
    if n == 0:
        return PairedDrop(0, 0, 0, math.nan, -1.0, 1.0)
    both = sum(a and b for a, b in pairs)
    lost = sum(a and not b for a, b in pairs)
    gained = sum(b and not a for a, b in pairs)
    neither = n - both - lost - gained
    base, cell = (both + lost) / n, (both + gained) / n
    base_low, base_high = wilson(both + lost, n)
    cell_low, cell_high = wilson(both + gained, n)
    phi = _correlation(both, lost, gained, neither)
    down = _square_and_add(base - base_low, cell_high - cell, phi)
    up = _square_and_add(base_high - base, cell - cell_low, phi)
    value = (lost - gained) / n
    return PairedDrop(n, lost, gained, value, max(-1.0, value - down), min(1.0, value + up))


def _square_and_add(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _correlation(both: int, lost: int, gained: int, neither: int) -> float:
    """Newcombe's phi: positive association is shrunk by n / 2 (continuity), negative one is taken as it is."""
    margins = (both + lost) * (gained + neither) * (both + gained) * (lost + neither)
    if margins == 0:
        return 0.0
    n = both + lost + gained + neither
    cross = float(both * neither - lost * gained)
    if cross > 0:
        cross = max(0.0, cross - n / 2)
    return cross / math.sqrt(margins)


def mcnemar(lost: int, gained: int) -> float:
    """Two-sided p-value of McNemar's exact test: among pairs that differ, either arm wins by the toss of a coin.

    Args:
        lost: Pairs in which only the first arm succeeds.
        gained: Pairs in which only the second arm succeeds.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947) 153-157, in its exact (binomial) form, which scipy computes.
    """
    return float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0


def sign_flip(nets: Sequence[int]) -> float:
    """Two-sided p-value of the exact test that two arms are exchangeable within each scene.

    A scene with several episodes is won or lost as a whole: under the null hypothesis the sign of its net wins is the
    toss of a coin, whatever binds its episodes together. Where every scene has one episode this is McNemar's exact
    test. The distribution of the sum over all flips is computed, not drawn, which `scipy.stats.permutation_test` would.

    Args:
        nets: Wins minus losses of each scene.

    Source: R. A. Fisher, "The Design of Experiments" (1935), section 21; its exact distribution as in M. Pagano and
    D. Tritchler, "On obtaining permutation distributions in polynomial time", JASA 78 (1983) 435-440.
    """
    sizes, scenes = np.unique(np.abs(np.asarray(nets, int)), return_counts=True)
    chances = np.ones(1)  # of each sum, from the least on, in steps of 1
    for size, count in zip(sizes.tolist(), scenes.tolist(), strict=True):
        if size:
            flips = np.zeros(2 * size * count + 1)
            flips[:: 2 * size] = binom.pmf(np.arange(count + 1), count, 0.5)
            chances = convolve(chances, flips, method="direct")  # by Fourier, rounding drowns what is below 1e-16
    sums = np.arange(len(chances)) - len(chances) // 2
    return float(min(1.0, max(0.0, chances[np.abs(sums) >= abs(sum(nets))].sum())))


def probability_more(wins: float, losses: float) -> float:
    """Posterior probability that the arm with `wins` succeeds more often than the one with `losses`.

    The four kinds of pairs (both, either, neither) have a Dirichlet prior of 1/2 each (Jeffreys). Then the share of the
    wins among the pairs that differ is Beta(wins + 1/2, losses + 1/2), and the arm is better where it exceeds 1/2.
    Counts may be fractions, where dependent pairs count for fewer.

    Source: A. Gelman et al., "Bayesian Data Analysis", 3rd ed. (2013), section 3.4; the Beta posteriors of policy
    evaluation in TRI LBM Team, "A Careful Examination of Large Behavior Models" (arXiv 2507.05331).
    """
    if min(wins, losses) < 0:
        raise ValueError(f"expected counts of pairs that are not negative, got {wins} and {losses}")
    return float(betainc(losses + PRIOR, wins + PRIOR, 0.5))

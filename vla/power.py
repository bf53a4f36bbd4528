"""How many episodes are needed to see a difference, and which difference so many can show. Knows numbers alone."""

from __future__ import annotations

import functools
import math

import numpy as np
from scipy.stats import binom, norm

MOST = 10_000_000  # episodes; more are nobody's plan
SMOOTH = 500  # pairs that differ; with more the power's saw has no teeth to speak of


def episodes_needed(base: float, difference: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Episodes of each arm, on scenes of their own, to tell `base` from `base - difference`.

    For the two-sided z-test of two proportions.

    Args:
        base: Success of the one, in (0, 1).
        difference: By which the other falls, in (0, base].
        power: Chance to find it.
        alpha: Error rate.

    Source: J. L. Fleiss, B. Levin and M. C. Paik, "Statistical Methods for Rates and Proportions", 3rd ed. (2003),
    equation 4.14, without continuity correction.
    """
    _check(base, difference, power, alpha)
    other = base - difference
    mean = base - difference / 2
    spread = norm.isf(alpha / 2) * math.sqrt(2 * mean * (1 - mean))
    spread += norm.ppf(power) * math.sqrt(base * (1 - base) + other * (1 - other))
    return math.ceil(float((spread / difference) ** 2))


def discordance(base: float, difference: float) -> float:
    """Share of pairs that differ where two arms succeed independently of each other: the most that a plan need expect.

    Scenes that are hard for both make it smaller, and the pairs more telling.
    """
    other = base - difference
    return base * (1 - other) + other * (1 - base)


def pairs_needed(difference: float, differing: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Pairs on the same scenes, for McNemar's exact test to find a difference.

    Args:
        difference: Share of pairs that the one wins minus the share that the other wins, in (0, 1].
        differing: Share of pairs that differ, at least `difference`.
        power: Chance to find it.
        alpha: Error rate.

    Returns:
        The smallest number from which on the power, which moves in small saws, stays above what is asked for the next
        few numbers.

    Source: the exact power; S. W. Duffy, "Asymptotic and exact power for the McNemar test and its analogue with R
    controls per case", Biometrics 40 (1984) 1005-1015.
    """
    if not 0 < difference <= differing <= 1:
        raise ValueError(f"expected 0 < difference <= differing pairs <= 1, got {difference} and {differing}")
    _check(1.0, difference, power, alpha)
    low, high = 1, 8
    while paired_power(high, difference, differing, alpha) < power:
        low, high = high, 2 * high
        if high > MOST:
            raise ValueError(f"a difference of {difference} needs more than {MOST} pairs")
    while high - low > 1:
        middle = (low + high) // 2
        enough = paired_power(middle, difference, differing, alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    if high * differing > SMOOTH:
        return high
    last = high  # the bisection may have ended on a tooth of the saw; teeth are a few pairs that differ wide
    for n in range(high, high + 2 + math.ceil(4 / differing)):
        if paired_power(n, difference, differing, alpha) < power:
            last = n + 1
    return last


def paired_power(n: int, difference: float, differing: float, alpha: float = 0.05) -> float:
    """Chance that McNemar's exact test of `n` pairs finds the difference; arguments as `pairs_needed`."""
    tail = 1e-9
    first, last = int(binom.ppf(tail, n, differing)), int(binom.isf(tail, n, differing))
    differ = np.arange(first, last + 1)
    few = binom.ppf(alpha / 2, differ, 0.5)  # the largest count that is rejected is this one or the one before
    few = np.where(binom.cdf(few, differ, 0.5) <= alpha / 2, few, few - 1)
    share = (differing + difference) / (2 * differing)
    found = binom.cdf(few, differ, share) + binom.sf(differ - few - 1, differ, share)
    return float(binom.pmf(differ, n, differing) @ np.where(few >= 0, found, 0.0))


@functools.lru_cache(maxsize=1024)
def detectable(pairs: int, base: float, power: float = 0.8, alpha: float = 0.05) -> float:
    """The smallest drop from `base` that McNemar's exact test of `pairs` pairs finds, to 0.1 points; NaN if none.

    The arms are taken as independent of each other, see `discordance`.
    """
    _check(base, base, power, alpha)
    grid = np.arange(1, math.floor(1000 * base) + 1) / 1000
    low, high = -1, len(grid)
    while high - low > 1:
        middle = (low + high) // 2
        drop = float(grid[middle])
        enough = paired_power(pairs, drop, discordance(base, drop), alpha) >= power
        low, high = (low, middle) if enough else (middle, high)
    return float(grid[high]) if high < len(grid) else math.nan


def _check(base: float, difference: float, power: float, alpha: float) -> None:
    if not 0 < base <= 1 or not 0 < difference <= base:
        raise ValueError(f"expected 0 < difference <= base <= 1, got a difference of {difference} from {base}")
    if not 0 < power < 1 or not 0 < alpha < 1:
        raise ValueError(f"expected power and alpha in (0, 1), got {power} and {alpha}")

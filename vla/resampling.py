"""Intervals by drawing again: suite means over families, and weighted scenes. Knows numbers, neither records nor axes.

Two questions, two ways. A suite's mean is about families that the suite could have held as well: families are drawn
again, then episodes. A number of one axis (severity, interaction, language) is about the scenes of these families:
scenes are weighted at random, each with all that was run on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, trim_mean
from scipy.stats import t as student

from vla.paired import paired_drop
from vla.stats import UNKNOWN, Estimate, wilson

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]  # (B, F) family means -> (B,)
Pair = tuple[bool, bool]

DRAWS = 2000
ENDS = (0.025, 0.975)
_AT_ONCE = 2_000_000  # numbers in memory while families are drawn


def suite_rate(families: Mapping[str, Sequence[bool]], seed: int = 0) -> Estimate:
    """Mean success over families, each of which counts the same, with its interval by cluster bootstrap.

    The interval is never narrower than Wilson's of as many independent episodes: where all succeed, drawing again
    would say that nothing is uncertain.

    Args:
        families: Whether each episode succeeded, by family; empty families are left out.
        seed: Of the bootstrap; equal data and seed give equal ends.

    Source: A. C. Davison and D. V. Hinkley, "Bootstrap Methods and their Application" (1997), section 3.8.
    """
    values = [np.array(rows, float) for rows in families.values() if rows]
    if not values:
        return UNKNOWN
    return _wider(_clustered(values, lambda means: means.mean(axis=1), seed), _wilson(values))


def suite_iqm(families: Mapping[str, Sequence[bool]], seed: int = 0) -> Estimate:
    """Interquartile mean: mean success of the middle half of the families, with its interval by cluster bootstrap.

    Neither a family that nobody solves nor one that everybody does moves it. Never narrower than Wilson's interval of
    the episodes in that half.

    Source: R. Agarwal et al., "Deep reinforcement learning at the edge of the statistical precipice", NeurIPS 2021
    (rliable), there over runs and tasks; scipy computes the trimmed mean.
    """
    values = sorted((np.array(rows, float) for rows in families.values() if rows), key=lambda rows: float(rows.mean()))
    if not values:
        return UNKNOWN
    cut = len(values) // 4
    middle = _wilson(values[cut : len(values) - cut])
    return _wider(_clustered(values, lambda means: trim_mean(means, 0.25, axis=1), seed), middle)


def suite_drop(families: Mapping[str, Sequence[Pair]], seed: int = 0) -> Estimate:
    """Mean drop over families, each of which counts the same, with its interval by cluster bootstrap.

    Never narrower than Newcombe's of as many independent pairs.

    Args:
        families: (twin succeeded, perturbed succeeded) of each pair, by family; empty families are left out.
        seed: Of the bootstrap.

    Source: as `suite_rate` and `vla.paired.paired_drop`.
    """
    rows = [pairs for pairs in families.values() if pairs]
    if not rows:
        return UNKNOWN
    values = [np.array([float(a) - float(b) for a, b in pairs]) for pairs in rows]
    all_of_them = paired_drop([pair for pairs in rows for pair in pairs])
    half = (all_of_them.value - all_of_them.low, all_of_them.high - all_of_them.value)
    return _wider(_clustered(values, lambda means: means.mean(axis=1), seed), half, least=-1.0)


def _clustered(values: Sequence[Array], statistic: Statistic, seed: int) -> Estimate:
    """Families drawn again with their episodes.

    Families are drawn with replacement, and episodes from each. Observed means of families scatter more than the true
    ones, for they hold few episodes; so the families are first drawn together by the factor that makes the variance
    of the mean of means the unbiased one (Davison and Hinkley, section 3.8).
    """
    support = np.unique(np.concatenate(values))
    counts = np.array([len(rows) for rows in values])
    shares = np.stack([[np.mean(rows == value) for value in support] for rows in values])  # (F, V)
    together = shares.mean(axis=0)
    drawn = np.clip(together + _shrinkage(shares, counts, support) * (shares - together), 0.0, None)
    drawn /= drawn.sum(axis=1, keepdims=True)
    rng = np.random.default_rng(seed)
    results, left = [], DRAWS
    while left:
        size = min(left, max(1, _AT_ONCE // drawn.size))
        chosen = rng.integers(len(values), size=(size, len(values)))
        episodes = rng.multinomial(counts[chosen], drawn[chosen])  # (size, F, V)
        results.append(statistic(episodes @ support / counts[chosen]))
        left -= size
    value = float(statistic((shares @ support)[None])[0])
    low, high = np.quantile(np.concatenate(results), _expanded(len(values)))
    return Estimate(value, min(value, float(low)), max(value, float(high)))


def _expanded(families: int) -> tuple[float, float]:
    """Quantiles to read off, further out for few families, as Student's t is wider than the normal distribution.

    One family has nothing to be drawn again but its episodes.

    Source: T. C. Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69 (2015)
    371-386 (the expanded percentile interval).
    """
    if families < 2:
        return ENDS
    tail = float(norm.cdf(student.ppf(ENDS[0], families - 1)))
    return tail, 1 - tail


def _shrinkage(shares: Array, counts: NDArray[np.int64], support: Array) -> float:
    """By how much the families' distributions are drawn towards their mean; 1 leaves them as they are."""
    families, few = len(counts), float(np.mean(1.0 / counts))
    means, together = shares @ support, shares.mean(axis=0)
    between = float(np.sum((means - means.mean()) ** 2))
    total = float(together @ support**2 - (together @ support) ** 2)
    if families < 2 or few == 1.0 or between == 0.0:
        return 0.0
    squared = (families / (families - 1) - families * total * few / between) / (1 - few)
    return float(np.sqrt(max(0.0, squared)))


def _wilson(values: Sequence[Array]) -> tuple[float, float]:
    """How far Wilson's interval of the episodes of all families reaches below and above their rate."""
    k, n = int(sum(rows.sum() for rows in values)), sum(len(rows) for rows in values)
    low, high = wilson(k, n)
    return k / n - low, high - k / n


def _wider(estimate: Estimate, half: tuple[float, float], least: float = 0.0) -> Estimate:
    low = min(estimate.low, estimate.value - half[0])
    high = max(estimate.high, estimate.value + half[1])
    return Estimate(estimate.value, max(least, low), min(1.0, high))


def weighted_sums(scenes: Array, prior: Array, seed: int = 0, draws: int = DRAWS) -> Array:
    """Sums over scenes with random weights, (draws, K): the posterior of what a statistic of sums would be.

    The Bayesian bootstrap weights each scene by an exponential variable. `prior` holds made-up scenes of half a scene's
    weight each, the most extreme ones in either direction (Jeffreys): without them a finite number of scenes that are
    all alike would leave nothing uncertain.

    Args:
        scenes: (S, K): K numbers of each of S independent scenes.
        prior: (P, K): the same numbers of the made-up scenes.
        seed: Of the weights.
        draws: How many.

    Source: D. B. Rubin, "The Bayesian bootstrap", Annals of Statistics 9 (1981) 130-134; with prior scenes: P. Muliere
    and P. Secchi, "Bayesian nonparametric predictive inference and bootstrap techniques", Annals of the Institute of
    Statistical Mathematics 48 (1996) 663-673.
    """
    rng = np.random.default_rng(seed)
    sums: Array = rng.standard_exponential((draws, len(scenes))) @ scenes
    return sums + rng.standard_gamma(0.5, (draws, len(prior))) @ prior


def estimate(value: float, drawn: Array) -> Estimate:
    """`value` with the central 95 % of what was drawn, and itself inside; draws that are NaN do not count."""
    drawn = drawn[~np.isnan(drawn)]
    if np.isnan(value) or not len(drawn):
        return UNKNOWN
    low, high = np.quantile(drawn, ENDS, method="inverted_cdf")  # the others fail where draws are infinite
    return Estimate(value, min(value, float(low)), max(value, float(high)))

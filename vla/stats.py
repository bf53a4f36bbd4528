"""Success counts and what they prove: every rate carries its interval. Knows no task, no axis and no file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from vla.contract import OutcomeName

Z95 = 1.959963984540054  # two-sided 95 % quantile of the standard normal


@dataclass(frozen=True)
class Rate:
    """Successes among finished episodes, with its Wilson interval; errors are in neither `k` nor `n`.

    Attributes:
        k: Successes.
        n: Successes and failures.
        errors: Episodes that ended in an exception.
    """

    k: int
    n: int
    errors: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError unless 0 <= k <= n and errors >= 0."""
        if not 0 <= self.k <= self.n or self.errors < 0:
            raise ValueError(f"expected 0 <= k <= n and errors >= 0, got k={self.k}, n={self.n}, errors={self.errors}")

    @property
    def value(self) -> float:
        """Successes over finished episodes, NaN without any."""
        return self.k / self.n if self.n else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson interval."""
        return wilson(self.k, self.n)

    @property
    def text(self) -> str:
        """For tables, for example `18/20  90 % [70, 97]`; errors follow after a plus sign."""
        errors = f" +{self.errors} err" if self.errors else ""
        if not self.n:
            return "no episode" + errors
        low, high = self.interval
        return f"{self.k}/{self.n} {percent(self.value)} % [{percent(low)}, {percent(high)}]{errors}"

    def to_dict(self) -> dict[str, float | int | None]:
        """JSON-ready: k, n, errors, rate, low, high (rate is None when n is 0)."""
        low, high = self.interval
        return {
            "k": self.k,
            "n": self.n,
            "errors": self.errors,
            "rate": self.value if self.n else None,
            "low": low,
            "high": high,
        }


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
        }


def percent(value: float) -> str:
    """A share in [0, 1] as whole percent; 100 and 0 are kept for exactly all and nothing."""
    rounded = round(100 * value)
    if (rounded == 100 and value < 1) or (rounded == 0 and value > 0):
        return f"{100 * value:.1f}"
    return str(rounded)


def points(value: float) -> str:
    """A difference of shares in whole percentage points, with its sign: `+3`, `-12`, `0`."""
    rounded = round(100 * value)
    return f"{rounded:+d}" if rounded else "0"


def wilson(k: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson's score interval for `k` successes of `n`; (0, 1) when n is 0.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927)
    209-212; recommended for small n by Brown, Cai and DasGupta, Statistical Science 16 (2001) 101-133.
    """
    if not 0 <= k <= n:
        raise ValueError(f"expected 0 <= k <= n, got k={k}, n={n}")
    if n == 0:
        return 0.0, 1.0
    p, z2 = k / n, z * z
    center = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = z / (1 + z2 / n) * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    # The ends are exact there; rounding would give -1e-17 and 0.9999999.
    low = 0.0 if k == 0 else max(0.0, center - half)
    high = 1.0 if k == n else min(1.0, center + half)
    return low, high


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


def count(outcomes: Sequence[OutcomeName]) -> Rate:
    """Count outcomes into a rate; errors go to their own column."""
    good, bad = outcomes.count("success"), outcomes.count("failure")
    return Rate(good, good + bad, len(outcomes) - good - bad)

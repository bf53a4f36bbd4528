"""Success counts and what they prove: every rate carries its interval. Knows no task, no axis and no file."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from vla.contract import OutcomeName


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes:
        value: What the data say; NaN where they say nothing.
        low: Lower end.
        high: Upper end; infinite where the data give no bound.
    """

    value: float
    low: float
    high: float

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value)

    def to_dict(self) -> dict[str, float | None]:
        """JSON-ready: value, low, high; None for what is not finite."""
        return {name: _finite(getattr(self, name)) for name in ("value", "low", "high")}


UNKNOWN = Estimate(math.nan, -math.inf, math.inf)


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
    def exact_interval(self) -> tuple[float, float]:
        """The 95 % interval of Clopper and Pearson, for where coverage must be guaranteed."""
        return clopper_pearson(self.k, self.n)

    @property
    def text(self) -> str:
        """For tables, for example `18/20  90 % [70, 97]`; errors follow after a plus sign."""
        errors = f" +{self.errors} err" if self.errors else ""
        if not self.n:
            return "no episode" + errors
        low, high = self.interval
        return f"{self.k}/{self.n} {percent(self.value)} % [{percent(low)}, {percent(high)}]{errors}"

    def to_dict(self) -> dict[str, float | int | None]:
        """JSON-ready: k, n, errors, rate (None when n is 0), low and high (Wilson), both exact ends."""
        (low, high), (exact_low, exact_high) = self.interval, self.exact_interval
        return {
            "k": self.k,
            "n": self.n,
            "errors": self.errors,
            "rate": self.value if self.n else None,
            "low": low,
            "high": high,
            "exact_low": exact_low,
            "exact_high": exact_high,
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


def chance(p: float) -> str:
    """A p-value for text: `p = 0.012`, and below what anybody needs to know `p < 1e-15`."""
    return f"p = {p:.2g}" if p >= 1e-15 else "p < 1e-15"


@functools.lru_cache(maxsize=65536)
def wilson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for `k` successes of `n`; (0, 1) when n is 0.

    It covers as promised on average, and is as narrow as such an interval can be.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927)
    209-212; recommended for small n by Brown, Cai and DasGupta, Statistical Science 16 (2001) 101-133. scipy computes
    it.
    """
    return _interval(k, n, confidence, "wilson")


@functools.lru_cache(maxsize=65536)
def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """The exact interval of Clopper and Pearson for `k` successes of `n`; (0, 1) when n is 0.

    It covers at least as promised whatever the true rate is, and is wider than Wilson's for that.

    Source: C. J. Clopper and E. S. Pearson, "The use of confidence or fiducial limits illustrated in the case of the
    binomial", Biometrika 26 (1934) 404-413. scipy computes it.
    """
    return _interval(k, n, confidence, "exact")


def _interval(k: int, n: int, confidence: float, method: str) -> tuple[float, float]:
    if not 0 <= k <= n:
        raise ValueError(f"expected 0 <= k <= n, got k={k}, n={n}")
    if n == 0:
        return 0.0, 1.0
    ends = binomtest(k, n).proportion_ci(confidence, method)
    # The ends are exact there; rounding would give -1e-17 and 0.9999999.
    return 0.0 if k == 0 else float(ends.low), 1.0 if k == n else float(ends.high)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def count(outcomes: Sequence[OutcomeName]) -> Rate:
    """Count outcomes into a rate; errors go to their own column."""
    good, bad = outcomes.count("success"), outcomes.count("failure")
    return Rate(good, good + bad, len(outcomes) - good - bad)

"""A test of two policies that may be looked at after every episode. Knows wins and losses only.

Looking again and again at a test of a fixed number of episodes and stopping when it is significant rejects far too
often. An e-process does not: under the null hypothesis it is a game in which nobody can expect to win, and the chance
that a bet of 1 ever grows to 1 / alpha is at most alpha (Ville's inequality), whenever and for whatever reason one
stops.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betaln, xlog1py, xlogy

MIXTURE = 0.5  # of the Beta distribution of bets


@dataclass(frozen=True)
class Sequential:
    """What a test with optional stopping found.

    Attributes:
        n: Pairs that were read.
        wins: Pairs in which the first policy was better.
        losses: Pairs in which the second was.
        alpha: Error rate that is kept.
        stopped: Pairs after which it could have stopped; None if never.
        evidence: Greatest e-value so far; 1 / alpha decides.
        p: Anytime-valid p-value, 1 / evidence.
        better: 1 or -1: which policy is better where it stopped; 0 if it did not.
        share: Confidence interval of wins among the pairs that differ, valid at every time at once.
    """

    n: int
    wins: int
    losses: int
    alpha: float
    stopped: int | None
    evidence: float
    p: float
    better: int
    share: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {
            "pairs": self.n,
            "wins": self.wins,
            "losses": self.losses,
            "alpha": self.alpha,
            "stopped": self.stopped,
            "evidence": self.evidence,
            "p": self.p,
            "better": self.better,
            "share": list(self.share),
        }


def sequential(differences: Sequence[float], alpha: float = 0.05) -> Sequential:
    """Test after every pair whether two policies succeed equally often.

    Under the null hypothesis a pair that differs is won by either policy with probability 1/2. A gambler who stakes on
    the next winner multiplies the stake by 2 q, q being the probability that was given to what came; with q from
    a Beta(1/2, 1/2) mixture of constant bets the wealth after w wins and l losses is
    `2**(w + l) * B(w + 1/2, l + 1/2) / B(1/2, 1/2)`, whatever the share of ties.

    Args:
        differences: Above 0 where the first policy did better, in an order that was fixed before the outcomes were
            known (see `frozen_order`). Only the sign counts, so an element may be the sum over dependent episodes.
        alpha: Error rate.

    Source: J. Ville, "Etude critique de la notion de collectif" (1939); H. Robbins, "Statistical methods related to the
    law of the iterated logarithm", Annals of Mathematical Statistics 41 (1970) 1397-1409 (the mixture); I. Waudby-Smith
    and A. Ramdas, "Estimating means of bounded random variables by betting", JRSS B 86 (2024) 1-27 (the game).
    """
    _check(alpha)
    signs = np.sign(np.asarray(differences, float))
    wins, losses = np.cumsum(signs > 0), np.cumsum(signs < 0)
    wealth = log_evidence(wins, losses)
    over = np.flatnonzero(wealth >= -math.log(alpha))
    stopped = int(over[0]) + 1 if len(over) else None
    best = float(wealth.max(initial=0.0))
    won, lost = (int(wins[-1]), int(losses[-1])) if len(signs) else (0, 0)
    better = int(np.sign(wins[stopped - 1] - losses[stopped - 1])) if stopped else 0
    share = confidence_sequence(won, lost, alpha)
    return Sequential(len(signs), won, lost, alpha, stopped, math.exp(min(best, 700.0)), math.exp(-best), better, share)


def log_evidence(wins: NDArray[np.int64], losses: NDArray[np.int64]) -> NDArray[np.float64]:
    """Logarithm of the e-value after so many wins and losses, element by element; see `sequential`."""
    mixed: NDArray[np.float64] = betaln(wins + MIXTURE, losses + MIXTURE) - betaln(MIXTURE, MIXTURE)
    return mixed + (wins + losses) * math.log(2.0)


def confidence_sequence(wins: int, losses: int, alpha: float = 0.05) -> tuple[float, float]:
    """Interval of the share of wins that covers it at all times at once with probability 1 - alpha.

    It holds every share that the same game, played against it instead of 1/2, has not refuted.

    Source: S. R. Howard et al., "Time-uniform, nonparametric, nonasymptotic confidence sequences", Annals of Statistics
    49 (2021) 1055-1080.
    """
    _check(alpha)
    mixed = float(betaln(wins + MIXTURE, losses + MIXTURE) - betaln(MIXTURE, MIXTURE))

    def refuted(share: float) -> float:
        return mixed - float(xlogy(wins, share) + xlog1py(losses, -share)) + math.log(alpha)

    observed = wins / (wins + losses) if wins + losses else 0.5
    edge = 1e-12
    low = float(brentq(refuted, edge, observed)) if wins and refuted(edge) > 0 else 0.0
    high = float(brentq(refuted, observed, 1 - edge)) if losses and refuted(1 - edge) > 0 else 1.0
    return low, high


def frozen_order(names: Iterable[str], salt: str = "") -> list[str]:
    """`names` in an order that is random but depends on nothing else than the names and `salt` (a suite's hash)."""
    return sorted(names, key=lambda name: hashlib.sha256(f"{salt}/{name}".encode()).digest())


def _check(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"expected an error rate in (0, 1), got {alpha}")

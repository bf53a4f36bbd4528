"""Axes at once: do they cost more together than each alone adds up to? Knows records, no world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vla.resampling import Array, estimate, weighted_sums
from vla.results import Record
from vla.stats import UNKNOWN, Estimate, points
from vla.suites import TOGETHER, UNPERTURBED


@dataclass(frozen=True)
class Interaction:
    """How several axes, each at the same level, act together. Over the scenes that were run in every arm.

    Attributes:
        axes: Names.
        level: Of all of them.
        scenes: Scenes with no error in any arm.
        base: Success of them without any axis, in [0, 1].
        alone: Success with each axis alone.
        together: Success with all of them.
        additive: Drop together minus the sum of the drops alone, in shares of all episodes.
        multiplicative: Drop together minus the drop that independence asks for, where each axis leaves its own share
            of what succeeds: `base - base * product(alone / base)`.

    Above 0 they are worse together than expected, below 0 less bad. Where the sum of the drops exceeds the base, the
    additive expectation cannot come true and the multiplicative one is to be read.
    """

    axes: tuple[str, ...]
    level: int
    scenes: int
    base: float
    alone: tuple[float, ...]
    together: float
    additive: Estimate
    multiplicative: Estimate

    @property
    def text(self) -> str:
        """For tables: the multiplicative interaction in points with its interval."""
        found = self.multiplicative
        if not found.known:
            return "cannot tell"
        return f"{points(found.value)} pt [{points(found.low)}, {points(found.high)}] ({self.scenes} scenes)"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {
            "axes": list(self.axes),
            "level": self.level,
            "scenes": self.scenes,
            "base": self.base,
            "alone": list(self.alone),
            "together": self.together,
            "additive": self.additive.to_dict(),
            "multiplicative": self.multiplicative.to_dict(),
        }


def interactions(records: Iterable[Record], seed: int = 0) -> list[Interaction]:
    """One of each combination and level whose axes were also run alone, worst first."""
    cells: dict[tuple[str, int], dict[tuple[str, int], bool]] = defaultdict(dict)
    for record in records:
        if record.outcome != "error":
            scene = record.request.task, record.request.index
            cells[record.cell.axis, record.cell.level][scene] = record.outcome == "success"
    found = []
    for (name, level), joint in sorted(cells.items()):
        axes = name.split(TOGETHER)
        arms = [cells.get((UNPERTURBED, 0), {}), *(cells.get((axis, level), {}) for axis in axes), joint]
        scenes = sorted(set.intersection(*(set(arm) for arm in arms)))
        if len(axes) > 1 and scenes:
            table = np.array([[float(arm[scene]) for arm in arms] for scene in scenes])
            found.append(interaction(tuple(axes), level, table, seed))
    return sorted(found, key=lambda each: (-np.nan_to_num(each.multiplicative.value, nan=-2.0), each.axes, each.level))


def interaction(axes: tuple[str, ...], level: int, outcomes: Array, seed: int = 0) -> Interaction:
    """The interaction of `axes`.

    Args:
        axes: Names of k axes.
        level: For the record.
        outcomes: (S, k + 2): 1 for success, of each scene without any axis, with each alone, with all.
        seed: Of the interval, which weights scenes at random (`vla.resampling.weighted_sums`).

    Source: both scales as in M. J. Knol and T. J. VanderWeele, "Recommendations for presenting analyses of effect
    modification and interaction", International Journal of Epidemiology 41 (2012) 514-520.
    """
    if outcomes.ndim != 2 or outcomes.shape[1] != len(axes) + 2 or not len(outcomes):
        raise ValueError(f"expected rows of {len(axes) + 2} outcomes, at least one, got the shape {outcomes.shape}")
    rates = outcomes.mean(axis=0, keepdims=True)
    ones = np.ones((len(outcomes), 1))
    sums = weighted_sums(np.hstack([outcomes, ones]), _extremes(len(axes)), seed)
    drawn = sums[:, :-1] / sums[:, -1:]
    multiplicative = UNKNOWN
    if rates[0, 0] > 0:
        multiplicative = estimate(float(_multiplicative(rates)[0]), _multiplicative(drawn))
    return Interaction(
        axes,
        level,
        len(outcomes),
        float(rates[0, 0]),
        tuple(float(rate) for rate in rates[0, 1:-1]),
        float(rates[0, -1]),
        estimate(float(_additive(rates)[0]), _additive(drawn)),
        multiplicative,
    )


def by_pair(found: Iterable[Interaction], level: int) -> Mapping[tuple[str, str], Interaction]:
    """The pairs of one level, for a matrix."""
    return {(each.axes[0], each.axes[1]): each for each in found if len(each.axes) == 2 and each.level == level}


def _extremes(axes: int) -> Array:
    """A scene that fails only with all axes, and one that fails only with each alone: (2, k + 3), the last is 1."""
    alone = np.array([0.0, *[1.0] * axes, 0.0])
    return np.hstack([np.stack([alone, 1.0 - alone]), np.ones((2, 1))])


def _additive(rates: Array) -> Array:
    base, alone, together = rates[:, 0], rates[:, 1:-1], rates[:, -1]
    result: Array = (base - together) - (base[:, None] - alone).sum(axis=1)
    return result


def _multiplicative(rates: Array) -> Array:
    base, alone, together = rates[:, 0], rates[:, 1:-1], rates[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        expected: Array = base * np.prod(alone / base[:, None], axis=1)
    return expected - together

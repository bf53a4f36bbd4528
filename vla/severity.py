"""Severity of an axis: success by level, the area under it, the level at which it halves. Knows records, no world."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import trapezoid

from vla.resampling import Array, estimate, weighted_sums
from vla.results import Record
from vla.stats import UNKNOWN, Estimate, Rate
from vla.suites import UNPERTURBED

Scene = tuple[str, int]  # family and index: what all levels of an axis share


@dataclass(frozen=True)
class Severity:
    """What an axis does to success, pooled over families.

    Attributes:
        levels: Level 0 first, as far as they were run.
        rates: Success at each level; level 0 is counted over the families that the axis means something for.
        area: Mean success over the levels (trapezoids), relative to level 0: 1 where the axis does no harm, in [0, 1].
        half: The level at which success is half of that at level 0; infinite where it is not up to the last level.
    """

    levels: tuple[int, ...]
    rates: tuple[Rate, ...]
    area: Estimate
    half: Estimate

    @property
    def text(self) -> str:
        """The level at which success halves, for example `2.3 [1.8, 3.0]`, `beyond 5 [4.1, beyond 5]` or `beyond 5`."""
        if not self.half.known:
            return "cannot tell"
        if self.half.low == math.inf:
            return self._level(math.inf)
        return f"{self._level(self.half.value)} [{self._level(self.half.low)}, {self._level(self.half.high)}]"

    def _level(self, level: float) -> str:
        return f"{level:.1f}" if math.isfinite(level) else f"beyond {self.levels[-1]}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `half` has None for "beyond the last level", which `text` says."""
        return {
            "levels": list(self.levels),
            "rates": [rate.to_dict() for rate in self.rates],
            "area": self.area.to_dict(),
            "half": self.half.to_dict() | {"text": self.text},
        }


def severities(records: Iterable[Record], seed: int = 0) -> dict[str, Severity]:
    """The severity of every axis and combination of axes that was run, sorted by name.

    Errors count nowhere but in the rates' own column. Level 0 is that of the families in which the axis was run.
    """
    found: dict[str, dict[int, list[Record]]] = defaultdict(lambda: defaultdict(list))
    base: list[Record] = []
    for record in records:
        if record.cell.axis == UNPERTURBED:
            base.append(record)
        else:
            found[record.cell.axis][record.cell.level].append(record)
    result = {}
    for axis, levels in sorted(found.items()):
        families = {record.request.task for rows in levels.values() for record in rows}
        twins = [record for record in base if record.request.task in families]
        if twins:
            result[axis] = _severity({0: twins, **dict(sorted(levels.items()))}, seed)
    return result


def _severity(levels: Mapping[int, list[Record]], seed: int) -> Severity:
    outcomes = {
        level: {_scene(r): r.outcome == "success" for r in rows if r.outcome != "error"}
        for level, rows in levels.items()
    }
    errors = [sum(r.outcome == "error" for r in rows) for rows in levels.values()]
    return severity(outcomes, errors, seed)


def _scene(record: Record) -> Scene:
    return record.request.task, record.request.index


def severity(outcomes: Mapping[int, Mapping[Scene, bool]], errors: Iterable[int] = (), seed: int = 0) -> Severity:
    """The severity of one axis.

    The interval weights scenes at random (`vla.resampling.weighted_sums`), each with its outcomes at all levels: they
    share the scene, so they are not independent.

    Args:
        outcomes: By level (0 among them, in rising order), then by scene: whether the episode succeeded.
        errors: Episodes of each level that ended in an error.
        seed: Of the interval.

    Raises:
        ValueError: Level 0 is missing.
    """
    levels = tuple(outcomes)
    if not levels or levels[0] != 0 or list(levels) != sorted(levels):
        raise ValueError(f"expected levels in rising order from 0, got {levels}")
    errors = list(errors) or [0] * len(levels)
    rates = tuple(
        Rate(sum(found.values()), len(found), bad) for found, bad in zip(outcomes.values(), errors, strict=True)
    )
    kept = [i for i, rate in enumerate(rates) if rate.n]
    if len(kept) < 2 or kept[0] != 0 or rates[0].k == 0:
        return Severity(levels, rates, UNKNOWN, UNKNOWN)  # nothing can fall from 0
    grid = np.array(levels, float)[kept]
    scenes = sorted({scene for found in outcomes.values() for scene in found})
    good, ran = _tables(outcomes, [levels[i] for i in kept], scenes)
    sums = weighted_sums(np.hstack([good, ran]), _extremes(len(kept)), seed)
    drawn = sums[:, : len(kept)] / sums[:, len(kept) :]
    observed = good.sum(axis=0, keepdims=True) / ran.sum(axis=0, keepdims=True)
    return Severity(
        levels,
        rates,
        estimate(float(_area(observed, grid)[0]), _area(drawn, grid)),
        estimate(float(_half(observed, grid)[0]), _half(drawn, grid)),
    )


def _tables(
    outcomes: Mapping[int, Mapping[Scene, bool]], levels: list[int], scenes: list[Scene]
) -> tuple[Array, Array]:
    """(S, L) successes, and (S, L) whether there was an episode."""
    good = [[float(outcomes[level].get(scene, False)) for level in levels] for scene in scenes]
    ran = [[float(scene in outcomes[level]) for level in levels] for scene in scenes]
    return np.array(good), np.array(ran)


def _extremes(levels: int) -> Array:
    """A scene that only the axis breaks, and one that only the axis mends: (2, 2 L)."""
    first = np.arange(levels) == 0
    return np.hstack([np.stack([first, ~first]).astype(float), np.ones((2, levels))])


def _area(rates: Array, grid: Array) -> Array:
    """(B, L) rates -> (B,) relative areas."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = trapezoid(rates, grid, axis=1) / (rates[:, 0] * grid[-1])
    clipped: Array = np.minimum(1.0, relative)
    return clipped


def _half(rates: Array, grid: Array) -> Array:
    """(B, L) rates -> (B,) levels at which the line between the levels first meets half the rate of level 0."""
    below = rates <= rates[:, :1] / 2
    below[:, 0] = False
    after = np.argmax(below, axis=1)  # 0 where it never is
    row, before = np.arange(len(rates)), np.maximum(after, 1) - 1
    after = before + 1
    high, low = rates[row, before], rates[row, after]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = (high - rates[:, 0] / 2) / (high - low)
    levels: Array = np.where(below.any(axis=1), grid[before] + part * (grid[after] - grid[before]), np.inf)
    return levels

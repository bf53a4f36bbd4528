"""Axes at once: do they cost more together than each alone adds up to? Knows records, no world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from vla.resampling import Array, estimate, weighted_sums
from vla.results import Record
from vla.stats import Estimate, points
from vla.suites import TOGETHER, UNPERTURBED


@dataclass(frozen=True)
class Interaction:
    """How several axes, each at the same level, act together.

    Every arm is compared with its own matched twins, for arms need not have the same scenes.

    Attributes:
        axes: Names.
        level: Of all of them.
        scenes: Scenes with all axes at once.
        base: Success of these scenes without any axis, in [0, 1].
        kept: Of what succeeds without any axis, the share that each axis alone leaves.
        drops: Drop by each axis alone, in shares of all episodes.
        together: Success with all of them.
        additive: Drop together minus the sum of the drops alone.
        multiplicative: Drop together minus the drop that independence asks for, where each axis leaves its own share:
            `base - base * product(kept)`.

    Above 0 they are worse together than expected, below 0 less bad. Where the sum of the drops exceeds the base, the
    additive expectation cannot come true and the multiplicative one is to be read.
    """

    axes: tuple[str, ...]
    level: int
    scenes: int
    base: float
    kept: tuple[float, ...]
    drops: tuple[float, ...]
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
            "kept": list(self.kept),
            "drops": list(self.drops),
            "together": self.together,
            "additive": self.additive.to_dict(),
            "multiplicative": self.multiplicative.to_dict(),
        }


def interactions(records: Iterable[Record], seed: int = 0) -> list[Interaction]:
    """One of each combination and level whose axes were also run alone, worst first; errors are left out."""
    cells: dict[tuple[str, int], dict[tuple[str, int], float]] = defaultdict(dict)
    for record in records:
        if record.outcome != "error":
            scene = record.request.task, record.request.index
            cells[record.cell.axis, record.cell.level][scene] = float(record.outcome == "success")
    found = []
    for (name, level), joint in sorted(cells.items()):
        axes = tuple(name.split(TOGETHER))
        arms = [cells.get((UNPERTURBED, 0), {}), *(cells.get((axis, level), {}) for axis in axes), joint]
        families = {task for task, _ in joint}  # a drop of other families says nothing about these
        scenes = sorted({scene for arm in arms for scene in arm if scene[0] in families})
        table = np.array([[arm.get(scene, np.nan) for arm in arms] for scene in scenes])
        if len(axes) > 1 and np.all(np.any(~np.isnan(table) & ~np.isnan(table[:, :1]), axis=0)):
            found.append(interaction(axes, level, table, seed))
    return sorted(found, key=lambda each: (-np.nan_to_num(each.multiplicative.value, nan=-2.0), each.axes, each.level))


def interaction(axes: tuple[str, ...], level: int, outcomes: Array, seed: int = 0) -> Interaction:
    """The interaction of `axes`.

    Args:
        axes: Names of k axes.
        level: For the record.
        outcomes: (S, k + 2): 1 for success, 0 for failure, NaN for not run, of each scene without any axis, with each
            alone, with all. Each of these needs a scene that was also run without any.
        seed: Of the interval, which weights scenes at random (`vla.resampling.weighted_sums`).

    Source: both scales as in M. J. Knol and T. J. VanderWeele, "Recommendations for presenting analyses of effect
    modification and interaction", International Journal of Epidemiology 41 (2012) 514-520.
    """
    ran = ~np.isnan(outcomes[:, 1:]) & ~np.isnan(outcomes[:, :1])  # (S, k + 1)
    if outcomes.shape[1] != len(axes) + 2 or not ran.any(axis=0).all():
        raise ValueError(f"expected paired outcomes of {len(axes)} axes alone and together, got {outcomes.shape}")
    good, base = (np.where(ran, part, 0.0) for part in (outcomes[:, 1:], outcomes[:, :1]))
    table = np.hstack([good, base, ran])
    drawn = _rates(weighted_sums(table, _extremes(len(axes)), seed))
    arms, twins = observed = _rates(table.sum(axis=0, keepdims=True))
    additive, multiplicative = _additive(*observed), _multiplicative(*observed)
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = arms[0] / twins[0]
    return Interaction(
        axes,
        level,
        int(ran[:, -1].sum()),
        float(twins[0, -1]),
        tuple(kept[:-1].tolist()),
        tuple((twins - arms)[0, :-1].tolist()),
        float(arms[0, -1]),
        estimate(float(additive[0]), _additive(*drawn)),
        estimate(float(multiplicative[0]), _multiplicative(*drawn)),
    )


def _extremes(axes: int) -> Array:
    """A scene that fails only with all axes, and one that fails only with one of them alone: (2, 3 (k + 1)).

    Columns as in `interaction`: success in each arm, success of its twins, whether it was run. Which of the axes fails
    alone is left open: each does by 1 / k.
    """
    good = np.array([[*[1.0] * axes, 0.0], [*[1.0 - 1.0 / axes] * axes, 1.0]])
    return np.hstack([good, np.ones_like(good), np.ones_like(good)])


def _rates(sums: Array) -> tuple[Array, Array]:
    """(B, 3 (k + 1)) sums -> success of the arms and of their twins, each (B, k + 1)."""
    good, base, ran = np.split(sums, 3, axis=1)
    return good / ran, base / ran


def _additive(arms: Array, twins: Array) -> Array:
    drops = twins - arms
    result: Array = drops[:, -1] - drops[:, :-1].sum(axis=1)
    return result


def _multiplicative(arms: Array, twins: Array) -> Array:
    """NaN where an axis' twins never succeed."""
    with np.errstate(divide="ignore", invalid="ignore"):
        expected: Array = twins[:, -1] * np.prod(arms[:, :-1] / twins[:, :-1], axis=1)
    return np.where(np.isfinite(expected), expected - arms[:, -1], np.nan)

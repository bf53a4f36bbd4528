"""A policy over families: what a suite of other families like these would show. Knows records, no task by name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from vla.resampling import Pair, suite_drop, suite_iqm, suite_rate
from vla.results import Record
from vla.stats import Estimate
from vla.suites import UNPERTURBED


@dataclass(frozen=True)
class OverFamilies:
    """Each family counts the same; intervals draw families again, see `vla.resampling`.

    Attributes:
        families: How many.
        mean: Mean success in distribution.
        middle: Interquartile mean of it: the middle half of the families.
        drop: Mean drop from there over all axes and levels, on matched twins; unknown without axes.
    """

    families: int
    mean: Estimate
    middle: Estimate
    drop: Estimate

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {
            "families": self.families,
            "mean": self.mean.to_dict(),
            "iqm": self.middle.to_dict(),
            "drop": self.drop.to_dict(),
        }


def over_families(records: Iterable[Record], controls: Collection[str] = (), seed: int = 0) -> OverFamilies:
    """Sum up `records`; errors and controls count nowhere."""
    finished = {r.key: r for r in records if r.outcome != "error"}
    base: dict[str, list[bool]] = defaultdict(list)
    pairs: dict[str, list[Pair]] = defaultdict(list)
    for record in finished.values():
        good, task = record.outcome == "success", record.request.task
        if record.cell.axis == UNPERTURBED:
            base[task].append(good)
        elif not any(change.axis in controls for change in record.request.perturbations):
            twin = finished.get(record.request.twin.key)
            if twin is not None:
                pairs[task].append((twin.outcome == "success", good))
    return OverFamilies(len(base), suite_rate(base, seed), suite_iqm(base, seed), suite_drop(pairs, seed))

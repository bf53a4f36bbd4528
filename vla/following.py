"""Does a policy do what it is told? The language-following index, and what was touched when what was named.

From matched twins: the base episode is told goal G while the scene also allows a contrast S; its `swapped` twin, the
same scene, is told S while G is the contrast. Knows records, no world.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vla.measures import FirstGoal
from vla.paired import PairedDrop, paired_drop
from vla.resampling import Array, estimate, weighted_sums
from vla.results import Record
from vla.stats import UNKNOWN, Estimate, Rate, count
from vla.suites import UNPERTURBED

SWAPPED, ABSENT = "swapped", "absent"
NOTHING = "nothing"  # touched
_EXTREMES = np.array([[1.0, 1.0], [-1.0, 1.0]])  # a scene that obeys once, and one that does the contrary once


@dataclass(frozen=True)
class Following:
    """How much more often a policy does what it is told than what it is not told.

    Attributes:
        pairs: Twins that both ran to their end.
        told: Episodes of both arms in which what was told was reached first.
        untold: Episodes in which the contrast was.
        index: (told - untold) / (told + untold) with its interval: 0 for a policy that is deaf, for whatever it does is
            told in one arm and untold in the other, 1 for one that always obeys, below 0 for one that does the
            contrary. Episodes that reach neither say nothing about listening, so the index does not depend on skill.
    """

    pairs: int
    told: int
    untold: int
    index: Estimate

    @property
    def evidence(self) -> int:
        """Episodes that say something: those that reached what was told or its contrast."""
        return self.told + self.untold

    @property
    def text(self) -> str:
        """For tables, for example `0.92 [0.79, 0.99] (41 of 60 episodes)`."""
        if not self.index.known:
            return f"cannot tell (0 of {2 * self.pairs} episodes)"
        found = self.index
        return f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}] ({self.evidence} of {2 * self.pairs} episodes)"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; the index is None where nothing can be told."""
        return {
            "pairs": self.pairs,
            "told": self.told,
            "untold": self.untold,
            **self.index.to_dict(),
            "text": self.text,
        }


def index_of(pairs: Sequence[tuple[FirstGoal, FirstGoal]], seed: int = 0) -> Following:
    """The index over (base, swapped) twins, of which each says what was reached first.

    The twins of a pair share a scene, so they are weighted together (`vla.resampling.weighted_sums`); the two made-up
    scenes that keep the interval from closing are one that obeys and one that does the contrary. The interval is
    [-1, 1] where nothing can be told.
    """
    score = {"told": 1.0, "contrast": -1.0, "": 0.0}
    sums = np.array([[sum(score[arm] for arm in pair), sum(arm != "" for arm in pair)] for pair in pairs], float)
    difference, evidence = (int(total) for total in sums.sum(axis=0)) if len(pairs) else (0, 0)
    told, untold = (evidence + difference) // 2, (evidence - difference) // 2
    if not evidence:
        return Following(len(pairs), 0, 0, Estimate(UNKNOWN.value, -1.0, 1.0))
    drawn: Array = weighted_sums(sums, _EXTREMES, seed)
    return Following(len(pairs), told, untold, estimate(difference / evidence, drawn[:, 0] / drawn[:, 1]))


def following(records: Iterable[Record], seed: int = 0) -> Following:
    """The index over all twins of `records`; pairs with an error or without measures are left out."""
    return index_of([pair for pairs in _pairs(records).values() for pair in pairs], seed)


def following_by_family(records: Iterable[Record], seed: int = 0) -> dict[str, Following]:
    """The index of each family that has twins, sorted by name."""
    return {family: index_of(pairs, seed) for family, pairs in sorted(_pairs(records).items())}


def _pairs(records: Iterable[Record]) -> dict[str, list[tuple[FirstGoal, FirstGoal]]]:
    """What was reached first in base and swapped twin, by family."""
    records = list(records)
    told = {r.key: r.measures.first_goal for r in records if r.outcome != "error" and r.measures is not None}
    found: dict[str, list[tuple[FirstGoal, FirstGoal]]] = defaultdict(list)
    for record in sorted(records, key=lambda r: r.key):
        twin = record.request.twin.key
        if record.cell.axis == SWAPPED and record.key in told and twin in told:
            found[record.request.task].append((told[twin], told[record.key]))
    return found


@dataclass(frozen=True)
class Confusion:
    """How often which object was touched first when which was named.

    Attributes:
        named: Rows, for example `red block`, the most frequent first.
        touched: Columns: the same words in the same order, then what nobody named, last `nothing`.
        counts: Rows by columns.
    """

    named: tuple[str, ...]
    touched: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {"named": list(self.named), "touched": list(self.touched), "counts": [list(row) for row in self.counts]}


def confusion(records: Iterable[Record], axes: Sequence[str] = (UNPERTURBED, SWAPPED)) -> Confusion:
    """Named against touched objects in the episodes of `axes` that name one; errors are left out."""
    cells: Counter[tuple[str, str]] = Counter()
    for record in records:
        if record.cell.axis in axes and record.outcome != "error" and record.measures and record.measures.told:
            cells[record.measures.told, record.measures.touched or NOTHING] += 1
    rows, columns = Counter[str](), Counter[str]()
    for (one, two), times in cells.items():
        rows[one] += times
        columns[two] += times
    named = tuple(sorted(rows, key=lambda name: (-rows[name], name)))
    others = sorted(set(columns) - set(named) - {NOTHING}, key=lambda name: (-columns[name], name))
    touched = (*named, *others, NOTHING)
    return Confusion(named, touched, tuple(tuple(cells[one, two] for two in touched) for one in named))


def restraint(records: Iterable[Record]) -> Rate:
    """Success of the episodes whose instruction is about an absent object: those in which nothing was touched."""
    return count([record.outcome for record in records if record.cell.axis == ABSENT])


def control_drops(
    records: Iterable[Record], controls: Sequence[str] = ("blank", "shuffled")
) -> Mapping[str, PairedDrop]:
    """By how much success falls without words, or without their order; what was not run is left out."""
    finished = {r.key: r for r in records if r.outcome != "error"}
    pairs: dict[str, list[tuple[bool, bool]]] = {control: [] for control in controls}
    for record in finished.values():
        twin = finished.get(record.request.twin.key)
        if record.cell.axis in pairs and twin is not None:
            pairs[record.cell.axis].append((twin.outcome == "success", record.outcome == "success"))
    return {control: paired_drop(found) for control, found in pairs.items() if found}

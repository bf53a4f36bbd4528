"""From records to rates: cells, pooled axes, paired drops, failure reasons. Knows neither files nor pictures."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from vla.contract import OutcomeName
from vla.in_a_row import InARow, in_a_row
from vla.paired import PairedDrop, paired_drop
from vla.results import Record
from vla.stats import Rate, count
from vla.suites import UNPERTURBED, Cell, Suite

AxisLevel = tuple[str, int]


@dataclass(frozen=True)
class Summary:
    """Everything a table or a chart shows about one policy on one suite.

    Attributes:
        cells: Rate of each (task, axis, level) that has a record.
        pooled: Rate of each (axis, level) over the tasks.
        drops: Paired drop of each perturbed (axis, level) over the tasks.
        reasons: How often each failure reason or error was given, most frequent first.
        episodes: Records.
        errors: Records that are errors.
        steps: Control steps of all records.
        wall_s: Sum of the episodes' wall times, seconds.
        in_a_row: Parts done in a row, of each cell whose goals have several parts.
    """

    cells: Mapping[Cell, Rate]
    pooled: Mapping[AxisLevel, Rate]
    drops: Mapping[AxisLevel, PairedDrop]
    reasons: Mapping[str, int]
    episodes: int
    errors: int
    steps: int
    wall_s: float = field(compare=False)
    in_a_row: Mapping[Cell, InARow] = field(default_factory=dict)

    def task(self, task: str) -> Rate:
        """In-distribution rate of a task."""
        return self.cells.get(Cell(task), Rate(0, 0))

    @property
    def overall(self) -> Rate:
        """In-distribution rate over the tasks."""
        return self.pooled.get((UNPERTURBED, 0), Rate(0, 0))

    def to_dict(self, suite: Suite) -> dict[str, Any]:
        """JSON-ready: `success` by task (in distribution), `overall`, `axes` and `controls` by name and level."""
        return {
            "episodes": self.episodes,
            "errors": self.errors,
            "success": {task: self.task(task).to_dict() for task in suite.tasks},
            "overall": self.overall.to_dict(),
            "axes": {axis: self._levels(axis, suite.levels) for axis in suite.axes},
            "controls": {axis: self._levels(axis, (1,)) for axis in suite.controls},
            "reasons": dict(self.reasons),
            "in_a_row": {
                task: self.in_a_row[Cell(task)].to_dict() for task in suite.tasks if Cell(task) in self.in_a_row
            },
        }

    def _levels(self, axis: str, levels: Iterable[int]) -> dict[str, Any]:
        return {
            str(level): {**self.pooled[axis, level].to_dict(), "change": self.drops[axis, level].to_dict()}
            for level in levels
            if (axis, level) in self.pooled
        }


def summarize(records: Iterable[Record]) -> Summary:
    """Count records. Their order does not matter."""
    records = list(records)
    cells: dict[Cell, list[OutcomeName]] = defaultdict(list)
    pooled: dict[AxisLevel, list[OutcomeName]] = defaultdict(list)
    rows: dict[Cell, list[Record]] = defaultdict(list)
    for record in records:
        cells[record.cell].append(record.outcome)
        rows[record.cell].append(record)
        pooled[record.cell.axis, record.cell.level].append(record.outcome)
    reasons = Counter(reason(record) for record in records if record.outcome != "success")
    return Summary(
        cells={cell: count(outcomes) for cell, outcomes in sorted(cells.items())},
        pooled={axis: count(outcomes) for axis, outcomes in sorted(pooled.items())},
        drops=_drops(records),
        reasons=dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0]))),
        episodes=len(records),
        errors=sum(r.outcome == "error" for r in records),
        steps=sum(r.steps for r in records),
        wall_s=sum(r.wall_s for r in records),
        in_a_row={cell: found for cell in sorted(rows) if (found := in_a_row(rows[cell]))},
    )


def reason(record: Record) -> str:
    """Why not, out of the closed list of `vla.measures`; without measures, the reason without names of objects."""
    if record.outcome == "error":
        return f"error: {record.reason}"
    if record.measures is not None and record.measures.failure:
        return record.measures.failure
    return record.reason.removeprefix("time_limit:").partition(":")[0]


def _drops(records: Iterable[Record]) -> dict[AxisLevel, PairedDrop]:
    finished = {record.key: record for record in records if record.outcome != "error"}
    pairs: dict[AxisLevel, list[tuple[bool, bool]]] = defaultdict(list)
    for record in finished.values():
        if record.cell.axis == UNPERTURBED:
            continue
        pair = pairs[record.cell.axis, record.cell.level]
        if twin := finished.get(record.request.twin.key):
            pair.append((twin.outcome == "success", record.outcome == "success"))
    errors_only = {(r.cell.axis, r.cell.level) for r in records if r.cell.axis != UNPERTURBED} - pairs.keys()
    return {axis: paired_drop(pairs.get(axis, [])) for axis in sorted({*pairs, *errors_only})}


def compare(records: Iterable[Record], others: Iterable[Record]) -> PairedDrop:
    """How much success falls from one policy to another on the in-distribution episodes that both finished."""
    first, second = (
        {r.key: r.outcome == "success" for r in rows if r.outcome != "error" and r.cell.axis == UNPERTURBED}
        for rows in (records, others)
    )
    return paired_drop([(success, second[key]) for key, success in first.items() if key in second])

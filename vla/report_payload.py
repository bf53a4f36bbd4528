"""The numbers of a report as compact JSON-ready data, which the page draws. Knows no HTML and computes no statistic."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from vla.measures import FAILURES, Measures
from vla.report_data import AxisNote, PolicyRun, Run
from vla.results import Record
from vla.stats import Rate
from vla.suites import TOGETHER, UNPERTURBED, Suite
from vla.summary import reason

ALL_LEVELS = -1  # stands for the levels of an axis taken together
OUTCOMES = ("success", "failure", "error")

Count = tuple[int, int, int]  # successes, finished, errors


class Names:
    """Numbers for texts, in the order in which they come."""

    def __init__(self, first: Iterable[str] = ()) -> None:
        """Begin with `first`."""
        self._numbers: dict[str, int] = {}
        for name in first:
            self.number(name)

    def number(self, name: str) -> int:
        """The number of a text, a new one for a new text."""
        return self._numbers.setdefault(name, len(self._numbers))

    @property
    def texts(self) -> list[str]:
        """All texts by number."""
        return list(self._numbers)


class Intervals:
    """Wilson intervals of all rates that the page shows, each stored once."""

    def __init__(self) -> None:
        """None yet."""
        self._found: dict[tuple[int, int], tuple[float, float]] = {}

    def of(self, count: Count) -> Count:
        """Note the interval of a count; gives the count back."""
        k, n, _ = count
        if (k, n) not in self._found:
            low, high = Rate(k, n).interval
            self._found[k, n] = (round(low, 4), round(high, 4))
        return count

    def to_dict(self) -> dict[str, tuple[float, float]]:
        """`k/n` to low and high."""
        return {f"{k}/{n}": interval for (k, n), interval in sorted(self._found.items())}


def payload(run: Run, notes: Mapping[str, AxisNote]) -> dict[str, Any]:
    """Everything that the page shows but pictures and statistics; see the functions below for each part."""
    tasks = Names(task for policy in run.policies for task in policy.suite.tasks)
    axes = Names([UNPERTURBED, *(axis for policy in run.policies for axis in all_axes(policy.suite))])
    words, reasons = Names([""]), Names(["", *FAILURES])
    intervals = Intervals()
    policies = []
    for policy in run.policies:
        counts = _counts(policy.records)
        cells = [
            [tasks.number(task), axes.number(axis), level, *intervals.of(count)]
            for (task, axis, level), count in counts.items()
        ]
        episodes = _episodes(policy, tasks, axes, words, reasons)
        own = [tasks.number(task) for task in policy.suite.tasks]
        policies.append(
            {**_facts(policy), "tasks": own, "cells": cells, "episodes": episodes, "errors": _errors(policy)}
        )
    main = run.main.suite
    return {
        "tasks": tasks.texts,
        "axes": [_axis(name, notes, main) for name in axes.texts],
        "levels": sorted({level for policy in run.policies for level in policy.suite.levels}),
        "suite": {"name": main.name, "version": main.version, "seed": main.seed, "hash": main.hash},
        "without": _without(run, tasks, axes),
        "policies": policies,
        "wilson": intervals.to_dict(),
        "words": words.texts,
        "reasons": reasons.texts,
        "failures": len(FAILURES),
    }


def all_axes(suite: Suite) -> tuple[str, ...]:
    """Axes, combinations and controls of a suite, as cells call them."""
    return (*suite.axes, *(TOGETHER.join(each) for each in suite.combinations), *suite.controls)


def _axis(name: str, notes: Mapping[str, AxisNote], suite: Suite) -> dict[str, Any]:
    note = notes.get(name, AxisNote())
    kind = "base" if name == UNPERTURBED else "pair" if TOGETHER in name else note.kind
    kind = "control" if name in suite.controls else kind
    family = note.family or {"pair": "together", "control": "control"}.get(kind, "other")
    fields = {"name": name, "kind": kind, "family": family, "unit": note.unit, "summary": note.summary}
    return {**fields, "levels": list(note.levels), "peers": list(note.peers)}


def _without(run: Run, tasks: Names, axes: Names) -> list[list[int]]:
    """(task, axis) that no policy was asked for because the axis means nothing for the task."""
    suites = [policy.suite for policy in run.policies]
    pairs = {pair for suite in suites for pair in suite.without}
    return sorted([tasks.number(t), axes.number(a)] for t, a in pairs if t in tasks.texts and a in axes.texts)


def _counts(records: Sequence[Record]) -> dict[tuple[str, str, int], Count]:
    """Counts of each (task, axis, level), and of all levels of an axis together."""
    found: dict[tuple[str, str, int], Counter[str]] = defaultdict(Counter)
    for record in records:
        cell = record.cell
        found[cell.task, cell.axis, cell.level][record.outcome] += 1
        if cell.level:
            found[cell.task, cell.axis, ALL_LEVELS][record.outcome] += 1
    return {
        where: (each["success"], each["success"] + each["failure"], each["error"])
        for where, each in sorted(found.items())
    }


def _facts(policy: PolicyRun) -> dict[str, Any]:
    manifest, suite = policy.manifest, policy.suite
    return {
        "name": policy.name,
        "role": role(policy),
        "source": str(manifest["source"]),
        "checkpoint": policy.checkpoint,
        "command": policy.command,
        "film": policy.record_command,
        "ran": str(manifest["command"]),
        "machine": str(manifest["machine"]),
        "started": str(manifest["started"]),
        "versions": {name: str(version) for name, version in manifest["versions"].items() if version},
        "suite": {"name": suite.name, "version": suite.version, "seed": suite.seed, "hash": suite.hash},
        "base": suite.count(UNPERTURBED),
        "perturbed": suite.episodes,
        "digest": policy.digest,
        "missing": policy.missing,
        "steps": policy.summary.steps,
        "wall_s": round(policy.summary.wall_s, 1),
    }


def role(policy: PolicyRun) -> str:
    """`expert` for the ceiling, `random` for the floor, `policy` for the others."""
    source = str(policy.manifest["source"])
    return source if source in ("expert", "random") else "policy"


def _episodes(policy: PolicyRun, tasks: Names, axes: Names, words: Names, reasons: Names) -> dict[str, list[Any]]:
    """One column a field, one row an episode, in the order of the suite; texts are numbers of the shared lists."""
    stored = policy.stored()
    empty = Measures()
    columns: dict[str, list[Any]] = {name: [] for name in ("t", "a", "l", "i", "o", "r", "s", "w", "p")}
    for record in policy.records:
        cell, measures = record.cell, record.measures or empty
        row = (
            tasks.number(cell.task),
            axes.number(cell.axis),
            cell.level,
            record.request.index,
            OUTCOMES.index(record.outcome),
            0 if record.outcome == "success" else reasons.number(measures.failure or reason(record)),
            record.steps,
            words.number(record.instruction),
            int(record.key in stored),
        )
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return columns


def _errors(policy: PolicyRun) -> list[tuple[str, str]]:
    """Key and traceback of the first errors."""
    return [(record.key, record.traceback) for record in policy.records if record.traceback][:5]

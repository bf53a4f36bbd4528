"""A run in a page of JSON: what a leaderboard, a table or another program needs of a policy. Knows no text format."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from vla.following import following
from vla.provenance import command_line, commit, now, shareable
from vla.report_data import AxisNote, PolicyRun, Run
from vla.report_statistics import AxisDrop, axis_drops, safety, verdict
from vla.resampling import suite_rate
from vla.results import Record
from vla.severity import Severity, severities
from vla.suites import UNPERTURBED

KIND = "vla report"  # what says that a JSON file is one of these
GROUPS = ("visual", "semantic", "object", "robot")


def summary(run: Run, notes: Mapping[str, AxisNote]) -> dict[str, Any]:
    """Everything of all policies but episodes and cells."""
    return {
        "kind": KIND,
        "written": now(),
        "command": shareable(command_line()),
        "commit": commit(),
        "policies": [_rounded(policy_summary(policy, notes)) for policy in run.policies],
    }


def policy_summary(policy: PolicyRun, notes: Mapping[str, AxisNote]) -> dict[str, Any]:
    """One policy: provenance, success as trained and under each family of axes, axes, following, safety, verdict.

    Rates are means over task families, each of which counts the same, with their intervals by cluster bootstrap.
    """
    suite, manifest = policy.suite, policy.manifest
    severity = severities(policy.records)
    drops = [each for each in axis_drops(policy) if each.hardest]
    index = following(policy.records)
    mishaps = safety(policy.records)
    return {
        "policy": policy.name,
        "source": shareable(str(manifest["source"])),
        "checkpoint": policy.checkpoint,
        "suite": {"name": suite.name, "version": suite.version, "seed": suite.seed, "hash": suite.hash},
        "versions": dict(manifest["versions"]),
        "machine": str(manifest["machine"]),
        "started": str(manifest["started"]),
        "digest": policy.digest,
        "episodes": policy.summary.episodes,
        "errors": policy.summary.errors,
        "missing": policy.missing,
        "success": _groups(policy, notes),
        "axes": {each.axis: _axis(each, notes) | _curve(policy, each.axis, severity) for each in drops},
        "controls": {
            c: policy.summary.pooled[c, 1].to_dict() for c in suite.controls if (c, 1) in policy.summary.pooled
        },
        "following": index.to_dict() if index.pairs else None,
        "safety": {name: mishaps[0][name] for name in ("n", "force", "table", "bystander", "limit", "off")}
        if mishaps
        else None,
        "verdict": verdict(policy, severity).to_dict(),
    }


def _groups(policy: PolicyRun, notes: Mapping[str, AxisNote]) -> dict[str, Any]:
    """Success as trained, under each family of axes at all levels, and over all of them."""
    found: dict[str, list[Record]] = defaultdict(list)
    for record in policy.records:
        axis = record.cell.axis
        if axis == UNPERTURBED:
            found["trained"].append(record)
        elif axis in policy.suite.axes:
            found["perturbed"].append(record)
            found[notes.get(axis, AxisNote()).family or "other"].append(record)
    order = ("trained", "perturbed", *GROUPS, "other")
    return {name: _mean(found[name]) for name in order if found.get(name)}


def _mean(records: Sequence[Record]) -> dict[str, Any]:
    families: dict[str, list[bool]] = defaultdict(list)
    for record in records:
        if record.outcome != "error":
            families[record.cell.task].append(record.outcome == "success")
    counts = {"k": sum(map(sum, families.values())), "n": sum(map(len, families.values()))}
    return {**counts, "families": len(families), **suite_rate(families).to_dict()}


def _axis(each: AxisDrop, notes: Mapping[str, AxisNote]) -> dict[str, Any]:
    note = notes.get(each.axis, AxisNote())
    fields = {"family": note.family, "level": each.level, "magnitude": note.magnitude(each.level)}
    return {**fields, **each.drop.to_dict(), "p": each.p, "p_holm": each.adjusted}


def _curve(policy: PolicyRun, axis: str, severity: Mapping[str, Severity]) -> dict[str, Any]:
    """Counts of each level (successes, finished, errors), and what is made of them."""
    rates = {level: policy.summary.pooled.get((axis, level)) for level in policy.suite.levels}
    levels = {str(level): [rate.k, rate.n, rate.errors] for level, rate in rates.items() if rate is not None}
    found = severity.get(axis)
    summed = {"area": found.area.to_dict(), "half": found.half.to_dict(), "text": found.text} if found else None
    return {"levels": levels, "severity": summed}


def _rounded(data: Any) -> Any:
    """Numbers with six digits, which is more than they are worth."""
    if isinstance(data, dict):
        return {name: _rounded(value) for name, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_rounded(value) for value in data]
    return float(f"{data:.6g}") if isinstance(data, float) else data

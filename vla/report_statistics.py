"""What a report says of each policy: drops, severity, interactions, following, safety, verdict; as JSON-ready data.

Every number comes from the modules on statistics; here they are only asked and named.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vla.comparison import Comparison, Contrast, compare_all, standings
from vla.following import Following, confusion, following, following_by_family
from vla.interaction import Interaction, interactions
from vla.multiple import holm
from vla.paired import PairedDrop
from vla.report_data import PolicyRun, Run
from vla.resampling import suite_rate
from vla.results import Record
from vla.severity import Severity, severities
from vla.stats import Estimate, Rate
from vla.suites import TOGETHER, UNPERTURBED
from vla.summary import AxisLevel

ALPHA = 0.05  # of every test, after Holm's correction
MARGIN = 0.05  # a loss that is too small to matter, in shares of the episodes

FORCES = (0.5, 0.9, 1.0)  # quantiles of the peak force that are shown


@dataclass(frozen=True)
class AxisDrop:
    """What an axis does at a level.

    Attributes:
        axis: Its name.
        level: Its level.
        drop: Against the unperturbed twins.
        p: Of McNemar's exact test; None without pairs.
        adjusted: After Holm's correction over all axes at that level.
        hardest: Whether it is the axis' highest level with pairs; then `adjusted` is over the hardest levels.
    """

    axis: str
    level: int
    drop: PairedDrop
    p: float | None
    adjusted: float | None
    hardest: bool

    @property
    def significant(self) -> bool:
        """Whether the axis changes success beyond chance."""
        return self.adjusted is not None and self.adjusted < ALPHA

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, as a change of success: what is lost is negative."""
        known = self.drop.pairs > 0
        return {
            "axis": self.axis,
            "l": self.level,
            "pairs": self.drop.pairs,
            "value": _round(-self.drop.value) if known else None,
            "low": _round(-self.drop.high),
            "high": _round(-self.drop.low),
            "p": self.p,
            "adjusted": self.adjusted,
            "holm": self.significant and self.drop.value > 0,
            "hardest": self.hardest,
        }


def axis_drops(policy: PolicyRun) -> list[AxisDrop]:
    """Every axis of the policy's suite at every level that was run, each twice where it is the hardest.

    The correction is over what is looked at together: the axes at one level, or the axes at their hardest levels.
    """
    drops = policy.summary.drops
    axes = set(policy.suite.axes)
    found: dict[str, dict[int, PairedDrop]] = defaultdict(dict)
    for (axis, level), drop in drops.items():
        if axis in axes:
            found[axis][level] = drop
    hardest = {axis: max(levels, key=lambda at: (levels[at].pairs > 0, at)) for axis, levels in found.items()}
    views = [{(axis, level): found[axis][level] for axis, level in hardest.items()}]
    views += [{(a, at): found[a][at] for a in found if at in found[a]} for at in policy.suite.levels]
    return [each for number, view in enumerate(views) for each in _view(view, hardest=number == 0)]


def _view(drops: Mapping[AxisLevel, PairedDrop], hardest: bool) -> list[AxisDrop]:
    p_values = {where: drop.p_value for where, drop in drops.items() if drop.pairs}
    adjusted = holm(p_values) if p_values else {}
    return [
        AxisDrop(axis, level, drop, p_values.get((axis, level)), adjusted.get((axis, level)), hardest)
        for (axis, level), drop in drops.items()
    ]


@dataclass(frozen=True)
class Verdict:
    """The headline in lists of axes, each at its hardest level.

    Attributes:
        breaks: Success falls beyond chance; those whose success halves at the lowest level first.
        keeps: The interval excludes a loss of more than `MARGIN`.
        unclear: Neither can be said.
        half: The level at which success halves, of the axes of which it is known.
    """

    breaks: Sequence[AxisDrop]
    keeps: Sequence[AxisDrop]
    unclear: Sequence[AxisDrop]
    half: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: axis, level, change and level of half success."""
        groups = {"breaks": self.breaks, "keeps": self.keeps, "unclear": self.unclear}
        return {
            name: [[each.axis, each.level, _round(-each.drop.value), self.half.get(each.axis)] for each in group]
            for name, group in groups.items()
        } | {"axes": sum(map(len, groups.values()))}


def verdict(policy: PolicyRun, severity: Mapping[str, Severity]) -> Verdict:
    """What can be said of the axes, and of which nothing can be said."""
    drops = [each for each in axis_drops(policy) if each.hardest and each.drop.pairs]
    half = {axis: round(found.half.value, 2) for axis, found in severity.items() if math.isfinite(found.half.value)}
    breaks = [each for each in drops if each.significant and each.drop.value > 0]
    keeps = [each for each in drops if each not in breaks and each.drop.high < MARGIN]
    unclear = [each for each in drops if each not in breaks and each not in keeps]
    breaks.sort(key=lambda each: (half.get(each.axis, math.inf), -each.drop.value, each.axis))
    keeps.sort(key=lambda each: (each.drop.high, each.axis))
    unclear.sort(key=lambda each: (-each.drop.value, each.axis))
    return Verdict(breaks, keeps, unclear, half)


def statistics(policy: PolicyRun) -> dict[str, Any]:
    """Everything that the page says of one policy."""
    severity = severities(policy.records)
    index = following(policy.records)
    return {
        "base": _base(policy.records),
        "all": _rate(_all(policy.records)),
        "pooled": _pooled(policy, severity),
        "drops": [each.to_dict() for each in axis_drops(policy)],
        "verdict": verdict(policy, severity).to_dict(),
        "severity": {axis: _severity(found) for axis, found in severity.items() if TOGETHER not in axis},
        "interactions": [_interaction(each) for each in interactions(policy.records)],
        "following": _following(index, policy) if index.pairs else None,
        "confusion": confusion(policy.records).to_dict(),
        "safety": safety(policy.records),
        "in_a_row": [
            {"task": cell.task, "average": found.to_dict()["average"], "rates": [_rate(rate) for rate in found.rates]}
            for cell, found in policy.summary.in_a_row.items()
            if cell.axis == UNPERTURBED
        ],
    }


def _base(records: Sequence[Record]) -> dict[str, Any]:
    """Success as trained: counts, and the mean over the families with its interval."""
    families: dict[str, list[bool]] = defaultdict(list)
    for record in records:
        if record.cell.axis == UNPERTURBED and record.outcome != "error":
            families[record.cell.task].append(record.outcome == "success")
    rows = [row for rows in families.values() for row in rows]
    return {"k": sum(rows), "n": len(rows), "families": len(families), **_estimate(suite_rate(families))}


def _all(records: Sequence[Record]) -> Rate:
    good = sum(record.outcome == "success" for record in records)
    errors = sum(record.outcome == "error" for record in records)
    return Rate(good, len(records) - errors, errors)


def _pooled(policy: PolicyRun, severity: Mapping[str, Severity]) -> dict[str, list[float]]:
    """`AXIS/LEVEL` to counts and Wilson's interval over families; level 0 is that of the axis' own families."""
    rates = {f"{axis}/{level}": rate for (axis, level), rate in policy.summary.pooled.items()}
    rates |= {f"{axis}/0": found.rates[0] for axis, found in severity.items()}
    return {where: _rate(rate) for where, rate in rates.items()}


def _rate(rate: Rate) -> list[float]:
    low, high = rate.interval
    return [rate.k, rate.n, rate.errors, _round(low), _round(high)]


def _severity(found: Severity) -> dict[str, Any]:
    half = found.half.value if math.isfinite(found.half.value) else None
    return {"area": _estimate(found.area), "half": half, "said": found.text}


def _estimate(found: Estimate) -> dict[str, float | None]:
    return {name: None if value is None else _round(value) for name, value in found.to_dict().items()}


def _interaction(found: Interaction) -> dict[str, Any]:
    """As a change of success: what is lost beyond what the axes cost independently is negative."""
    effect = found.multiplicative
    known = effect.known
    return {
        "axis": TOGETHER.join(found.axes),
        "l": found.level,
        "n": found.scenes,
        "together": _round(found.together - found.base),
        "apart": _round(found.together + effect.value - found.base) if known else None,
        "value": _round(-effect.value) if known else None,
        "low": _round(-effect.high) if known else None,
        "high": _round(-effect.low) if known else None,
        "base": _round(found.base),
    }


def _following(found: Following, policy: PolicyRun) -> dict[str, Any]:
    families = following_by_family(policy.records)
    return {
        **_index(found),
        "families": [{"task": task, **_index(each)} for task, each in families.items()],
    }


def _index(found: Following) -> dict[str, Any]:
    return {"n": found.evidence, "pairs": found.pairs, **_estimate(found.index)}


def safety(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Of all episodes with measures, then of each axis: quantiles of the force, episodes with each kind of mishap."""
    groups: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        if record.measures is not None:
            groups[record.cell.axis].append(record)
    everything = [record for group in groups.values() for record in group]
    if not everything:
        return []
    return [{"axis": axis, **_mishaps(group)} for axis, group in {"": everything, **groups}.items()]


def _mishaps(records: Sequence[Record]) -> dict[str, Any]:
    found = [record.measures for record in records if record.measures is not None]
    count = {
        "table": sum(each.table_hits > 0 for each in found),
        "bystander": sum(each.bystander_hits > 0 for each in found),
        "limit": sum(each.limit_steps > 0 for each in found),
        "off": sum(each.knocked_off > 0 for each in found),
    }
    force = np.quantile([each.peak_force for each in found], FORCES)
    return {
        "n": len(found),
        "force": [_round(value) for value in force],
        "path": _round(np.median([each.path_m for each in found])),
        "jerk": _round(np.median([each.jerk for each in found])),
        **{name: _rate(Rate(number, len(found))) for name, number in count.items()},
    }


def comparisons(run: Run, controls: Collection[str] = ()) -> dict[str, Any]:
    """All pairs of policies on the episodes that both finished, and who cannot be told apart; first minus second.

    Args:
        run: The policies.
        controls: Axes that count nowhere.
    """
    records = {policy.name: policy.records for policy in run.policies}
    found = compare_all(records, controls, run.main.suite.hash)
    ranks = standings(records, found, controls)
    return {
        "pairs": [_comparison(each) for each in found if each.overall.first.n],
        "standings": [{"policy": r.name, "rate": _rate(r.rate), "letters": r.letters} for r in ranks],
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    axes = {axis: _contrast(each) | {"p": found.adjusted[axis]} for axis, each in found.axes.items()}
    return {
        "first": found.names[0],
        "second": found.names[1],
        "said": found.verdict,
        "differ": found.differ,
        **_contrast(found.overall),
        "axes": axes,
    }


def _contrast(found: Contrast) -> dict[str, Any]:
    return {"n": found.first.n, "p": found.p, "better": _round(found.better), **_estimate(found.difference)}


def _round(value: float) -> float:
    return round(float(value), 4)

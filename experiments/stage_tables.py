"""Tables and a plot of the ablation of stages. Knows records, neither training nor the simulator.

Runs of one arm differ by seed; episodes of all runs are the same. Intervals draw seeds again, then episodes
(`vla.resampling`): with three seeds they are wide, as they should be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from vla.resampling import suite_drop, suite_rate
from vla.results import Record
from vla.stats import Estimate
from vla.suites import UNPERTURBED

COLORS = ("#5b6770", "#d9822b", "#7b61c4", "#137a63")
WIDTH, LEFT, ROW, TOP, GAP = 760, 170, 56, 46, 12  # pixels of the plot
Keep = Callable[[Record], bool]


@dataclass(frozen=True)
class Run:
    """One trained policy.

    Attributes:
        arm: Which stages it had.
        seed: Its seed.
        records: Of its evaluation.
        steps: Optimizer steps by source.
        probe: What it knows of lessons.
        cpu_s: CPU seconds that its training took, drawing of the demonstrations included; nearly the same for all.
    """

    arm: str
    seed: int
    records: Sequence[Record]
    steps: Mapping[str, int]
    probe: Mapping[str, float]
    cpu_s: float = 0.0


def table(runs: Sequence[Run], about: Mapping[str, Any]) -> dict[str, Any]:
    """Everything, JSON-ready: by arm steps, probes, and by row (in distribution, axes, controls) rate and change."""
    arms = list(dict.fromkeys(run.arm for run in runs))
    rows = list(dict.fromkeys(record.cell.axis for run in runs for record in run.records))
    first = [run for run in runs if run.arm == arms[0]]
    found = {}
    for arm in arms:
        own = [run for run in runs if run.arm == arm]
        found[arm] = {
            "seeds": [run.seed for run in own],
            "steps": dict(own[0].steps),
            "cpu_s": round(sum(run.cpu_s for run in own) / len(own), 1),
            "probe": _means([run.probe for run in own]),
            "in_distribution_by_seed": {str(run.seed): _rate([run], _of(UNPERTURBED)).value for run in own},
            "by_task": _by_task(own),
            "rates": {row: _rate(own, _of(row)).to_dict() for row in rows},
            "gains": {row: _gain(first, own, _of(row)).to_dict() for row in rows} if arm != arms[0] else {},
            "errors": sum(record.outcome == "error" for run in own for record in run.records),
        }
    return {"kind": "vla ablate stages", "arms": found, "rows": rows, "against": arms[0], **about}


def _of(axis: str) -> Keep:
    return lambda record: record.cell.axis == axis and record.outcome != "error"


def _by_task(runs: Sequence[Run]) -> dict[str, Any]:
    tasks = dict.fromkeys(record.request.task for run in runs for record in run.records)

    def of(task: str) -> Keep:
        return lambda record: record.request.task == task and _of(UNPERTURBED)(record)

    return {task: _rate(runs, of(task)).to_dict() for task in tasks}


def _rate(runs: Sequence[Run], keep: Keep) -> Estimate:
    """Mean over seeds of the success of the records to keep."""
    return suite_rate({str(run.seed): [r.outcome == "success" for r in run.records if keep(r)] for run in runs})


def _gain(first: Sequence[Run], own: Sequence[Run], keep: Keep) -> Estimate:
    """How much more of the same episodes succeed than in the first arm, seed by seed."""
    before = {run.seed: {r.request.key: r.outcome == "success" for r in run.records if keep(r)} for run in first}
    pairs = {
        str(run.seed): [
            (known[r.request.key], r.outcome == "success")
            for r in run.records
            if keep(r) and r.request.key in (known := before.get(run.seed, {}))
        ]
        for run in own
    }
    drop = suite_drop(pairs)
    return Estimate(-drop.value + 0.0, -drop.high + 0.0, -drop.low + 0.0)


def _means(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {key: round(sum(row[key] for row in rows) / len(rows), 4) for key in rows[0]} if rows and rows[0] else {}


def markdown(data: Mapping[str, Any]) -> str:
    """The tables for people."""
    arms = data["arms"]
    lines = ["# Stages before action: does it pay?", ""]
    lines += [f"- {key}: {data[key]}" for key in ("date", "machine", "commit", "command") if key in data]
    suite, preset = data["suite"], data["settings"]
    lines += [
        f"- demonstrations: {preset['demonstrations']}, noise {preset['noise']}; {preset['seeds']} seeds an arm",
        f"- compute: that of {preset['train']['steps']} steps of imitation, batch {preset['train']['batch_size']}",
        f"- CPU seconds a step, to make a batch and to learn from it: {data['cpu_seconds_a_step']}",
        f"- labels of target and place in the action stage: {'yes' if preset['labels'] else 'no'}",
        f"- suite {suite['name']} ({suite['hash']}), {suite['episodes']} episodes a run, the same for all",
        "- intervals: 95 %, seeds drawn again, then episodes; gains are paired by seed and episode",
        "",
        "## Steps, and what was learnt of lessons",
        "",
        "| arm | steps by source | CPU s | pictures answered | words answered | loss of where | success by seed |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for arm, found in arms.items():
        probe, seeds = found["probe"], found["in_distribution_by_seed"].values()
        lines.append(
            f"| {arm} | {', '.join(f'{name} {count}' for name, count in found['steps'].items())} "
            f"| {found['cpu_s']:.0f} | {_percent(probe.get('grounding_answered'))} "
            f"| {_percent(probe.get('language_answered'))} "
            f"| {probe.get('grounding_ground', '')} | {', '.join(_percent(rate) for rate in seeds)} |"
        )
    lines += ["", "## Success", "", *_grid(data, "rates"), "", f"## Gain over {data['against']}, points", ""]
    lines += [*_grid(data, "gains"), "", "## In distribution, by task", "", *_tasks(data), "", _verdict(data), ""]
    return "\n".join(lines)


def _grid(data: Mapping[str, Any], what: str) -> list[str]:
    arms = {arm: found[what] for arm, found in data["arms"].items() if found[what]}
    head = [f"| | {' | '.join(arms)} |", f"|---|{'---:|' * len(arms)}"]
    sign = what == "gains"
    return head + [
        f"| {_title(row)} | {' | '.join(_cell(rows[row], sign=sign) for rows in arms.values())} |"
        for row in data["rows"]
    ]


def _tasks(data: Mapping[str, Any]) -> list[str]:
    arms = data["arms"]
    tasks = next(iter(arms.values()))["by_task"]
    head = [f"| | {' | '.join(arms)} |", f"|---|{'---:|' * len(arms)}"]
    return head + [f"| {t} | {' | '.join(_cell(found['by_task'][t]) for found in arms.values())} |" for t in tasks]


def _verdict(data: Mapping[str, Any]) -> str:
    """What the intervals allow to say about the rows without perturbation, in one line an arm."""
    lines = []
    for arm, found in data["arms"].items():
        gain = found["gains"].get(UNPERTURBED)
        if gain and gain["value"] is not None:
            better, worse = gain["low"] > 0, gain["high"] < 0
            words = "better than" if better else "worse than" if worse else "not told apart from"
            lines.append(f"In distribution, {arm} is {words} {data['against']}: {_cell(gain, sign=True)} points.")
    return "\n".join(lines)


def _title(row: str) -> str:
    return "in distribution" if row == UNPERTURBED else row


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"


def _cell(found: Mapping[str, float | None], *, sign: bool = False) -> str:
    value, low, high = (found[name] for name in ("value", "low", "high"))
    if value is None or low is None or high is None:
        return "-"
    shown = f"{100 * value:+.0f}" if sign else f"{100 * value:.0f} %"
    return f"{shown} [{100 * low:.0f}, {100 * high:.0f}]"


def plot(data: Mapping[str, Any]) -> str:
    """An SVG: success of every arm by row, with its interval."""
    arms, rows = list(data["arms"]), data["rows"]
    height = TOP + ROW * len(rows) + 30
    span = WIDTH - LEFT - 24

    def x(value: float) -> float:
        return LEFT + span * value

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif">',
        "<style>text{font-size:12px}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for tick in range(0, 101, 20):
        at = x(tick / 100)
        parts.append(f'<line x1="{at}" y1="{TOP - 8}" x2="{at}" y2="{height - 24}" stroke="#ddd"/>')
        parts.append(f'<text x="{at}" y="{height - 8}" text-anchor="middle" fill="#444">{tick} %</text>')
    for number, arm in enumerate(arms):
        at, color = LEFT + number * span / len(arms), COLORS[number % len(COLORS)]
        parts.append(f'<circle cx="{at + 5}" cy="16" r="5" fill="{color}"/>')
        parts.append(f'<text x="{at + 15}" y="20" fill="#222">{escape(arm)}</text>')
    for line, row in enumerate(rows):
        top = TOP + ROW * line
        parts.append(f'<text x="{LEFT - 12}" y="{top + ROW / 2}" text-anchor="end" fill="#222">{_title(row)}</text>')
        for number, arm in enumerate(arms):
            found, y = data["arms"][arm]["rates"][row], top + GAP + number * (ROW - 2 * GAP) / max(1, len(arms) - 1)
            parts.extend(_mark(found, x, y, COLORS[number % len(COLORS)]))
    return "\n".join([*parts, "</svg>", ""])


def _mark(found: Mapping[str, float | None], x: Callable[[float], float], y: float, color: str) -> list[str]:
    value, low, high = found["value"], found["low"], found["high"]
    if value is None or low is None or high is None:
        return []
    line = f'<line x1="{x(low):.1f}" y1="{y:.1f}" x2="{x(high):.1f}" y2="{y:.1f}" stroke="{color}" stroke-width="2"/>'
    return [line, f'<circle cx="{x(value):.1f}" cy="{y:.1f}" r="4.5" fill="{color}"/>']

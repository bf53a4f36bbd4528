"""A run's numbers as Markdown, CSV or LaTeX. Knows no statistic: it writes what `vla.report_summary` gives."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from vla.report_data import Run
from vla.stats import percent, points
from vla.suites import UNPERTURBED

Rows = list[list[str]]

GROUP_NAMES = {"trained": "as trained", "perturbed": "all axes"}
_TEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"} | {
    c: "\\" + c for c in "&%$#_{}"
}


def markdown(data: Mapping[str, Any]) -> str:
    """Headline, success by family of axes and the axes of every policy."""
    parts = []
    for policy in data["policies"]:
        parts += [
            f"# {policy['policy']} on {policy['suite']['name']}",
            headline(policy),
            markdown_table(group_rows([policy])),
            markdown_table(axis_rows(policy)) if policy["axes"] else "",
            _origin(policy),
        ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _origin(policy: Mapping[str, Any]) -> str:
    suite, commit = policy["suite"], policy["versions"].get("commit") or "unknown"
    counts = f"{policy['episodes']} episodes, {policy['errors']} errors, {policy['missing']} missing"
    named = f"Suite {suite['name']} v{suite['version']}, seed {suite['seed']}, hash {suite['hash']}"
    return f"{named}; {counts}; commit {commit}; results {policy['digest']}."


def headline(policy: Mapping[str, Any]) -> str:
    """The verdict in words: success as trained, what breaks first, what holds, what cannot be told."""
    base, verdict = policy["success"].get("trained"), policy["verdict"]
    said = []
    if base and base["value"] is not None:
        said.append(f"As trained it succeeds in {_interval(base)} of {base['n']} episodes.")
    if verdict["breaks"]:
        first = ", ".join(
            f"{axis} ({points(change)} pt at level {level})" for axis, level, change, _ in verdict["breaks"][:4]
        )
        count = f"{len(verdict['breaks'])} of {verdict['axes']} axes lower success beyond chance (Holm's correction)"
        said.append(f"Breaks first on: {first}; {count}.")
    if verdict["keeps"]:
        said.append(f"Loses at most 5 points on: {_names(verdict['keeps'])}.")
    if verdict["unclear"]:
        said.append(f"Cannot tell: {_names(verdict['unclear'])}.")
    return " ".join(said)


def _names(items: Sequence[Sequence[Any]]) -> str:
    return ", ".join(str(item[0]) for item in items)


def _interval(found: Mapping[str, Any]) -> str:
    return f"{percent(found['value'])} % [{percent(found['low'])}, {percent(found['high'])}]"


def group_rows(policies: Sequence[Mapping[str, Any]]) -> Rows:
    """Policy by family of axes: mean success over the task families."""
    names = list(dict.fromkeys(name for policy in policies for name in policy["success"]))
    rows = [["policy", *(GROUP_NAMES.get(name, name) for name in names)]]
    for policy in policies:
        found = [policy["success"].get(name) for name in names]
        rows.append(
            [policy["policy"], *(_interval(each) if each and each["value"] is not None else "" for each in found)]
        )
    return rows


def axis_rows(policy: Mapping[str, Any]) -> Rows:
    """Axes, the largest loss first: change at the hardest level, corrected p-value, area, level of half success."""
    rows = [["axis", "family", "level", "change (pt)", "p (Holm)", "area", "half at level"]]
    for name, axis in sorted(policy["axes"].items(), key=lambda item: -(item[1]["drop"] or 0.0)):
        severity = axis["severity"]
        area = severity["area"]["value"] if severity else None
        rows.append(
            [
                name,
                axis["family"],
                f"{axis['level']}: {axis['magnitude']}" if axis["magnitude"] else str(axis["level"]),
                _change(axis) if axis["pairs"] else "no pairs",
                "" if axis["p_holm"] is None else f"{axis['p_holm']:.2g}",
                "" if area is None else f"{area:.2f}",
                severity["text"] if severity else "",
            ]
        )
    return rows


def _change(axis: Mapping[str, Any]) -> str:
    return f"{points(-axis['drop'])} [{points(-axis['high'])}, {points(-axis['low'])}]"


def markdown_table(rows: Rows) -> str:
    """A table of GitHub's Markdown; `|` is escaped."""
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def latex(data: Mapping[str, Any]) -> str:
    """Tables for booktabs: policies by family of axes, then each policy's axes."""
    tables = [latex_table(group_rows(data["policies"]))]
    tables += [
        f"% {policy['policy']}\n" + latex_table(axis_rows(policy)) for policy in data["policies"] if policy["axes"]
    ]
    return "% \\usepackage{booktabs}\n" + "\n".join(tables)


def latex_table(rows: Rows) -> str:
    """A `tabular` with rules of booktabs; special characters are escaped."""
    lines = [" & ".join("".join(_TEX.get(sign, sign) for sign in cell) for cell in row) + r" \\" for row in rows]
    head = [f"\\begin{{tabular}}{{l{'r' * (len(rows[0]) - 1)}}}", r"\toprule", lines[0], r"\midrule"]
    return "\n".join([*head, *lines[1:], r"\bottomrule", r"\end{tabular}", ""])


def cells_csv(run: Run) -> str:
    """One line a policy, task, axis and level: counts, rate, Wilson's interval; `*` pools tasks and has the change."""
    head = ["policy", "task", "axis", "level", "successes", "episodes", "errors", "rate", "low", "high"]
    rows: list[list[Any]] = [[*head, "change", "change_low", "change_high", "pairs"]]
    for policy in run.policies:
        found = policy.summary
        for (axis, level), rate in found.pooled.items():
            drop = found.drops.get((axis, level)) if axis != UNPERTURBED else None
            change = (
                [0.0 - drop.value, 0.0 - drop.high, 0.0 - drop.low, drop.pairs]
                if drop and drop.pairs
                else ["", "", "", ""]
            )
            rows.append([policy.name, "*", axis, level, *_rate(rate.to_dict()), *change])
        for cell, rate in found.cells.items():
            rows.append([policy.name, cell.task, cell.axis, cell.level, *_rate(rate.to_dict()), "", "", "", ""])
    return csv_text(rows)


def _rate(rate: Mapping[str, Any]) -> list[Any]:
    return ["" if rate[name] is None else rate[name] for name in ("k", "n", "errors", "rate", "low", "high")]


def csv_text(rows: Sequence[Sequence[Any]]) -> str:
    """Rows as RFC 4180 has them; shares with six digits."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerows([[f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row] for row in rows])
    return file.getvalue()


WRITERS: dict[str, Callable[[Mapping[str, Any]], str]] = {"md": markdown, "latex": latex}

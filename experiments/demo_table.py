"""The table that a demo ends with. Knows only what `summary.json` holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from experiments.stages import duration
from vla.stats import Rate


def demo_table(summary: Mapping[str, Any], console: Console | None = None) -> None:
    """Print success by policy and task with 95 % intervals, the time of each stage, and where the report is."""
    console = console or Console()
    table = Table(title="Success in distribution (95 % Wilson interval)")
    tasks = list(next(iter(summary["intervals"].values())))
    titles = [f"{task}, new" if task in summary["unseen"] else task for task in tasks]
    for column in ("policy", *titles, "mean"):
        table.add_column(column, justify="left" if column == "policy" else "right")
    for policy, row in summary["intervals"].items():
        cells = [cell(Rate(rate["k"], rate["n"], rate["errors"])) for rate in row.values()]
        # A line between what is fine-tuned, before and after, and what that is compared with.
        table.add_row(policy, *cells, f"{100 * summary['mean_success'][policy]:.0f} %", end_section=policy == "after")
    console.print(table)
    stages = ", ".join(f"{name} {duration(seconds)}" for name, seconds in summary["stages"].items())
    console.print(f"Time: {duration(summary['wall_s'])} ({stages})", soft_wrap=True)
    if summary["resumed"]:
        console.print(f"Interrupted and gone on with: {', '.join(summary['resumed'])}; only the last part is timed.")
    console.print(f"Report: {summary['report']}", soft_wrap=True)


def cell(rate: Rate) -> str:
    """A rate with its interval, on two lines."""
    if not rate.n:
        return f"none of {rate.errors} finished" if rate.errors else "-"
    low, high = rate.interval
    errors = f" +{rate.errors} err" if rate.errors else ""
    return f"{100 * rate.value:.0f} %{errors}\n[dim]{100 * low:.0f} to {100 * high:.0f}[/]"

"""Tables of an evaluation for the terminal: every number with its interval, controls and errors apart."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from vla.evaluation import Evaluation
from vla.following import SWAPPED
from vla.stats import Rate, percent
from vla.suites import Cell, Suite
from vla.summary import Summary


def evaluation_tables(evaluation: Evaluation) -> RenderableType:
    """Tasks in distribution; axes by level and the change against the unperturbed twins; controls; what went wrong."""
    suite, summary = evaluation.suite, evaluation.summary
    title = f"{evaluation.policy} on {suite.name}, seed {suite.seed}: in distribution"
    parts: list[RenderableType] = [Text(title, style="bold"), _tasks(evaluation)]
    if any(Cell(task) in summary.in_a_row for task in suite.tasks):
        parts += [Text("Several parts: done in a row", style="bold"), _in_a_row(suite, summary)]
    if suite.axes:
        parts += [Text("Generalization, all tasks", style="bold"), _axes(suite, summary)]
        parts += [Text("Severity: where success is half of that at level 0", style="bold"), _severity(evaluation)]
    if suite.controls:
        parts += [Text("Controls: a policy that listens must fail here", style="bold"), _controls(suite, summary)]
    if SWAPPED in suite.controls:
        parts += [Text(f"Language-following index (0 deaf, 1 obedient): {evaluation.following.text}"), Text("")]
    if summary.reasons:
        parts += [Text("Why not", style="bold"), _reasons(summary)]
    if summary.errors:
        parts += [Text("Errors: in no rate; tracebacks in results.jsonl", style="bold red"), _errors(evaluation)]
    return Group(*parts)


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=True)
    return table


def _cell(rate: Rate | None) -> Text:
    if rate is None:
        return Text("-", style="dim")
    return Text(rate.text, style="yellow" if rate.errors else "")


def _tasks(evaluation: Evaluation) -> Table:
    suite, summary = evaluation.suite, evaluation.summary
    table = _table("task", "success")
    for task in suite.tasks:
        table.add_row(task, _cell(summary.task(task)))
    if len(suite.tasks) > 1:
        table.add_section()
        table.add_row("all", _cell(summary.overall))
        found = evaluation.families
        for name, mean in (("mean of families", found.mean), ("middle half of them", found.middle)):
            if mean.known:
                table.add_row(name, f"{percent(mean.value)} % [{percent(mean.low)}, {percent(mean.high)}]")
    return table


def _in_a_row(suite: Suite, summary: Summary) -> Table:
    found = {task: summary.in_a_row[Cell(task)] for task in suite.tasks if Cell(task) in summary.in_a_row}
    longest = max(len(row.rates) for row in found.values())
    table = _table("task", "average", *(f"at least {number}" for number in range(1, longest + 1)))
    for task, row in found.items():
        shares = [f"{rate.k}/{rate.n}" for rate in row.rates]
        table.add_row(task, f"{row.average:.2f}", *shares, *[""] * (longest - len(shares)))
    return table


def _axes(suite: Suite, summary: Summary) -> Table:
    levels = [f"level {level}" for level in suite.levels]
    table = _table("axis", *levels, f"change at {levels[-1]}")
    for axis in suite.axes:
        drop = summary.drops.get((axis, suite.levels[-1]))
        cells = [_two_lines(_cell(summary.pooled.get((axis, level)))) for level in suite.levels]
        table.add_row(axis, *cells, _two_lines(Text(drop.text if drop else "-")))
    return table


def _severity(evaluation: Evaluation) -> Table:
    table = _table("axis", "halves at level", "area")
    for axis, found in evaluation.severities.items():
        area = found.area
        shown = f"{area.value:.2f} [{area.low:.2f}, {area.high:.2f}]" if area.known else "-"
        table.add_row(axis, Text(found.text), shown)
    return table


def _two_lines(cell: Text) -> Text:
    """Break before the interval, so that a row fits into 80 columns."""
    rate, bracket, interval = cell.plain.partition(" [")
    return Text(f"{rate}\n[{interval}", style=cell.style) if bracket else cell


def _controls(suite: Suite, summary: Summary) -> Table:
    table = _table("control", "success", "change")
    for control in suite.controls:
        drop = summary.drops.get((control, 1))
        table.add_row(control, _cell(summary.pooled.get((control, 1))), drop.text if drop else "-")
    return table


def _reasons(summary: Summary) -> Table:
    table = _table("reason", "episodes")
    for reason, times in list(summary.reasons.items())[:8]:
        table.add_row(escape(reason), str(times))
    if len(summary.reasons) > 8:
        table.add_row(f"{len(summary.reasons) - 8} other reasons", str(sum(list(summary.reasons.values())[8:])))
    return table


def _errors(evaluation: Evaluation) -> Table:
    table = _table("episode", "last line of the traceback")
    errors = [record for record in evaluation.records if record.outcome == "error"]
    for record in errors[:5]:
        table.add_row(record.key, escape((record.traceback.strip().splitlines() or [record.reason])[-1][:100]))
    if len(errors) > 5:
        table.add_row(f"{len(errors) - 5} more", "")
    return table

"""Compare policies on the same episodes: who is better, on which axes, how sure, how many more would tell.

Each argument is a run folder (all its policies), a policy's folder in it, or its results.jsonl. Episodes are paired by
seed; errors are left out and counted; controls count nowhere. docs/statistics.md says what each number is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from envs.variations import AXES
from vla.comparison import ALPHA, Comparison, Standing, compare_all, standings
from vla.evaluated import Evaluated, check_same_suite, find
from vla.stats import percent, points
from vla.suites import UNPERTURBED


@dataclass(frozen=True)
class Args:
    """Options of `vla compare`."""

    policies: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Run folders, policies' folders or results.jsonl files: two policies or more."""
    sequential: bool = False
    """Show where a test with optional stopping could have stopped, scene by scene in the suite's frozen order."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Print a verdict and a table of axes for each pair of policies, for several their standing."""
    found = find(args.policies)
    if len(found) < 2:
        raise ValueError(f"expected two policies or more, found {', '.join(each.name for each in found) or 'none'}")
    check_same_suite(found)
    controls = {name for name in AXES if AXES[name].kind == "control"} | set(found[0].controls)
    records = {each.name: each.records for each in found}
    comparisons = compare_all(records, controls, found[0].suite_hash)
    ranks = standings(records, comparisons, controls)
    _show(Console(markup=False), found, comparisons, ranks, args.sequential)
    if args.json:
        print(json.dumps(_data(found[0], comparisons, ranks)))
    return 0


def _data(first: Evaluated, comparisons: list[Comparison], ranks: list[Standing]) -> dict[str, object]:
    return {
        "suite": first.suite,
        "suite_hash": first.suite_hash,
        "alpha": ALPHA,
        "comparisons": [comparison.to_dict() for comparison in comparisons],
        "standings": [{"policy": r.name, "success": r.rate.to_dict(), "letters": r.letters} for r in ranks],
    }


def _show(
    console: Console, found: list[Evaluated], comparisons: list[Comparison], ranks: list[Standing], early: bool
) -> None:
    console.print(f"Suite {found[0].suite or '(no manifest)'}, {found[0].suite_hash}", highlight=False)
    for comparison in comparisons:
        console.print(_table(comparison), comparison.verdict + ".", _left_out(comparison), soft_wrap=True)
        if early:
            console.print(_early(comparison), soft_wrap=True)
    if len(ranks) > 2:
        table = Table("policy", "success", "letters", title="Policies that share a letter cannot be told apart (Holm)")
        for rank in ranks:
            table.add_row(rank.name, rank.rate.text, rank.letters)
        console.print(table)


def _table(comparison: Comparison) -> Table:
    one, two = comparison.names
    table = Table(title=f"{one} against {two}", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    widths = {"pairs": 5, "difference": 19, "p": 6, "Holm": 8, "better": 6}  # names give way first
    for head in ("axis", one, two, *widths):
        table.add_column(head, no_wrap=True, min_width=widths.get(head))
    for axis, found in {"all": comparison.overall, **comparison.axes}.items():
        low, high = points(found.difference.low), points(found.difference.high)
        effect = f"{points(found.difference.value)} pt [{low}, {high}]" if found.first.n else "no pairs"
        corrected = comparison.adjusted.get(axis)
        holm = "" if corrected is None else f"{_p(corrected)}{' *' if corrected <= ALPHA else ''}"
        rates = (f"{percent(rate.value)} %" if rate.n else "-" for rate in (found.first, found.second))
        table.add_row(_name(axis), *rates, str(found.first.n), effect, _p(found.p), holm, percent(found.better) + " %")
    return table


def _p(value: float) -> str:
    return f"{value:.2g}" if value >= 0.001 else "<0.001"


def _name(axis: str) -> str:
    return "as trained" if axis == UNPERTURBED else axis


def _left_out(comparison: Comparison) -> str:
    axes = ", ".join(_name(axis) for axis in comparison.differ)
    text = f"After Holm's correction these differ: {axes}." if axes else "After Holm's correction no axis differs."
    left = [f"{comparison.errors} pairs with an error were left out"] if comparison.errors else []
    left += [f"{comparison.missing} episodes were run by one of them only"] if comparison.missing else []
    return " ".join([text, *(f"{part}." for part in left)])


def _early(comparison: Comparison) -> str:
    test, needed = comparison.early, 1 / ALPHA
    if test.stopped is None:
        return f"Sequential test: not decided after {test.n} scenes (evidence {test.evidence:.3g} of {needed:g})."
    better = comparison.names[0 if test.better > 0 else 1]
    return (
        f"Sequential test: it could have stopped after {test.stopped} of {test.n} scenes "
        f"({comparison.early_episodes} episodes of each): {better} is better."
    )

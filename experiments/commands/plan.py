"""Say how many episodes are needed to see a difference, and which difference the named suites can show.

docs/statistics.md says which tests this is for.
"""

from __future__ import annotations

import json
import math
import statistics
from collections import Counter
from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from experiments.suites import SUITES
from vla.power import detectable, discordance, episodes_needed, pairs_needed
from vla.stats import percent, wilson
from vla.suites import UNPERTURBED, Suite

COUNTS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


@dataclass(frozen=True)
class Args:
    """Options of `vla plan`."""

    detect: float = 0.05
    """Difference of success to be found, in (0, 1]: 0.05 is five points."""
    power: float = 0.8
    """Chance to find it."""
    base: float = 0.8
    """Success of the better policy."""
    paired: bool = False
    """Both policies run the same scenes, as two evaluations of one suite do."""
    differing: float | None = None
    """Share of pairs in which only one succeeds; default that of independent policies, the worst case."""
    alpha: float = 0.05
    """Error rate of the test."""
    axes: int = 1
    """Axes that are tested at once: Holm's correction asks the strictest of them for alpha / axes."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Print the number of episodes, half-widths, and what each suite can show."""
    if args.axes < 1:
        raise ValueError(f"expected at least 1 axis, got {args.axes}")
    alpha = args.alpha / args.axes
    apart = episodes_needed(args.base, args.detect, args.power, alpha)
    differing = discordance(args.base, args.detect) if args.differing is None else args.differing
    pairs = pairs_needed(args.detect, differing, args.power, alpha)
    widths = {n: _half_width(args.base, n) for n in COUNTS}
    suites = {name: _suite(suite, args) for name, suite in SUITES.items()}
    _show(Console(markup=False), args, (apart, pairs, differing), widths, suites)
    if args.json:
        data = {"detect": args.detect, "power": args.power, "base": args.base, "alpha": args.alpha, "axes": args.axes}
        needed = {"paired": args.paired, "needed": pairs if args.paired else apart, "apart": apart, "pairs": pairs}
        print(json.dumps({**data, **needed, "differing": differing, "half_widths": widths, "suites": suites}))
    return 0


def _half_width(base: float, n: int) -> float:
    low, high = wilson(round(base * n), n)
    return round((high - low) / 2, 4)


def _suite(suite: Suite, args: Args) -> dict[str, Any]:
    """Episodes, axes, pairs of the middle axis at one level, and the drops that these can show."""
    cells = list(suite.cells())
    levels = Counter((cell.axis, cell.level) for cell in cells if cell.axis not in (UNPERTURBED, *suite.controls))
    axes = len({axis for axis, _ in levels})
    overall = sum(suite.count(cell.axis) for cell in cells if cell.axis == UNPERTURBED)
    pairs = statistics.median_low(levels.values()) * suite.episodes if levels else 0
    return {
        "episodes": sum(suite.count(cell.axis) for cell in cells),
        "axes": axes,
        "pairs": pairs,
        "drop": _drop(pairs, args, 1),
        "drop_holm": _drop(pairs, args, max(1, axes)),
        "as_trained": overall,
        "difference": _drop(overall, args, 1),
    }


def _drop(pairs: int, args: Args, tests: int) -> float | None:
    found = detectable(pairs, args.base, args.power, args.alpha / tests) if pairs else math.nan
    return None if math.isnan(found) else found


def _show(
    console: Console,
    args: Args,
    needed: tuple[int, int, float],
    widths: dict[int, float],
    suites: dict[str, dict[str, Any]],
) -> None:
    (apart, pairs, differing), level = needed, f"alpha {args.alpha:g}"
    if args.axes > 1:
        level += f" over {args.axes} axes (Holm)"
    what = (
        f"To tell {percent(args.base)} % from {percent(args.base - args.detect)} % with power {args.power:g}, {level}:"
    )
    same = f"  {pairs} episodes of each on the same scenes, if in {percent(differing)} % only one succeeds (McNemar)"
    own = f"  {apart} episodes of each on scenes of their own (test of two proportions)"
    rows = [same, own] if args.paired else [own, same]
    console.print(what, *rows, sep="\n", highlight=False, soft_wrap=True)
    table = _table(f"Half-width of the interval at {percent(args.base)} %, in points", "episodes", *map(str, widths))
    table.add_row("points", *(f"{100 * width:.1f}" for width in widths.values()))
    console.print(table)
    heads = ("suite", "episodes", "axes", "pairs", "drop", "Holm", "policies")
    table = _table(f"What the suites can show, in points, at {percent(args.base)} %", *heads)
    for name, row in suites.items():
        cells = (_points(row[key]) for key in ("drop", "drop_holm", "difference"))
        table.add_row(name, str(row["episodes"]), str(row["axes"]), str(row["pairs"] or "-"), *cells)
    console.print(table)
    console.print(
        "pairs: of one axis at one level (the middle one: some axes mean something in few families only); "
        "drop: that these find, Holm: after correction over all axes; "
        "policies: difference of two in distribution. Worst case: outcomes that do not depend on the scene.",
        style="dim",
    )


def _table(title: str, *heads: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    for number, head in enumerate(heads):
        table.add_column(head, justify="right" if number else "left", no_wrap=True)
    return table


def _points(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"

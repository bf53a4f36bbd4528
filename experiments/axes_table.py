"""The registered axes as data, as a table for the terminal, and as the generated part of `docs/generalization.md`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from envs.tasks.base import TASKS
from envs.variations import AXES, CHANGES, Axis

DOC = Path(__file__).resolve().parents[1] / "docs" / "generalization.md"
BEGIN, END = "<!-- begin of what `vla axes --doc` writes -->", "<!-- end of what `vla axes --doc` writes -->"
ROWS = 12  # axes on one page of contact sheets, at most


def in_order(names: Iterable[str] | None = None) -> list[Axis]:
    """Axes by family, those of one module together, controls last. Raises UnknownNameError for an unknown name."""
    chosen = [AXES[name] for name in (AXES if names is None else names)]
    families = list(CHANGES)
    return sorted(chosen, key=lambda a: (families.index(a.family), a.kind == "control", a.function.__module__, a.name))


def row(axis: Axis) -> dict[str, Any]:
    """One axis as JSON-ready data; `not_for` are the task families that it means nothing for."""
    keys = ("name", "family", "kind", "unit", "levels", "peers", "summary", "stage", "changes")
    unfit = [name for name in TASKS if not axis.applies(TASKS[name])]
    return {**{key: getattr(axis, key) for key in keys}, "not_for": unfit}


def levels(axis: Axis) -> str:
    """The magnitudes with spaces between them."""
    return "  ".join(f"{level:g}" for level in axis.levels)


def families_of(axis: Axis) -> str:
    """How many task families it means something for: `all`, or a number."""
    count = sum(axis.applies(TASKS[name]) for name in TASKS)
    return "all" if count == len(TASKS) else f"{count}"


def tables(axes: Sequence[Axis]) -> list[Table]:
    """A table for each family of axes."""
    found = []
    for family, members in groupby(axes, key=lambda axis: axis.family):
        table = Table(title=family, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("axis", no_wrap=True)
        table.add_column("levels 1 to 5", no_wrap=True)
        table.add_column("what changes; unit; tested by", overflow="fold")
        for axis in members:
            peers = f"tested by {', '.join(axis.peers)}" if axis.peers else "tested by nobody else"
            about = Text.assemble(axis.summary, (f"\n{axis.unit}; {peers}", "dim"))
            control = axis.kind == "control"
            table.add_row(axis.name, Text("control", "dim") if control else levels(axis), about)
        found.append(table)
    return found


def pages(axes: Sequence[Axis]) -> dict[str, list[Axis]]:
    """Axes of one contact sheet each, by its name: `visual_1` and so on."""
    found: dict[str, list[Axis]] = {}
    for family, members in groupby(axes, key=lambda axis: axis.family):
        whole = list(members)
        count = -(-len(whole) // ROWS)
        for page in range(count):
            first, last = page * len(whole) // count, (page + 1) * len(whole) // count
            found[f"{family}_{page + 1}"] = whole[first:last]
    return found


def generated() -> str:
    """What stands between the marks of the document: a table and the contact sheets of each family of axes."""
    axes = in_order()
    lines = [BEGIN]
    for family, members in groupby(axes, key=lambda axis: axis.family):
        whole = list(members)
        lines += ["", f"### {family.capitalize()} ({len(whole)})", ""]
        lines += ["| axis | level 1 | 2 | 3 | 4 | 5 | unit | what changes | families | tested by |"]
        lines += ["|---|---|---|---|---|---|---|---|---|---|"]
        lines += [_markdown(axis) for axis in whole]
        names = (name for name in pages(axes) if name.startswith(f"{family}_"))
        lines += ["", *(f"![Contact sheet: {name.replace('_', ' ')}](images/axes_{name}.jpg)" for name in names)]
    return "\n".join([*lines, "", END])


def _markdown(axis: Axis) -> str:
    name = f"`{axis.name}`" if axis.kind == "axis" else f"`{axis.name}` (control)"
    magnitudes = [f"{level:g}" for level in axis.levels] + [""] * (5 - len(axis.levels))
    cells = [name, *magnitudes, axis.unit, axis.summary, families_of(axis), ", ".join(axis.peers) or "nobody"]
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def rewritten(text: str) -> str:
    """The document with the generated part as the registry is now. Raises ValueError if it has no marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document has no part between {BEGIN!r} and {END!r}")
    return before + generated() + after

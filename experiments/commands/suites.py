"""List the named suites: what they hold, how many episodes, their hash; check or renew the frozen hashes.

A published suite is frozen: `--check` builds scenes of it and compares with the hashes in `frozen_suites.json`; whoever
changes what its episodes are raises its version and runs `--freeze`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from experiments.identity import SAMPLE, worlds_hash
from experiments.suites import FROZEN, PUBLISHED, SUITES
from vla.results import read_json, write_json
from vla.suites import UNPERTURBED, Suite


@dataclass(frozen=True)
class Args:
    """Options of `vla suites`."""

    check: bool = False
    """Compare the published suites with their frozen hashes; 1 if one has changed."""
    freeze: bool = False
    """Write the hashes of the published suites as they are now."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Print the table; 1 if `--check` found a changed suite."""
    if args.freeze:
        write_json(FROZEN, {name: frozen(SUITES[name]) for name in PUBLISHED})
    console = Console()
    console.print(_table())
    changed = changes() if args.check else {}
    for name, what in changes_in_words(changed).items():
        console.print(f"[red]{name}[/]: {what}", soft_wrap=True)
    if args.check and not changed:
        console.print(f"The episodes of {', '.join(PUBLISHED)} are the published ones.", soft_wrap=True)
    if args.json:
        print(json.dumps({"suites": {name: row(suite) for name, suite in SUITES.items()}, "changed": sorted(changed)}))
    return 1 if changed else 0


def frozen(suite: Suite) -> dict[str, Any]:
    """What is written down of a published suite."""
    episodes = len(suite.requests())
    return {"version": suite.version, "episodes": episodes, "hash": suite.hash, "worlds": worlds_hash(suite, SAMPLE)}


def changes() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Published suites that are not what was frozen: by name what was written down and what is."""
    before = read_json(FROZEN) if FROZEN.exists() else {}
    now = {name: frozen(SUITES[name]) for name in PUBLISHED}
    return {name: (before.get(name, {}), found) for name, found in now.items() if before.get(name) != found}


def changes_in_words(changed: dict[str, tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, str]:
    """What differs, for people."""
    return {
        name: "; ".join(f"{key} was {old.get(key)!r}, is {new[key]!r}" for key in new if old.get(key) != new[key])
        for name, (old, new) in changed.items()
    }


def row(suite: Suite) -> dict[str, Any]:
    """The numbers of a suite, JSON-ready."""
    return {
        "tasks": len(suite.tasks),
        "axes": len(suite.axes),
        "levels": list(suite.levels),
        "combinations": len(suite.combinations),
        "controls": len(suite.controls),
        "per_cell": suite.episodes,
        "in_distribution": suite.count(UNPERTURBED),
        "episodes": len(suite.requests()),
        "seed": suite.seed,
        "version": suite.version,
        "hash": suite.hash,
    }


def _table() -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for number, name in enumerate(("suite", "episodes", "families", "axes", "levels", "joint", "controls", "hash")):
        table.add_column(name, justify="left" if number in (0, 7) else "right", no_wrap=True)
    for name, suite in SUITES.items():
        facts = row(suite)
        counts = [str(facts[key]) for key in ("episodes", "tasks", "axes", "combinations", "controls")]
        counts.insert(3, ",".join(map(str, facts["levels"])) if suite.axes else "")
        table.add_row(name, *counts, facts["hash"][:7] if name in PUBLISHED else "-")
    return table

"""Write the leaderboard: policies by suite with intervals and origin, from summaries in experiments/results.

`vla report RUN --format json --out experiments/results/NAME.json` adds a run to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from vla.leaderboard import entries, leaderboard_page, leaderboard_rows
from vla.report_formats import csv_text, latex_table, markdown_table
from vla.store import write_durably

RESULTS = Path(__file__).parent.parent / "results"


@dataclass(frozen=True)
class Args:
    """Options of `vla leaderboard`."""

    folder: Annotated[Path, tyro.conf.Positional] = RESULTS
    """Folder with report summaries (*.json); others are passed over."""
    out: Path | None = None
    """The file; default leaderboard.html for a page, the terminal for text."""
    format: Literal["html", "md", "json", "csv", "latex"] = "html"
    """What to write."""


def main(args: Args) -> int:
    """Write the page or print the tables."""
    found = entries(args.folder)
    out = args.out or (Path("leaderboard.html") if args.format == "html" else None)
    text = written(found, args.format)
    if out is None:
        print(text, end="")
        return 0
    out.parent.mkdir(parents=True, exist_ok=True)
    write_durably(out, text.encode())
    print(f"{out}: {len(found)} policies from {args.folder}")
    return 0


def written(found: list[dict[str, object]], form: str) -> str:
    """The leaderboard in one of the formats."""
    if form == "html":
        return leaderboard_page(found)
    if form == "json":
        return json.dumps(found, indent=1) + "\n"
    boards = leaderboard_rows(found)
    if form == "csv":
        return csv_text(
            [["suite", *next(iter(boards.values()))[0]], *([s, *r] for s, b in boards.items() for r in b[1:])]
        )
    if form == "latex":
        return "\n".join(f"% {suite}\n{latex_table(rows)}" for suite, rows in boards.items())
    return "\n\n".join(f"## {suite}\n\n{markdown_table(rows)}" for suite, rows in boards.items()) + "\n"

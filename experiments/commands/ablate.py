"""Run an ablation: `vla ablate stages` asks whether lessons before actions pay, at equal compute.

Stop it at any moment and start it again: finished runs are not repeated, and the unfinished one goes on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class Args:
    """Options of `vla ablate`."""

    study: Annotated[Literal["stages"], tyro.conf.Positional]
    """What is ablated."""
    out: Path = Path("runs/ablate-stages")
    """Run folder."""
    preset: str = "full"
    """All settings, by name: `full`, or `tiny` to try out in minutes that everything works."""
    seeds: int | None = None
    """Runs of each arm; default those of the preset."""
    labels: bool = True
    """Teach where target and place are in the action stage, as `vla train` does; --no-labels: actions alone."""
    workers: int | None = None
    """Worker processes; default the best number here, 0 runs in this process. Results do not depend on it."""
    results: Path | None = None
    """Folder for NAME.json, NAME.md and NAME.svg; default the run folder."""
    name: str = "stages"
    """Name of these files."""
    plan: bool = False
    """Only say how long what is left takes."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Run and write the tables; 1 if an episode ended in an error."""
    from dataclasses import replace

    from experiments.stage_study import PRESETS, StageStudy
    from experiments.stage_tables import markdown, plot, table
    from vla.provenance import command_line, commit, machine, now
    from vla.registry import nearest
    from vla.results import write_json

    if args.preset not in PRESETS:
        raise nearest("preset", args.preset, list(PRESETS))
    preset = replace(PRESETS[args.preset], labels=args.labels)
    study = StageStudy(args.out, preset if args.seeds is None else replace(preset, seeds=args.seeds), args.workers)
    print(study.plan())
    if args.plan:
        return 0
    runs = study.run()
    made = {"date": now(), "machine": machine(), "commit": commit(), "command": command_line()}
    data = table(runs, {**made, **study.about()})
    folder = args.results or args.out
    write_json(folder / f"{args.name}.json", data)
    (folder / f"{args.name}.md").write_text(markdown(data), encoding="utf-8")
    (folder / f"{args.name}.svg").write_text(plot(data), encoding="utf-8")
    print(f"{folder / args.name}.md, .json, .svg")
    if args.json:
        print(json.dumps(data))
    return 1 if any(found["errors"] for found in data["arms"].values()) else 0

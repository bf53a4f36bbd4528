"""From nothing to a generalization report: collect, train, evaluate, record, report.

Stop it at any moment and start it again: finished stages are not repeated, and the unfinished one goes on.
"""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Args:
    """Options of `vla demo`."""

    out: Path = Path("runs/demo")
    """Run folder."""
    preset: str = "demo"
    """All settings, by name: `demo`, or `tiny` to try out in a minute that everything works."""
    workers: int | None = None
    """Worker processes; default one per usable core, 0 runs in this process. Results do not depend on it."""
    fresh: bool = False
    """Delete what the folder has and begin again."""
    started: float = 0.0
    """Unix time at which everything began, so that an installation before is counted; `make demo` gives it."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Run; 1 if an episode ended in an error."""
    install_s = time.time() - args.started if args.started else 0.0
    if args.fresh:
        shutil.rmtree(args.out, ignore_errors=True)
    print(f"From nothing to a generalization report in {args.out}. Stop at any moment; the same command goes on.")
    from experiments.demo import PRESETS, Demo
    from experiments.demo_table import demo_table
    from vla.registry import nearest

    if args.preset not in PRESETS:
        raise nearest("preset", args.preset, list(PRESETS))
    demo = Demo(args.out, PRESETS[args.preset], args.workers)
    print(f"{demo.plan()}\n")
    summary = demo.run(install_s)
    demo_table(summary)
    if args.json:
        print(json.dumps(summary))
    return 1 if any(summary["errors"].values()) else 0

"""A base policy learns a family that it has not seen: collect, before, train, evaluate, record, report.

Stop it at any moment and start it again: finished stages are not repeated, and the unfinished one goes on.
With --from-nothing one policy learns four families without a base policy.
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

    out: Path | None = None
    """Run folder; default runs/demo, with --from-nothing runs/demo-from-nothing."""
    preset: str = "demo"
    """All settings, by name: `demo`, or `tiny` to try out in a minute that everything works."""
    from_nothing: bool = False
    """Train a new policy for four families instead of fine-tuning one."""
    base: str = ""
    """The policy that is fine-tuned, a name or a checkpoint; default the published one, `base`."""
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
    start = "From nothing" if args.from_nothing else "From a base policy"
    out = args.out or Path("runs") / ("demo-from-nothing" if args.from_nothing else "demo")
    print(f"{start} to a generalization report in {out}. Stop at any moment; the same command goes on.")
    from experiments.demo import Demo
    from experiments.demo_presets import demo_preset
    from experiments.demo_table import demo_table

    preset = demo_preset(args.preset, from_nothing=args.from_nothing, base=args.base)
    if args.fresh:
        shutil.rmtree(out, ignore_errors=True)
    demo = Demo(out, preset, args.workers)
    print(f"{demo.plan()}\n")
    summary = demo.run(install_s)
    demo_table(summary)
    if args.json:
        print(json.dumps(summary))
    return 1 if any(summary["errors"].values()) else 0

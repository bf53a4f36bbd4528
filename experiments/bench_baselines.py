"""Baselines side by side. Verb `baselines` of `vla bench`; what it does is `experiments.baselines`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from vla.registry import nearest


@dataclass(frozen=True)
class Args:
    """Options of `vla bench baselines`."""

    run: Path = Path("runs/baselines")
    """Run folder; a second call goes on with what is there."""
    preset: str = "full"
    """full (hours), or tiny (a minute) to try that everything works."""
    arms: tuple[str, ...] = ("ours", "act", "diffusion_policy", "deaf", "blind")
    """Which arms."""
    cpu_seconds: float | None = None
    """CPU seconds of training of each run; default those of the preset."""
    seeds: int | None = None
    """Runs of each arm; default those of the preset."""
    workers: int | None = None
    """Worker processes; default the best number here, 0 runs in this process. Results do not depend on it."""
    out: Path | None = None
    """Write the table to this Markdown file, and the numbers beside it as JSON; default RUN/baselines.md."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Do what is not done yet, and write the table. Raises UnknownNameError for an unknown preset or arm."""
    from experiments.baselines import ARMS, PRESETS, Baselines, report
    from experiments.telling import tell

    if args.preset not in PRESETS:
        raise nearest("preset", args.preset, list(PRESETS))
    for arm in args.arms:
        if arm not in ARMS:
            raise nearest("arm", arm, list(ARMS))
    preset = PRESETS[args.preset]
    preset = replace(
        preset,
        cpu_s=preset.cpu_s if args.cpu_seconds is None else args.cpu_seconds,
        seeds=preset.seeds if args.seeds is None else args.seeds,
    )
    found = Baselines(args.run, preset, args.arms, args.workers).run()
    tell(report(found), found, args.out or args.run / "baselines.md", as_json=args.json)
    return 0

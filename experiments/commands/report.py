"""Write the report of a run: one HTML file with intervals, charts, videos and the command behind each number.

RUN holds eval/POLICY/ (from `vla eval --out RUN`, several policies) and, if something was trained there, train/.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from envs.variations import AXES
from experiments.drawing import frame_source
from experiments.suites import SUITES
from vla.episode import Episode
from vla.report import Gallery, write_report
from vla.report_parts import AxisNote
from vla.video import FrameSource, Look


@dataclass(frozen=True)
class Args:
    """Options of `vla report`."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder."""
    out: Path | None = None
    """The page; default RUN/report.html."""
    failures: int = 9
    """Clips of failures of the policy that the report is about."""
    successes: int = 9
    """Clips of its successes."""
    others: int = 2
    """Clips of each other policy."""
    cameras: tuple[str, ...] = ("front", "wrist")
    """Cameras, side by side."""
    size: int = 256
    """Pixels a side of each camera."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Write the page, say where it is."""
    if min(args.failures, args.successes, args.others) < 0 or args.size < 16:
        raise ValueError("expected counts of clips that are not negative and a size of at least 16 pixels")
    out = args.out or args.run / "report.html"

    def draw(episode: Episode) -> FrameSource:
        return frame_source(episode, args.cameras, args.size, smooth=False)  # the browser shrinks them anyway

    look = Look(cameras=args.cameras, hold_s=1.2, quality=28)
    clips = Gallery(args.failures, args.successes, args.others, look)
    run = write_report(args.run, out, draw, axes=axis_notes(), suites=SUITES, clips=clips)
    size = out.stat().st_size
    print(f"{out} ({size / 1e6:.1f} MB): {len(run.policies)} policies, {run.main.name} first")
    if args.json:
        success = {p.name: {t: p.summary.task(t).to_dict() for t in p.suite.tasks} for p in run.policies}
        print(json.dumps({"report": str(out), "bytes": size, "policies": list(success), "success": success}))
    return 0


def axis_notes() -> dict[str, AxisNote]:
    """What each registered axis changes, and by how much."""
    return {name: AxisNote(AXES[name].summary, AXES[name].unit, AXES[name].levels) for name in AXES}

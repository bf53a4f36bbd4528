"""Write the report of a run: where a policy breaks, with intervals, every episode playable; or numbers as text.

RUN holds eval/POLICY/ (from `vla eval --out RUN`, several policies) and, if something was trained there, train/.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from envs.variations import AXES
from envs.world import World
from experiments.drawing import frame_source
from experiments.staging import stage
from experiments.suites import SUITES
from policies.registry import make_policy
from vla.contract import EpisodeRequest
from vla.episode import Episode
from vla.report import INDEX, Artist, write_report
from vla.report_clips import Gallery, Play
from vla.report_data import AxisNote, Run, load_run
from vla.report_formats import WRITERS, cells_csv
from vla.report_summary import summary
from vla.rollout import Recorder, rollout
from vla.store import write_durably
from vla.video import FrameSource, Look


@dataclass(frozen=True)
class Args:
    """Options of `vla report`."""

    run: Annotated[Path, tyro.conf.Positional]
    """Run folder."""
    out: Path | None = None
    """The file; default RUN/report.html for a page, the terminal for text."""
    folder: Path | None = None
    """Write a folder instead, with a page in which every stored episode can be played."""
    format: Literal["html", "md", "json", "csv", "latex"] = "html"
    """A page; or numbers: md and latex for papers, csv with a line a cell, json for `vla leaderboard`."""
    film: tuple[str, ...] = ()
    """Keys of episodes that are filmed besides those of the gallery."""
    failures: int = 9
    """Clips of failures of the policy that the report is about."""
    successes: int = 9
    """Clips of its successes."""
    others: int = 2
    """Clips of each other policy."""
    cameras: tuple[str, ...] = ("front",)
    """Cameras; where the expert is beside the policy, the first one."""
    size: int = 480
    """Pixels a side of each camera."""
    expert: bool = True
    """Show the expert from the same start beside each clip; it plays what the run does not have of it."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Write the page, say where it is."""
    if min(args.failures, args.successes, args.others) < 0 or args.size < 16:
        raise ValueError("expected counts of clips that are not negative and a size of at least 16 pixels")
    if args.folder is not None and (args.out is not None or args.format != "html"):
        raise ValueError("give either --folder FOLDER or --out FILE; a folder holds a page")
    if args.format != "html":
        return write_numbers(args)
    out = args.folder or args.out or args.run / "report.html"
    if (out.suffix == ".html") == (args.folder is not None):
        raise ValueError(f"expected --out FILE.html or --folder FOLDER, got {out}")

    def draw(episode: Episode) -> FrameSource:
        return frame_source(episode, args.cameras, args.size, smooth=False)  # the browser shrinks them anyway

    look = Look(cameras=args.cameras, hold_s=1.2, quality=28)
    clips = Gallery(args.failures, args.successes, args.others, args.film, look)
    artist = Artist(draw, stage, expert_player() if args.expert else None)
    run = write_report(args.run, out, artist, axes=axis_notes(), suites=SUITES, clips=clips)
    said(out, run, args.json)
    return 0


def write_numbers(args: Args) -> int:
    """Write or print the run's numbers as text."""
    run = load_run(args.run, SUITES)
    if args.format == "csv":
        text = cells_csv(run)
    else:
        data = summary(run, axis_notes())
        text = json.dumps(data, indent=1) + "\n" if args.format == "json" else WRITERS[args.format](data)
    if args.out is None:
        print(text, end="")
    else:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_durably(args.out, text.encode())
        print(f"{args.out} ({len(text.encode()) / 1e3:.0f} kB): {len(run.policies)} policies, {run.main.name} first")
    return 0


def said(out: Path, run: Run, as_json: bool) -> None:
    """Where the report is."""
    files = [out] if out.is_file() else [path for path in out.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    where = out if out.is_file() else out / INDEX
    print(f"{where} ({size / 1e6:.1f} MB): {len(run.policies)} policies, {run.main.name} first")
    if as_json:
        success = {p.name: {t: p.summary.task(t).to_dict() for t in p.suite.tasks} for p in run.policies}
        print(json.dumps({"report": str(where), "bytes": size, "policies": list(success), "success": success}))


def expert_player() -> Play:
    """Lets the scripted expert play an episode, with the default robot and control mode."""

    def play(request: EpisodeRequest) -> Episode | None:
        world, recorder = World(), Recorder({"policy": "expert"})
        try:
            rollout(world, make_policy("expert"), request, subscribers=(recorder,))
        finally:
            world.close()
        return recorder.episode()

    return play


def axis_notes() -> dict[str, AxisNote]:
    """What each registered axis changes, and by how much."""
    found = {name: AXES[name] for name in AXES}
    return {
        name: AxisNote(axis.summary, axis.unit, axis.levels, axis.family, axis.kind, axis.peers)
        for name, axis in found.items()
    }

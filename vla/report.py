"""Write the report of a run: one self-contained HTML file. Knows no renderer: the caller draws the frames."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from vla.contract import ByteArray
from vla.episode import Episode
from vla.evaluation import EPISODES
from vla.provenance import command_line, commit, now
from vla.report_data import PolicyRun, Run, gallery, load_run
from vla.report_page import render
from vla.report_parts import AxisNote, Clip, Page
from vla.results import Record
from vla.store import EpisodeStore, write_durably
from vla.video import FrameSource, Look, encode, episode_frames

Draw = Callable[[Episode], FrameSource]


@dataclass(frozen=True)
class Gallery:
    """How many clips, and how they look.

    Attributes:
        failures: Of the policy that the report is about; errors count as failures.
        successes: Of it.
        others: Of each other policy.
        look: Cameras, pace and quality; small, for all of them travel inside the page.
    """

    failures: int = 9
    successes: int = 9
    others: int = 2
    look: Look = field(default_factory=lambda: Look(hold_s=1.2, quality=28))


def write_report(
    folder: Path,
    out: Path,
    draw: Draw,
    *,
    axes: Mapping[str, AxisNote] | None = None,
    suites: Collection[str] = (),
    clips: Gallery | None = None,
) -> Run:
    """Read the run in `folder` and write the page to `out`.

    Args:
        folder: See `vla.report_data`.
        out: The HTML file; replaced at once.
        draw: Gives the frames of a stored episode.
        axes: What each axis changes, for the reader.
        suites: Names that `vla eval --suite` knows.
        clips: The gallery.

    Raises:
        ValueError: No results in `folder`, or a damaged file.
    """
    run = load_run(folder, suites)
    shots = list(_clips(run, draw, clips or Gallery()))
    page = Page(run, shots, axes or {}, commit(), now(), command_line())
    out.parent.mkdir(parents=True, exist_ok=True)
    write_durably(out, render(page).encode())
    return run


def _clips(run: Run, draw: Draw, wanted: Gallery) -> Iterator[Clip]:
    for policy in run.policies:
        for record in _chosen(policy, wanted, policy is run.main):
            yield make_clip(policy, record, draw, wanted.look)


def _chosen(policy: PolicyRun, wanted: Gallery, main: bool) -> list[Record]:
    if main:
        return gallery(policy, wanted.failures, wanted.successes)
    good = gallery(policy, 0, (wanted.others + 1) // 2)
    return gallery(policy, wanted.others - len(good), 0) + good


def make_clip(policy: PolicyRun, record: Record, draw: Draw, look: Look) -> Clip:
    """Film one stored episode. Raises DamagedEpisodeError (a ValueError) if its file is not what was saved."""
    episode = EpisodeStore(policy.folder / EPISODES, create=False).load(record.key)
    frames = list(episode_frames(episode, draw(episode), look))
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "clip.mp4"
        encode(frames, path, fps=look.fps, quality=look.quality)
        return Clip(policy, record, path.read_bytes(), _jpeg(frames[-1]), width, height)


def _jpeg(picture: ByteArray) -> bytes:
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 80])
    return bytes(data.tobytes())

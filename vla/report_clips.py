"""Films of a report's gallery: an episode beside the expert's from the same start. Knows no renderer and no page."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vla.contract import ByteArray, EpisodeRequest
from vla.episode import Episode
from vla.evaluation import EPISODES
from vla.report_data import PolicyRun, Run, gallery
from vla.results import Record
from vla.store import EpisodeStore
from vla.video import Caption, FrameSource, Look, add_caption, encode, episode_frames, side_by_side

Draw = Callable[[Episode], FrameSource]
Play = Callable[[EpisodeRequest], Episode | None]  # the expert's episode; None where no scene came of it


@dataclass(frozen=True)
class Gallery:
    """How many clips, and how they look.

    Attributes:
        failures: Of the policy that the report is about; errors count as failures.
        successes: Of it.
        others: Of each other policy.
        film: Keys of episodes that are filmed besides.
        look: Cameras, pace and quality; beside an expert only the first camera is shown.
    """

    failures: int = 9
    successes: int = 9
    others: int = 2
    film: tuple[str, ...] = ()
    look: Look = field(default_factory=lambda: Look(cameras=("front",), hold_s=1.2, quality=28))


@dataclass(frozen=True)
class Clip:
    """An episode of the gallery: MP4 and JPEG bytes, width and height in pixels."""

    policy: PolicyRun
    record: Record
    video: bytes
    poster: bytes
    width: int
    height: int

    def facts(self) -> dict[str, Any]:
        """What the page says of it, JSON-ready."""
        record, cell = self.record, self.record.cell
        reason = record.measures.failure if record.measures and record.measures.failure else record.reason
        return {
            "policy": self.policy.name,
            "key": record.key,
            "task": cell.task,
            "axis": cell.axis,
            "level": cell.level,
            "index": record.request.index,
            "outcome": record.outcome,
            "reason": reason.removeprefix("time_limit:"),
            "words": record.instruction.replace("\n", " / "),
            "width": self.width,
            "height": self.height,
        }


def chosen(run: Run, wanted: Gallery) -> Iterator[tuple[PolicyRun, Record]]:
    """The episodes of the gallery, those asked for by key first.

    Raises ValueError for a key that no policy has stored.
    """
    seen = set()
    for policy, record in (*_asked(run, wanted.film), *_spread(run, wanted)):
        if (policy.name, record.key) not in seen:
            seen.add((policy.name, record.key))
            yield policy, record


def _asked(run: Run, keys: tuple[str, ...]) -> Iterator[tuple[PolicyRun, Record]]:
    for key in keys:
        found = [(p, r) for p in run.policies if key in p.stored() for r in p.records if r.key == key]
        if not found:
            raise ValueError(f"no stored episode {key!r} in {run.folder}: see the report's lists, or vla eval --keep")
        yield found[0]


def _spread(run: Run, wanted: Gallery) -> Iterator[tuple[PolicyRun, Record]]:
    for policy in run.policies:
        if policy is run.main:
            records = gallery(policy, wanted.failures, wanted.successes)
        else:
            good = gallery(policy, 0, (wanted.others + 1) // 2)
            records = gallery(policy, wanted.others - len(good), 0) + good
        yield from ((policy, record) for record in records)


def make_clip(policy: PolicyRun, record: Record, draw: Draw, look: Look, expert: Episode | None = None) -> Clip:
    """Film one stored episode, beside `expert` if there is one.

    Raises DamagedEpisodeError (a ValueError) if its file is not what was saved.
    """
    episode = EpisodeStore(policy.folder / EPISODES, create=False).load(record.key)
    if expert is None:
        frames = list(episode_frames(episode, draw(episode), look))
    else:
        frames = list(duo_frames((policy.name, "expert"), (episode, expert), draw, look))
    height, width = frames[0].shape[:2]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "clip.mp4"
        encode(frames, path, fps=look.fps, quality=look.quality)
        return Clip(policy, record, path.read_bytes(), _jpeg(frames[-1]), width, height)


def duo_frames(
    names: tuple[str, str], pair: tuple[Episode, Episode], draw: Draw, look: Look, about: int = 0
) -> Iterator[ByteArray]:
    """Captioned pictures (H, W, 3): two episodes from the same start, the first at the left.

    The caption says how the one of number `about` ended. Who is done waits for the other; the last picture is held.
    """
    camera, told = look.cameras[0], pair[about]
    sources = [(each, draw(each)) for each in pair]
    steps = max(map(len, pair))
    tags = [f"{name}: {each.result.outcome}" for name, each in zip(names, pair, strict=True)]
    last: list[ByteArray] = []
    for step in range(steps + 1):
        # A picture of one who waits is not drawn again.
        views = [
            source(step)[camera] if step <= len(each) else last[number] for number, (each, source) in enumerate(sources)
        ]
        last = views
        ended = step >= len(told)
        caption = Caption(told.said(min(step, len(told))), step, steps, told.result.outcome if step == steps else "")
        caption = caption.with_cell(told.request, told.result.reason if ended else "")
        framed = add_caption(side_by_side([np.array(view) for view in views], tags), caption)
        for _ in range(1 + round(look.hold_s * look.fps) if step == steps else 1):
            yield framed


class Experts:
    """The expert's episode from the start of another: out of the run if it is stored there, else played now."""

    def __init__(self, run: Run, play: Play | None) -> None:
        """Look for the run's expert."""
        self._play = play
        self._policy = next((p for p in run.policies if str(p.manifest["source"]) == "expert"), None)
        self._keys = self._policy.stored() if self._policy else frozenset()

    def beside(self, policy: PolicyRun, request: EpisodeRequest) -> Episode | None:
        """The expert's episode; None beside the expert itself, or if nobody can play it."""
        if policy is self._policy:
            return None
        if self._policy and request.key in self._keys:
            return EpisodeStore(self._policy.folder / EPISODES, create=False).load(request.key)
        return self._play(request) if self._play else None


def _jpeg(picture: ByteArray) -> bytes:
    small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", np.ascontiguousarray(small[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 75])
    return bytes(data.tobytes())

"""Films of a demo: what the trained policy does, and beside it what it did before it was fine-tuned."""

from __future__ import annotations

from pathlib import Path

from experiments.drawing import frame_source
from vla.episode import Episode
from vla.evaluation import EPISODES
from vla.report_clips import duo_frames
from vla.report_data import PolicyRun, gallery
from vla.results import Record
from vla.store import EpisodeStore
from vla.video import FrameSource, Look, encode, write_episode

CAMERAS = ("front", "wrist")


def film_gallery(policy: PolicyRun, folder: Path, size: int, *, failures: int, successes: int) -> None:
    """Write episodes of a policy worth seeing to `folder`, both cameras at `size` pixels a side."""
    store = EpisodeStore(policy.folder / EPISODES, create=False)
    for record in gallery(policy, failures=failures, successes=successes):
        episode = store.load(record.key)
        path = folder / f"{record.outcome}-{record.key}.mp4"
        write_episode(episode, frame_source(episode, CAMERAS, size), path, Look(CAMERAS))


def film_pairs(before: PolicyRun, after: PolicyRun, folder: Path, size: int) -> None:
    """Write the episodes of `pairs` to `folder`: before at the left, after at the right, at `size` pixels a side."""
    stores = [EpisodeStore(policy.folder / EPISODES, create=False) for policy in (before, after)]
    look = Look(CAMERAS[:1])

    def draw(episode: Episode) -> FrameSource:
        return frame_source(episode, look.cameras, size)

    for was, now in pairs(before, after):
        left, right = (store.load(now.key) for store in stores)
        path = folder / f"before-{was.outcome}-after-{now.outcome}-{now.key}.mp4"
        frames = duo_frames((before.name, after.name), (left, right), draw, look, about=1)
        encode(frames, path, fps=look.fps, quality=look.quality)


def pairs(before: PolicyRun, after: PolicyRun) -> list[tuple[Record, Record]]:
    """What came of the same episode before and after: the first of each task and each pair of outcomes.

    So every kind of change is shown, what was forgotten too, and none is chosen for its looks.
    """
    earlier = {record.key: record for record in before.records}
    found: dict[tuple[str, str, str], tuple[Record, Record]] = {}
    both = before.stored() & after.stored()
    for now in after.records:
        if now.key in both:
            was = earlier[now.key]
            found.setdefault((now.cell.task, was.outcome, now.outcome), (was, now))
    return list(found.values())

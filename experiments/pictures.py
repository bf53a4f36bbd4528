"""The README's pictures: `python -m experiments.pictures` plays the tasks and draws them.

Needs Pillow (extra `dev`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from envs.world import World
from experiments.drawing import frame_source
from experiments.suites import TASKS
from policies.registry import make_policy
from vla.contract import ByteArray, EpisodeRequest
from vla.episode import Episode
from vla.rollout import Recorder, rollout
from vla.video import Look, episode_frames

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = 176  # pixels a side of each camera
FRAME_MS = 100  # real time at 10 Hz
COLORS = 255


def play(task: str, index: int, policy: str = "expert") -> Episode:
    """One recorded episode of the evaluation split."""
    world, recorder = World(), Recorder()
    rollout(world, make_policy(policy), EpisodeRequest(task, index, split="eval"), subscribers=(recorder,))
    world.close()
    episode = recorder.episode()
    assert episode is not None
    return episode


def pictures(episode: Episode) -> list[ByteArray]:
    """Captioned frames (H, W, 3) of both cameras."""
    look = Look()
    return list(episode_frames(episode, frame_source(episode, look.cameras, SIZE), look))


def tile(films: list[list[ByteArray]]) -> list[ByteArray]:
    """Films side by side, two a row; each holds its last picture until the longest ends."""
    length = max(map(len, films))
    padded = [film + [film[-1]] * (length - len(film)) for film in films]
    height = max(film[0].shape[0] for film in films)
    framed = [[np.pad(p, ((0, height - p.shape[0]), (0, 0), (0, 0))) for p in film] for film in padded]
    rows = [framed[i : i + 2] for i in range(0, len(framed), 2)]
    return [np.vstack([np.hstack([film[t] for film in row]) for row in rows]) for t in range(length)]


def write_gif(frames: list[ByteArray], path: Path) -> None:
    """An animated GIF that loops, with one palette for all frames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sample = Image.fromarray(np.vstack(frames[:: max(1, len(frames) // 6)]))
    palette = sample.quantize(COLORS, method=Image.Quantize.MAXCOVERAGE, kmeans=2)
    images = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    images[0].save(path, save_all=True, append_images=images[1:], duration=FRAME_MS, loop=0, optimize=True)


def main() -> None:
    """Write docs/images/tasks.gif."""
    films = [pictures(play(task, index)) for task, index in zip(TASKS, (1, 0, 2, 3), strict=True)]
    path = FOLDER / "tasks.gif"
    write_gif(tile(films), path)
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()

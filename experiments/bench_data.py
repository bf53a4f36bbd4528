"""Training samples per second of one core: rendered on the fly, from memory, and decoded from pictures and films.

All make the same samples: two cameras of random steps of the same demonstrations. CPU time of this process is what
counts, in which everything runs in one thread, so that other load on the machine disturbs little; the ways take turns,
and each is credited with its fastest. `render` and `cache` are whole batches as the trainer gets them (frames,
grounding labels, words, proprioception, actions); the decoders get their frames only. Films are coded as LeRobot's are
for training, a key frame every other picture, and kept open; `mp4_sequential` reads them from the beginning to the end,
which shuffled training cannot do.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from rich.console import Console
from rich.table import Table

from envs.augment import augmentation
from envs.world import World
from experiments.training import ViewMaker
from policies.registry import make_policy
from vla.batches import BatchSource, Demonstrations
from vla.contract import ByteArray, EpisodeRequest
from vla.episode import Episode
from vla.provenance import machine, versions
from vla.rollout import Recorder, rollout
from vla.store import EpisodeStore
from vla.text import Vocabulary

CAMERAS = ("front", "wrist")
BATCH = 64
CODEC: Literal["libx264"] = "libx264"
KEY_FRAMES, QUALITY, FPS = 2, 23, 10
JPEG_QUALITY = 95
RENDERED, RENDERED_LIGHT, RENDERED_FULL = "render", "render_light", "render_full"
OURS = (RENDERED, RENDERED_LIGHT, RENDERED_FULL, "cache")
PEERS = ("png", "jpeg", "mp4", "mp4_sequential")

Turn = Callable[[int], int]  # number of the turn -> samples made


@dataclass(frozen=True)
class Args:
    """Options of `vla bench data`."""

    data: Path | None = None
    """Folder of demonstrations; without one, some are made first."""
    tasks: tuple[str, ...] = ("Lift", "PlaceInto", "Stack", "PushDirection", "OpenDrawer", "Sort")
    """Families of those that are made."""
    episodes: int = 4
    """How many of each."""
    size: int = 96
    """Side of the pictures, pixels."""
    seconds: float = 20.0
    """Time spent measuring."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Measure, print the table and, if asked, the JSON line."""
    answer = measure(args)
    print_table(answer)
    if args.json:
        print(json.dumps(answer))
    return 0


def measure(args: Args) -> dict[str, Any]:
    """Measure every way; rates are samples per second of one core by its CPU time, and by the clock on the wall."""
    episodes = _stored(args.data) if args.data else list(_made(args.tasks, args.episodes))
    turns, sizes = _turns(episodes, args.size)
    with _one_thread():
        best = _measure(turns, args.seconds)
    answer: dict[str, Any] = {"cameras": CAMERAS, "size": args.size, "episodes": len(episodes), "cores": 1}
    answer["steps"] = sum(map(len, episodes))
    for name, (cpu, wall) in best.items():
        answer[f"{name}_samples_per_s"] = round(1 / cpu, 1)
        answer[f"{name}_samples_per_wall_s"] = round(1 / wall, 1)
    for name in PEERS:
        answer[f"render_to_{name}"] = round(best[name][0] / best[RENDERED][0], 2)
        answer[f"cache_to_{name}"] = round(best[name][0] / best["cache"][0], 2)
    answer["augment_light_cost"] = round(best[RENDERED_LIGHT][0] / best[RENDERED][0], 2)
    answer["augment_full_cost"] = round(best[RENDERED_FULL][0] / best[RENDERED][0], 2)
    answer["bytes_per_sample"] = sizes
    return answer | {"machine": machine(), "versions": versions()}


def _stored(folder: Path) -> list[Episode]:
    return [episode for episode in EpisodeStore(folder, create=False).episodes() if len(episode)]


def _made(tasks: Sequence[str], count: int) -> Iterator[Episode]:
    """Demonstrations of the scripted experts."""
    world = World()
    for task in tasks:
        for index in range(count):
            recorder = Recorder()
            rollout(world, make_policy("expert"), EpisodeRequest(task, index), subscribers=(recorder,))
            episode = recorder.episode()
            assert episode is not None
            yield episode
    world.close()


def _turns(episodes: Sequence[Episode], size: int) -> tuple[dict[str, Turn], dict[str, int]]:
    """What each way does in a turn, and how many bytes it keeps of a sample."""
    sources = {
        name: _source(episodes, size, level)
        for name, level in zip(OURS, ("none", "light", "full", "none"), strict=True)
    }
    cached = sources["cache"].data
    cached.draw_all(1, lambda count: None)
    frames = cached.draw(np.arange(len(cached))).pixels  # (N, V, H, W, 3)
    turns = {name: _epoch(source) for name, source in sources.items()}
    stills = {
        "png": [[_coded(picture, ".png") for picture in views] for views in frames],
        "jpeg": [[_coded(picture, ".jpg") for picture in views] for views in frames],
    }
    films = [
        [_film(frames[a:b, v]) for v in range(len(CAMERAS))]
        for a, b in zip(cached.first, cached.first[1:], strict=False)
    ]
    for name, coded in stills.items():
        turns[name] = _pictures(coded, size)
    turns["mp4"] = _random_access(films, cached, size)
    turns["mp4_sequential"] = _in_order(films)
    poses = sum(e.poses.nbytes + e.agent_pos.nbytes + e.action.nbytes for e in episodes)
    sizes = {"poses": poses, "cache": frames.nbytes, "mp4": sum(len(film) for pair in films for film in pair)}
    sizes |= {name: sum(len(data) for views in coded for data in views) for name, coded in stills.items()}
    return turns, {name: round(total / len(frames)) for name, total in sizes.items()}


def _source(episodes: Sequence[Episode], size: int, level: str) -> BatchSource:
    data = Demonstrations(episodes, ViewMaker(CAMERAS, size), chunk=8, augment=augmentation(level, CAMERAS))
    return BatchSource(data, data.normalizer(), Vocabulary.build(data.texts), BATCH, 0)


def _epoch(source: BatchSource) -> Turn:
    """All batches of an epoch; frames that are not in memory are drawn anew in each."""
    batches = len(source.data) // min(BATCH, len(source.data))

    def turn(number: int) -> int:
        return sum(len(source.batch(number * batches + step).pixels) for step in range(batches))

    return turn


def _coded(picture: ByteArray, kind: str) -> bytes:
    _, data = cv2.imencode(
        kind, picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if kind == ".jpg" else []
    )
    return data.tobytes()


def _pictures(coded: list[list[bytes]], size: int) -> Turn:
    """A batch of random pictures, decoded."""

    def turn(number: int) -> int:
        out = np.empty((BATCH, len(CAMERAS), size, size, 3), np.uint8)
        for row, sample in enumerate(np.random.default_rng(number).integers(len(coded), size=BATCH)):
            for view, data in enumerate(coded[sample]):
                picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
                assert picture is not None
                cv2.cvtColor(picture, cv2.COLOR_BGR2RGB, out[row, view])
        return BATCH

    return turn


def _film(frames: ByteArray) -> bytes:
    """Frames (T, H, W, 3) as a film."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: VideoStream = container.add_stream(CODEC, FPS, options={"crf": str(QUALITY), "g": str(KEY_FRAMES)})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def _opened(film: bytes) -> Any:
    container = av.open(io.BytesIO(film))
    container.streams.video[0].thread_type = "NONE"
    return container


def _random_access(films: list[list[bytes]], data: Demonstrations, size: int) -> Turn:
    """A batch of random steps: seek to the key frame before, decode up to the frame."""
    opened = [[_opened(film) for film in pair] for pair in films]

    def turn(number: int) -> int:
        out = np.empty((BATCH, len(CAMERAS), size, size, 3), np.uint8)
        for row, sample in enumerate(np.random.default_rng(number).integers(len(data), size=BATCH).tolist()):
            episode, step = data.locate(sample)
            for view, container in enumerate(opened[episode]):
                stream = container.streams.video[0]
                wanted = round(step / FPS / stream.time_base)
                container.seek(wanted, stream=stream)
                frame = next(frame for frame in container.decode(stream) if frame.pts >= wanted)
                out[row, view] = frame.to_ndarray(format="rgb24")
        return BATCH

    return turn


def _in_order(films: list[list[bytes]]) -> Turn:
    """One episode from its beginning to its end."""

    def turn(number: int) -> int:
        counts = []
        for film in films[number % len(films)]:
            with _opened(film) as container:
                counts.append(len([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]))
        return counts[0]

    return turn


@contextmanager
def _one_thread() -> Iterator[None]:
    """Let OpenCV use one thread."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def _measure(turns: dict[str, Turn], seconds: float) -> dict[str, tuple[float, float]]:
    """CPU and wall seconds a sample of each way's fastest turn."""
    for turn in turns.values():
        turn(0)  # compiles
    best = dict.fromkeys(turns, (float("inf"), float("inf")))
    number, end = 1, time.perf_counter() + seconds
    while number < 3 or time.perf_counter() < end:
        for name, turn in turns.items():
            cpu, wall = time.process_time(), time.perf_counter()
            samples = turn(number)
            cpu, wall = (time.process_time() - cpu) / samples, (time.perf_counter() - wall) / samples
            best[name] = min(best[name][0], cpu), min(best[name][1], wall)
        number += 1
    return best


def print_table(answer: dict[str, Any]) -> None:
    """Print what `measure` returned."""
    size = answer["size"]
    table = Table(title=f"Training samples of 2 x {size} x {size}, one core", title_justify="left")
    for heading in ("way", "samples/s (CPU time)", "samples/s (wall)", "render is x", "cache is x", "bytes a sample"):
        table.add_column(heading, justify="left" if heading == "way" else "right")
    kept = {**answer["bytes_per_sample"], **dict.fromkeys(OURS[:3], answer["bytes_per_sample"]["poses"])}
    kept["mp4_sequential"] = kept["mp4"]
    for name in (*OURS, *PEERS):
        rates = (f"{answer[f'{name}_samples_per_s']:,.0f}", f"{answer[f'{name}_samples_per_wall_s']:,.0f}")
        ratios = [f"{answer[f'{way}_to_{name}']:.1f}" if name in PEERS else "" for way in ("render", "cache")]
        table.add_row(name.replace("_", " "), *rates, *ratios, f"{kept[name]:,}")
    Console(width=110).print(table)
    light, full = answer["augment_light_cost"], answer["augment_full_cost"]
    print(f"Augmentation takes {light:.2f} (light) and {full:.2f} (full) times as long as drawing scenes as they were.")
    print(f"{answer['steps']} steps of {answer['episodes']} episodes. Machine: {answer['machine']}")

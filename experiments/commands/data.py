"""Look into a dataset: `info` counts, `verify` checks every file, `view` draws an episode as picture or MP4.

`vla data view FOLDER --out episode.mp4` writes a video, any other ending a contact sheet.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console
from rich.table import Table

from vla.collect import FAILED
from vla.contract import ByteArray
from vla.episode import Episode, request_from_key
from vla.registry import nearest
from vla.store import EpisodeStore


@dataclass(frozen=True)
class Args:
    """Options of `vla data`."""

    verb: tyro.conf.Positional[Literal["info", "verify", "view"]]
    """What to do."""
    folder: tyro.conf.Positional[Path]
    """Dataset folder, as `vla collect --out` made it."""
    episode: str = ""
    """view: key of the episode; default the first one."""
    camera: tuple[str, ...] = ("front", "wrist")
    """view: cameras, in this order."""
    size: int = 192
    """view: side of each picture, pixels."""
    moments: int = 8
    """view: columns of the contact sheet."""
    out: Path | None = None
    """view: file to write, *.mp4 for a video; default EPISODE.png in the current folder."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Do what `args.verb` says; 1 if `verify` found damage."""
    store = EpisodeStore(args.folder, create=False)
    verbs: dict[str, Callable[[EpisodeStore, Args, Console], dict[str, Any]]] = {
        "info": info,
        "verify": verify,
        "view": view,
    }
    answer = verbs[args.verb](store, args, Console())
    if args.json:
        print(json.dumps({"folder": str(args.folder), **answer}))
    return 1 if args.verb == "verify" and answer["damaged"] else 0


def info(store: EpisodeStore, args: Args, console: Console) -> dict[str, Any]:
    """Episodes, steps, sizes and instructions by task."""
    keys = store.keys()
    for key in keys[:1]:
        store.load_if_sound(key)  # loads the library that reads, which is not to be timed
    start = time.perf_counter()
    episodes = list(store.episodes(skip_damaged=True))
    read_ms = 1e3 * (time.perf_counter() - start) / max(1, len(keys))
    failed = [request_from_key(key).task for lost in stores(store)[1:] for key in lost.keys()]  # noqa: SIM118
    tasks = {task: _task_info(task, episodes, failed) for task in sorted({e.request.task for e in episodes})}
    size = sum(store.path(key).stat().st_size for key in keys)
    steps = sum(map(len, episodes))
    answer = {
        "episodes": len(episodes),
        "steps": steps,
        "bytes": size,
        "bytes_per_step": round(size / max(1, steps), 1),
        "read_ms_per_episode": round(read_ms, 2),
        "damaged": len(keys) - len(episodes),
        "tasks": tasks,
        "dataset": store.info(),
    }
    _print_info(answer, console)
    return answer


def _task_info(task: str, episodes: list[Episode], failed: list[str]) -> dict[str, Any]:
    mine = [episode for episode in episodes if episode.request.task == task]
    lost = failed.count(task)
    succeeded = sum(episode.result.outcome == "success" for episode in mine)
    lengths = sorted(map(len, mine))
    return {
        "episodes": len(mine),
        "steps": sum(lengths),
        "steps_mean": round(sum(lengths) / len(mine), 1),
        "steps_max": lengths[-1],
        "instructions": len({episode.instruction for episode in mine}),
        "failed": lost,
        "success": round(succeeded / (len(mine) + lost), 4),
        "example": mine[0].instruction,
    }


def _print_info(answer: dict[str, Any], console: Console) -> None:
    total = f"{answer['episodes']} episodes, {answer['steps']} steps, {answer['bytes'] / 1e6:.1f} MB"
    speed = f"{answer['bytes_per_step']:.0f} bytes a step, read in {answer['read_ms_per_episode']:.1f} ms each"
    table = Table(caption=f"{total}\n{speed}")
    for name in ("task", "episodes", "steps", "mean", "instructions", "success", "example"):
        table.add_column(name, justify="left" if name in ("task", "example") else "right")
    for task, row in answer["tasks"].items():
        cells = (row["episodes"], row["steps"], row["steps_mean"], row["instructions"], f"{row['success']:.1%}")
        table.add_row(task, *map(str, cells), row["example"])
    console.print(table)
    if answer["damaged"]:
        console.print(f"[red]{answer['damaged']} damaged files: `vla data verify` names them[/]")


def verify(store: EpisodeStore, args: Args, console: Console) -> dict[str, Any]:
    """Read every file, failed episodes too, and name the damaged ones."""
    start = time.perf_counter()
    found = [(place.path(key), error) for place in stores(store) for key, error in place.verify()]
    damaged = [{"file": str(path), "problem": error.problem} for path, error in found if error is not None]
    for entry in damaged:
        console.print(f"[red]damaged[/] {entry['file']}: {entry['problem']}", soft_wrap=True)
    verdict = f"[red]{len(damaged)} damaged[/]" if damaged else "[green]all sound[/]"
    console.print(f"{len(found)} files read in {time.perf_counter() - start:.1f} s: {verdict}")
    return {"files": len(found), "damaged": damaged}


def stores(store: EpisodeStore) -> list[EpisodeStore]:
    """The dataset and, where there are any, its failed episodes."""
    folder = store.folder / FAILED
    return [store, EpisodeStore(folder)] if folder.is_dir() else [store]


def view(store: EpisodeStore, args: Args, console: Console) -> dict[str, Any]:
    """Draw an episode again from its poses, as contact sheet or video."""
    import cv2

    from envs.frames import EpisodeRenderer
    from envs.scene import SceneSpec
    from vla.sheet import contact_sheet
    from vla.video import Look, write_episode

    episode = chosen(store, args.episode)
    out = args.out or Path(f"{episode.key}.png")
    renderer = EpisodeRenderer(SceneSpec.from_dict(episode.spec), size=args.size)

    def frames(step: int) -> dict[str, ByteArray]:
        return {name: frame.rgb for name, frame in renderer.seen(episode.poses, step, args.camera).items()}

    if out.suffix == ".mp4":
        write_episode(episode, frames, out, Look(cameras=args.camera))
    else:
        sheet = contact_sheet(episode, frames, args.camera, args.moments)
        out.parent.mkdir(parents=True, exist_ok=True)
        if not cv2.imwrite(str(out), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)):
            raise ValueError(f"cannot write a picture to {out}")
    console.print(f"{episode.key}: {episode.instruction!r}, {episode.result.reason}, {len(episode)} steps -> {out}")
    return {"episode": episode.key, "instruction": episode.instruction, "steps": len(episode), "out": str(out)}


def chosen(store: EpisodeStore, key: str) -> Episode:
    """The episode `key`, stored or failed, or the first one. Raises ValueError with the nearest key."""
    places = {key: place for place in reversed(stores(store)) for key in place.keys()}  # noqa: SIM118 - not a dict
    if not places:
        raise ValueError(f"{store.folder} holds no episodes")
    wanted = key or min(places)
    if wanted not in places:
        hint = str(nearest("episode", wanted, list(places))).split(" Known:")[0]
        raise ValueError(f"{hint} {len(places)} episodes are there.")
    return places[wanted].load(wanted)

"""Write the report of a run: one HTML file, or a folder in which every episode can be played. Knows no renderer."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vla.evaluation import EPISODES
from vla.provenance import command_line, commit, now
from vla.report_clips import Clip, Draw, Experts, Gallery, Play, chosen, make_clip
from vla.report_data import AxisNote, PolicyRun, Run, load_run
from vla.report_payload import payload
from vla.report_poses import MeshShelf, Model, pack_episode
from vla.report_statistics import comparisons, statistics
from vla.report_training import training
from vla.store import EpisodeStore, write_durably
from vla.webpage import page

SCRIPTS = ("base.js", "charts.js", "report.js", "panels.js", "player.js", "theatre.js", "main.js")
INDEX = "index.html"


@dataclass(frozen=True)
class Artist:
    """Who knows how things look; the report asks.

    Attributes:
        draw: Gives the frames of a stored episode, for clips.
        model: Gives the meshes of a stored episode, for the player; without it there is none.
        play: Lets the expert play an episode, for what is shown beside it; without it stored episodes must do.
    """

    draw: Draw
    model: Model | None = None
    play: Play | None = None


def write_report(
    folder: Path,
    out: Path,
    artist: Artist,
    *,
    axes: Mapping[str, AxisNote] | None = None,
    suites: Collection[str] = (),
    clips: Gallery | None = None,
) -> Run:
    """Read the run in `folder` and write the page to `out`.

    Args:
        folder: See `vla.report_data`.
        out: An HTML file, which needs nothing else and is replaced at once; or a folder, with a page that loads the
            poses of any stored episode on demand.
        artist: Who draws.
        axes: What each axis changes, for the reader.
        suites: Names that `vla eval --suite` knows.
        clips: The gallery.

    Raises:
        ValueError: No results in `folder`, or a damaged file.
    """
    run = load_run(folder, suites)
    shots = _clips(run, artist, clips or Gallery())
    if out.suffix == ".html":
        _write_file(run, out, artist, axes or {}, shots)
    else:
        _write_folder(run, out, artist, axes or {}, shots)
    return run


def report_data(run: Run, axes: Mapping[str, AxisNote]) -> dict[str, Any]:
    """All numbers and names of the page, JSON-ready."""
    data = payload(run, axes)
    for policy, fields in zip(run.policies, data["policies"], strict=True):
        fields["stats"] = statistics(policy)
    data["comparisons"] = comparisons(run, {axis for policy in run.policies for axis in policy.suite.controls})
    data["training"] = training(run)
    data["made"] = {"date": now(), "command": command_line(), "commit": commit()}
    return data


def _title(run: Run) -> str:
    return f"{run.main.name} on {run.main.suite.name}"


def _clips(run: Run, artist: Artist, wanted: Gallery) -> list[Clip]:
    experts = Experts(run, artist.play)
    return [
        make_clip(policy, record, artist.draw, wanted.look, experts.beside(policy, record.request))
        for policy, record in chosen(run, wanted)
    ]


def _write_file(run: Run, out: Path, artist: Artist, axes: Mapping[str, AxisNote], shots: list[Clip]) -> None:
    data = report_data(run, axes)
    data["clips"] = [
        {**clip.facts(), "video": _inside(clip.video, "video/mp4"), "poster": _inside(clip.poster, "image/jpeg")}
        for clip in shots
    ]
    shelf = MeshShelf()
    data["poses"] = dict(_gallery_poses(run, artist, shots, shelf))
    data["meshes"] = shelf.found
    out.parent.mkdir(parents=True, exist_ok=True)
    write_durably(out, page(_title(run), data, SCRIPTS).encode())


def _inside(data: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _gallery_poses(run: Run, artist: Artist, shots: list[Clip], shelf: MeshShelf) -> Iterator[tuple[str, Any]]:
    """`POLICY/KEY` and data of the gallery's episodes, and of the same episodes as other policies played them."""
    if artist.model is None:
        return
    stored = {policy.name: policy.stored() for policy in run.policies}
    for key in dict.fromkeys(clip.record.key for clip in shots):
        for policy in run.policies:
            if key in stored[policy.name]:
                yield f"{policy.name}/{key}", _packed(policy, key, artist.model, shelf)


def _packed(policy: PolicyRun, key: str, model: Model, shelf: MeshShelf) -> dict[str, Any]:
    episode = EpisodeStore(policy.folder / EPISODES, create=False).load(key)
    return pack_episode(episode, model(episode), shelf)


def _write_folder(run: Run, out: Path, artist: Artist, axes: Mapping[str, AxisNote], shots: list[Clip]) -> None:
    """Files beside the page: clips/, and for each stored episode a script in poses/ with what it needs in meshes/."""
    data = report_data(run, axes)
    for name in ("clips", "poses", "meshes"):
        shutil.rmtree(out / name, ignore_errors=True)
        (out / name).mkdir(parents=True)
    data["clips"] = []
    for clip in shots:
        stem = f"{clip.policy.name}-{clip.record.key}"
        (out / "clips" / f"{stem}.mp4").write_bytes(clip.video)
        (out / "clips" / f"{stem}.jpg").write_bytes(clip.poster)
        files = {"video": f"clips/{quote(stem)}.mp4", "poster": f"clips/{quote(stem)}.jpg"}
        data["clips"].append({**clip.facts(), **files})
    if artist.model is not None:
        _write_poses(run, out, artist.model)
        data["folder"] = True
    write_durably(out / INDEX, page(_title(run), data, SCRIPTS).encode())


def _write_poses(run: Run, out: Path, model: Model) -> None:
    shelf = MeshShelf()
    for policy in run.policies:
        folder = out / "poses" / policy.name
        folder.mkdir()
        for key in sorted(policy.stored()):
            name, data = json.dumps(f"{policy.name}/{key}"), json.dumps(_packed(policy, key, model, shelf))
            (folder / f"{key}.js").write_text(f"POSES({name},{data})\n", encoding="utf-8")
    for name, mesh in shelf.found.items():
        text = f"MESH({json.dumps(name)},{json.dumps(mesh)})\n"
        (out / "meshes" / f"{name}.js").write_text(text, encoding="utf-8")

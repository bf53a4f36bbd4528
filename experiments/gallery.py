"""All families at a glance: one contact sheet, and one page with a short film of the expert in each."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import cv2
import numpy as np

from envs.frames import EpisodeRenderer
from envs.scene import CameraSpec, SceneSpec
from envs.scenes import make_scene
from envs.tasks.base import TASKS
from envs.world import World
from vla.contract import ByteArray, EpisodeRequest, FloatArray
from vla.video import BAR, MUTED, TEXT, encode, wrap, write
from vla.webpage import style

CAMERA = CameraSpec("gallery", "world", (1.02, -0.34, 0.56), (0.46, 0.0, 0.05), (0.0, 0.0, 1.0), 37.0)
TILE = (288, 216)  # width and height of one family on the sheet, pixels
LABEL = 48  # pixels below a tile
FILM = (384, 288)  # width and height of the page's films, pixels
TRIES = 20  # episodes looked at until one is a success


@dataclass(frozen=True, eq=False)
class Film:
    """A successful episode of an expert: its scene and the poses (T + 1, N, 7) of every step."""

    spec: SceneSpec
    poses: FloatArray
    index: int

    @property
    def family(self) -> str:
        """The task's name."""
        return self.spec.goal.task

    @property
    def words(self) -> str:
        """The instruction; of one that is said line by line, the lines between slashes."""
        return self.spec.instruction.replace("\n", " / ")


def play(world: World, family: str, index: int, robot: str = "panda") -> Film:
    """The first successful evaluation episode of a family's expert from number `index` on.

    Raises RuntimeError if none of `TRIES` episodes is one: a gallery shows what works.
    """
    for number in range(index, index + TRIES):
        spec = make_scene(EpisodeRequest(family, number, split="eval"), robot)
        world.load(spec)
        expert = TASKS[spec.goal.task]().expert(spec)
        poses = [world.poses()]
        result = None
        while result is None or not result.done:
            result = world.step(expert.act(world.state()))
            poses.append(world.poses())
        if result.success:
            return Film(spec, np.stack(poses), number)
    raise RuntimeError(f"the expert of {family!r} with {robot!r} failed in episodes {index} to {index + TRIES - 1}")


def draw(film: Film, steps: Iterable[int], size: tuple[int, int]) -> list[ByteArray]:
    """Pictures (H, W, 3) of some steps from the gallery's camera; `size` is (width, height), pixels."""
    camera = replace(CAMERA, width=size[0], height=size[1])
    renderer = EpisodeRenderer(replace(film.spec, cameras=(camera,)), supersample=True)
    pictures = [renderer.frames(film.poses[step])[camera.name].rgb for step in steps]
    renderer.close()
    return pictures


def sheet(films: Sequence[Film], columns: int = 6, moment: float = 0.7) -> ByteArray:
    """One tile a family, (H, W, 3): the scene at `moment` (0 first, 1 last step), its name, its instruction."""
    tiles = [_tile(film, moment) for film in films]
    columns = min(columns, len(tiles))
    blank = np.full_like(tiles[0], BAR)
    tiles += [blank] * (-len(tiles) % columns)
    return np.concatenate([np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)])


def _tile(film: Film, moment: float) -> ByteArray:
    step = round(moment * (len(film.poses) - 1))
    (picture,) = draw(film, [step], TILE)
    label = np.full((LABEL, TILE[0], 3), BAR, np.uint8)
    write(label, film.family, 6, 4, 14, TEXT)
    for row, line in enumerate(wrap(film.words, 10, TILE[0] - 12)[:2]):
        write(label, line, 6, 21 + 13 * row, 10, MUTED)
    return np.concatenate([picture, label])


def write_page(films: Sequence[Film], path: Path, say: Callable[[str], None] = print) -> None:
    """One HTML file with a film of every family: it needs no other file and no network."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = []
    for film in films:
        figures.append(_figure(film, path.with_suffix(".tmp.mp4")))
        say(f"{film.family}: {film.words!r}, {len(film.poses) - 1} steps")
    families = f"{len(films)} task families, a film of the scripted expert in each, in real time."
    path.write_text(
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Task families</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{style()}{STYLE}</style></head><body><main><header><h1>Task families</h1>"
        f'<p class="lead">{families}</p></header><div class="films">{"".join(figures)}</div></main>'
        f"<script>{SCRIPT}</script></body></html>\n",
        encoding="utf-8",
    )


def _figure(film: Film, scratch: Path) -> str:
    pictures = draw(film, range(len(film.poses)), FILM)
    pictures += [pictures[-1]] * 8  # the end stays for a moment
    encode(pictures, scratch, fps=film.spec.robot.control_hz, quality=27)
    data = base64.b64encode(scratch.read_bytes()).decode()
    scratch.unlink()
    name, words = escape(film.family), escape(film.words)
    video = f'<video muted loop playsinline preload="metadata" width="{FILM[0]}" height="{FILM[1]}"'
    caption = f"<figcaption><b>{name}</b> <small>{words}</small></figcaption>"
    return f'<figure class="film">{video} src="data:video/mp4;base64,{data}"></video>{caption}</figure>'


STYLE = """
.films{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:14px}
.film{margin:0;background:var(--card);border:1px solid var(--line);border-radius:12px;overflow:hidden}
.film video{display:block;width:100%;height:auto;background:var(--soft)}
.film figcaption{padding:8px 12px 10px;line-height:1.35}
.film small{display:block;color:var(--muted);font-size:13px}
"""
SCRIPT = """
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme:dark)").matches ? "dark" : "light";
const seen = new IntersectionObserver(entries => entries.forEach(entry =>
  entry.isIntersecting ? entry.target.play() : entry.target.pause()), {rootMargin: "80px"});
document.querySelectorAll("video").forEach(video => seen.observe(video));
"""


def write_sheet(films: Sequence[Film], path: Path) -> None:
    """The contact sheet as a picture file. Raises ValueError for a suffix that is no picture's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = (cv2.IMWRITE_JPEG_QUALITY, 88) if path.suffix.lower() in (".jpg", ".jpeg") else ()
    try:
        cv2.imwrite(str(path), sheet(films)[:, :, ::-1], options)
    except cv2.error as error:
        raise ValueError(f"cannot write a picture to {path}: use a name that ends in .jpg or .png") from error

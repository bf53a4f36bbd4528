"""Frames per second of one core: the rasterizer against PyBullet's renderers, same scene, same camera.

CPU time of this process is what counts, so that other load on the machine disturbs little; renderers take turns, and
each is credited with its fastest. PyBullet's renderers draw the meshes as they are in the robot's files, which is what
whoever uses them gets.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from rich.console import Console
from rich.table import Table

from envs.cameras import place
from envs.poses import pose_rows
from envs.renderer.build import build_render_scene
from envs.renderer.bullet import egl_problem
from envs.renderer.make import make_renderer
from envs.renderer.types import Renderer
from envs.scene import SceneSpec
from envs.world import World
from vla.contract import EpisodeRequest, FloatArray
from vla.provenance import machine, versions

REQUEST = EpisodeRequest("PlaceInto", 0, split="eval")
BURST_S = 0.02  # a turn lasts at least so long

VARIANTS = ("raster", "raster_noshadow", "raster_pair", "tiny", "tiny_noshadow", "tiny_lod", "egl")

Turn = Callable[[], object]


@dataclass(frozen=True)
class Args:
    """Options of `vla bench render`."""

    sizes: tuple[int, ...] = (96, 128, 224, 480)
    """Sides of the pictures, pixels."""
    seconds: float = 5.0
    """Time spent on each size."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Measure, print the table and, if asked, the JSON line."""
    answer = measure(args)
    print_table(args.sizes, answer)
    if args.json:
        print(json.dumps(answer))
    return 0


def measure(args: Args) -> dict[str, Any]:
    """Measure every size; numbers by size are keyed by its string ("224")."""
    spec, poses = _scene()
    egl = not egl_problem()
    answer: dict[str, Any] = {"camera": "front", "textured": True, "machine": machine(), "versions": versions()}
    variants = VARIANTS if egl else VARIANTS[:-1]
    answer["variants"] = list(variants)
    for size in args.sizes:
        best = _measure(_turns(spec, poses, size, egl), args.seconds)
        for name, seconds in best.items():
            answer.setdefault(f"{name}_fps", {})[str(size)] = round(1 / seconds, 2)
        answer.setdefault("raster_ms", {})[str(size)] = round(best["raster"] * 1e3, 3)
        answer.setdefault("pair_ms", {})[str(size)] = round(best["raster_pair"] * 1e3, 3)
        for ratio, other in (("ratio", "tiny"), ("ratio_noshadow", "tiny_noshadow"), ("ratio_lod", "tiny_lod")):
            answer.setdefault(ratio, {})[str(size)] = round(best[other] / best["raster"], 2)
    if not egl:
        answer["egl_problem"] = egl_problem()
    return answer


def _scene() -> tuple[SceneSpec, FloatArray]:
    world = World()
    world.reset(REQUEST)
    spec, poses = world.spec, world.poses()
    world.close()
    return replace(spec, light=replace(spec.light, shadows=True)), poses


def _turns(spec: SceneSpec, poses: FloatArray, size: int, egl: bool) -> dict[str, tuple[Turn, Renderer]]:
    """One frame of each renderer. `raster_pair` draws front and wrist with one shadow map, as training does."""
    rows = pose_rows(spec)
    front, wrist = (place(camera, poses, rows, size) for camera in spec.cameras[:2])
    simple = build_render_scene(spec, image_height=size)
    full = build_render_scene(spec, level_of_detail=False)
    renderers = {
        "raster": make_renderer("raster", simple),
        "raster_noshadow": make_renderer("raster", simple, shadows=False),
        "raster_pair": make_renderer("raster", simple),
        "tiny": make_renderer("tiny", full),
        "tiny_noshadow": make_renderer("tiny", full, shadows=False),
        "tiny_lod": make_renderer("tiny", simple),
    }
    if egl:
        renderers["egl"] = make_renderer("egl", full)

    def turn(name: str, renderer: Renderer) -> Turn:
        cameras = [front, wrist] if name == "raster_pair" else [front]
        return lambda: renderer.render(poses, cameras)

    return {name: (turn(name, renderer), renderer) for name, renderer in renderers.items()}


def _measure(turns: dict[str, tuple[Turn, Renderer]], seconds: float) -> dict[str, float]:
    """CPU seconds of the fastest turn of each."""
    best = dict.fromkeys(turns, float("inf"))
    for draw, _ in turns.values():
        draw()  # compiles, loads
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for name, (draw, _) in turns.items():
            best[name] = min(best[name], _burst(draw))
    for _, renderer in turns.values():
        renderer.close()
    return best


def _burst(draw: Turn) -> float:
    start, frames, spent = time.process_time(), 0, 0.0
    while spent < BURST_S:
        draw()
        frames += 1
        spent = time.process_time() - start
    return spent / frames


def print_table(sizes: tuple[int, ...], answer: dict[str, Any]) -> None:
    """Print what `measure` returned."""
    table = Table(title="Frames per second of one core, front camera, textured", title_justify="left")
    names = [name.replace("_noshadow", " no shadow").replace("_", " ") for name in answer["variants"]]
    for heading in ("pixels", *names, "x tiny", "x tiny no shadow", "raster ms", "pair ms"):
        table.add_column(heading, justify="right")
    for size in map(str, sizes):
        speeds = [f"{answer[f'{name}_fps'][size]:,.0f}" for name in answer["variants"]]
        ratios = [f"{answer['ratio'][size]:.1f}", f"{answer['ratio_noshadow'][size]:.1f}"]
        table.add_row(size, *speeds, *ratios, f"{answer['raster_ms'][size]:.2f}", f"{answer['pair_ms'][size]:.2f}")
    Console(width=130).print(table)
    print(
        "raster: shadows, simplified meshes; raster pair: front and wrist. tiny, egl: PyBullet's renderers, shadows, "
    )
    print(
        "the robot's full meshes; tiny lod: the simplified ones. Ratios: raster with shadows to tiny with and without."
    )
    print(f"Machine: {answer['machine']}")

"""Contact sheets of axes: a row for each, a column for each level, the same episode in all of them.

What an axis changes decides how it is shown: words as text, what can be seen at the start as pictures, late and lost
pictures as the step that is seen, and what only happens later as the fields of the scene that have changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from envs.cameras import OVERVIEW
from envs.differences import NAMED, Difference, differences
from envs.frames import EpisodeRenderer
from envs.scene import CameraSpec, SceneSpec
from envs.scenes import make_scene
from envs.sensor import seen_step
from envs.tasks.base import TASKS
from envs.variations import Axis
from envs.world import World
from vla.contract import ByteArray, EpisodeRequest, Perturbation
from vla.video import BAR, MUTED, TEXT, wrap, write

TILE = 150  # pixels a side of one picture
INSET = 56  # of the small one of the second camera
LABEL = 190  # width of the column with names
FOOT = 17  # height of the line with the magnitude
LINE = 15  # height of a line of text
LEVELS = 6  # columns: 0 to 5
VISIBLE = 0.25  # mean difference of two pictures, of 255, from which the eye may see one
ACCENT = (122, 162, 247)
STEPS = 24  # of the plot of late pictures
SEEN = ("objects", "cameras", "light", "table", "background")  # fields of the scene that pictures show
MOST_LINES = 6  # of text in a tile
FOLLOWS = ("alternatives", "contrast", "spoken")  # fields that follow from others and tell a reader nothing


def sheet(axes: Sequence[Axis], task: str = "PlaceInto", index: int = 0) -> ByteArray:
    """The contact sheet (H, W, 3) of some axes, on an episode of `task`, or of the first family that an axis is for.

    Raises ValueError for an unknown task.
    """
    TASKS[task]
    world = World()
    rows = [_row(axis, task, index, world) for axis in axes]
    world.close()
    return np.concatenate([_header(pictures=any(axis.family != "semantic" for axis in axes)), *rows])


def _header(*, pictures: bool) -> ByteArray:
    strip = np.full((22, LABEL + LEVELS * TILE, 3), BAR, np.uint8)
    titles = [f"level {level}" for level in range(LEVELS)] if pictures else ["level (magnitude): what is said"]
    for level, title in enumerate(titles):
        write(strip, title, LABEL + level * TILE + 6, 5, 12, MUTED)
    return strip


def _row(axis: Axis, wanted: str, index: int, world: World) -> ByteArray:
    task = wanted if axis.applies(TASKS[wanted]) else next(name for name in TASKS if axis.applies(TASKS[name]))
    specs = [_scene(axis, level, task, index) for level in range(len(axis.levels) + 1)]
    if axis.family == "semantic":
        body = _words(axis, specs)
        if any(change.field.startswith(SEEN) for spec in specs for change in differences(specs[0], spec)):
            body = np.concatenate([body, _tiles(axis, _pictures(axis, specs, world))])
    elif any(camera.sensor.late for spec in specs for camera in spec.cameras):
        body = _tiles(axis, [_late(spec) for spec in specs])
    else:
        pictures = _pictures(axis, specs, world)
        seen = [float(np.abs(p.astype(float) - pictures[0]).mean()) for p in pictures[1:]]
        body = _tiles(axis, pictures if max(seen) > VISIBLE else _fields(axis, specs))
    label = np.full((body.shape[0], LABEL, 3), BAR, np.uint8)
    write(label, axis.name, 8, 6, 15, TEXT)
    notes = [*wrap(axis.unit, 11, LABEL - 16, 3), *wrap("" if task == wanted else f"on {task}", 11, LABEL - 16)]
    for number, line in enumerate(notes):
        write(label, line, 8, 28 + LINE * number, 11, MUTED)
    row = np.concatenate([label, body], axis=1)
    row[0] = 40
    return row


def _scene(axis: Axis, level: int, task: str, index: int) -> SceneSpec:
    return make_scene(EpisodeRequest(task, index, 0, "eval", (Perturbation(axis.name, level),) if level else ()))


def _tiles(axis: Axis, pictures: Sequence[ByteArray]) -> ByteArray:
    """Pictures side by side, the magnitude below each."""
    blank = np.full((pictures[0].shape[0] + FOOT, TILE, 3), BAR, np.uint8)
    cells = []
    for level in range(LEVELS):
        cell = blank.copy()
        if level < len(pictures):
            cell[: pictures[level].shape[0]] = pictures[level]
            write(cell, f"{axis.levels[level - 1]:g}" if level else "as it is", 4, blank.shape[0] - 15, 11, MUTED)
        cells.append(cell)
    return np.concatenate(cells, axis=1)


def _pictures(axis: Axis, specs: Sequence[SceneSpec], world: World) -> list[ByteArray]:
    """The scene at each level: from the camera that the axis is about, the other one small if it is about both."""
    names = [camera.name for camera in specs[0].cameras]
    fields = [change.path.split(".") for spec in specs for change in differences(specs[0], spec)]
    changed = {path[1] for path in fields if path[0] == "cameras"}
    about = [name for name in names if name in changed] or names[:1]
    return [_picture(spec, ["overview"] if axis.family == "robot" else about[:2], world) for spec in specs]


def _picture(spec: SceneSpec, cameras: Sequence[str], world: World) -> ByteArray:
    world.load(spec)
    seen = replace(spec, cameras=tuple(_camera(spec, name) for name in cameras))
    drawn = [_drawn(seen, name, size, world) for name, size in zip(cameras, (TILE, INSET), strict=False)]
    out = drawn[0].copy()
    if len(drawn) > 1:
        out[: INSET + 2, -INSET - 2 :] = 255  # upper right, where things rarely stand
        out[:INSET, -INSET:] = drawn[1]
    return out


def _camera(spec: SceneSpec, name: str) -> CameraSpec:
    return next((camera for camera in spec.cameras if camera.name == name), OVERVIEW)


def _drawn(spec: SceneSpec, camera: str, size: int, world: World) -> ByteArray:
    renderer = EpisodeRenderer(spec, size=size, supersample=True)
    picture = renderer.frames(world.poses(), [camera])[camera].rgb
    renderer.close()
    return picture


def _late(spec: SceneSpec) -> ByteArray:
    """A plot of the step that the first camera shows (bright) at each step, with the present one (dark)."""
    camera, hz = spec.cameras[0], spec.robot.control_hz
    out = np.full((TILE * 2 // 3, TILE, 3), 30, np.uint8)

    def at(step: int, shown: int) -> tuple[int, int]:
        return 8 + step * (TILE - 16) // STEPS, out.shape[0] - 8 - shown * (out.shape[0] - 16) // STEPS

    cv2.line(out, at(0, 0), at(STEPS, STEPS), (90, 95, 105), 1, cv2.LINE_AA)
    for step in range(STEPS):
        shown = seen_step(camera.sensor, camera.name, step, hz)
        cv2.line(out, at(step, shown), at(step + 1, shown), ACCENT, 2)
    write(out, "step seen", 6, 5, 10, MUTED)
    return out


def _fields(axis: Axis, specs: Sequence[SceneSpec]) -> list[ByteArray]:
    """What is different in the scene description at each level, as text over a bar as long as the magnitude."""
    said = [_changes(specs[0], spec, FOLLOWS) for spec in specs]
    lines = [[line for text in texts for line in wrap(text, 11, TILE - 10, 3)] for texts in said]
    room = min(max(3, *map(len, lines)), MOST_LINES)  # three at least, or the unit has no room
    tiles = []
    for level, texts in enumerate(lines):
        out = np.full((room * 13 + 18, TILE, 3), 30, np.uint8)
        shown = texts if len(texts) <= room else [*texts[: room - 1], f"... {len(said[level])} changes in all"]
        for number, line in enumerate(shown):
            write(out, line, 5, 5 + 13 * number, 11, TEXT)
        share = abs(axis.levels[level - 1]) / max(map(abs, axis.levels)) if level else 0.0
        out[-6:-2, 5 : 5 + round(share * (TILE - 10))] = ACCENT
        tiles.append(out)
    return tiles


def _changes(twin: SceneSpec, spec: SceneSpec, hidden: Sequence[str]) -> list[str]:
    """What has changed, in words; seeds say nothing to people."""
    told = [d for d in differences(twin, spec) if d.field.split(".")[0] not in hidden and not d.field.endswith("seed")]
    return list(dict.fromkeys(f"{_name(d)} {_short(d.old)} -> {_short(d.new)}" for d in told))


def _name(change: Difference) -> str:
    """The field, with the object's name where there is one."""
    parts = change.path.split(".")
    return " ".join(parts[1:]) if parts[0] in NAMED else parts[-1]


def _short(value: Any) -> str:
    """A JSON value in few characters."""
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, (list, tuple)):
        if len(value) > 4 and all(isinstance(entry, (int, float)) for entry in value):
            return f"{len(value)} numbers of norm {np.linalg.norm(value):.3g}"
        return f"({', '.join(map(_short, value))})" if len(value) else "none"
    if isinstance(value, dict):
        return " ".join(f"{key} {_short(entry)}" for key, entry in value.items() if entry not in (0, "", [], (), None))
    return "none" if value in (None, "") else str(value)


def _words(axis: Axis, specs: Sequence[SceneSpec]) -> ByteArray:
    """What is said at each level, line by line, with whatever else has changed."""
    width = LEVELS * TILE
    lines: list[tuple[str, tuple[int, int, int]]] = []
    for level, spec in enumerate(specs):
        said = spec.instruction.replace("\n", " / ") or "(nothing)"
        magnitude = f" ({axis.levels[level - 1]:g})" if level else ""
        rows = wrap(f"{level}{magnitude}: {said}", 12, width - 12, 3)
        lines += [(row, TEXT if level else MUTED) for row in rows]
        more = ";  ".join(_changes(specs[0], spec, (*FOLLOWS, *SEEN, "instruction")))
        lines += [(row, ACCENT) for row in (wrap(more, 11, width - 40, 2) if more else [])]
    out = np.full((10 + 17 * len(lines), width, 3), 30, np.uint8)
    for number, (line, color) in enumerate(lines):
        write(out, line, 6, 5 + 17 * number, 12, color)
    return out

"""Show all task families: a contact sheet and a page with a short film of the expert in each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from envs.robots import ROBOTS
from envs.tasks.base import TASKS
from envs.world import World
from experiments.gallery import play, write_page, write_sheet


@dataclass(frozen=True)
class Args:
    """Options of `vla gallery`."""

    out: Path = Path("runs/gallery")
    """Folder for sheet.jpg and index.html."""
    task: tuple[str, ...] = ()
    """Only these families; default all."""
    robot: str = "panda"
    """The robot."""
    index: int = 0
    """Number of the episode; the next one where the expert fails."""
    films: bool = True
    """Make the page with the films, not only the sheet."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Play, draw, say where it is."""
    ROBOTS[args.robot]
    names = args.task or tuple(TASKS)
    for name in names:
        TASKS[name]  # an unknown name fails before anything is drawn
    world = World()
    films = [play(world, name, args.index, args.robot) for name in names]
    world.close()
    sheet, page = args.out / "sheet.jpg", args.out / "index.html"
    write_sheet(films, sheet)
    if args.films:
        write_page(films, page)
    print(f"{sheet}" + (f"\n{page}" if args.films else ""))
    if args.json:
        steps = {film.family: len(film.poses) - 1 for film in films}
        print(json.dumps({"families": steps, "sheet": str(sheet), "page": str(page) if args.films else ""}))
    return 0

"""List the axes of generalization, or draw them: family, levels, unit, what changes, who tests it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from envs.variations import Axis
from experiments.axes_table import DOC, in_order, pages, rewritten, row, tables


@dataclass(frozen=True)
class Args:
    """Options of `vla axes`."""

    json: bool = False
    """Print one JSON list instead: an object for each axis."""
    axis: tuple[str, ...] = ()
    """Only these."""
    sheet: Path | None = None
    """Draw a contact sheet, axis by level: one picture, or without --axis one a family and page (OUT_visual_1.jpg)."""
    task: str = "PlaceInto"
    """Family of the episode on the sheet."""
    index: int = 0
    """Its number."""
    doc: bool = False
    """Write the table in docs/generalization.md anew."""


def main(args: Args) -> int:
    """Print the list, unless something else is asked for."""
    axes = in_order(args.axis or None)
    if args.doc:
        DOC.write_text(rewritten(DOC.read_text(encoding="utf-8")), encoding="utf-8")
        print(DOC)
    if args.sheet is not None:
        draw(args.sheet, axes, args)
    if args.json:
        print(json.dumps([row(axis) for axis in axes]))
    elif not args.doc and args.sheet is None:
        from rich.console import Console

        console = Console()
        for table in tables(axes):
            console.print(table)
        console.print("Level 0 is the scene as it is. Controls have no dose: a policy that listens must react to them.")
    return 0


def draw(out: Path, axes: Sequence[Axis], args: Args) -> None:
    """Write contact sheets. Raises ValueError for an unknown task, or a suffix that is no picture's."""
    import cv2

    from experiments.axes_sheet import sheet

    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise ValueError(f"cannot write a picture to {out}: use a name that ends in .jpg or .png")
    named = {f"_{name}": members for name, members in pages(axes).items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    for name, members in ({"": axes} if args.axis else named).items():
        path = out.with_stem(out.stem + name)
        options = (cv2.IMWRITE_JPEG_QUALITY, 80) if path.suffix.lower() != ".png" else ()
        cv2.imwrite(str(path), sheet(members, args.task, args.index)[:, :, ::-1], options)
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")

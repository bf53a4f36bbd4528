"""Pictures of the default scene from four cameras, by two renderers, one above the other: `docs/images/*.png`.

Run as `python -m experiments.contact_sheet`, and look at the result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import tyro

from envs.frames import EpisodeRenderer
from envs.scene import CameraSpec
from envs.world import World
from vla.contract import ByteArray, EpisodeRequest

SIDE = CameraSpec("side", "world", (1.05, 0.75, 0.75), (0.22, -0.02, 0.28), (0.0, 0.0, 1.0), 45.0)
CLOSE = CameraSpec("close", "world", (0.72, -0.3, 0.22), (0.47, 0.02, 0.03), (0.0, 0.0, 1.0), 45.0)


@dataclass(frozen=True)
class Args:
    """Options of the contact sheet."""

    task: str = "PlaceInto"
    """Task whose first evaluation scene is drawn."""
    index: int = 0
    """Number of the episode."""
    renderers: tuple[str, ...] = ("raster", "tiny")
    """One row each."""
    size: int = 168
    """Side of one picture, pixels."""
    out: Path = Path("docs/images/contact_sheet.png")
    """Where it is written."""


def contact_sheet(args: Args) -> ByteArray:
    """(rows * size, 4 * size, 3): front, wrist, side and close, a row for each renderer."""
    world = World()
    world.reset(EpisodeRequest(args.task, args.index, split="eval"))
    spec, poses = world.spec, world.poses()
    world.close()
    spec = replace(spec, cameras=(*spec.cameras[:2], SIDE, CLOSE))
    rows = []
    for name in args.renderers:
        renderer = EpisodeRenderer(spec, name, size=args.size, supersample=True)
        rows.append(np.concatenate([frame.rgb for frame in renderer.frames(poses).values()], axis=1))
        renderer.close()
    return np.concatenate(rows)


def main(args: Args) -> None:
    """Draw and save it."""
    args.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(args.out), contact_sheet(args)[:, :, ::-1])
    print(f"{args.out}: {args.out.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(tyro.cli(Args, description=__doc__))

"""The pictures of `docs/rendering.md`: `python -m experiments.rendering_pictures` draws them; look at the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from envs.frames import EpisodeRenderer
from envs.materials import material_texture
from envs.renderer.bullet import egl_problem
from envs.scene import CameraSpec, ObjectSpec, SceneSpec
from envs.world import World
from experiments.contact_sheet import CLOSE, SIDE
from vla.contract import ByteArray, EpisodeRequest, FloatArray

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "images"
SIZE = 176  # pixels a side
ROOM = CameraSpec("room", "world", (1.7, -1.2, 0.65), (-0.4, 0.8, 0.45), (0.0, 0.0, 1.0), 68.0)
MATERIALS = ("plastic", "metal", "rubber", "wood")


def _episode() -> tuple[SceneSpec, FloatArray]:
    world = World()
    world.reset(EpisodeRequest("PlaceInto", 0, split="eval"))
    spec, poses = world.spec, world.poses()
    world.close()
    return spec, poses


def _row(spec: SceneSpec, poses: FloatArray, cameras: Sequence[CameraSpec], renderer: str = "raster") -> ByteArray:
    drawn = EpisodeRenderer(replace(spec, cameras=tuple(cameras)), renderer, size=SIZE, supersample=True)
    pictures = [frame.rgb for frame in drawn.frames(poses).values()]
    drawn.close()
    return np.concatenate(pictures, axis=1)


def renderers(spec: SceneSpec, poses: FloatArray) -> ByteArray:
    """One scene by each renderer that loads here, a row for each."""
    names = ("raster", "tiny") if egl_problem() else ("raster", "tiny", "egl")
    return np.concatenate([_row(spec, poses, (*spec.cameras[:2], SIDE), name) for name in names])


def _made_of(spec: SceneSpec, material: str) -> SceneSpec:
    def made(item: ObjectSpec) -> ObjectSpec:
        return replace(item, material=material, texture=material_texture(material, item.texture.rgb))

    return replace(spec, objects=tuple(made(item) for item in spec.objects))


def looks(spec: SceneSpec, poses: FloatArray) -> ByteArray:
    """Close by, every object of plastic, metal, rubber and wood; below with soft shadows."""
    rows = []
    for softness in (0.0, 0.05):
        scene = replace(spec, light=replace(spec.light, softness=softness))
        rows.append(np.concatenate([_row(_made_of(scene, m), poses, (CLOSE,)) for m in MATERIALS], axis=1))
    return np.concatenate(rows)


def backgrounds(spec: SceneSpec, poses: FloatArray) -> ByteArray:
    """Gradient, room and shelves from two cameras each."""
    scenes = [replace(spec, background=replace(spec.background, kind=kind)) for kind in ("gradient", "room", "shelves")]
    return np.concatenate([np.concatenate([_row(s, poses, (c,)) for s in scenes], axis=1) for c in (SIDE, ROOM)])


def main() -> None:
    """Draw and save them."""
    spec, poses = _episode()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for draw in (renderers, looks, backgrounds):
        path = FOLDER / f"rendering_{draw.__name__}.png"
        cv2.imwrite(str(path), draw(spec, poses)[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
        print(f"{path}: {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()

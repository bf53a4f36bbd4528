"""Makes a renderer by name. PyBullet is loaded only for the renderers that are PyBullet's."""

from __future__ import annotations

from envs.renderer.types import Renderer, RenderScene
from vla.registry import nearest

RENDERERS: tuple[str, ...] = ("raster", "tiny", "egl")


def make_renderer(name: str, scene: RenderScene, *, supersample: bool = False, shadows: bool | None = None) -> Renderer:
    """A renderer of `scene`.

    Args:
        name: `raster` (own rasterizer), `tiny` or `egl` (PyBullet's software and GPU renderers).
        scene: What to draw.
        supersample: Average 2 x 2 pixels.
        shadows: Overrides `scene.light.shadows`.

    Raises:
        ValueError: An unknown name, a texture that cannot be drawn, or `egl` on a machine where it does not load.
    """
    if name == "raster":
        from envs.renderer.raster import RasterRenderer

        return RasterRenderer(scene, supersample=supersample, shadows=shadows)
    if name in RENDERERS:
        from envs.renderer.bullet import BulletRenderer

        return BulletRenderer(scene, egl=name == "egl", supersample=supersample, shadows=shadows)
    raise nearest("renderer", name, list(RENDERERS))

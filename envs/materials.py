"""What things are made of: how a material slides, weighs and looks. A table of plain data; knows no object kind.

Nothing here is applied silently: whoever makes an ObjectSpec sets its friction, mass and texture from the table
(`envs.tasks.base.make_thing` does), and the physics reads the ObjectSpec alone. The renderer reads the look by the
name in `ObjectSpec.material`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from envs.scene import RGB, Texture, TextureKind
from vla.registry import nearest

GRAIN_M = 0.06  # metres: one repetition of a pattern on a thing of the size of a hand
SHADE = 0.72  # the second colour of a pattern, as a share of the first: the hue stays what the colour word says


@dataclass(frozen=True)
class Substance:
    """One material.

    Attributes:
        friction: Lateral friction coefficient of an object made of it; the table's and the fingers' are 1.
        mass: Factor on the default mass of a kind, which is that of plastic.
        specular: Strength of the highlight: 0 matt, 1 like polished metal.
        shininess: Exponent of the highlight (Blinn-Phong): the higher, the smaller and sharper.
        metallic: 1 if highlights have the surface's own colour, 0 if they have the light's.
        texture: Pattern of the surface.
    """

    friction: float
    mass: float
    specular: float
    shininess: float
    metallic: float
    texture: TextureKind


MATERIALS: Mapping[str, Substance] = {
    "plastic": Substance(friction=1.0, mass=1.0, specular=0.25, shininess=30.0, metallic=0.0, texture="plain"),
    "wood": Substance(friction=0.9, mass=0.8, specular=0.05, shininess=8.0, metallic=0.0, texture="wood"),
    "metal": Substance(friction=0.7, mass=2.5, specular=0.8, shininess=60.0, metallic=1.0, texture="plain"),
    "rubber": Substance(friction=1.4, mass=1.2, specular=0.0, shininess=1.0, metallic=0.0, texture="plain"),
}


def substance(name: str) -> Substance:
    """The material called `name`. Raises UnknownNameError naming the nearest one."""
    if name not in MATERIALS:
        raise nearest("material", name, list(MATERIALS))
    return MATERIALS[name]


def material_friction(name: str) -> float:
    """Lateral friction coefficient for `ObjectSpec.friction`. Raises UnknownNameError naming the nearest one."""
    return substance(name).friction


def material_texture(name: str, rgb: RGB) -> Texture:
    """The surface of a thing of that material and colour. Raises UnknownNameError naming the nearest one."""
    pattern = substance(name).texture
    if pattern == "plain":
        return Texture("plain", rgb, rgb)
    return Texture(pattern, rgb, (SHADE * rgb[0], SHADE * rgb[1], SHADE * rgb[2]), GRAIN_M)

"""What a scene looks like, as frozen data: surfaces, light, background, what stands around; part of `envs.scene`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Vec3 = tuple[float, float, float]
RGB = tuple[float, float, float]  # sRGB in [0, 1]

TextureKind = Literal["plain", "wood", "tiles", "checker", "noise", "stripes", "dots", "image"]
BackgroundKind = Literal["gradient", "room", "shelves"]


@dataclass(frozen=True)
class Texture:
    """A surface pattern. `scale_m` is the side of one repetition in metres; `path` only for kind `image`."""

    kind: TextureKind = "plain"
    rgb: RGB = (0.8, 0.8, 0.8)
    rgb2: RGB = (0.6, 0.6, 0.6)
    scale_m: float = 0.4
    seed: int = 0
    path: str = ""


@dataclass(frozen=True)
class LampSpec:
    """One more point light, without highlights and shadows: linear factors per channel; metres, world."""

    rgb: RGB
    position: Vec3


@dataclass(frozen=True)
class LightSpec:
    """Ambient, one directional and one point light, and `lamps` more. Intensities are linear factors per channel.

    `direction` points from the scene to the light (unit length not required). `point_position` in metres, world.
    `softness` is the width of a shadow's edge, metres; 0 draws hard ones, which is fastest.
    """

    ambient: RGB = (0.45, 0.45, 0.47)
    directional: RGB = (0.55, 0.53, 0.50)
    direction: Vec3 = (0.4, 0.35, 1.0)
    point: RGB = (0.12, 0.12, 0.12)
    point_position: Vec3 = (0.6, -0.6, 1.0)
    shadows: bool = True
    softness: float = 0.0
    lamps: tuple[LampSpec, ...] = ()


@dataclass(frozen=True)
class BackgroundSpec:
    """What is behind everything, and the floor below the table.

    Attributes:
        top: Colour above the horizon of the gradient that is behind everything.
        bottom: Colour below it.
        floor: Surface of the floor.
        floor_height: Its z, metres.
        kind: `gradient` for that alone, `room` for walls, a lamp and a window, `shelves` for a room with full shelves.
        wall: Surface of the walls.
        seed: Of what stands on the shelves.
    """

    top: RGB = (0.82, 0.86, 0.90)
    bottom: RGB = (0.62, 0.64, 0.67)
    floor: Texture = Texture("tiles", (0.55, 0.56, 0.58), (0.48, 0.49, 0.51), 0.5)
    floor_height: float = -0.75
    kind: BackgroundKind = "gradient"
    wall: Texture = Texture("noise", (1.0, 0.98, 0.93), (0.95, 0.93, 0.88), 0.6)
    seed: int = 0


@dataclass(frozen=True)
class ScenerySpec:
    """A thing that is seen and that nothing can touch: it stands, lies or hangs somewhere, and is no object.

    Attributes:
        shape: `box`, or `cylinder` with a round outline seen from above.
        size: Full lengths along x, y and z before it is turned, metres.
        position: Its centre, metres, world.
        yaw: Rotation about world z, radians.
        texture: Surface.
        casts_shadow: Whether it takes the sun from what is behind it.
    """

    shape: Literal["box", "cylinder"]
    size: Vec3
    position: Vec3
    yaw: float
    texture: Texture
    casts_shadow: bool = False


WOODEN_TABLE = Texture("wood", (0.72, 0.55, 0.38), (0.58, 0.42, 0.28), 0.5)
DAYLIGHT, PLAIN_BACKGROUND = LightSpec(), BackgroundSpec()

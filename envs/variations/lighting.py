"""How the scene is lit: intensity, direction, colour and number of lights, and what takes the sun away."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.color_words import same_word
from envs.colors import difference, from_lab, to_lab
from envs.scene import RGB, LampSpec, LightSpec, ObjectSpec, ScenerySpec, SceneSpec, Texture
from envs.tasks.base import Task
from envs.variations import axis, vec3

Float64 = NDArray[np.float64]
CENTRE = (0.5, 0.0)  # metres, world: middle of where objects stand


@axis(
    "light_intensity",
    "visual",
    "relative change of intensity",
    (0.2, 0.35, 0.5, 0.65, 0.75),
    peers=("COLOSSEUM", "LIBERO-Plus", "SimplerEnv", "RoboTwin", "VLATest", "FactorWorld", "VLA-Arena", "RoboLab"),
    changes=("light",),
)
def light_intensity(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """All light is darker by the magnitude, or brighter by half of it.

    SimplerEnv's "slightly darker" takes 0.2 off its lights (level 1), COLOSSEUM draws U(0, 0.5), whose mean is
    half of the most (level 3), and VLA-Arena goes to 0.75. Brighter light is halved because pictures burn out above
    twice the light, and with them the colours that instructions name.
    """
    factor = 1.0 - magnitude if rng.uniform() < 0.5 else 1.0 + BRIGHTER * magnitude
    return replace(spec, light=scaled(spec.light, np.full(3, factor)))


BRIGHTER = 0.5  # of what darker light loses, brighter light gains so much


@axis(
    "light_direction",
    "visual",
    "degrees",
    (15.0, 30.0, 45.0, 60.0, 75.0),
    peers=("LIBERO-Plus", "RoboVerse", "FactorWorld"),
    changes=("light",),
)
def light_direction(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """The sun stands elsewhere: so many degrees away from where it was, in a random direction, never too low.

    LIBERO-Plus and RoboVerse vary the direction without a dose.
    """
    old = np.asarray(spec.light.direction) / np.linalg.norm(spec.light.direction)
    while True:  # a direction less than 75 degrees from the zenith has such neighbours at any distance up to 75
        across = np.cross(old, rng.normal(size=3))
        across /= np.linalg.norm(across)
        new = np.cos(np.radians(magnitude)) * old + np.sin(np.radians(magnitude)) * across
        if new[2] >= LOWEST_SUN:
            return replace(spec, light=replace(spec.light, direction=vec3(new)))


LOWEST_SUN = 0.42  # sine of its elevation, about 25 degrees: below, shadows are longer than the picture


@axis(
    "light_color",
    "visual",
    "CIELAB Delta E of light grey",
    (8.0, 16.0, 25.0, 37.0, 50.0),
    peers=("COLOSSEUM", "RoboTwin", "RoboVerse", "RoboLab", "VLA-Arena"),
    changes=("light",),
)
def light_color(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """All light has a tint of a random hue; a light grey surface keeps its lightness and moves so far from grey.

    COLOSSEUM draws red, green and blue of three lights from U(0, 0.5) each. With as much white ambient light as here
    (44 %) that moves grey by 25 in the median (level 3), with none by 49 (level 5). Hues under which an object would
    look like another colour word, or like the table, are not drawn where there are others.
    """
    best, most = np.ones(3), -1
    for _ in range(DRAWS):
        hue = rng.uniform(0, 2 * np.pi)
        rgb = from_lab(to_lab(GREY) + magnitude * np.array([0.0, np.cos(hue), np.sin(hue)]))
        if rgb.min() <= 0:  # there is no such colour
            continue
        count = _count_told(spec, rgb / GREY[0])
        if count > most:
            best, most = rgb / GREY[0], count
        if count == len(spec.objects):
            break
    return replace(spec, light=scaled(spec.light, best))


DRAWS = 200  # of a hue, at most
CLEARLY = 0.9  # how much nearer to its own word's colour an object looks than to any other's
STANDS_OUT = 20.0  # Delta E between an object and the table in that light


def _count_told(spec: SceneSpec, tint: Float64) -> int:
    """How many objects have, as they look in light of that tint, the colour word that they should, and stand out."""

    def seen(rgb: RGB) -> RGB:
        return vec3(np.clip(np.asarray(rgb) * tint, 0.0, 1.0))

    def told(thing: ObjectSpec) -> bool:
        shown = seen(thing.texture.rgb)
        return same_word(thing.color, CLEARLY)(shown) and difference(shown, table) >= STANDS_OUT

    table = seen(spec.table.texture.rgb)
    return sum(map(told, spec.objects))


GREY: RGB = (0.7, 0.7, 0.7)


@axis("light_count", "visual", "lamps added", (1, 2, 3, 5, 8), changes=("light",))
def light_count(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """More lamps, low and at random places around the table; the middle of the table stays as bright as it was.

    What a lamp gives there is taken from sun and sky. COLOSSEUM has three lights, and nobody varies their number.
    """
    centre = np.array([*CENTRE, spec.table.height])
    positions = [_around(centre, rng) for _ in range(int(magnitude))]
    share = 1.0 - (1.0 - LAMP_SHARE) ** len(positions)
    old = _falling_light(spec.light, centre)
    lamps = tuple(LampSpec(vec3(share * old / len(positions) / _falling(p - centre)), vec3(p)) for p in positions)
    return replace(spec, light=replace(scaled(spec.light, np.full(3, 1.0 - share)), lamps=lamps))


LAMP_SHARE = 0.2  # of the light in the middle of the table that each lamp takes over from all before it


def _around(centre: Float64, rng: np.random.Generator) -> Float64:
    """A place 0.25 to 0.6 m from the middle of the table, seen from above, and 0.12 to 0.4 m above it; world."""
    angle, far, high = rng.uniform(0, 2 * np.pi), rng.uniform(0.25, 0.6), rng.uniform(0.12, 0.4)
    return np.asarray(centre + np.array([far * np.cos(angle), far * np.sin(angle), high]))


def _falling(way: Float64) -> float:
    """Share of a lamp's light that falls on a table `way` (3,) metres from it, as the renderer counts it."""
    square = float(way @ way)
    return 2.0 * float(way[2]) / (math.sqrt(square) * (1.0 + square))


def _falling_light(light: LightSpec, place: Float64) -> Float64:
    """Light of all kinds that falls on a place (3,), metres, world, of the table: (3,)."""
    sun = light.direction[2] / float(np.linalg.norm(light.direction))
    ambient, directional, point = (np.asarray(rgb) for rgb in (light.ambient, light.directional, light.point))
    lamp = _falling(np.asarray(light.point_position) - place)
    return np.asarray(ambient + max(sun, 0.0) * directional + lamp * point)


@axis(
    "shadows",
    "visual",
    "share of the work area in shadow",
    (0.1, 0.2, 0.3, 0.45, 0.6),
    peers=("LIBERO-Plus",),
    changes=("scenery",),
)
def shadows(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Slats that hang out of the pictures throw shadows on so much of where the robot works.

    LIBERO-Plus turns all shadows on or off; a dose is not in the literature.
    """
    sun = np.asarray(spec.light.direction) / spec.light.direction[2]  # of length 1 upwards
    yaw, phase = rng.uniform(0, np.pi), rng.uniform(-0.5, 0.5)
    across, middle = np.array([-np.sin(yaw), np.cos(yaw), 0.0]), np.array([*CENTRE, spec.table.height]) + SLATS_UP * sun
    slats = tuple(
        ScenerySpec(
            "box",
            vec3((SLAT_LONG, magnitude * SLAT_PITCH, 0.004)),
            vec3(middle + (number + phase) * SLAT_PITCH * across),
            round(yaw, 5),
            Texture("plain", (0.45, 0.42, 0.40)),
            casts_shadow=True,
        )
        for number in range(-SLATS // 2 + 1, SLATS // 2 + 1)
    )
    return replace(spec, scenery=(*spec.scenery, *slats))


SLATS, SLAT_PITCH, SLAT_LONG, SLATS_UP = 8, 0.13, 1.1, 1.15  # how many; metres apart, long, and above the table


def scaled(light: LightSpec, factors: Float64) -> LightSpec:
    """All lights of a scene times `factors` (3,)."""

    def times(rgb: RGB) -> RGB:
        return vec3(np.asarray(rgb) * factors)

    lamps = tuple(replace(lamp, rgb=times(lamp.rgb)) for lamp in light.lamps)
    changed = replace(light, ambient=times(light.ambient), directional=times(light.directional), lamps=lamps)
    return replace(changed, point=times(light.point))

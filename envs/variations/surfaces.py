"""Colours and textures of objects and table."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.colors import difference, shifted
from envs.grammar import COLORS, MORE_COLORS, named_color
from envs.scene import RGB, ObjectSpec, SceneSpec, Texture, TextureKind
from envs.tasks.base import Task
from envs.variations import axis


@axis("color", "visual", "CIELAB Delta E", (5.0, 10.0, 15.0, 20.0, 24.0), peers=("COLOSSEUM", "LIBERO-PRO", "CLIPort"))
def color(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Another shade of each object's colour, still clearly the same colour word."""
    return replace(spec, objects=tuple(_reshade(thing, magnitude, rng) for thing in spec.objects))


CLEARLY = 0.7  # a shade is nearer to its own word's colour than this share of the distance to any other's


def _reshade(thing: ObjectSpec, magnitude: float, rng: np.random.Generator) -> ObjectSpec:
    named = named_color(thing.color)
    known = COLORS if thing.color in COLORS else {**COLORS, **MORE_COLORS}
    others = [rgb for word, rgb in known.items() if word != thing.color]

    def same_word(rgb: RGB) -> bool:
        own = difference(named, rgb)
        return all(own < CLEARLY * difference(other, rgb) for other in others)

    rgb = shifted(named, magnitude, rng, same_word)
    return replace(thing, texture=replace(thing.texture, rgb=rgb, rgb2=rgb))


TABLE_PATTERNS: tuple[TextureKind, ...] = ("wood", "tiles", "checker", "noise", "plain")
VISIBLE = 20.0  # Delta E that the table keeps from the colour of the goal's objects


@axis(
    "table",
    "visual",
    "CIELAB Delta E",
    (10.0, 20.0, 30.0, 45.0, 60.0),
    peers=("COLOSSEUM", "SimplerEnv", "LIBERO-Plus", "RoboTwin"),
)
def table(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Another table: any pattern, both of its colours away from the training table's."""
    old = spec.table.texture
    goal = [spec.object(name).texture.rgb for name in dict.fromkeys(spec.goal.names)]

    def visible(rgb: RGB) -> bool:
        return all(difference(rgb, other) > VISIBLE for other in goal)

    pattern = TABLE_PATTERNS[int(rng.integers(len(TABLE_PATTERNS)))]
    texture = Texture(
        pattern,
        shifted(old.rgb, magnitude, rng, visible),
        shifted(old.rgb2, magnitude, rng, visible),
        round(float(rng.uniform(0.1, 0.6)), 3),
        int(rng.integers(2**31)),
    )
    return replace(spec, table=replace(spec.table, texture=texture))

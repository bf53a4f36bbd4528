"""Colours, patterns and reflectance of the objects and of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from envs.color_words import same_word
from envs.colors import apart, difference, from_lab, shifted, shifted_together, to_lab
from envs.grammar import named_color
from envs.materials import material_texture
from envs.scene import RGB, ObjectSpec, SceneSpec, Texture, TextureKind
from envs.tasks.base import Task
from envs.variations import axis, vec3

REGULAR: tuple[TextureKind, ...] = ("checker", "stripes", "dots")
PATTERNS: tuple[TextureKind, ...] = (*REGULAR, "noise")
VISIBLE = 20.0  # Delta E that the table keeps from the colours of the objects


@axis(
    "object_color",
    "visual",
    "CIELAB Delta E",
    (5.0, 10.0, 15.0, 20.0, 24.0),
    peers=("COLOSSEUM", "LIBERO-PRO", "CLIPort", "VIMA", "FactorWorld"),
    changes=("objects.texture",),
)
def object_color(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Another shade of each object's colour, still clearly the same colour word.

    Peers draw any colour, and so change what is to be done where colours are named; that has an axis of its own.
    """

    def reshaded(thing: ObjectSpec) -> ObjectSpec:
        rgb = shifted(named_color(thing.color), magnitude, rng, same_word(thing.color))
        second = material_texture(thing.material, rgb).rgb2
        return replace(thing, texture=replace(thing.texture, rgb=rgb, rgb2=second))

    return replace(spec, objects=tuple(reshaded(thing) for thing in spec.objects))


@axis(
    "object_texture",
    "visual",
    "CIELAB Delta E between two colours",
    (12.0, 17.0, 22.0, 27.0, 32.0),
    peers=("COLOSSEUM", "FactorWorld", "VIMA"),
    changes=("objects.texture",),
)
def object_texture(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """A pattern of two shades on each object, both of which are clearly its colour word.

    Wood keeps its grain. Peers put pictures on objects; 36 is as far apart as two shades of orange can be.
    """

    def patterned(thing: ObjectSpec, own_rng: np.random.Generator) -> ObjectSpec:
        old = thing.texture
        grain = material_texture(thing.material, old.rgb).kind
        kind = REGULAR[int(own_rng.integers(len(REGULAR)))] if grain == "plain" else grain
        scale, seed = round(float(own_rng.uniform(*OBJECT_REPEAT_M)), 4), int(own_rng.integers(2**31))
        rgb, rgb2 = apart(old.rgb, magnitude, own_rng, same_word(thing.color), SHARES)
        return replace(thing, texture=Texture(kind, rgb, rgb2, scale, seed))

    rngs = rng.spawn(len(spec.objects))
    return replace(spec, objects=tuple(map(patterned, spec.objects, rngs)))


SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the way between the two shades that lies to one side of the old colour
OBJECT_REPEAT_M = (0.02, 0.04)  # metres that a pattern on an object repeats after
TABLE_REPEAT_M = (0.08, 0.3)


@axis(
    "object_material",
    "visual",
    "share of light mirrored",
    (0.3, 0.4, 0.5, 0.75, 1.0),
    peers=("RoboVerse",),
    applies=lambda task: task.name != "Refer",  # it asks for things by what they are made of
    changes=("objects.mirror",),
)
def object_material(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """Each object mirrors more of its light, like polished metal of its own colour.

    RoboVerse draws roughness and metallic share at random, without a dose; level 3 is the middle of all that there is.
    """
    return replace(spec, objects=tuple(replace(thing, mirror=magnitude) for thing in spec.objects))


@axis(
    "table_color",
    "visual",
    "CIELAB Delta E",
    (15.0, 35.0, 54.0, 62.0, 70.0),
    peers=("COLOSSEUM", "FactorWorld", "RoboVerse"),
    changes=("table.texture",),
)
def table_color(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The table's two colours are moved alike; its pattern and the contrast of it stay, and the objects stand out.

    COLOSSEUM draws the table's red, green and blue from U(0.25, 1): 54 away from this table in the median (level 3).
    """
    old = spec.table.texture
    stands_out = _stands_out(spec)
    rgb, rgb2 = shifted_together((old.rgb, old.rgb2), magnitude, rng, lambda new: all(map(stands_out, new)))
    return replace(spec, table=replace(spec.table, texture=replace(old, rgb=rgb, rgb2=rgb2)))


@axis(
    "table_texture",
    "visual",
    "CIELAB Delta E between two colours",
    (15.0, 30.0, 45.0, 60.0, 75.0),
    peers=("COLOSSEUM", "SimplerEnv", "LIBERO-Plus", "RoboTwin", "VLABench", "FactorWorld"),
    changes=("table.texture",),
)
def table_texture(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """Another pattern on the table, of such contrast around the old mean colour; the objects stand out from both.

    Peers swap pictures without a magnitude; the wood of the training table has 13.
    """
    old = spec.table.texture
    kind = PATTERNS[int(rng.integers(len(PATTERNS)))]
    scale, seed = round(float(rng.uniform(*TABLE_REPEAT_M)), 3), int(rng.integers(2**31))
    mean = vec3(from_lab((to_lab(old.rgb) + to_lab(old.rgb2)) / 2))
    rgb, rgb2 = apart(mean, magnitude, rng, _stands_out(spec))
    return replace(spec, table=replace(spec.table, texture=Texture(kind, rgb, rgb2, scale, seed)))


def _stands_out(spec: SceneSpec) -> Callable[[RGB], bool]:
    """Whether the objects of a scene can be told from a ground of that colour."""
    seen = {rgb for thing in spec.objects for rgb in (thing.texture.rgb, thing.texture.rgb2)}
    return lambda rgb: all(difference(rgb, other) > VISIBLE for other in seen)

"""What objects are called: by what they are for, or in colours that no training text names."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from envs.colors import difference, from_lab, to_lab
from envs.grammar import COLORS, MORE_COLORS, named_color
from envs.materials import material_texture
from envs.scene import RGB, ObjectSpec, SceneSpec
from envs.speech.hues import hue, unseen_names
from envs.speech.senses import by_sense
from envs.tasks.base import Task
from envs.variations import axis

TOLD_APART = 20.0  # Delta E between what is called by an unseen name and the table and things of other colours
NEAR = 8.0  # Delta E by which the colour that a name means may be farther than the magnitude


@cache
def names_colors(task: type[Task]) -> bool:
    """Whether the family speaks of colours."""
    return not set(COLORS).isdisjoint(task.grammar.words())


@axis(
    "common_sense",
    "semantic",
    "steps from the name (1 a class, 2 its use, 3 its color by what has it, 4 its use alone, 5 a wish)",
    (1, 2, 3, 4, 5),
    peers=("VLABench", "INT-ACT", "RoboLab"),
    stage=4,
    applies=names_colors,
)
def common_sense(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Objects are told by what they are for: `something to drink from`, and at last `i am thirsty`."""
    goal = spec.spoken or spec.goal
    lines = [by_sense(line, int(magnitude), spec, goal, rng) for line in spec.instruction.split("\n")]
    return replace(spec, instruction="\n".join(lines))


@axis(
    "unseen_color",
    "semantic",
    "Delta E from the colour of training",
    (8.0, 16.0, 24.0, 32.0, 40.0),
    peers=("CLIPort",),
    stage=6,
    applies=names_colors,
    changes=("instruction", "objects.texture"),
)
def unseen_color(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Colours have names that no training text has, and the objects are painted towards what the names mean.

    A name's own colour is at least so far from that of training as the magnitude (white and black end before); the
    objects are painted on the way there, and stay apart from those of other colours.
    """
    said = dict.fromkeys(word for word in spec.instruction.split() if word in COLORS or word in MORE_COLORS)
    words = {}
    for color in said:
        drawn = _drawn(spec, color, magnitude, rng)
        if drawn:
            name, rgb = drawn
            words[color] = name
            objects = tuple(_painted(thing, rgb) if thing.color == color else thing for thing in spec.objects)
            spec = replace(spec, objects=objects)
    lines = [" ".join(words.get(word, word) for word in line.split()) for line in spec.instruction.split("\n")]
    return replace(spec, instruction="\n".join(lines))


def _drawn(spec: SceneSpec, color: str, magnitude: float, rng: np.random.Generator) -> tuple[str, RGB] | None:
    """An unseen name for a colour, and the shade; None if nothing would be told apart from other things."""
    names = unseen_names(color)
    far = [(away, name) for away, name in names if away >= magnitude] or list(names[-1:])
    near = [item for item in far if item[0] < magnitude + NEAR] or far[:1]
    order = [near[i] for i in rng.permutation(len(near))]
    others = [thing.texture.rgb for thing in spec.objects if thing.color != color] + [spec.table.texture.rgb]
    for away, name in (*order, *(item for item in far if item not in near)):
        rgb = _towards(named_color(color), hue(name), min(magnitude / away, 1.0))
        if all(difference(rgb, other) > TOLD_APART for other in others):
            return name, rgb
    return None


def _towards(start: RGB, end: RGB, share: float) -> RGB:
    """The colour so far on the way from one to another in CIELAB, as far as it can be shown."""
    lab = to_lab(start) + share * (to_lab(end) - to_lab(start))
    r, g, b = (round(float(value), 4) for value in np.clip(from_lab(lab), 0.0, 1.0))
    return r, g, b


def _painted(thing: ObjectSpec, rgb: RGB) -> ObjectSpec:
    pattern = material_texture(thing.material, rgb)
    return replace(thing, texture=replace(thing.texture, rgb=pattern.rgb, rgb2=pattern.rgb2))

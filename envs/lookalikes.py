"""Things that look alike, so that each word of a description is needed. Says nothing of where they stand.

Knows no task.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from envs.grammar import COLORS
from envs.referring import COMPARATIVES, SUPERLATIVES, THINGS, Description
from envs.scene import ObjectSpec
from envs.tasks.base import make_thing

GRASPED = ("block", "cylinder", "ball")
LANDMARKS = ("bowl", "plate")
TOLD = ("metal", "wood")  # materials that can be told from plastic by their look
SIZES = {  # small, middle, large; metres
    "block": ((0.03, 0.03, 0.03), (0.038, 0.038, 0.038), (0.047, 0.047, 0.047)),
    "cylinder": ((0.015, 0.05), (0.019, 0.066), (0.024, 0.08)),
    "ball": ((0.017,), (0.022,), (0.028,)),
    "bowl": ((0.045, 0.03), (0.055, 0.036), (0.065, 0.042)),
    "plate": ((0.045, 0.012), (0.056, 0.014), (0.068, 0.018)),
}
SMALL, MIDDLE, LARGE = range(3)


def lookalikes(description: Description, rng: np.random.Generator) -> tuple[ObjectSpec, ...]:
    """Objects of which a description may mean one, once they stand somewhere; their names are all different.

    Three that share its noun (one where the noun alone tells, any kinds where it is `thing`), one of another kind, and
    the landmark with one that it could be mistaken for.
    """
    colors = [color for color in COLORS if color != description.color]
    colors = [colors[i] for i in rng.permutation(len(colors))]
    if description.noun in THINGS:
        kinds = [GRASPED[i] for i in rng.integers(len(GRASPED), size=3)]
        things = [_made(description.color, kinds[0])]
        things += [_made(color, kind) for color, kind in zip(colors, (kinds[0], *kinds[1:]), strict=False)]
    elif description.way == "shape":
        others = [kind for kind in GRASPED if kind != description.noun]
        things = [_made(colors[0], description.noun), *(_made(colors[0], kind) for kind in others)]
        things.append(_made(colors[1], others[int(rng.integers(len(others)))]))
    else:
        things = _of_one_kind(description, colors, rng)
        others = [kind for kind in GRASPED if kind != description.noun]
        things.append(_made(colors[3], others[int(rng.integers(len(others)))]))
    if description.landmark is not None:
        things = [*things[:3], *_two_landmarks(description.landmark, rng)]
    return _named(things)


def _of_one_kind(description: Description, colors: Sequence[str], rng: np.random.Generator) -> list[ObjectSpec]:
    """Three things with the noun of a description, of which it may mean one."""
    kind, pick = description.noun, description.pick
    sizes = [MIDDLE] * 3
    if pick in COMPARATIVES:
        sizes = [SMALL, LARGE, int(rng.choice((SMALL, LARGE)))]
    elif pick in SUPERLATIVES:
        sizes = [SMALL, MIDDLE, LARGE]
    hues, materials = list(colors[:3]), ["plastic"] * 3
    if description.color:
        hues = [description.color, description.color, colors[0]]
    if description.material:
        other = next(word for word in TOLD if word != description.material)
        materials = [description.material, other, description.material if description.color else "plastic"]
    if description.negated in TOLD:
        materials = ["plastic", description.negated, description.negated]
    elif description.negated:
        left = [color for color in colors if color != description.negated]
        hues = [left[0], description.negated, description.negated]
    things = [_made(*made) for made in zip(hues, [kind] * 3, sizes, materials, strict=True)]
    return things[:2] if pick in COMPARATIVES and not description.color else things


def _two_landmarks(mark: Description, rng: np.random.Generator) -> list[ObjectSpec]:
    """Two things with the noun of a landmark, in different colours, of which the landmark may be one."""
    colors = [mark.color] if mark.color else []
    colors += [str(color) for color in rng.permutation([color for color in COLORS if color != mark.color])]
    sizes = (SMALL, LARGE) if mark.pick in COMPARATIVES else (MIDDLE, MIDDLE)
    return [_made(color, mark.noun, size) for color, size in zip(colors, sizes, strict=False)]


def _made(color: str, kind: str, size: int = MIDDLE, material: str = "plastic") -> ObjectSpec:
    return make_thing(color, kind, SIZES[kind][size], material)


def _named(things: Sequence[ObjectSpec]) -> tuple[ObjectSpec, ...]:
    """The things, with a number after the names that are there already."""
    seen: Counter[str] = Counter()
    named = []
    for thing in things:
        seen[thing.name] += 1
        number = seen[thing.name]
        named.append(replace(thing, name=f"{thing.name}_{number}") if number > 1 else thing)
    return tuple(named)

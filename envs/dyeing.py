"""The same demonstration with other colours: things exchange theirs, and the instruction says so.

A demonstration is stored as poses, so that it can be drawn, and told, in any colours; what was done stays right.
Colours are exchanged one for one, over the whole scene: what was told apart by its colour still is, and what was not
still is not. Only colours that training has are exchanged, those of fixtures alone among themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.grammar import COLORS, MORE_COLORS
from envs.tasks.fixture_base import FIXTURE_COLORS

GROUPS = (tuple(COLORS), tuple(color for color in FIXTURE_COLORS if color not in COLORS))
SHADES = {**COLORS, **MORE_COLORS}


@dataclass(frozen=True)
class ColorExchange:
    """Exchanges colours (`vla.views.Exchange`)."""

    def draw(self, rng: np.random.Generator) -> Mapping[str, str]:
        """For each colour word the one that takes its place."""
        found: dict[str, str] = {}
        for colors in GROUPS:
            found.update(zip(colors, rng.permutation(np.array(colors)).tolist(), strict=True))
        return found

    def scene(self, spec: dict[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
        """A scene, as it is stored, in other colours; a shade stays as far from its colour as it was."""
        return {**spec, "objects": [_dyed(thing, words) for thing in spec["objects"]]}


def _dyed(thing: dict[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    color = words.get(thing["color"], thing["color"])
    change = np.subtract(SHADES[color], SHADES[thing["color"]]) if color != thing["color"] else np.zeros(3)
    shades = {
        name: np.clip(np.add(thing["texture"][name], change), 0.0, 1.0).round(4).tolist() for name in ("rgb", "rgb2")
    }
    return {**thing, "color": color, "texture": {**thing["texture"], **shades}}

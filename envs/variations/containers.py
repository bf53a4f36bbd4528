"""Other containers and places for the same use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from envs.exchange import exchanged, loose
from envs.layout import radius
from envs.objects import object_kind
from envs.scene import ObjectSpec, SceneSpec
from envs.tasks.base import Task
from envs.variations import axis

SWAPS: Mapping[str, tuple[str, ...]] = {  # family -> kinds that it never shows as a place, and that do as one
    "PlaceInto": ("crate", "tray", "cup", "mug"),
    "PlaceRelative": ("tray", "mug"),
    "PlaceOn": ("tray",),
    "PutIn": ("bowl", "plate"),
}
ROOM = 0.005  # metres around the widest thing that must fit, at least
BESIDE = "PlaceRelative"  # the family whose things are put beside a place, not into it


@axis(
    "container_swapped",
    "object",
    "share by which the opening is narrower, at most",
    (0.05, 0.15, 0.25, 0.35, 0.45),
    peers=("COLOSSEUM", "VIMA", "INT-ACT"),
    stage=0,
    applies=lambda task: task.name in SWAPS,
)
def container_swapped(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """Bowls, plates, boxes, cups are others that the family never shows, the narrower the higher the level.

    All that has to fit still does, with `ROOM` around it.
    """
    widest = max(radius(replace(thing, roll=0.0)) for thing in loose(spec, task))
    least = 0.0 if task.name == BESIDE else widest + ROOM

    def draw(rng: np.random.Generator) -> list[ObjectSpec]:
        now = {thing.name: thing for thing in spec.objects}
        for thing in (o for o in spec.objects if _is_place(o, task)):
            others = {(other.color, other.kind) for other in now.values() if other.name != thing.name}
            free = [kind for kind in SWAPS[task.name] if (thing.color, kind) not in others]
            if free:
                opening = max(opening_of(thing) * (1 - magnitude), min(least, opening_of(thing)))
                now[thing.name] = _container(thing, free[int(rng.integers(len(free)))], opening)
        return list(now.values())

    return exchanged(spec, draw, task, rng)


def opening_of(thing: ObjectSpec) -> float:
    """Radius of what a container, or a place, has room for, metres."""
    return object_kind(thing.kind).inner_radius(thing.size) or min(thing.size[:2]) / 2


def _is_place(thing: ObjectSpec, task: Task) -> bool:
    """Whether something may be put into it (or onto it), and it is no loose thing itself."""
    places = (*task.grammar.place_kinds, "bowl", "plate")
    return (not thing.distractor and thing.role in places and radius(thing) > 0.04) or thing.role in ("cup", "mug")


def _container(thing: ObjectSpec, kind: str, opening: float) -> ObjectSpec:
    """A container of a kind with that opening (radius, metres), in the role of a thing."""
    default = object_kind(kind)
    share = opening / default.inner_radius(default.default_size)
    wide = 2 if default.size_names[0] == "x" else 1  # entries of its size that make up its width
    size = tuple(round(s * share, 5) if i < wide else s for i, s in enumerate(default.default_size))
    if wide == 2:
        size = (min(size[:2]), min(size[:2]), size[2])
    size = tuple(round(s + _missing(kind, size, opening), 5) if i < wide else s for i, s in enumerate(size))
    mass = max(thing.mass, 0.3)
    return replace(thing, kind=kind, size=size, mass=mass, instead_of=thing.role, yaw=0.0)


def _missing(kind: str, size: tuple[float, ...], opening: float) -> float:
    """Metres by which the first entries of a size must grow so that the opening is as wide as it should be."""
    found = object_kind(kind)
    grown = tuple(s + 0.001 for s in size[:-1]) + size[-1:]
    now = found.inner_radius(size)
    return 0.001 * (opening - now) / (found.inner_radius(grown) - now)

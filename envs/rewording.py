"""Rewording: the same instruction, but with its objects referred to in other ways. Knows no task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from envs.grammar import phrase
from envs.objects import object_kind
from envs.reading import mentioned, misunderstood
from envs.referring import Way, references
from envs.scene import GoalSpec, ObjectSpec, SceneSpec

WAYS_BY_LEVEL: Mapping[int, tuple[Way, ...]] = {
    1: ("color", "shape", "size", "material"),
    2: ("position",),
    3: ("relation",),
    4: ("order", "negation"),
    5: ("nested",),
}
LASTING: tuple[Way, ...] = ("color", "shape", "size", "material", "negation")  # stay true when things are moved


def reworded(sentence: str, spec: SceneSpec, goal: GoalSpec, level: int, rng: np.random.Generator) -> str:
    """A sentence with each of the goal's objects referred to in a way of `level`, where there is one in the scene.

    Where there is none, a way of the nearest other level is taken; an object that the sentence does not name by colour
    and kind, or that nothing else refers to clearly, keeps its words. In a goal of several parts, where things may have
    been moved before they are spoken of, only `LASTING` ways are used.
    """
    plain = {name: text for name in dict.fromkeys(goal.names) if (text := _plain(sentence, spec.object(name)))}
    slots = sentence
    for number, text in enumerate(plain.values()):
        slots = slots.replace(text, f"<{number}>")
    said = dict(plain)
    for name in plain:
        for text in _choices(spec, name, level, rng, lasting=bool(goal.parts)):
            tried = _filled(slots, {**said, name: text})
            lines = tried.split("\n")
            if any(misunderstood(line, spec, goal) for line in lines):
                continue
            if set(plain) <= {found for line in lines for found in mentioned(line, spec)}:
                said[name] = text
                break
    return _filled(slots, said)


def _plain(sentence: str, thing: ObjectSpec) -> str:
    """How a sentence names a thing by colour and kind, synonyms included; empty if it does not."""
    synonyms = range(-1, len(object_kind(thing.kind).noun.synonyms))
    texts = (phrase(thing.color, thing.kind, synonym) for synonym in synonyms)
    return next((text for text in texts if f"{text} " in f"{sentence} "), "")


def _filled(slots: str, said: Mapping[str, str]) -> str:
    for number, text in enumerate(said.values()):
        slots = slots.replace(f"<{number}>", text)
    return slots


def _choices(spec: SceneSpec, name: str, level: int, rng: np.random.Generator, *, lasting: bool) -> Sequence[str]:
    """Descriptions that denote the object: nearest level first, then those without its colour, then in random order."""
    choices: list[str] = []
    one_material = len({thing.material for thing in spec.objects}) == 1  # then to name it tells nothing
    for near in sorted(WAYS_BY_LEVEL, key=lambda other: (abs(other - level), other)):
        ways = [way for way in WAYS_BY_LEVEL[near] if way in LASTING or not lasting]
        found = [d for d in references(spec, name, ways) if not (one_material and d.material)]
        drawn = [found[i] for i in rng.permutation(len(found))]
        drawn.sort(key=lambda description: bool(description.color) and description.way != "color")
        choices += [description.text() for description in drawn]
    return choices

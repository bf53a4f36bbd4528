"""Speaking of what is not there: the same sentence about an object that the scene has not. Knows no task.

A listener who checks what is meant finds nothing that fits, and has to leave everything as it is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from envs.grammar import MORE_COLORS
from envs.objects import OBJECT_KINDS
from envs.reading import is_plural, mentions
from envs.referring import THINGS, Description, kinds_called
from envs.scene import SceneSpec

ONLY_THINGS = frozenset({*THINGS, *(f"{word}s" for word in THINGS)})


def about_absent(
    sentence: str,
    spec: SceneSpec,
    kinds: Mapping[str, Sequence[str]],
    colors: Sequence[str],
    rng: np.random.Generator,
) -> str:
    """A sentence with what it wants to be acted on replaced by something of which the scene has none.

    Args:
        sentence: An instruction in words that `envs.reading` reads.
        spec: The scene.
        kinds: For the name of each object that is replaced, the kinds that may be named in its place; for an empty name
            the same of a group.
        colors: Colours that may be named.
        rng: Which of them is.

    Returns:
        The new sentence; the old one if nothing in it could be replaced.
    """
    exchanged: dict[str, str] = {}
    for line in sentence.split("\n"):
        for mention in mentions(line, spec):
            said, names = mention.description, {thing.name for thing in mention.things}
            name = "" if is_plural(said.noun) else " ".join(sorted(names))
            if names and name in kinds and said.text() not in exchanged:
                exchanged[said.text()] = _none_such(said, spec, colors, kinds[name], set(exchanged.values()), rng)
    if not exchanged:
        return _other_things(sentence, spec, kinds.get("", ()), rng)
    pattern = "|".join(re.escape(text) for text in sorted(exchanged, key=len, reverse=True))
    return re.sub(rf"\b({pattern})\b", lambda found: exchanged[found.group()], sentence)


def _none_such(
    said: Description,
    spec: SceneSpec,
    colors: Sequence[str],
    kinds: Sequence[str],
    taken: set[str],
    rng: np.random.Generator,
) -> str:
    """The description with another colour and noun, so that nothing fits it; of the same form where there is one."""
    plural = is_plural(said.noun)
    nouns = [OBJECT_KINDS[kind].noun.many if plural else OBJECT_KINDS[kind].noun.word for kind in kinds]
    only_color = said.noun in ONLY_THINGS and said.color
    forms = [
        (colors if said.color else ("",), (said.noun,) if only_color else nouns),
        (colors, nouns),
        (tuple(MORE_COLORS), nouns),
    ]
    for form in forms:
        found = [
            replace(said, color=color, noun=noun)
            for color, noun in itertools.product(*form)
            if not Description(noun, color).denotes(spec)
        ]
        free = [description.text() for description in found if description.text() not in taken]
        if free:
            return free[int(rng.integers(len(free)))]
    raise ValueError(f"the scene has everything that could be named in place of {said.text()!r}")


def _other_things(sentence: str, spec: SceneSpec, kinds: Sequence[str], rng: np.random.Generator) -> str:
    """A sentence about any `thing` turned into one about things of a kind that the scene has not."""
    present = {thing.kind for thing in spec.objects}
    nouns = [OBJECT_KINDS[kind].noun for kind in kinds if not kinds_called(OBJECT_KINDS[kind].noun.word) & present]
    if not nouns:
        return sentence
    noun = nouns[int(rng.integers(len(nouns)))]
    several = re.sub(rf"\b{THINGS[0]}s\b", noun.many, sentence)
    return re.sub(rf"\b{THINGS[0]}\b", noun.word, several)

"""Words never seen in training for words that were: verbs, nouns, adjectives and adverbs, each in its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from envs.objects import OBJECT_KINDS
from envs.reading import ADJECTIVES, heads, misunderstood
from envs.referring import THINGS
from envs.scene import GoalSpec, SceneSpec
from envs.speech.hues import COLOR_OF

VERBS: Mapping[str, tuple[str, ...]] = {  # only where a clause begins: `place` is also a noun, `push` is in no other
    "brush": ("whisk",),
    "close": ("seal",),
    "collect": ("gather",),
    "cover": ("conceal",),
    "exchange": ("switch",),
    "find": ("locate", "discover"),
    "flip": ("tilt",),
    "go": ("travel",),
    "grasp": ("grip",),
    "group": ("cluster",),
    "hide": ("conceal",),
    "lay": ("rest",),
    "lift": ("hoist", "elevate"),
    "line up": ("align",),
    "look": ("peek",),
    "make": ("form",),
    "move": ("shift",),
    "open": ("unseal",),
    "pick up": ("grab",),
    "pick it up": ("grab it",),
    "place": ("deposit", "position"),
    "press on": ("tap on",),
    "press": ("depress",),
    "pull": ("tug",),
    "push": ("nudge",),
    "put": ("set", "deposit"),
    "raise": ("hoist", "elevate"),
    "reach": ("contact",),
    "remove": ("take",),
    "rotate": ("revolve", "swivel"),
    "shove": ("thrust",),
    "slide": ("drag",),
    "sort": ("organize", "arrange"),
    "stack": ("pile",),
    "stand": ("prop",),
    "swap": ("switch",),
    "sweep": ("whisk",),
    "touch": ("tap", "contact"),
    "turn": ("twist", "swivel"),
    "unstack": ("unpile",),
}
OTHERS: Mapping[str, tuple[str, ...]] = {  # outside noun phrases
    "a little": ("slightly",),
    "all the way": ("completely", "entirely"),
    "base": ("bottom",),
    "closer": ("nearer",),
    "color": ("hue",),
    "gripper": ("claw",),
    "halfway": ("midway",),
    "middle": ("center",),
    "on top of": ("atop",),
    "places": ("positions", "locations"),
    "room": ("space",),
    "row": ("queue",),
    "shape": ("form",),
    "shut": ("closed",),
    "table": ("desk",),
    "thing": ("item", "object"),
    "things": ("items", "objects"),
    "tower": ("column",),
    "upright": ("vertical",),
}
BEFORE_VERBS = ("then", "first", "and")
LONGEST = 3  # words of a key
Exchange = tuple[int, int, tuple[str, ...]]  # first and last + 1 of the words that are exchanged, and for what


def with_synonyms(line: str, share: float, spec: SceneSpec, goal: GoalSpec, rng: np.random.Generator) -> str:
    """A line in which a share of the content words that have synonyms are exchanged for one, one at least.

    Those that are exchanged at a smaller share stay so. A synonym that would make the line ambiguous is not used.
    """
    tokens = line.split()
    places = list(_places(tokens))
    order = [places[i] for i in rng.permutation(len(places))]
    drawn = {(first, last): options[int(rng.integers(len(options)))] for first, last, options in order}
    chosen: dict[tuple[int, int], str] = {}
    for first, last, _ in order:
        if len(chosen) >= max(1, int(share * len(places) + 0.5)):
            break
        tried = {**chosen, (first, last): drawn[first, last]}
        if not misunderstood(_exchanged(tokens, tried), spec, goal):
            chosen = tried
    return _exchanged(tokens, chosen)


def content_words(line: str) -> int:
    """How many words (or phrases) of a line have synonyms here."""
    return len(list(_places(line.split())))


def _exchanged(tokens: Sequence[str], chosen: Mapping[tuple[int, int], str]) -> str:
    said = list(tokens)
    for first, last in sorted(chosen, reverse=True):
        said[first:last] = [chosen[first, last]]
    return " ".join(said)


def _places(tokens: Sequence[str]) -> Iterator[Exchange]:
    """Where synonyms may stand, from left to right."""
    named: set[int] = set()
    for head in heads(tokens):
        named |= set(range(head.start, head.end))
        for i in range(head.start + 1, head.noun):
            if tokens[i] in _ADJECTIVES:
                yield i, i + 1, _ADJECTIVES[tokens[i]]
        if options := _nouns(" ".join(tokens[head.noun : head.end])):
            yield head.noun, head.end, options
    at = 0
    while at < len(tokens):
        begins = at == 0 or tokens[at - 1] in BEFORE_VERBS
        for length in range(LONGEST, 0, -1):
            key = " ".join(tokens[at : at + length])
            options = VERBS.get(key, ()) if begins else OTHERS.get(key, ())
            if options and not named & set(range(at, at + length)):
                yield at, at + length, options
                at += length - 1
                break
        at += 1


def _nouns(word: str) -> tuple[str, ...]:
    """Synonyms of a noun, in the same number."""
    if word in THINGS:
        return THINGS[1:]
    if word in [f"{thing}s" for thing in THINGS]:
        return tuple(f"{thing}s" for thing in THINGS[1:])
    for kind in (OBJECT_KINDS[name].noun for name in OBJECT_KINDS):
        if word == kind.word:
            return kind.synonyms
        if word == kind.many:
            return tuple(f"{synonym}s" for synonym in kind.synonyms)
    return ()


_COLORS = {"red": "scarlet", "green": "emerald", "blue": "azure", "yellow": "lemon", "purple": "violet"}
_COLORS |= {"orange": "tangerine", "pink": "rose", "cyan": "turquoise", "white": "ivory", "black": "ebony"}
_ADJECTIVES: Mapping[str, tuple[str, ...]] = {
    **{color: (name,) for color, name in _COLORS.items() if COLOR_OF[name] == color},
    **{known: (new,) for new, known in ADJECTIVES.items()},
}

"""Reading noun phrases: from the words of an instruction back to descriptions, and from those to objects.

What `envs.referring.Description.text` writes is read by the same grammar, so that every instruction can be checked for
what a listener would take it to mean. Knows no task.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from envs.grammar import COLORS, MORE_COLORS, words
from envs.materials import MATERIALS
from envs.objects import OBJECT_KINDS
from envs.referring import (
    COMPARATIVES,
    DISTANCES,
    EXTREMES,
    FROM,
    NEGATION,
    ORDINALS,
    RELATIONS,
    ROBOT,
    SUPERLATIVES,
    THINGS,
    Description,
)
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.speech.hues import COLOR_OF

PICKS = frozenset({*COMPARATIVES, *SUPERLATIVES, *EXTREMES, *ORDINALS})
COLOR_WORDS = frozenset({*COLORS, *MORE_COLORS})
ADJECTIVES: Mapping[str, str] = {  # words never seen in training, and those that mean the same
    "bigger": "larger",
    "biggest": "largest",
    "closest": "nearest",
    "furthest": "farthest",
    "metallic": "metal",
    "tinier": "smaller",
    "tiniest": "smallest",
    "wooden": "wood",
}
SAME: Mapping[str, str] = {**ADJECTIVES, **COLOR_OF}
Found = tuple[Description, int]  # a description, and the number of the word after it


def parse(text: str) -> Description:
    """The description that a noun phrase is. Raises ValueError if it is none."""
    tokens = _tokens(text)
    for description, end in _phrases(tokens, 0):
        if end == len(tokens):
            return description
    raise ValueError(f"{text!r} is not a noun phrase; expected for example 'the red block' or 'the leftmost cylinder'")


@dataclass(frozen=True)
class Mention:
    """A noun phrase in an instruction, and what it denotes in a scene."""

    description: Description
    things: tuple[ObjectSpec, ...]


def mentions(sentence: str, spec: SceneSpec) -> tuple[Mention, ...]:
    """The noun phrases of a sentence, from left to right, without those inside another.

    Each is as long as it can be while it denotes exactly one object (`the red block behind the bowl` is one phrase if
    there is such a block, else the bowl is where the red block should go); if it never does, as long as it can be.
    """
    tokens, found, start = _tokens(sentence), [], 0
    while start < len(tokens):
        read = sorted(_phrases(tokens, start), key=lambda item: -item[1])
        told = [Mention(description, description.denotes(spec)) for description, _ in read]
        best = next((i for i, mention in enumerate(told) if len(mention.things) == 1), 0)
        if read:
            found.append(told[best])
        start = read[best][1] if read else start + 1
    return tuple(found)


@dataclass(frozen=True)
class Head:
    """An article with adjectives and a noun, by the numbers of its first word, its noun and the word after it."""

    description: Description
    start: int
    noun: int
    end: int


def heads(tokens: Sequence[str]) -> tuple[Head, ...]:
    """Every article with adjectives and noun among words, from left to right, those of landmarks included."""
    same, found, start = [SAME.get(token, token) for token in tokens], [], 0
    while start < len(same):
        read = list(_heads(same, start)) if same[start] == "the" else []
        if read:
            description, noun, end = read[-1]
            found.append(Head(description, start, noun, end))
        start = read[-1][2] if read else start + 1
    return tuple(found)


def misunderstood(sentence: str, spec: SceneSpec, goal: GoalSpec) -> str:
    """What is wrong with a sentence for a goal of the scene; empty if a listener gets it right.

    Every singular noun phrase must denote exactly one object, and one that the goal is about. A plural one means a
    group (`look under the covers`), and only has to denote something.
    """
    for mention in mentions(sentence, spec):
        names = [thing.name for thing in mention.things]
        if is_plural(mention.description.noun) and names:
            continue
        if len(names) != 1:
            return f"{mention.description.text()!r} means {names}: not one object"
        if not set(names) <= set(goal.names):
            return f"{mention.description.text()!r} means {names}; the goal is about {list(goal.names)}"
    return ""


def mentioned(sentence: str, spec: SceneSpec) -> frozenset[str]:
    """Names of all objects that the noun phrases of a sentence denote, those inside others included."""
    names: set[str] = set()
    for mention in mentions(sentence, spec):
        for description in (mention.description, *mention.description.landmarks()):
            names |= {thing.name for thing in description.denotes(spec)}
    return frozenset(names)


def is_plural(noun: str) -> bool:
    """Whether a noun is the plural of a kind or of `THINGS`."""
    return noun in _nouns()[1]


@functools.cache
def _nouns() -> tuple[frozenset[str], frozenset[str]]:
    """All nouns, and those of them that are plurals."""
    kinds = [OBJECT_KINDS[name].noun for name in OBJECT_KINDS]
    plurals = {noun.many for noun in kinds} | {f"{word}s" for word in THINGS}
    plurals |= {f"{word}s" for noun in kinds for word in noun.synonyms}
    singular = {word for noun in kinds for word in (noun.word, *noun.synonyms)} | set(THINGS)
    return frozenset(singular | plurals), frozenset(plurals - singular)


def _tokens(text: str) -> tuple[str, ...]:
    """The words of a text, those never seen in training replaced by those that mean the same."""
    return tuple(SAME.get(word, word) for word in words(text))


def _phrases(tokens: Sequence[str], start: int) -> Iterator[Found]:
    """Every noun phrase that begins at a word."""
    if start >= len(tokens) or tokens[start] != "the":
        return
    for description, _, after in _heads(tokens, start):
        for head, end in _counted(description, tokens, after):
            yield from _related(head, tokens, end)


def _heads(tokens: Sequence[str], start: int) -> Iterator[tuple[Description, int, int]]:
    """Every article with adjectives and noun that begins at a word; where the noun is, and the word after it."""
    at, chosen = start + 1, []
    for known in (PICKS, COLOR_WORDS, MATERIALS):
        word = tokens[at] if at < len(tokens) and tokens[at] in known else ""
        chosen.append(word)
        at += bool(word)
    pick, color, material = chosen
    for length in (1, 2):
        noun = " ".join(tokens[at : at + length])
        if noun in _nouns()[0] and at + length <= len(tokens):
            yield Description(noun, color, material, pick), at, at + length


def _counted(head: Description, tokens: Sequence[str], at: int) -> Iterator[Found]:
    """A head with what says from where an ordinal counts, and what it is not."""
    if head.pick in ORDINALS:
        side = tokens[at + 2] if tuple(tokens[at : at + 2]) == ("from", "the") and at + 2 < len(tokens) else ""
        if side not in FROM:
            return
        head, at = replace(head, side=side), at + 3
    yield head, at
    negation = tuple(NEGATION.split())
    after = at + len(negation)
    if tuple(tokens[at:after]) == negation and after < len(tokens):
        word = tokens[after]
        if word in COLOR_WORDS or word in MATERIALS:
            yield replace(head, negated=word), after + 1


def _related(head: Description, tokens: Sequence[str], at: int) -> Iterator[Found]:
    """A head alone, and with each relation that follows it."""
    yield head, at
    for relation in (*RELATIONS, *DISTANCES):
        link = relation.split()
        after = at + len(link)
        if list(tokens[at:after]) != link:
            continue
        if relation in DISTANCES and list(tokens[after : after + 2]) == ROBOT.split():
            yield replace(head, relation=relation), after + 2
        for landmark, end in _phrases(tokens, after):
            yield replace(head, relation=relation, landmark=landmark), end

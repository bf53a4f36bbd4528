"""The things that a sentence names, in anybody's words: with or without articles, with synonyms and unknown names.

`envs.reading` reads what the toolkit writes, strictly; here nothing is refused. Knows no task.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from envs.grammar import COLORS, MORE_COLORS
from envs.materials import MATERIALS
from envs.objects import OBJECT_KINDS, object_kind
from envs.reading import ADJECTIVES, PICKS
from envs.referring import THINGS
from envs.speech.hues import COLOR_OF
from envs.speech.typing_errors import SHORTEST, slips

INTO, ONTO = ("into", "in", "inside", "within"), ("onto", "on", "upon")
DETERMINERS = ("the", "a", "an", "my", "your", "that", "this", "some", "any", "all", "every", "one")
SIZES = ("big", "large", "little", "small", "tiny")  # said of a thing, but nothing is read from it
ONES = frozenset({*THINGS, "item", "one"})  # nouns of anything
SEVERAL = frozenset(f"{word}s" for word in ONES)
VERBAL = frozenset({"angle", "bear", "can", "cover", "figure", "post", "square", "stake"})  # nouns after an article
LONGEST = 3  # words of a noun
STRANGE = 2  # words of a name that nobody knows, at most


@dataclass(frozen=True)
class Named:
    """A thing as a sentence names it; a colour or a kind that is left open is empty."""

    color: str = ""
    kind: str = ""

    def text(self) -> str:
        """For a line of output: `red block`, `red thing`, `something`."""
        if not self.color and not self.kind:
            return "something"
        return f"{self.color} {object_kind(self.kind).noun.word if self.kind else THINGS[0]}".strip()


@dataclass(frozen=True)
class Phrase:
    """A thing, or a group of them, named by some words of a sentence.

    Attributes:
        start: Number of its first word.
        end: Number of the word after it.
        color: A colour, or empty.
        kinds: What its noun may mean; empty for anything, and for a name that nobody knows.
        noun: The noun in the words of training; empty where nobody knows it.
        picks: Words that pick one of several (`leftmost`), and materials.
        several: Whether it is a plural.
        strange: The name that nobody knows, or empty.
    """

    start: int
    end: int
    color: str
    kinds: frozenset[str]
    noun: str
    picks: tuple[str, ...] = ()
    several: bool = False
    strange: str = ""

    def named(self, kinds: Collection[str]) -> Named:
        """What it names in a role of some kinds, which may be another kind; a name that nobody knows names nothing."""
        if self.strange:
            return Named()
        fit = self.kinds & set(kinds)
        if fit:
            return Named(self.color, min(fit) if len(fit) == 1 else "")
        return Named(self.color, min(self.kinds, default=""))


def phrases(tokens: Sequence[str], known: Collection[str] = ()) -> tuple[Phrase, ...]:
    """The things that words name, from left to right; with words that are `known`, others may be names too."""
    found, start = [], 0
    while start < len(tokens):
        phrase = _phrase(tokens, start, known)
        if phrase is not None:
            found.append(phrase)
        start = phrase.end if phrase is not None else start + 1
    return tuple(found)


def canonical(tokens: Sequence[str], found: Sequence[Phrase]) -> str:
    """The words with every thing in the words of training."""
    parts, at = [], 0
    for phrase in found:
        parts += [ADJECTIVES.get(token, token) for token in tokens[at : phrase.start]]
        noun = phrase.strange or phrase.noun
        parts += filter(None, ("the", *(p for p in phrase.picks if p in PICKS), phrase.color))
        parts += [*(p for p in phrase.picks if p not in PICKS), noun]
        at = phrase.end
    return " ".join([*parts, *(ADJECTIVES.get(token, token) for token in tokens[at:])])


def corrected(tokens: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The words with one typing error each put right, where that makes a word that is known."""
    return tuple(token if token in known else _meant(token, known) for token in tokens)


def _meant(token: str, known: Collection[str]) -> str:
    near = (word for word in known if len(word) > SHORTEST and word[0] == token[0] and token in slips(word))
    return min(near, default=token)


def _phrase(tokens: Sequence[str], start: int, known: Collection[str]) -> Phrase | None:
    """The longest thing that begins at a word; None if none does."""
    at = start
    while at < len(tokens) and tokens[at] in DETERMINERS and not (at > start and tokens[at] == "one"):
        at += 1
    told = at > start
    color, picks, at = _adjectives(tokens, at)
    if known and told:
        after = _strangers(tokens, at, known)
        if after > at and _noun(tokens, after) is None:
            return Phrase(start, after, color, frozenset(), "", picks, strange=" ".join(tokens[at:after]))
        at = after  # an adjective that nobody knows
    read = _noun(tokens, at)
    if read is not None and (told or color or tokens[at] not in VERBAL):
        kinds, noun, several, length = read
        return Phrase(start, at + length, color, kinds, noun, picks, several)
    return Phrase(start, at, color, frozenset(), THINGS[0], picks) if told and color else None


def _adjectives(tokens: Sequence[str], at: int) -> tuple[str, tuple[str, ...], int]:
    """Colour, other adjectives in the words of training, and the number of the word after them."""
    color, picks = "", []
    while at < len(tokens):
        word = ADJECTIVES.get(tokens[at], tokens[at])
        if _noun(tokens, at) is not None and word not in colors_of():
            break  # `square peg`
        if word in colors_of():
            color = colors_of()[word]
        elif word in PICKS or word in MATERIALS:
            picks.append(word)
        elif word not in SIZES:
            break
        at += 1
    return color, tuple(picks), at


def _strangers(tokens: Sequence[str], at: int, known: Collection[str]) -> int:
    """Number of the word after those, from `at` on, that nobody knows."""
    end = at
    while end < min(len(tokens), at + STRANGE) and tokens[end] not in known:
        end += 1
    return end


def _noun(tokens: Sequence[str], at: int) -> tuple[frozenset[str], str, bool, int] | None:
    """Kinds, noun in the words of training, whether plural, and number of words of the noun at a word."""
    for length in range(LONGEST, 0, -1):
        text = " ".join(tokens[at : at + length])
        if at + length <= len(tokens) and text in _nouns():
            return (*_nouns()[text], length)
    return None


@functools.cache
def _nouns() -> Mapping[str, tuple[frozenset[str], str, bool]]:
    """Every noun with the kinds that it may mean, the noun of training, and whether it is a plural."""
    table: dict[str, tuple[frozenset[str], str, bool]] = {}

    def add(text: str, kind: str, noun: str, several: bool = False) -> None:
        before = table.get(text)
        if before is None or before[1:] == (noun, several):
            table[text] = (frozenset({kind, *(before[0] if before else ())}), noun, several)

    kinds = {name: object_kind(name).noun for name in OBJECT_KINDS if object_kind(name).noun.word not in ONES}
    for name, noun in kinds.items():
        add(noun.word, name, noun.word)
        add(noun.many, name, noun.many, several=True)
    for name, noun in kinds.items():  # a word of training means what it means there, before it is a synonym
        for word in noun.synonyms:
            add(word, name, noun.word)
            add(f"{word}s", name, noun.many, several=True)
    whole = set(table)
    for name, noun in kinds.items():
        last = noun.word.split()[-1]
        if last not in whole and len(last) > 1 and not name.startswith("digit"):  # `the button`, whatever its shape
            table[last] = (frozenset({name, *(table[last][0] if last in table else ())}), last, False)
    table |= {word: (frozenset(), THINGS[0], False) for word in ONES}
    return table | {word: (frozenset(), f"{THINGS[0]}s", True) for word in SEVERAL}


def nouns_of(kind: str) -> tuple[str, ...]:
    """What one thing of a kind may be called."""
    noun = object_kind(kind).noun
    return (noun.word, *noun.synonyms)


@functools.cache
def colors_of() -> Mapping[str, str]:
    """Every word for a colour, and the colour of training (or of the rest) that it means."""
    return {**COLOR_OF, **{word: word for word in (*COLORS, *MORE_COLORS)}, "grey": "gray"}


@functools.cache
def naming_words() -> frozenset[str]:
    """Every word that may stand in the name of a thing."""
    nouns = {word for noun in _nouns() for word in noun.split()}
    return frozenset({*nouns, *colors_of(), *DETERMINERS, *SIZES, *PICKS, *MATERIALS, *ADJECTIVES})

"""Words in another order, so that what is meant can still be told.

Pieces of a clause are moved about, and the words of a noun phrase among themselves. Prepositions stay with what they
belong to, clauses in their order, and things that are named one after another too: `put A on B` never becomes
`put B on A`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from envs.reading import heads
from envs.speech.frames import Found

STYLES = range(3)  # a noun phrase as it is, with its adjectives last, with all reversed
WIDEST = 4  # pieces of a clause that are all moved about
Indices = tuple[int, ...]  # numbers of words, in the order in which they are said


def reordered(line: str, share: float, found: Sequence[Found], rng: np.random.Generator) -> str:
    """A line in another order of words.

    Args:
        line: An instruction in English.
        share: Of the pairs of words of each clause that are said in reversed order; of the orders that can be
            understood the one that is nearest to it is taken.
        found: The training templates in the line. Outside of them words are moved within noun phrases alone.
        rng: Which of several orders that are as near.
    """
    words, at = [], 0
    for match in found:
        words += _phrases_reordered(line[at : match.start].split(), share, rng)
        for clause in match.frame.split(" || "):
            words += _clause(clause, match, share, rng)
        at = match.end
    return " ".join(words + _phrases_reordered(line[at:].split(), share, rng))


def inversions(order: Sequence[int]) -> float:
    """Share of the pairs whose order is reversed."""
    pairs = list(itertools.combinations(order, 2))
    return sum(one > other for one, other in pairs) / len(pairs) if pairs else 0.0


def _clause(clause: str, match: Found, share: float, rng: np.random.Generator) -> list[str]:
    pieces = [piece.format(**match.slots).split() for piece in clause.split(" | ")]
    words = [word for piece in pieces for word in piece]
    starts = np.cumsum([0, *(len(piece) for piece in pieces)])
    orders: list[Indices] = []
    fixed = 1 if words[0] == "and" else 0  # what joins clauses stays in front
    for style in STYLES:
        inside = [
            tuple(int(start) + i for i in _inside(piece, style)) for piece, start in zip(pieces, starts, strict=False)
        ]
        for order in itertools.permutations(range(len(pieces))) if len(pieces) <= WIDEST else ():
            said = tuple(i for number in order for i in inside[number])
            orders.append((*range(fixed), *(i for i in said if i >= fixed)))
    return [words[i] for i in _nearest(orders, share, rng)] if len(words) > 1 else words


def _inside(piece: Sequence[str], style: int) -> Iterator[int]:
    """The words of a piece in one of the `STYLES`."""
    at = 0
    for head in heads(piece):
        yield from range(at, head.start)
        noun, before = tuple(range(head.noun, head.end)), tuple(range(head.start + 1, head.noun))
        if style == 0:
            yield from (head.start, *before, *noun)
        elif style == 1:
            yield from (head.start, *noun, *before)
        else:
            yield from (*noun, *reversed(before), head.start)
        at = head.end
    yield from range(at, len(piece))


def _nearest(orders: Sequence[Indices], share: float, rng: np.random.Generator) -> Indices:
    """Of the orders that change something the one whose share of reversed pairs is nearest to `share`."""
    changed = [order for order in dict.fromkeys(orders) if inversions(order) > 0] or list(orders)
    off = np.round([abs(inversions(order) - share) for order in changed], 6)
    best = np.flatnonzero(off == off.min())
    return changed[int(best[int(rng.integers(len(best)))])]


def _phrases_reordered(words: Sequence[str], share: float, rng: np.random.Generator) -> list[str]:
    """Words outside of known frames: noun phrases alone are changed, the rest stays."""
    if not heads(words):
        return list(words)
    orders = [tuple(_inside(words, style)) for style in STYLES]
    return [words[i] for i in _nearest(orders, share, rng)]

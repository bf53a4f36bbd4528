"""Typing errors: two letters swapped, one left out, doubled, or its neighbour on the keyboard hit instead.

A word keeps its first letter and has one error at most, and never becomes another word that could be meant: a reader
who knows the words can always tell.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")  # of the American keyboard
SHORTEST = 3  # letters of a word that may have an error


@functools.cache
def slips(word: str) -> frozenset[str]:
    """Every word that one error makes of `word`."""
    made = set()
    for i in range(1, len(word)):
        if len(word) > SHORTEST:  # `te` and `ct` could be anything
            made.add(word[:i] + word[i + 1 :])
        made.add(word[:i] + word[i] + word[i:])
        made |= {word[:i] + key + word[i + 1 :] for key in _beside(word[i])}
        if i + 1 < len(word):
            made.add(word[:i] + word[i + 1] + word[i] + word[i + 2 :])
    return frozenset(made - {word})


def mistyped(line: str, share: float, known: Sequence[str], rng: np.random.Generator) -> str:
    """A line in which a share of the words have an error, one at least.

    Args:
        line: Words with spaces between them.
        share: Of the words of `SHORTEST` letters or more; those with an error at a smaller share have the same one.
        known: Words that no error may lead to, nor to something that is as near to them.
        rng: Which words, and which errors.
    """
    tokens = line.split()
    wrong = {i: _slip(tokens[i], known, rng) for i in range(len(tokens)) if len(tokens[i]) >= SHORTEST}
    order = [i for i in rng.permutation(len(tokens)) if wrong.get(int(i))]
    for i in order[: max(1, int(share * len(order) + 0.5))]:
        tokens[i] = wrong[int(i)]
    return " ".join(tokens)


def _slip(word: str, known: Sequence[str], rng: np.random.Generator) -> str:
    """One of the errors that leave no doubt; empty if there is none."""
    others = [other for other in known if other != word and abs(len(other) - len(word)) <= 2 and other[0] == word[0]]
    doubtful = set(known).union(*(slips(other) for other in others))
    clear = sorted(slips(word) - doubtful)
    return clear[int(rng.integers(len(clear)))] if clear else ""


def _beside(letter: str) -> str:
    """The keys left and right of a letter."""
    for row in ROWS:
        at = row.find(letter)
        if at >= 0:
            return row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
    return ""

"""What a word that training never had means: the known word that it is a form of, is nearest to, or a misspelling of.

`thesaurus.txt` has the frequent English words, one a line, and behind some of them words of the training grammar with
percents of similarity. `experiments/thesaurus.py` made it from a pretrained sentence encoder alone. Knows no grammar.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from vla.spelling import bases, inflected, respelt

FILE = Path(__file__).parent / "thesaurus.txt"
KEPT = 65536  # words whose meaning is remembered

Relatives = tuple[tuple[str, int], ...]  # known words and percents of similarity, nearest first


@cache
def thesaurus() -> Mapping[str, Relatives]:
    """The frequent words of English and their relatives among the words of training; most have none."""
    found: dict[str, Relatives] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            word, *rest = line.split()
            found[word] = tuple(zip(rest[::2], map(int, rest[1::2]), strict=True))
    return found


@cache
def edition() -> str:
    """12 hex digits that tell this thesaurus from others."""
    return hashlib.sha256(FILE.read_bytes()).hexdigest()[:12]


@lru_cache(maxsize=KEPT)
def meant(word: str, known: tuple[str, ...], similar: int) -> str | None:
    """The word of `known` that `word` is taken for; None if it means none of them.

    Other forms of known words come first, then relatives, then misspellings. What is a word of English is no
    misspelling of another: `wall` is not `ball`.

    Args:
        word: One word, lower case.
        known: The words to choose from; one tuple each time, for it is looked up by it.
        similar: Least percents of similarity of a relative.
    """
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))
    if plain in known:
        return plain
    if (form := inflected(plain, known)) is not None:
        return form
    listed = thesaurus()
    for form in (plain, *bases(plain)):
        for relative, percent in listed.get(form, ()):
            if percent >= similar and relative in known:
                return relative
    english = plain in listed or any(base in listed for base in bases(plain))
    return None if english else respelt(plain, known)

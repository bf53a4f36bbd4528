"""Which known word a misspelt or inflected one is. Knows no meaning, and no list of words but the one it is given."""

from __future__ import annotations

from collections.abc import Collection, Iterator

SHORTEST = 3  # letters of a word that is corrected, and of a base: what is shorter could be anything
ONE_SLIP, TWO_SLIPS = 4, 8  # letters from which a word may have one error, and two
VOWELS = "aeiou"


def slips(one: str, other: str) -> int:
    """Damerau-Levenshtein distance: letters put in, left out, exchanged, and neighbours swapped.

    No letter takes part in two swaps (optimal string alignment).
    """
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, its in enumerate(other, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != its)))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                row[j] = min(row[j], before[j - 2] + 1)
        before, above = above, row
    return above[-1]


def bases(word: str) -> Iterator[str]:
    """What `word` may be a plural, a past or an -ing form of; most are no words. None has fewer than three letters."""
    found = []
    if word.endswith("s") and not word.endswith("ss"):
        found = [word[:-1], *([word[:-2]] if word.endswith("es") else [])]
        found += [word[:-3] + "y"] if word.endswith("ies") else []
    for ending in ("ed", "ing"):
        stem = word.removesuffix(ending)
        if stem != word:
            doubled = len(stem) > SHORTEST and stem[-1] == stem[-2] and stem[-1] not in VOWELS
            found += [stem, stem + "e", *([stem[:-1]] if doubled else [])]
    yield from (base for base in found if len(base) >= SHORTEST)


def inflected(word: str, known: Collection[str]) -> str | None:
    """The known word of which `word` is another form: `cups` of `cup`, `degree` of `degrees`; None if there is none."""
    forms = [*bases(word), *([word + "s", word + "es"] if len(word) >= SHORTEST else [])]
    return next((form for form in forms if form in known), None)


def respelt(word: str, known: Collection[str]) -> str | None:
    """The one known word that `word` is a misspelling of; None if there is none, or a doubt.

    One error is allowed where the longer of the two has four letters or more, two from eight. The nearest word counts;
    of several, those with the same first letter, which is seldom mistyped, and a base rather than its own forms.
    """
    if len(word) < SHORTEST:
        return None
    found: dict[str, int] = {}
    for other in known:
        longer = max(len(word), len(other))
        allowed = (longer >= ONE_SLIP) + (longer >= TWO_SLIPS)
        if len(other) >= SHORTEST and abs(len(word) - len(other)) <= allowed and (n := slips(word, other)) <= allowed:
            found[other] = n
    nearest = [other for other, n in found.items() if n == min(found.values())]
    same = [other for other in nearest if other[0] == word[0]] or nearest
    alone = [other for other in same if not any(base in same for base in bases(other))]
    return alone[0] if len(alone) == 1 else None

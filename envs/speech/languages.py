"""Noun phrases in German, French and Spanish: article, agreement, case, and the ways of referring of `Description`.

Compact grammars of what instructions need, no more: definite articles, one or several things, accusative and dative.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from envs.objects import OBJECT_KINDS
from envs.reading import is_plural
from envs.referring import DISTANCES, EXTREMES, ORDINALS, THINGS, Description, kinds_called
from envs.speech.dictionary import BESIDE, COLORS, MATERIALS, NOUNS, PICKS, SIDES

GERMAN, FRENCH, SPANISH = range(3)  # places in the dictionary
_GERMAN_THE: Mapping[str, Mapping[str, str]] = {
    "nom": {"m": "der", "f": "die", "n": "das", "p": "die"},
    "acc": {"m": "den", "f": "die", "n": "das", "p": "die"},
    "dat": {"m": "dem", "f": "der", "n": "dem", "p": "den"},
}
_THE: Mapping[int, Mapping[str, str]] = {
    FRENCH: {"m": "le", "f": "la", "mp": "les", "fp": "les"},
    SPANISH: {"m": "el", "f": "la", "mp": "los", "fp": "las"},
}
_FUSED: Mapping[int, tuple[tuple[str, str], ...]] = {  # what becomes one word, in this order
    GERMAN: (),
    FRENCH: (
        (r"\bl[ea] (?=[aeiouhéèêâàîôœ])", "l'"),
        (r"\bde le\b", "du"),
        (r"\bde les\b", "des"),
        (r"\bà le\b", "au"),
    ),
    SPANISH: ((r"\bde el\b", "del"), (r"\ba el\b", "al")),
}


def noun_phrase(said: Description, language: int, case: str = "acc") -> str:
    """A description in another language. Raises KeyError for a noun that the dictionary has not."""
    return (_german(said, case) if language == GERMAN else _romance(said, language)).strip()


def fused(text: str, language: int) -> str:
    """A text with the contractions of a language."""
    for pattern, new in _FUSED[language]:
        text = re.sub(pattern, new, text)
    return text


def can_say(said: Description) -> bool:
    """Whether the dictionary has every noun of a description."""
    return all(_trained(one.noun) in NOUNS for one in (said, *said.landmarks()))


def all_of(said: Description, language: int) -> str:
    """`all the red things`."""
    phrase = noun_phrase(said, language)
    if language == GERMAN:
        return f"alle {phrase.removeprefix('die ')}"
    feminine = gender(said, language) == "f"
    return f"{('todas' if feminine else 'todos') if language == SPANISH else 'toutes' if feminine else 'tous'} {phrase}"


def pronoun(said: Description, language: int) -> str:
    """`it`, as the object of a verb."""
    words = ({"m": "ihn", "f": "sie", "n": "es"}, {"m": "le", "f": "la"}, {"m": "lo", "f": "la"})
    return words[language][gender(said, language)]


def possessive(said: Description, language: int) -> str:
    """`its`, before a masculine noun in the accusative; German alone needs it."""
    return "ihren" if gender(said, language) == "f" else "seinen"


def gender(said: Description, language: int) -> str:
    """`m`, `f` or `n`."""
    return NOUNS[_trained(said.noun)][language][2]


def bare_noun(said: Description, language: int) -> str:
    """The noun alone."""
    singular, plural, _ = NOUNS[_trained(said.noun)][language]
    noun = plural if is_plural(said.noun) else singular
    return noun.partition("~")[2] or noun


def _trained(noun: str) -> str:
    """The training noun of a noun or plural; a synonym is read as its kind."""
    if noun in (*THINGS, *(f"{word}s" for word in THINGS)):
        return THINGS[0]
    kinds = sorted(kinds_called(noun))
    return OBJECT_KINDS[kinds[0]].noun.word if kinds else noun


def _german(said: Description, case: str) -> str:
    singular, plural, sex = NOUNS[_trained(said.noun)][GERMAN]
    many = is_plural(said.noun)
    form = "p" if many else sex
    strong = case == "dat" or many or (case == "acc" and sex == "m")
    stem, _, noun = (plural if many else singular).rpartition("~")
    stems = [PICKS[said.pick][GERMAN]] if said.pick and said.pick not in EXTREMES else []
    stems += [COLORS[said.color][GERMAN]] if said.color else []
    stems += [stem] if stem else []
    ended = [f"{one}{'en' if strong else 'e'}" for one in stems]
    parts = [_GERMAN_THE[case][form], *ended, noun]
    parts += [MATERIALS[said.material][GERMAN]] if said.material else []
    parts += [PICKS[said.pick][GERMAN]] if said.pick in EXTREMES else []
    parts += [SIDES[said.side][GERMAN]] if said.side else []
    which = _GERMAN_THE["nom"][form]
    if said.negated:
        lacks = COLORS[said.negated][GERMAN] if said.negated in COLORS else MATERIALS[said.negated][GERMAN]
        parts.append(f"{which} nicht {lacks} ist")
    if said.relation:
        mark = noun_phrase(said.landmark, GERMAN, "dat") if said.landmark else "dem Roboter"
        words = BESIDE[said.relation][GERMAN]
        far = "von " if said.relation == "farthest from" else ""
        parts.append(f"{which} {far}{mark} {words}" if said.relation in DISTANCES else f"{words} {mark}")
    return " ".join(parts)


def _romance(said: Description, language: int) -> str:
    singular, plural, sex = NOUNS[_trained(said.noun)][language]
    many = is_plural(said.noun)

    def agree(word: str) -> str:
        return _agreed(word, sex, many)

    the = _THE[language][f"{sex}p" if many else sex]
    parts = [the, plural if many else singular]
    parts += [agree(COLORS[said.color][language])] if said.color else []
    parts += [MATERIALS[said.material][language]] if said.material else []
    if said.pick in ORDINALS or (said.pick and said.pick not in EXTREMES and language == FRENCH):
        parts.insert(1, agree(PICKS[said.pick][language]))
    elif said.pick:
        parts.append((f"{the} " if language == FRENCH else "") + agree(PICKS[said.pick][language]))
    parts += [SIDES[said.side][language]] if said.side else []
    if said.negated:
        lacks = agree(COLORS[said.negated][language]) if said.negated in COLORS else MATERIALS[said.negated][language]
        parts.append(f"qui n'est pas {lacks}" if language == FRENCH else f"que no es {lacks}")
    if said.relation:
        mark = (
            noun_phrase(said.landmark, language) if said.landmark else "le robot" if language == FRENCH else "el robot"
        )
        words = agree(BESIDE[said.relation][language])
        if said.relation in DISTANCES:
            words = f"{the} {words}" if language == FRENCH else words
            words += " a" if (language, said.relation) == (SPANISH, "nearest to") else ""
            words += " de" if said.relation == "farthest from" else ""
        parts.append(f"{words} {mark}")
    return " ".join(parts)


def _agreed(word: str, sex: str, many: bool) -> str:
    """An adjective `masculine/feminine`, or one for both, in the number; what ends in `!` never changes."""
    if word.endswith("!"):
        return word[:-1]
    one = word.split("/")[-1 if sex == "f" else 0]
    if not many:
        return one
    ending = "" if one.endswith("s") else "s"
    return one + ("es" if one[-1] in "lnr" and one in ("azul", "marrón") else ending)

"""Saying an instruction in another language, in part or as a whole (code switching).

First nouns are exchanged, then colours and articles, then what says how and where, then whole clauses: the order in
which languages are mixed by people, too (the matrix language frame of Myers-Scotton, 1993).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from envs.reading import mentions, parse
from envs.referring import Description
from envs.scene import SceneSpec
from envs.speech.dictionary import JOINTS, ON, RELATIONS
from envs.speech.frames import FRAMES, Found
from envs.speech.languages import all_of, bare_noun, can_say, fused, noun_phrase, possessive, pronoun

Word = tuple[str, bool]  # and whether it is of the other language
Line = tuple[Word, ...]


def switched(
    line: str, share: float, spec: SceneSpec, found: Sequence[Found], language: int, rng: np.random.Generator
) -> Line:
    """A line of whose words about a share is in another language.

    Args:
        line: An instruction in English.
        share: Of words, 0 to 1; of the ways in which the line can be mixed the one that is nearest to it is taken.
        spec: What it speaks of.
        found: The training templates in the line; what belongs to none is left in English, but for noun phrases.
        language: A place in the dictionary.
        rng: The order in which noun phrases are exchanged.
    """
    steps = list(_steps(line, spec, found, language, rng))
    return min(steps, key=lambda words: abs(sum(new for _, new in words) / max(len(words), 1) - share))


def _steps(
    line: str, spec: SceneSpec, found: Sequence[Found], language: int, rng: np.random.Generator
) -> Sequence[Line]:
    """The line in every state, from English to the other language."""
    phrases = [m.description for m in mentions(line, spec) if can_say(m.description)]
    phrases = [phrases[i] for i in rng.permutation(len(phrases))]
    stages: list[dict[str, Line]] = [{}]
    for made in (_with_noun, _with_adjectives, _whole):
        for said in phrases:
            stages.append({**stages[-1], said.text(): made(said, language)})
    for match in found:
        relation = match.slots.get("relation", "")
        if relation in RELATIONS and relation not in stages[-1]:
            stages.append({**stages[-1], relation: _foreign(RELATIONS[relation][language])})
    lines = [_replaced(line, stage) for stage in stages]
    clauses: dict[tuple[int, int], str] = {}
    for match in [found[i] for i in rng.permutation(len(found)) if _known(found[i])]:
        clauses[match.start, match.end] = translated(match, language)
        lines.append(_with_clauses(line, clauses, stages[-1], language))
    return lines


def _known(match: Found) -> bool:
    """Whether everything that stands in the slots of a frame can be said."""
    said = [text for slot, text in match.slots.items() if slot != "on" and text not in RELATIONS]
    return all(can_say(parse(text)) for text in said)


def translated(match: Found, language: int) -> str:
    """A frame in another language."""
    forms: dict[str, str] = {}
    for slot, text in match.slots.items():
        if slot == "on":
            forms[slot] = ON[text][language] if text in ON else ""
        elif slot == "relation" and text in RELATIONS:
            forms[slot] = RELATIONS[text][language]
        else:
            said = parse(text)
            forms |= {slot: noun_phrase(said, language), f"{slot}_dat": noun_phrase(said, language, "dat")}
            forms |= {f"{slot}_all": all_of(said, language), f"{slot}_it": pronoun(said, language)}
            forms |= {f"{slot}_its": possessive(said, language)}
    return fused(FRAMES[match.frame][language].format(**forms), language)


def _with_noun(said: Description, language: int) -> Line:
    words = said.text().split()
    size = len(said.noun.split())
    at = next(i for i in range(len(words)) if " ".join(words[i : i + size]) == said.noun)
    return (*_english(words[:at]), *_foreign(bare_noun(said, language)), *_english(words[at + size :]))


def _with_adjectives(said: Description, language: int) -> Line:
    """The other language but for the article, where there is nothing more to a phrase than colour and noun."""
    if said != replace(Description(said.noun), color=said.color) or not said.color:
        return _with_noun(said, language)
    return (("the", False), *_foreign(noun_phrase(said, language))[1:])


def _whole(said: Description, language: int) -> Line:
    return _foreign(fused(noun_phrase(said, language), language))


def _replaced(line: str, stage: Mapping[str, Line]) -> Line:
    """A line in which some texts are replaced."""
    if not stage:
        return _english(line.split())
    pattern = "|".join(re.escape(text) for text in sorted(stage, key=len, reverse=True))
    words: list[Word] = []
    for piece in re.split(rf"(?<!\S)({pattern})(?!\S)", line):
        words.extend(stage[piece] if piece in stage else _english(piece.split()))
    return tuple(words)


def _with_clauses(line: str, clauses: Mapping[tuple[int, int], str], stage: Mapping[str, Line], language: int) -> Line:
    words: list[Word] = []
    at = 0
    for (start, end), text in sorted(clauses.items()):
        words.extend(_between(line[at:start], stage, language))
        words.extend(_foreign(text))
        at = end
    return (*words, *_between(line[at:], stage, language))


def _between(text: str, stage: Mapping[str, Line], language: int) -> Line:
    """What stands before, between and after clauses."""
    joint = " ".join(text.split())
    return _foreign(JOINTS[joint][language]) if joint in JOINTS else _replaced(text, stage)


def _english(words: Sequence[str]) -> Line:
    return tuple((word, False) for word in words)


def _foreign(text: str) -> Line:
    return tuple((word, True) for word in text.split())

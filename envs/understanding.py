"""Understanding a sentence that anybody may write: which family's goal it asks for, about which things.

First the grammars of the families read it, as it stands and then with the words of training in place of others that
mean the same. What none of them reads goes to the family whose templates share the most telling words with it and whose
roles suit the things that it names. Knows no scene: `envs.wishing` makes one.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from envs.chain_grammar import ChainGrammar
from envs.grammar import HELD_OUT_LEVELS, Grammar, words
from envs.mentions import INTO, ONTO, Named, Phrase, canonical, corrected, naming_words, nouns_of, phrases
from envs.objects import object_kind
from envs.referring import kinds_called
from envs.speech.synonyms import OTHERS, VERBS
from envs.tasks.base import TASKS
from envs.tasks.chain import RECIPES

CHAIN = "Chain"
FIT, STRANGE, MISFIT, LACKING, SURPLUS = 3.0, 0.5, -2.0, -1.5, -2.0  # a role's kind, another that could be taken, ...
UNSAID = -3.0  # a family that needs a relation which the sentence does not give
NOTHING = -2.0  # a template of which no word is said
LEAST = 0.4  # share of the telling words of a relation that must be said
COMMON = (
    "can",
    "here",
    "hi",
    "is",
    "it",
    "its",
    "me",
    "ok",
    "okay",
    "over",
    "thank",
    "thanks",
    "them",
    "there",
    "want",
)
PREPOSITION = 1.0  # the right one before the place, and the wrong one


@dataclass(frozen=True)
class Understood:
    """What a sentence was understood as.

    Attributes:
        task: Registered family.
        things: What it names, in the order of `GoalSpec.names`; what it leaves open is empty there.
        relation: A key of the family's relations, or empty where there is none.
        read: Whether a grammar reads the sentence as it stands.
        unknown: Words of it that mean nothing to the toolkit, and further goals that make no chain with the first.
        missing: Of those, what is named as a thing: no scene can have it.
    """

    task: str
    things: tuple[Named, ...]
    relation: str = ""
    read: bool = False
    unknown: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    def text(self) -> str:
        """In one line, for example `PlaceInto: red block -> blue bowl`."""
        if self.task == CHAIN:
            return f"{self.task}: {', then '.join(self._steps())}"
        things = " -> ".join(thing.text() for thing in self.things)
        relation = TASKS[self.task].grammar.relations.get(self.relation, self.relation)
        return f"{self.task}: {', '.join(filter(None, (things, relation)))}".removesuffix(": ")

    def _steps(self) -> Iterator[str]:
        """Each goal of a chain."""
        things = iter(self.things)
        for step in self.relation.split(", "):
            task, *roles = step.split()
            yield f"{task} {' -> '.join(thing.text() for thing in itertools.islice(things, len(roles)))}"


def understand(sentence: str) -> Understood:
    """The best understanding of a sentence. Raises ValueError for one that shares no word with any instruction."""
    exact = readings(sentence)
    if exact:
        return exact[0]
    tokens = corrected(words(sentence), all_words())
    found = phrases(tokens, all_words())
    unknown, missing = _not_known(tokens, found)
    said = [_plainly(reading) for reading in readings(canonical(tokens, found))]
    guess = said[0] if said else _chain_guess(tokens) or _guess(tokens, found)
    if guess is None:
        raise ValueError(
            f"{sentence!r} has no word of any instruction; say for example 'put the red block into the blue bowl'"
        )
    return replace(guess, unknown=(*guess.unknown, *unknown), missing=missing)


def _plainly(reading: Understood) -> Understood:
    return replace(reading, read=False)


def _not_known(tokens: Sequence[str], found: Sequence[Phrase]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words that nothing is known of, and those of them that are named as things."""
    known = all_words()
    unknown = [token for token in tokens if token not in known]
    return tuple(dict.fromkeys(unknown)), tuple(phrase.strange for phrase in found if phrase.strange)


# Reading by the grammars.


def readings(sentence: str) -> tuple[Understood, ...]:
    """Every family and goal whose grammar reads a sentence, in training's words before others', by name.

    Families that describe their things (`Refer`) come after those that name them.
    """
    text = " ".join(words(sentence))
    found = list(_chains(text))
    for level in (0, *HELD_OUT_LEVELS):
        for name in sorted(TASKS, key=lambda name: (not TASKS[name].grammar.roles, name)):
            if not isinstance(TASKS[name].grammar, ChainGrammar):
                found.extend(_read(name, text, level))
    return tuple(dict.fromkeys(found))


def _read(task: str, text: str, level: int) -> Iterator[Understood]:
    """The readings of a text by the templates of one level of a family."""
    grammar = TASKS[task].grammar
    for template in grammar.templates(level):
        if not set(words(re.sub(r"\{\w+\}", " ", template))) <= set(text.split()):
            continue  # most templates are ruled out without a pattern
        match = _pattern(task, template).fullmatch(text)
        reading = None if match is None else _reading(task, grammar, match.groupdict())
        if reading is not None:
            yield reading


def _reading(task: str, grammar: Grammar, said: Mapping[str, str | None]) -> Understood | None:
    """What the filled slots of a template say; None where they do not go together."""
    things, exact = [], True
    for role, kinds in grammar.roles.items():
        _, color, noun = [*(said.get(role) or "").split(maxsplit=2), "", "", ""][:3]
        kind = min(kinds_called(noun) & set(kinds), default="")
        things.append(Named(color, kind))
        if role == "place" and kind and said.get("on"):
            on = object_kind(kind).noun.on
            exact = said["on"] == on
            if said["on"] not in (ONTO if on == "onto" else INTO):
                return None
    spoken = said.get("relation") or ""
    forms = {key: (text, *grammar.relation_synonyms.get(key, ())) for key, text in grammar.relations.items()}
    relation = next((key for key, texts in forms.items() if spoken in texts), "") if spoken else ""
    return Understood(task, tuple(things), relation, read=exact)


@functools.cache
def _pattern(task: str, template: str) -> re.Pattern[str]:
    """A pattern that matches the fillings of a template, with a group for each slot."""
    grammar = TASKS[task].grammar
    parts = []
    for piece in re.split(r"(\{\w+\})", template):
        slot = piece.strip("{}").removesuffix("_syn")
        if not piece.startswith("{"):
            parts.append(re.escape(piece))
        elif any(part.startswith(f"(?P<{slot}>") for part in parts):
            parts.append(f"(?P={slot})")  # said twice: the same words
        elif slot == "on":
            parts.append(_group("on", (*INTO, *ONTO)))
        elif slot == "relation":
            forms = [*grammar.relations.values(), *itertools.chain(*grammar.relation_synonyms.values())]
            parts.append(_group("relation", forms))
        else:
            nouns = [noun for kind in grammar.roles[slot] for noun in nouns_of(kind)]
            parts.append(rf"(?P<{slot}>the (?:{'|'.join(grammar.colors)}) (?:{'|'.join(nouns)}))")
    return re.compile("".join(parts))


def _group(name: str, options: Sequence[str]) -> str:
    longest = sorted(set(options), key=lambda text: (-len(text), text))
    return rf"(?P<{name}>{'|'.join(map(re.escape, longest))})"


def _chains(text: str) -> Iterator[Understood]:
    """The readings of a text as a chain of goals."""
    grammar = TASKS[CHAIN].grammar
    assert isinstance(grammar, ChainGrammar)
    for level in (0, *HELD_OUT_LEVELS):
        for template in grammar.templates(level):
            opening, joint = template.split("{first}")
            joint = joint.removesuffix("{next}")
            if text.startswith(opening) and joint in text:
                clauses = text.removeprefix(opening).split(joint)
                parts = [[r for name in grammar.parts for r in _read(name, clause, 0)] for clause in clauses]
                yield from (chain for choice in itertools.product(*parts) if (chain := _chained(choice)))


def _chained(parts: Sequence[Understood]) -> Understood | None:
    """Several goals as one chain; None if no recipe has them in this order."""
    for recipe in RECIPES:
        steps = [step.split() for step in recipe.split(", ")]
        if [step[0] for step in steps] == [part.task for part in parts] and _consistent(steps, parts):
            things = tuple(thing for part in parts for thing in part.things)
            return Understood(CHAIN, things, recipe, all(part.read for part in parts))
    return None


def _consistent(steps: Sequence[Sequence[str]], parts: Sequence[Understood]) -> bool:
    """Whether each role of a recipe is played by one thing, another one by another, and kinds are the recipe's."""
    pairs = [
        (role, thing)
        for step, part in zip(steps, parts, strict=True)
        for role, thing in zip(step[1:], part.things, strict=False)
    ]
    whole = all(part.relation in ("", "full") for part in parts)
    kinds = all(role not in ("bowl", "plate", "drawer") or thing.kind in ("", role) for role, thing in pairs)
    return whole and kinds and len({role for role, _ in pairs}) == len({thing for _, thing in pairs}) == len(set(pairs))


# Guessing by shared words.


def _chain_guess(tokens: Sequence[str]) -> Understood | None:
    """A chain of the clauses of a sentence with `then` in it; the first clause alone where no chain has them."""
    clauses: list[list[str]] = [[]]
    for token in tokens:
        if token == "then":
            clauses.append([])
        elif token != "first":
            clauses[-1].append(token)
    clauses = [clause[:-1] if clause[-1:] == ["and"] else clause for clause in clauses]
    clauses = [clause for clause in clauses if clause]
    if len(clauses) < 2:
        return None
    grammar = TASKS[CHAIN].grammar
    assert isinstance(grammar, ChainGrammar)
    parts = [_guess(clause, phrases(clause), tuple(grammar.parts)) for clause in clauses]
    known = [part for part in parts if part is not None]
    chain = _chained([replace(part, read=False) for part in known]) if len(known) == len(parts) else None
    return chain or (parts[0] and replace(parts[0], unknown=tuple(f"then {' '.join(c)}" for c in clauses[1:])))


def _guess(tokens: Sequence[str], found: Sequence[Phrase], among: Sequence[str] = ()) -> Understood | None:
    """The family and goal with the highest score; None if no family has a word of the sentence outside its things."""
    best: tuple[float, Understood] | None = None
    outside = {token for number, token in enumerate(tokens) if all(not p.start <= number < p.end for p in found)}
    for name in among or sorted(TASKS):
        if isinstance(TASKS[name].grammar, ChainGrammar):
            continue
        relation, of_relation = _relation(name, tokens, found)
        if not of_relation and not TASKS[name].grammar.roles:
            continue  # it is about its relation alone
        for template in _templates(name):
            shared = _score_words(template, outside | set(of_relation))
            for things, fit in _castings(name, template, found):
                score = shared + fit + (UNSAID if "{relation}" in template and not of_relation else 0.0)
                score += _score_preposition(name, template, things, outside)
                if best is None or score > best[0] + 1e-9:
                    best = score, Understood(name, things, relation)
    known = outside & {word for name in TASKS for word in _family_words(name)}
    return best[1] if best is not None and (known or found) else None


def _score_words(template: str, said: set[str]) -> float:
    """Weights of the words of a template that are said, less half of those that are not, or are not in it."""
    own = set(words(re.sub(r"\{\w+\}", " ", template)))
    met = {word for word in own if said & senses(word)}
    heard = {token for token in said if any(token in senses(word) for word in own)}
    extra = said - heard - set(INTO) - set(ONTO)
    none = 0.0 if met else NOTHING
    return none + sum(map(weight, met)) - 0.5 * sum(map(weight, own - met)) - 0.25 * sum(map(weight, extra))


def _score_preposition(task: str, template: str, things: Sequence[Named], said: set[str]) -> float:
    """Whether the preposition that is said is the one of the place."""
    wanted = "{on}" in template
    if not wanted and not said & {*INTO, *ONTO}:
        return 0.0
    if not wanted:
        fixed = set(words(re.sub(r"\{\w+\}", " ", template)))
        return 0.0 if said & fixed & {*INTO, *ONTO} else -PREPOSITION
    kinds = TASKS[task].grammar.place_kinds
    place = things[list(TASKS[task].grammar.roles).index("place")].kind
    ons = {object_kind(kind).noun.on for kind in ((place,) if place else kinds)}
    good = ("into" in ons and said & set(INTO)) or ("onto" in ons and said & set(ONTO))
    return PREPOSITION if good else -PREPOSITION


def _castings(task: str, template: str, found: Sequence[Phrase]) -> Iterator[tuple[tuple[Named, ...], float]]:
    """Every way in which what is named may play the roles of a template, with how well it suits them."""
    roles = TASKS[task].grammar.roles
    slots = [slot for slot in dict.fromkeys(re.findall(r"\{(\w+?)(?:_syn)?\}", template)) if slot in roles]
    singular = [phrase for phrase in found if not phrase.several]
    for order in itertools.permutations(range(len(slots)), min(len(slots), len(singular))):
        cast = dict(zip((slots[i] for i in order), singular, strict=False))
        fit = sum(_suits(phrase, roles[role], role) for role, phrase in cast.items())
        fit += LACKING * (len(slots) - len(cast)) + SURPLUS * (len(singular) - len(cast))
        fit -= 0.0 if list(order) == sorted(order) else STRANGE
        named = {role: phrase.named(roles[role]) for role, phrase in cast.items()}
        yield tuple(named.get(role, Named()) for role in roles), fit


def _suits(phrase: Phrase, kinds: Sequence[str], role: str) -> float:
    """How well a thing suits a role of some kinds."""
    if not phrase.kinds:
        return 0.0
    if phrase.kinds & set(kinds):
        return FIT
    loose = role == "target" and any(object_kind(kind).graspable for kind in kinds)
    return STRANGE if loose and any(object_kind(kind).graspable for kind in phrase.kinds) else MISFIT


def _relation(task: str, tokens: Sequence[str], found: Sequence[Phrase]) -> tuple[str, tuple[str, ...]]:
    """The relation that a sentence gives, and its words in it.

    Where it gives none, the last one of the family and no words: the most generous one, all the way and the wider hole.
    """
    grammar = TASKS[task].grammar
    groups = [phrase for phrase in found if phrase.several]
    text = f" {canonical(tokens, found)} "
    best, least = "", LEAST
    heard: tuple[str, ...] = ()
    for key, spoken in grammar.relations.items():
        own = phrases(words(spoken))
        if len(own) == 1 and own[0].several:
            share = float(any((g.color, g.kinds) == (own[0].color, own[0].kinds) for g in groups))
        elif own:  # a description: as a whole, and the longer the better
            share = len(spoken) if f" {spoken} " in text else 0.0
        else:
            share = _share(task, spoken, tokens)
        if share > least:
            best, least, heard = key, share, tuple(words(spoken))
    return (best, heard) if best else (([*grammar.relations] or [""])[-1], ())


def _share(task: str, spoken: str, tokens: Sequence[str]) -> float:
    """Share of the words of a relation that are said; a word counts the less the more relations have it."""
    relations = TASKS[task].grammar.relations.values()
    worth = {word: 1.0 / sum(word in words(other) for other in relations) for word in words(spoken)}
    said = sum(value for word, value in worth.items() if senses(word) & set(tokens))
    return said / sum(worth.values())


def _templates(task: str) -> tuple[str, ...]:
    grammar = TASKS[task].grammar
    return tuple(template for level in (0, *HELD_OUT_LEVELS) for template in grammar.templates(level))


@functools.cache
def _family_words(task: str) -> frozenset[str]:
    """The words of a family's templates and relations, held-out ones too; not those of descriptions."""
    grammar = TASKS[task].grammar
    text = [re.sub(r"\{\w+\}", " ", template) for template in _templates(task)]
    text += [spoken for spoken in grammar.relations.values() if not phrases(words(spoken))]
    return frozenset(word for line in text for word in words(line))


@functools.cache
def weight(word: str) -> float:
    """How much a word tells about the family: the logarithm of how rare it is among them."""
    count = sum(word in _family_words(name) for name in TASKS)
    return math.log((len(TASKS) + 1) / (count + 1)) if count else 0.0


@functools.cache
def senses(word: str) -> frozenset[str]:
    """A word and the single words that the toolkit's own synonyms give for it."""
    same = {other for table in (VERBS, OTHERS) for other in table.get(word, ()) if " " not in other}
    for table in (VERBS, OTHERS):
        for key, others in table.items():
            if word in key.split() and " " in key:
                same |= {other for other in others if " " not in other}
    return frozenset({word, *same})


@functools.cache
def all_words() -> frozenset[str]:
    """Every word that the toolkit knows."""
    known = {word for name in TASKS for word in (*TASKS[name].grammar.words(), *_family_words(name))}
    same = {sense for table in (VERBS, OTHERS) for sense in _flat(table)}
    return frozenset({*known, *naming_words(), *COMMON, *same})


def _flat(table: Mapping[str, Sequence[str]]) -> Iterator[str]:
    return (word for others in table.values() for other in others for word in other.split())

"""The grammar of instructions: templates with slots, whose sentences can be drawn, counted and enumerated.

A template is a sentence with the slots `{target}`, `{place}`, `{third}` ... (training noun phrases such as `the red
block`), `{on}` (the preposition that goes with the place), `{relation}`, and `{target_syn}`, `{place_syn}`,
`{relation_syn}` ... (the same with a held-out synonym).
Level 0 is the training grammar; levels 1 to 5 are held-out phrasings, graded by how many of their words never occur in
training. Knows nothing of physics or of any task: a task brings its templates.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from envs.objects import object_kind
from envs.scene import RGB, GoalSpec, ObjectSpec, SceneSpec
from vla.registry import nearest

COLORS: Mapping[str, RGB] = {  # at least 40 apart in CIELAB
    "red": (0.78, 0.03, 0.12),
    "green": (0.10, 0.74, 0.24),
    "blue": (0.05, 0.38, 0.90),
    "yellow": (0.97, 0.86, 0.10),
    "purple": (0.55, 0.12, 0.62),
    "orange": (1.00, 0.52, 0.00),
}
MORE_COLORS: Mapping[str, RGB] = {  # at least 20 apart from each other, from those above and from the table
    "pink": (0.97, 0.50, 0.70),
    "brown": (0.36, 0.20, 0.09),
    "white": (0.95, 0.95, 0.95),
    "black": (0.07, 0.07, 0.08),
    "gray": (0.48, 0.49, 0.50),
    "cyan": (0.10, 0.80, 0.85),
}

MIN_NEW_WORDS: Mapping[int, int] = {1: 1, 2: 2, 3: 3, 4: 6, 5: 9}  # words never seen in training, at least, by level
HELD_OUT_LEVELS = tuple(MIN_NEW_WORDS)


_SLOT = re.compile(r"\{(\w+)\}")


def named_color(word: str) -> RGB:
    """The colour that a word means. Raises UnknownNameError naming the nearest one."""
    known = {**COLORS, **MORE_COLORS}
    if word not in known:
        raise nearest("colour", word, list(known))
    return known[word]


def phrase(color: str, kind: str, synonym: int = -1) -> str:
    """The noun phrase of an object, for example `the red block`; `synonym` >= 0 picks a held-out noun."""
    noun = object_kind(kind).noun
    return f"the {color} {noun.word if synonym < 0 else noun.synonyms[synonym]}"


def words(sentence: str) -> tuple[str, ...]:
    """The words of a sentence, lower case, without punctuation."""
    return tuple(re.findall(r"(?:[^\W\d_]|')+", sentence.lower()))


ROLES = ("target", "place", "third", "fourth", "fifth", "sixth")  # slots of a goal's target, place and others
Thing = tuple[str, str]  # colour and kind


@dataclass(frozen=True)
class Drawn:
    """An instruction and what it says: the colour and kind of each role, and a key of the grammar's relations."""

    sentence: str
    things: Mapping[str, Thing]
    relation: str


@dataclass(frozen=True)
class Grammar:
    """The instructions of one task.

    Attributes:
        train: Templates used in training.
        held_out: Templates by level 1 to 5, disjoint from training.
        target_kinds: Kinds that `{target}` may name; empty if the task speaks of no single target.
        place_kinds: Kinds that `{place}` may name; empty if the task has no place.
        other_kinds: Kinds that `{third}`, `{fourth}` ... may name: the goal's `others`.
        relations: What `{relation}` is for each relation that a goal of the task may have.
        relation_synonyms: What `{relation_syn}` may be for each of them, in held-out words.
        colors: Colours of what it names.
    """

    train: tuple[str, ...]
    held_out: Mapping[int, tuple[str, ...]]
    target_kinds: tuple[str, ...]
    place_kinds: tuple[str, ...] = ()
    other_kinds: tuple[tuple[str, ...], ...] = ()
    relations: Mapping[str, str] = field(default_factory=dict)
    relation_synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    colors: tuple[str, ...] = field(default=tuple(COLORS))

    def templates(self, level: int) -> tuple[str, ...]:
        """Templates of a level; 0 is training. Raises ValueError for other levels than 0 to 5."""
        if level == 0:
            return self.train
        if level not in self.held_out:
            raise ValueError(f"phrasing level {level!r} does not exist; levels are 0 (training) and {HELD_OUT_LEVELS}")
        return self.held_out[level]

    @property
    def roles(self) -> dict[str, tuple[str, ...]]:
        """The slots for objects, and the kinds that may fill each."""
        kinds = (self.target_kinds, self.place_kinds, *self.other_kinds)
        return {role: allowed for role, allowed in zip(ROLES, kinds, strict=False) if allowed}

    def instructions(self, level: int = 0) -> Iterator[str]:
        """Every instruction of a level, over all templates, colours, kinds, relations and synonyms, once each."""
        seen: set[str] = set()
        roles = self.roles
        choices = [list(itertools.product(self.colors, kinds)) for kinds in roles.values()]
        for template, relation in itertools.product(self.templates(level), tuple(self.relations) or ("",)):
            for things in itertools.product(*choices):
                for sentence in self._fillings(template, dict(zip(roles, things, strict=True)), relation):
                    if sentence not in seen:
                        seen.add(sentence)
                        yield sentence

    def count(self, level: int = 0) -> int:
        """How many instructions a level has, without writing them down (equal ones of two templates count twice)."""
        return sum(self._count(template) for template in self.templates(level))

    def draw(self, rng: np.random.Generator, level: int = 0) -> str:
        """Any instruction of a level, for any objects, colours and relation."""
        return self.drawn(rng, level).sentence

    def drawn(self, rng: np.random.Generator, level: int = 0) -> Drawn:
        """Any instruction of a level, and what it says."""
        things = {}
        for role, kinds in self.roles.items():
            things[role] = (str(rng.choice(self.colors)), str(rng.choice(kinds)))
        relations, templates = tuple(self.relations) or ("",), self.templates(level)
        relation, template = (options[int(rng.integers(len(options)))] for options in (relations, templates))
        choices = list(self._fillings(template, things, relation))
        return Drawn(choices[int(rng.integers(len(choices)))], things, relation)

    def wordings(self, things: Mapping[str, Thing], relation: str) -> list[str]:
        """Every training instruction for the colour and kind of each role, and a relation."""
        return [text for template in self.train for text in self._fillings(template, things, relation)]

    def say(self, goal: GoalSpec, spec: SceneSpec, rng: np.random.Generator, level: int = 0) -> str:
        """One instruction for `goal`, drawn from the templates of `level`.

        Raises:
            ValueError: A noun phrase of the goal matches not exactly one object of the scene.
        """
        things = {}
        for role, name in zip(ROLES, (goal.target, goal.place, *goal.others), strict=False):
            if name and role in self.roles:
                thing = unambiguous(spec, name)
                things[role] = (thing.color, thing.kind)
        templates = self.templates(level)
        template = templates[int(rng.integers(len(templates)))]
        choices = list(self._fillings(template, things, goal.relation))
        return choices[int(rng.integers(len(choices)))]

    def _count(self, template: str) -> int:
        """Instructions of one template: what may fill its slots of one role does not depend on the other roles."""
        slots = sorted(set(_SLOT.findall(template)))
        total, roles = 1, self.roles
        for role in roles:
            own = [slot for slot in slots if slot in (role, f"{role}_syn") or (slot == "on" and role == "place")]
            things = [{role: (color, kind)} for color in self.colors for kind in roles[role]]
            total *= len(self._distinct(own, [(thing, "") for thing in things])) if own else 1
        own = [slot for slot in slots if slot in ("relation", "relation_syn")]
        return total * (len(self._distinct(own, [({}, relation) for relation in self.relations])) if own else 1)

    def _distinct(self, slots: Sequence[str], cases: Iterable[tuple[Mapping[str, Thing], str]]) -> set[str]:
        """Every way in which some slots may be filled, over several things or relations."""
        template = "|".join(f"{{{slot}}}" for slot in slots)
        return {text for things, relation in cases for text in self._fillings(template, things, relation)}

    def _fillings(self, template: str, things: Mapping[str, Thing], relation: str) -> Iterator[str]:
        """Every way to fill the slots of a template for the colour and kind of each role, and a relation."""
        slots = _SLOT.findall(template)
        options: dict[str, Sequence[str]] = {}
        for role, (color, kind) in things.items():
            noun = object_kind(kind).noun
            options[role] = (phrase(color, kind),)
            options[f"{role}_syn"] = tuple(phrase(color, kind, i) for i in range(len(noun.synonyms)))
            if role == "place":
                options["on"] = (noun.on,)
        if relation:
            options["relation"] = (self.relations[relation],)
            options["relation_syn"] = self.relation_synonyms.get(relation, ())
        missing = set(slots) - set(options)
        if missing:
            raise ValueError(f"template {template!r} has slots {sorted(missing)}; this goal fills {sorted(options)}")
        for values in itertools.product(*(options[slot] for slot in slots)):
            yield template.format(**dict(zip(slots, values, strict=True)))

    def words(self) -> set[str]:
        """All words of the training instructions, without writing them all down."""
        kinds = {kind for allowed in self.roles.values() for kind in allowed}
        text = [_SLOT.sub(" ", template) for template in self.train]
        text += [*self.relations.values(), *(phrase(color, kind) for color in self.colors for kind in kinds)]
        if any("{on}" in template for template in self.train):
            text += [object_kind(kind).noun.on for kind in self.place_kinds]
        return {word for line in text for word in words(line)}


def vocabulary(grammars: Iterable[Grammar]) -> tuple[str, ...]:
    """All words of the training grammars, sorted: what a learned text encoder knows."""
    return tuple(sorted(set().union(*(grammar.words() for grammar in grammars))))


def matching(spec: SceneSpec, color: str, kind: str) -> tuple[ObjectSpec, ...]:
    """The objects that the phrase `the {color} {kind}` may mean in a scene."""
    return tuple(thing for thing in spec.objects if thing.color == color and thing.kind == kind)


def unambiguous(spec: SceneSpec, name: str) -> ObjectSpec:
    """The object called `name`. Raises ValueError if its noun phrase matches other objects of the scene too."""
    thing = spec.object(name)
    same = matching(spec, thing.color, thing.kind)
    if len(same) != 1:
        raise ValueError(f"{phrase(thing.color, thing.kind)!r} means {[o.name for o in same]}: not one object")
    return thing

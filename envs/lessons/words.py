"""Stage 1: questions about instructions, in words alone. All from the training grammar.

Which colour or thing an instruction is about, what role a word has, which family it asks for, whether two instructions
ask for the same, whether something is true when it has been done, what is the opposite of a relation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from envs.grammar import Drawn, words
from envs.lessons.answers import NO, WAYS, YES, skill
from envs.objects import object_kind
from envs.tasks.base import TASKS
from vla.lessons import Lesson
from vla.registry import UnknownNameError

OPPOSITES: Mapping[str, str] = {
    "left": "right",
    "right": "left",
    "in front of": "behind",
    "behind": "front",
    "open": "shut",
    "shut": "open",
    "away from": "near",
    "closer to": "away",
}
THERE: Mapping[str, str] = {"into": "in", "in": "in", "onto": "on", "on": "on"}  # where a thing is that was put so
NAMED = ("target", "place")
SHORT = 9  # words: two longer sentences do not fit into one question
RELATED = {"left", "right", "near", "away", "middle", "open", "shut", "front", "behind"}  # relations with a name


@dataclass(frozen=True)
class WordLessons:
    """Makes lessons in words (`vla.lessons.LessonMaker`).

    Attributes:
        tasks: Families whose instructions are asked about; those whose grammar names no objects are left out.
    """

    tasks: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raise ValueError if nothing is left to ask about, UnknownNameError for an unknown family."""
        if not self.speaking:
            raise UnknownNameError(f"none of the families {self.tasks} names objects: there is nothing to ask about")

    @property
    def speaking(self) -> tuple[str, ...]:
        """Families whose instructions name a target."""
        return tuple(name for name in self.tasks if TASKS[name].grammar.target_kinds)

    def __call__(self, rng: np.random.Generator, count: int) -> Sequence[Lesson]:
        """So many lessons, types evenly."""
        return [self.one(rng) for _ in range(count)]

    def one(self, rng: np.random.Generator) -> Lesson:
        """One lesson of a random type."""
        kinds: tuple[Callable[[np.random.Generator], Lesson | None], ...] = (
            self.about_color,
            self.about_thing,
            self.about_role,
            self.about_skill,
            self.about_same,
            self.about_outcome,
            self.about_relation,
            self.about_opposite,
        )
        while True:
            found = kinds[int(rng.integers(len(kinds)))](rng)
            if found is not None:
                return found

    def drawn(self, rng: np.random.Generator) -> tuple[str, Drawn]:
        """A family and an instruction of it."""
        task = self.speaking[int(rng.integers(len(self.speaking)))]
        return task, TASKS[task].grammar.drawn(rng)

    def about_color(self, rng: np.random.Generator) -> Lesson:
        """Which colour the target or the place has."""
        _, said = self.drawn(rng)
        role = _one([role for role in NAMED if role in said.things], rng)
        return Lesson("said_color", f"what color is the {role} of {said.sentence}", said.things[role][0])

    def about_thing(self, rng: np.random.Generator) -> Lesson:
        """What the target or the place is."""
        _, said = self.drawn(rng)
        role = _one([role for role in NAMED if role in said.things], rng)
        noun = object_kind(said.things[role][1]).noun.word
        return Lesson("said_thing", f"what shape is the {role} of {said.sentence}", noun)

    def about_role(self, rng: np.random.Generator) -> Lesson | None:
        """What a word of an instruction is there for."""
        _, said = self.drawn(rng)
        options = {"verb": words(said.sentence)[0]}
        for role in NAMED:
            if role in said.things:
                color, kind = said.things[role]
                options[role] = _one([color, object_kind(kind).noun.word], rng)
        own = words(said.sentence)
        clear = [role for role, word in options.items() if all(own.count(part) == 1 for part in words(word))]
        if not clear:
            return None
        role = _one(clear, rng)
        return Lesson("role", f"what does {options[role]} mean in {said.sentence}", role)

    def about_skill(self, rng: np.random.Generator) -> Lesson | None:
        """Which family an instruction asks for; sentences that several families say are not asked about."""
        task, said = self.drawn(rng)
        others = [name for name in self.speaking if name != task and _says(name, said)]
        return None if others else Lesson("skill", f"name the task {said.sentence}", skill(task))

    def about_same(self, rng: np.random.Generator) -> Lesson | None:
        """Whether two instructions ask for the same: other words for it, or another colour."""
        task, said = self.drawn(rng)
        grammar = TASKS[task].grammar
        ways = [way for way in grammar.wordings(said.things, said.relation) if way != said.sentence]
        if max(len(text.split()) for text in (said.sentence, *ways)) > SHORT or not ways:
            return None
        if rng.uniform() < 0.5:
            return Lesson("same", f"same or not {said.sentence} or {_one(ways, rng)}", YES)
        role = _one(list(said.things), rng)
        color = _one([c for c in grammar.colors if c != said.things[role][0]], rng)
        changed = {**said.things, role: (color, said.things[role][1])}
        return Lesson(
            "same", f"same or not {said.sentence} or {_one(grammar.wordings(changed, said.relation), rng)}", NO
        )

    def about_outcome(self, rng: np.random.Generator) -> Lesson | None:
        """Whether something is so after an instruction has been carried out: the named thing at the named place."""
        task, said = self.drawn(rng)
        if set(said.things) != set(NAMED) or not any("{on}" in template for template in TASKS[task].grammar.train):
            return None
        on = THERE[object_kind(said.things["place"][1]).noun.on]
        asked, wanted = dict(said.things), YES
        if rng.uniform() < 0.5:
            role, wanted = _one(list(NAMED), rng), NO
            asked[role] = (_one([c for c in COLOR_WORDS if c != asked[role][0]], rng), asked[role][1])
        (color, kind), (other, place) = asked["target"], asked["place"]
        so = f"the {color} {object_kind(kind).noun.word} is {on} the {other} {object_kind(place).noun.word}"
        return Lesson("outcome", f"{said.sentence} then true or not {so}", wanted)

    def about_relation(self, rng: np.random.Generator) -> Lesson | None:
        """Which way something is to go."""
        related = [name for name in self.speaking if set(TASKS[name].grammar.relations) & RELATED]
        if not related:
            return None
        task = _one(related, rng)
        said = TASKS[task].grammar.drawn(rng)
        if said.relation not in WAYS:
            return None
        return Lesson("said_way", f"what way is the target of {said.sentence}", said.relation)

    def about_opposite(self, rng: np.random.Generator) -> Lesson:
        """The opposite of a relation."""
        word = _one(list(OPPOSITES), rng)
        return Lesson("opposite", f"what is the opposite of {word}", OPPOSITES[word])


COLOR_WORDS = ("red", "green", "blue", "yellow", "purple", "orange")


def _says(task: str, said: Drawn) -> bool:
    """Whether a family may say the very sentence that another one said."""
    grammar = TASKS[task].grammar
    roles = {role: said.things.get(role) for role in grammar.roles}
    if any(thing is None or thing[1] not in grammar.roles[role] for role, thing in roles.items()):
        return False
    things = {role: thing for role, thing in roles.items() if thing is not None}
    return any(said.sentence in grammar.wordings(things, relation) for relation in tuple(grammar.relations) or ("",))


def _one(options: Sequence[str], rng: np.random.Generator) -> str:
    return str(options[int(rng.integers(len(options)))])

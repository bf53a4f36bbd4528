"""Goals as conditions: each says what is missing, in metres or radians; from that come success, progress and reward.

`On("red_block", "blue_plate") & Released("red_block")` is a condition. An atom measures a *gap*: how far the state is
from what it asks, in its unit; it holds where the gap is zero or less. Compositions (`And`, `Or`, `Not`, `ForAll`) have
no gap of their own. The atoms are in `envs.predicates`. Knows no physics engine: it reads an `envs.state.WorldState`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar

import numpy as np

from envs.state import WorldState


class Condition(ABC):
    """Something that a state of the world may fulfil."""

    @abstractmethod
    def holds(self, state: WorldState) -> bool:
        """Whether the state fulfils it."""

    @abstractmethod
    def closeness(self, state: WorldState) -> float:
        """How near the state is, in [0, 1]; 1 where it holds. Continuous for atoms that measure a distance."""

    @abstractmethod
    def reason(self, state: WorldState) -> str:
        """Why it does not hold: a stable word, with the object's name after a colon; empty where it holds."""

    @abstractmethod
    def atoms(self) -> tuple[Condition, ...]:
        """The conditions that it is composed of; itself for an atom or a negation."""

    def progress(self, state: WorldState) -> float:
        """Share of its atoms that hold, in [0, 1]."""
        parts = self.atoms()
        return sum(part.holds(state) for part in parts) / len(parts)

    def __and__(self, other: Condition) -> And:
        """Both."""
        return And(self, other)

    def __or__(self, other: Condition) -> Or:
        """Either."""
        return Or(self, other)

    def __invert__(self) -> Not:
        """Not it."""
        return Not(self)


class Atom(Condition):
    """A condition with a measure.

    Attributes:
        word: Its failure reason.
        scale: The gap at which closeness has fallen to a quarter, in the unit of the gap.
    """

    word: ClassVar[str]
    scale: ClassVar[float] = 0.1

    @property
    @abstractmethod
    def subject(self) -> str:
        """The object that is to blame if it does not hold; empty for none."""

    @abstractmethod
    def gap(self, state: WorldState) -> float:
        """What is missing, in metres or radians; zero or less where it holds."""

    def holds(self, state: WorldState) -> bool:
        """See Condition."""
        return self.gap(state) <= 0.0

    def closeness(self, state: WorldState) -> float:
        """See Condition."""
        return float(1.0 - np.tanh(max(self.gap(state), 0.0) / self.scale))

    def reason(self, state: WorldState) -> str:
        """See Condition."""
        if self.holds(state):
            return ""
        return f"{self.word}:{self.subject}" if self.subject else self.word

    def atoms(self) -> tuple[Condition, ...]:
        """See Condition."""
        return (self,)


class And(Condition):
    """All of its parts hold at once."""

    def __init__(self, *parts: Condition) -> None:
        """Raises ValueError for no parts at all."""
        if not parts:
            raise ValueError("And needs at least one condition")
        flat: list[Condition] = []
        for part in parts:
            flat.extend(part.parts if isinstance(part, And) else [part])
        self.parts: tuple[Condition, ...] = tuple(flat)

    def holds(self, state: WorldState) -> bool:
        """See Condition."""
        return all(part.holds(state) for part in self.parts)

    def closeness(self, state: WorldState) -> float:
        """Mean over its parts."""
        return sum(part.closeness(state) for part in self.parts) / len(self.parts)

    def reason(self, state: WorldState) -> str:
        """That of the first part that does not hold."""
        return next((why for part in self.parts if (why := part.reason(state))), "")

    def atoms(self) -> tuple[Condition, ...]:
        """See Condition."""
        return tuple(atom for part in self.parts for atom in part.atoms())


class Or(Condition):
    """At least one of its parts holds."""

    def __init__(self, *parts: Condition) -> None:
        """Raises ValueError for no parts at all."""
        if not parts:
            raise ValueError("Or needs at least one condition")
        self.parts: tuple[Condition, ...] = parts

    def holds(self, state: WorldState) -> bool:
        """See Condition."""
        return any(part.holds(state) for part in self.parts)

    def closeness(self, state: WorldState) -> float:
        """That of its nearest part."""
        return max(part.closeness(state) for part in self.parts)

    def reason(self, state: WorldState) -> str:
        """That of its nearest part."""
        if self.holds(state):
            return ""
        return max(self.parts, key=lambda part: part.closeness(state)).reason(state)

    def atoms(self) -> tuple[Condition, ...]:
        """See Condition."""
        return (self,)


class Not(Condition):
    """Its part does not hold."""

    def __init__(self, part: Condition) -> None:
        """Negate `part`."""
        self.part = part

    def holds(self, state: WorldState) -> bool:
        """See Condition."""
        return not self.part.holds(state)

    def closeness(self, state: WorldState) -> float:
        """1 or 0: a negation has no distance."""
        return float(self.holds(state))

    def reason(self, state: WorldState) -> str:
        """`still_` and the part's word."""
        if self.holds(state):
            return ""
        if isinstance(self.part, Atom):
            return f"still_{self.part.word.removeprefix('not_')}:{self.part.subject}".rstrip(":")
        return "still_so"

    def atoms(self) -> tuple[Condition, ...]:
        """See Condition."""
        return (self,)


def for_all(names: Iterable[str], condition: Callable[[str], Condition]) -> And:
    """`condition(name)` of every name (the quantifier ForAll). Raises ValueError for no names."""
    return And(*(condition(name) for name in names))


ForAll = for_all

"""Instructions for goals with several parts: sentences of the parts' own grammars, joined in one or said one by one.

A template of a chain has the slots `{first}` and `{next}`; what is from before `{next}` on is said again for each later
part. Knows no task by name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from envs.grammar import Grammar, words
from envs.scene import GoalSpec, SceneSpec


@dataclass(frozen=True)
class ChainGrammar(Grammar):
    """The instructions of chains.

    Attributes:
        parts: Grammars of the families that parts may be of.
        orders: Families of the parts of each chain, in order.
        stepwise: Whether each part is said in a line of its own, when its turn comes, in the phrasing of the level;
            else all are said in one sentence, whose level is that of its template: the parts are in training words.
    """

    parts: Mapping[str, Grammar] = field(default_factory=dict)
    orders: tuple[tuple[str, ...], ...] = ()
    stepwise: bool = False

    def joined(self, sentences: Sequence[str], template: str) -> str:
        """One instruction of those of the parts; a line each if they are said stepwise."""
        if self.stepwise:
            return "\n".join(sentences)
        opening, joint = template.split("{first}")
        return opening + joint.removesuffix("{next}").join(sentences)

    def say(self, goal: GoalSpec, spec: SceneSpec, rng: np.random.Generator, level: int = 0) -> str:
        """See Grammar."""
        own = level if self.stepwise else 0
        sentences = [self.parts[part.task].say(part, spec, rng, own) for part in goal.parts]
        return self.joined(sentences, self._template(rng, level))

    def draw(self, rng: np.random.Generator, level: int = 0) -> str:
        """Any instruction of a level; of those said stepwise one line."""
        order = self.orders[int(rng.integers(len(self.orders)))]
        if self.stepwise:
            return self.parts[order[int(rng.integers(len(order)))]].draw(rng, level)
        return self.joined([self.parts[name].draw(rng) for name in order], self._template(rng, level))

    def count(self, level: int = 0) -> int:
        """See Grammar."""
        own = level if self.stepwise else 0
        chains = sum(math.prod(self.parts[name].count(own) for name in order) for order in self.orders)
        return chains if self.stepwise else chains * len(self.templates(level))

    def instructions(self, level: int = 0) -> Iterator[str]:
        """See Grammar. There are very many."""
        own = level if self.stepwise else 0
        for template in ("",) if self.stepwise else self.templates(level):
            for order in self.orders:
                for sentences in itertools.product(*(self.parts[name].instructions(own) for name in order)):
                    yield self.joined(sentences, template)

    def words(self) -> set[str]:
        """See Grammar."""
        joints = {word for template in self.train for word in words(template)} - {"first", "next"}
        spoken = {"first"} if any(template.startswith("first ") for template in self.train) else set()
        return joints.union(spoken, *(grammar.words() for grammar in self.parts.values()))

    def _template(self, rng: np.random.Generator, level: int) -> str:
        if self.stepwise:
            return ""
        templates = self.templates(level)
        return templates[int(rng.integers(len(templates)))]

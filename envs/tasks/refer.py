"""Refer: lift the object that is meant, among others that look like it, however it is referred to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.cameras import DEFAULT_CAMERAS
from envs.grammar import COLORS, Grammar
from envs.layout import arrange
from envs.lookalikes import GRASPED, LANDMARKS, TOLD, lookalikes
from envs.objects import object_kind
from envs.referring import (
    COMPARATIVES,
    DISTANCES,
    EXTREMES,
    FROM,
    ORDINALS,
    RELATIONS,
    SUPERLATIVES,
    THINGS,
    Description,
    references,
)
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, make_thing, start
from envs.tasks.lift import Lift

TRIES = 400  # layouts until one fits the description


def _descriptions() -> Iterator[Description]:
    """Every description that the family uses, way by way."""
    heads = [Description(kind) for kind in GRASPED]
    colored = [Description(kind, color) for kind in GRASPED for color in COLORS]
    landmarks = [Description(kind, color) for kind in LANDMARKS for color in COLORS]
    yield from (Description(THINGS[0], color) for color in COLORS)
    yield from heads
    for head, word in itertools.product((*heads, *colored), (*COMPARATIVES, *EXTREMES)):
        yield replace(head, pick=word)
    yield from (replace(head, pick=word) for head in heads for word in SUPERLATIVES)
    yield from (replace(head, material=word) for head in (*heads, *colored) for word in TOLD)
    yield from (replace(head, relation=word) for head in (*heads, *colored) for word in DISTANCES)
    yield from (replace(head, pick=word, side=side) for head in heads for word in ORDINALS for side in FROM)
    yield from (replace(head, negated=word) for head in heads for word in (*COLORS, *TOLD))
    for head, relation, mark in itertools.product(heads, (*RELATIONS, *DISTANCES), landmarks):
        yield replace(head, relation=relation, landmark=mark)
    for kind, word in itertools.product(LANDMARKS, (*COMPARATIVES, *EXTREMES)):
        nested = Description(kind, pick=word)
        yield from (replace(head, relation=relation, landmark=nested) for head in heads for relation in RELATIONS)


def _synonyms(description: Description) -> tuple[str, ...]:
    """The description with held-out nouns."""
    if description.noun in THINGS:
        return tuple(replace(description, noun=noun).text() for noun in THINGS[1:])
    return tuple(replace(description, noun=noun).text() for noun in object_kind(description.noun).noun.synonyms)


DESCRIPTIONS = {description.text(): description for description in _descriptions()}


@TASKS.register("Refer")
class Refer(Lift):
    """Lift the one of several look-alikes that a description means; the goal's relation is the description."""

    name: ClassVar[str] = "Refer"
    grammar: ClassVar[Grammar] = Grammar(
        train=("lift {relation}", "pick up {relation}", "raise {relation}", "grasp {relation} and lift it"),
        held_out={
            1: ("grab {relation}", "hoist {relation}", "take {relation}"),
            2: (
                "grab {relation_syn}",
                "please hoist {relation}",
            ),
            3: ("could you please grab {relation_syn}", "would you kindly hoist {relation_syn}"),
            4: (
                "i would like to see {relation_syn} held up high",
                "there is something i need off the table namely {relation_syn}",
            ),
            5: (
                "my cloth should get beneath {relation_syn} so please keep it hovering while i wipe here",
                "would you be so kind as to let {relation_syn} hover above its spot for some time",
            ),
        },
        target_kinds=(),
        relations={text: text for text in DESCRIPTIONS},
        relation_synonyms={text: _synonyms(description) for text, description in DESCRIPTIONS.items()},
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task. Every way of referring is as likely; which object is meant follows from where they stand."""
        ways = list(dict.fromkeys(description.way for description in DESCRIPTIONS.values()))
        way = ways[int(rng.integers(len(ways)))]
        texts = [text for text, description in DESCRIPTIONS.items() if description.way == way]
        text = texts[int(rng.integers(len(texts)))]
        things = lookalikes(DESCRIPTIONS[text], rng)
        return things, GoalSpec(self.name, things[0].name, relation=text)

    def sample(self, rng: np.random.Generator) -> SceneSpec:
        """See Task. The layout is drawn until the description means one object clearly."""
        things, goal = self.choose(rng)
        things = tuple(things[i] for i in rng.permutation(len(things)))
        robot = start(rng)
        for _ in range(TRIES):
            objects = arrange(self.slots(things, goal, 0.0, -1.0), rng)
            spec = SceneSpec(goal, "", objects, robot=robot, cameras=DEFAULT_CAMERAS, max_steps=self.max_steps)
            meant = DESCRIPTIONS[goal.relation].denotes(spec)
            if len(meant) == 1:
                spec = replace(spec, goal=replace(goal, target=meant[0].name))
                spec = replace(spec, alternatives=self.alternatives(spec))
                if spec.alternatives:
                    return spec
        raise RuntimeError(f"found no layout in which {goal.relation!r} means one object in {TRIES} attempts")

    def rearranged(self, spec: SceneSpec, rng: np.random.Generator, margin: float, inner: float) -> SceneSpec:
        """See Task. The description means the same object again."""
        for _ in range(TRIES):
            moved = super().rearranged(spec, rng, margin, inner)
            meant = DESCRIPTIONS[spec.goal.relation].denotes(moved)
            if [thing.name for thing in meant] == [spec.goal.target]:
                moved = replace(moved, alternatives=self.alternatives(moved))
                if moved.alternatives:
                    return moved
        raise RuntimeError(f"found no layout in which {spec.goal.relation!r} still means {spec.goal.target!r}")

    def crowded(self, spec: SceneSpec, things: Sequence[ObjectSpec], rng: np.random.Generator) -> SceneSpec:
        """See Task. What fits a word of the description is exchanged for something that does not."""
        description = DESCRIPTIONS[spec.goal.relation]
        said = [description, *description.landmarks()]
        taken = {(thing.color, thing.kind) for thing in (*spec.objects, *things)}
        free = [(color, kind) for color in COLORS for kind in GRASPED if (color, kind) not in taken]
        free = [free[i] for i in rng.permutation(len(free))]
        spare = (make_thing(*pair) for pair in free)
        harmless = (thing for thing in spare if not _may_be_meant(said, thing))
        return super().crowded(spec, [t if not _may_be_meant(said, t) else next(harmless) for t in things], rng)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. One for each object: the first description that means it, in the same way if there is one."""
        found = []
        for thing in spec.objects:
            if thing.kind in GRASPED and not thing.distractor:
                text = self._description(spec, thing.name)
                found.extend([GoalSpec(self.name, thing.name, relation=text)] if text else [])
        return tuple(found)

    def _description(self, spec: SceneSpec, name: str) -> str:
        if name == spec.goal.target:
            return spec.goal.relation
        way = DESCRIPTIONS[spec.goal.relation].way
        texts = [d.text() for d in sorted(references(spec, name), key=lambda d: d.way != way)]
        return next((text for text in texts if text in DESCRIPTIONS), "")

    def atomic_goals(self) -> Iterator[str]:
        """See Task: the descriptions."""
        yield from DESCRIPTIONS

    def atomic_goal(self, spec: SceneSpec, goal: GoalSpec | None = None) -> str:
        """See Task: the description."""
        return (goal or spec.goal).relation


def _may_be_meant(said: Sequence[Description], thing: ObjectSpec) -> bool:
    """Whether a thing has the noun (and colour) of one of some descriptions, so that it might confuse a listener."""
    noun = object_kind(thing.kind).noun.word
    return any(d.noun == noun or (d.noun in THINGS and d.color == thing.color) for d in said)

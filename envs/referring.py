"""Referring: a description in words, and which objects of a scene it means.

An object may be named by colour, shape, size, material, position, relation to another object, order, or by what it is
not. A `Description` denotes objects by the places where the scene puts them, with clear margins: where a person would
have to measure in order to tell, it denotes nothing. `envs.reading` reads back what `Description.text` writes.

Directions are those of the front camera's picture (`envs.predicates.SIDES`): left is -y, right is +y, the front (nearer
to the camera) is +x, the back is -x. Knows no task and no physics.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from envs.materials import MATERIALS
from envs.objects import OBJECT_KINDS, object_kind
from envs.predicates import SIDES, Side
from envs.scene import ObjectSpec, SceneSpec

# All words that refer, beside colours, materials and the nouns of the kinds.
THINGS = ("thing", "object")  # nouns of anything; the first one is used in training
COMPARATIVES: Mapping[str, int] = {"larger": 1, "smaller": -1}  # of two
SUPERLATIVES: Mapping[str, int] = {"largest": 1, "smallest": -1}  # of three or more
EXTREMES: Mapping[str, Side] = {"leftmost": "left", "rightmost": "right"}
ORDINALS: Mapping[str, int] = {"second": 1, "third": 2}
FROM: Mapping[str, Side] = {"left": "left", "right": "right", "front": "front", "back": "behind"}
RELATIONS: Mapping[str, Side | None] = {
    "left of": "left",
    "right of": "right",
    "in front of": "front",
    "behind": "behind",
    "next to": None,
}
DISTANCES: Mapping[str, int] = {"nearest to": -1, "farthest from": 1}
ROBOT = "the robot"
NEGATION = "that is not"

CLEAR = 0.025  # metres by which positions and distances must differ to be told apart
LARGER = 1.15  # ratio by which sizes must differ to be told apart
STEEP = 0.75  # tangent of 37 degrees: what is farther off a direction is not clearly on that side
SLANTED = 1.0  # tangent of 45 degrees: what is farther off a direction is not on that side
BESIDE = 0.07  # metres between footprints of things next to each other, at most
APART = 0.11  # metres between footprints of things that are clearly not next to each other

Way = Literal["color", "shape", "both", "size", "material", "position", "relation", "order", "negation", "nested"]
WAYS: tuple[Way, ...] = (
    "color",
    "shape",
    "both",
    "size",
    "material",
    "position",
    "relation",
    "order",
    "negation",
    "nested",
)


@dataclass(frozen=True)
class Description:
    """A noun phrase: `the second red block from the left`, `the cube that is not red`, `the block behind the bowl`.

    Attributes:
        noun: Word of a kind (training noun, synonym or plural), or one of `THINGS`.
        color: A colour, or empty.
        material: A material, or empty.
        pick: A comparative, superlative, extreme or ordinal, or empty.
        side: From where an ordinal counts: a key of `FROM`.
        negated: A colour or a material that it does not have, or empty.
        relation: A key of `RELATIONS` or `DISTANCES`, or empty.
        landmark: What the relation is to; None with a relation is the robot (distances only).
    """

    noun: str
    color: str = ""
    material: str = ""
    pick: str = ""
    side: str = ""
    negated: str = ""
    relation: str = ""
    landmark: Description | None = None

    def text(self) -> str:
        """The noun phrase."""
        parts = ["the", self.pick, self.color, self.material, self.noun]
        parts += [f"from the {self.side}" if self.side else "", f"{NEGATION} {self.negated}" if self.negated else ""]
        parts += [self.relation, self.landmark.text() if self.landmark else ROBOT if self.relation else ""]
        return " ".join(filter(None, parts))

    @property
    def way(self) -> Way:
        """How it refers; a relation to something that is not simply named by colour and kind is `nested`."""
        if self.negated:
            return "negation"
        if self.landmark is not None:
            return "relation" if self.landmark.way in ("color", "shape", "both") else "nested"
        if self.pick in COMPARATIVES or self.pick in SUPERLATIVES:
            return "size"
        if self.pick in ORDINALS:
            return "order"
        if self.pick or self.relation:
            return "position"
        if self.material:
            return "material"
        return "color" if self.noun in THINGS else "both" if self.color else "shape"

    def denotes(self, spec: SceneSpec) -> tuple[ObjectSpec, ...]:
        """The objects that it means in a scene; none where it clearly fits none, or is a matter of millimetres."""
        group = [thing for thing in spec.objects if self._fits(thing)]
        if self.relation:
            group = self._related(group, spec)
        if self.pick:
            group = _picked(group, self.pick, self.side)
        return tuple(group)

    def landmarks(self) -> Iterator[Description]:
        """What it names in passing, from the outside in."""
        if self.landmark is not None:
            yield self.landmark
            yield from self.landmark.landmarks()

    def _fits(self, thing: ObjectSpec) -> bool:
        kinds = kinds_called(self.noun)
        return (
            (not kinds or thing.kind in kinds)
            and self.color in ("", thing.color)
            and self.material in ("", thing.material)
            and (not self.negated or self.negated not in (thing.color, thing.material))
        )

    def _related(self, group: Sequence[ObjectSpec], spec: SceneSpec) -> list[ObjectSpec]:
        """Those of the group to which the relation applies; none if that is unclear of any, or the landmark is."""
        marks = self.landmark.denotes(spec) if self.landmark else ()
        if self.landmark and len(marks) != 1:
            return []
        others = [thing for thing in group if thing not in marks]
        if self.relation in DISTANCES:
            x, y = marks[0].position[:2] if marks else spec.robot.base[:2]
            sign = DISTANCES[self.relation]
            return _foremost(others, lambda o: sign * float(np.hypot(o.position[0] - x, o.position[1] - y)))
        side = RELATIONS[self.relation]
        verdicts = [_is_beside(o, marks[0]) if side is None else on_side(o, marks[0], side) for o in others]
        if None in verdicts:
            return []
        return [thing for thing, verdict in zip(others, verdicts, strict=True) if verdict]


@functools.lru_cache(maxsize=512)
def kinds_called(noun: str) -> frozenset[str]:
    """The kinds that a noun may mean, training nouns before synonyms; none for a noun of anything (or of nothing)."""
    if noun in THINGS or noun in [f"{word}s" for word in THINGS]:
        return frozenset()
    kinds = {name: OBJECT_KINDS[name].noun for name in OBJECT_KINDS}
    trained = frozenset(name for name, entry in kinds.items() if noun in (entry.word, entry.many))
    synonyms = {name: (*entry.synonyms, *(f"{word}s" for word in entry.synonyms)) for name, entry in kinds.items()}
    return trained or frozenset(name for name in kinds if noun in synonyms[name])


def extent(thing: ObjectSpec) -> float:
    """How large a thing looks, metres: the cube root of the volume of the upright box around it."""
    kind = object_kind(thing.kind)
    return float(np.cbrt(kind.height(thing.size) * (2 * kind.radius(thing.size)) ** 2))


def along(thing: ObjectSpec, side: Side) -> float:
    """Where a thing is along the direction of a side, metres: the greater, the farther on that side."""
    x, y = SIDES[side]
    return x * thing.position[0] + y * thing.position[1]


def _picked(group: Sequence[ObjectSpec], pick: str, side: str) -> list[ObjectSpec]:
    """The one that a comparative, superlative, extreme or ordinal picks out of a group; none where it is not clear."""
    if pick in COMPARATIVES or pick in SUPERLATIVES:
        if (len(group) == 2) != (pick in COMPARATIVES):
            return []
        sign = COMPARATIVES.get(pick) or SUPERLATIVES[pick]
        return _foremost(group, lambda thing: sign * float(np.log(extent(thing))), float(np.log(LARGER)))
    if pick in EXTREMES:
        return _foremost(group, lambda thing: along(thing, EXTREMES[pick]))
    ordered = sorted(group, key=lambda thing: -along(thing, FROM[side]))
    places = [along(thing, FROM[side]) for thing in ordered]
    if len(group) < 3 or any(one - other < CLEAR for one, other in itertools.pairwise(places)):
        return []
    return ordered[ORDINALS[pick] : ORDINALS[pick] + 1]


def _foremost(
    group: Sequence[ObjectSpec], key: Callable[[ObjectSpec], float], margin: float = CLEAR
) -> list[ObjectSpec]:
    """The one with the greatest key, by a margin; none if the group has fewer than two, for then one picks nothing."""
    ordered = sorted(group, key=key, reverse=True)
    return ordered[:1] if len(group) > 1 and key(ordered[0]) - key(ordered[1]) >= margin else []


def on_side(thing: ObjectSpec, mark: ObjectSpec, side: Side) -> bool | None:
    """Whether a thing is on one side of another; None if a person might say either."""
    ahead = along(thing, side) - along(mark, side)
    distance = float(np.hypot(thing.position[0] - mark.position[0], thing.position[1] - mark.position[1]))
    aside = float(np.sqrt(max(distance**2 - ahead**2, 0.0)))
    if ahead >= CLEAR and aside <= STEEP * ahead:
        return True
    return False if aside >= SLANTED * ahead else None


def _is_beside(thing: ObjectSpec, mark: ObjectSpec) -> bool | None:
    """Whether a thing is next to another; None if a person might say either."""
    distance = float(np.hypot(thing.position[0] - mark.position[0], thing.position[1] - mark.position[1]))
    radii = (object_kind(item.kind).radius(item.size) for item in (thing, mark))
    gap = distance - sum(radii)
    return True if gap <= BESIDE else False if gap >= APART else None


def references(
    spec: SceneSpec, name: str, ways: Sequence[Way] = WAYS, *, colors: bool = True
) -> tuple[Description, ...]:
    """Every description of the given ways that denotes exactly the object called `name` in the scene.

    They say no more than their way needs, but for the colour, which may come with any (unless `colors` is off).
    Relations are to objects that colour and kind name; nested ones to objects that size, position or order name.
    """
    thing = spec.object(name)
    found = [
        description
        for description in _candidates(spec, thing, ways)
        if (colors or not description.color or description.way in ("color", "both"))
        and [other.name for other in description.denotes(spec)] == [name]
    ]
    return tuple(dict.fromkeys(found))


def _candidates(spec: SceneSpec, thing: ObjectSpec, ways: Sequence[Way]) -> Iterator[Description]:
    """Descriptions that might denote a thing, of the given ways."""
    noun = object_kind(thing.kind).noun.word
    plain, colored = Description(noun), Description(noun, thing.color)
    wanted = set(ways)
    simple = [Description(THINGS[0], thing.color), plain, colored, Description(noun, material=thing.material)]
    yield from (description for description in simple if description.way in wanted)
    heads = (plain, colored)
    for head in heads:
        yield from (description for description in _selected(head) if description.way in wanted)
    if "position" in wanted and all(object_kind(other.kind).moves for other in spec.objects):  # a zone is no thing
        yield from (d for d in _selected(Description(THINGS[0])) if d.way == "position")
    if "negation" in wanted:
        kinds = kinds_called(noun)
        others = [other for other in spec.objects if other.kind in kinds and other is not thing]
        unlike = {other.color for other in others} | {other.material for other in others}
        yield from (replace(plain, negated=word) for word in sorted(unlike - {thing.color, thing.material}))
    if wanted & {"relation", "nested"}:
        for mark in _marks(spec, thing, wanted):
            for head, relation in ((head, relation) for head in heads for relation in (*RELATIONS, *DISTANCES)):
                yield replace(head, relation=relation, landmark=mark)


def _selected(head: Description) -> Iterator[Description]:
    """A head with each word that picks one of a group by size, position or order."""
    yield from (replace(head, pick=word) for word in (*COMPARATIVES, *SUPERLATIVES, *EXTREMES))
    yield from (replace(head, relation=relation) for relation in DISTANCES)
    yield from (replace(head, pick=word, side=side) for word in ORDINALS for side in FROM)


def _marks(spec: SceneSpec, thing: ObjectSpec, wanted: set[Way]) -> Iterator[Description]:
    """Descriptions of other objects that a relation may be to, each of which denotes one."""
    for other in spec.objects:
        if other is thing or other.distractor:
            continue
        noun = object_kind(other.kind).noun.word
        marks = [Description(noun), Description(noun, other.color)] if "relation" in wanted else []
        if "nested" in wanted:
            marks += _selected(Description(noun))
        yield from (mark for mark in marks if [found.name for found in mark.denotes(spec)] == [other.name])


def referring_words() -> tuple[str, ...]:
    """Every word that a description of training may have, beside nouns and colours."""
    groups = (COMPARATIVES, SUPERLATIVES, EXTREMES, ORDINALS, FROM, RELATIONS, DISTANCES, MATERIALS)
    text = " ".join([THINGS[0], ROBOT, NEGATION, "from the", *(word for group in groups for word in group)])
    return tuple(sorted(set(text.split())))

"""Stage 2: questions about a picture, with points and boxes of what they name.

Only what the first camera sees is asked about, and only where a person would not have to measure (`envs.referring`). A
type is drawn first, then an answer, then a question with that answer, so that the words alone say little about it.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from envs.grammar import COLORS, phrase
from envs.lessons.answers import MOST, NO, YES
from envs.lessons.pictures import OPEN, SHUT, Picture, Pictures
from envs.objects import object_kind
from envs.predicates import Side
from envs.referring import CLEAR, LARGER, WAYS, Way, extent, on_side, references
from envs.scene import ObjectSpec
from envs.tasks.fixture_base import FIXTURE_COLORS, is_fixture
from envs.tasks.refer import DESCRIPTIONS
from vla.lessons import Lesson, Wanted

SIDE_WORDS: dict[Side, str] = {"left": "left of", "right": "right of", "front": "in front of", "behind": "behind"}
TRIED = 4  # ways to refer to a thing, before it is called by colour and kind
POINTING = 0.35  # share of the lessons that ask where, not what


class Question(NamedTuple):
    """What is asked, the answer, and what is named, at most two objects."""

    text: str
    answer: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class PictureLessons:
    """Makes lessons about pictures (`vla.lessons.LessonMaker`).

    Attributes:
        pictures: Draws them.
        each: Lessons of one picture.
        captions: Whether descriptions in free text are asked for too, which no closed vocabulary answers.
    """

    pictures: Pictures
    each: int = 4
    captions: bool = False

    def __call__(self, rng: np.random.Generator, count: int) -> Sequence[Lesson]:
        """So many lessons."""
        found: list[Lesson] = []
        for picture in self.pictures(rng):
            found.extend(self.about(picture, rng))
            if len(found) >= count:
                return found[:count]
        raise AssertionError("pictures never end")

    def about(self, picture: Picture, rng: np.random.Generator) -> Iterator[Lesson]:
        """Up to `each` lessons of one picture; none where nothing is seen."""
        for _ in range(self.each if picture.visible else 0):
            draw = rng.uniform()
            if self.captions and draw > 0.9:
                yield _lesson(picture, "caption", Question("describe the table", caption(picture), ()), "answer")
            elif draw < POINTING:
                yield _pointing(picture, "Refer" in self.pictures.tasks, rng)
            else:
                yield _asking(picture, rng)


def _asking(picture: Picture, rng: np.random.Generator) -> Lesson:
    """A question of a type drawn from those that the picture allows."""
    kinds = list(KINDS)
    for kind in (kinds[int(i)] for i in rng.permutation(len(kinds))):
        by_answer: dict[str, list[Question]] = defaultdict(list)
        for question in KINDS[kind](picture, rng):
            by_answer[question.answer].append(question)
        if len(by_answer) > 1 or (by_answer and kind in OF_ITSELF):
            options = by_answer[sorted(by_answer)[int(rng.integers(len(by_answer)))]]
            return _lesson(picture, kind, options[int(rng.integers(len(options)))], "answer")
    return _pointing(picture, False, rng)


def _pointing(picture: Picture, refer: bool, rng: np.random.Generator) -> Lesson:
    """Where something is that a phrase means, or the objects of the scene's own instruction."""
    goal = picture.spec.goal
    wanted: Wanted = "point" if rng.uniform() < 0.5 else "box"
    if rng.uniform() < 0.5 and goal.target and picture.sees(goal.target) and not goal.parts:
        text = picture.spec.instruction.split("\n")[0]
        return _lesson(
            picture, "instruction", Question(text, "", tuple(filter(None, (goal.target, goal.place)))), wanted
        )
    thing = picture.visible[int(rng.integers(len(picture.visible)))]
    texts = _phrases(picture, thing)
    if refer and rng.uniform() < 0.5:
        tried = (_referring(picture, thing, WAYS[int(i)]) for i in rng.permutation(len(WAYS))[:TRIED])
        texts = next(filter(None, tried), texts)
    if not texts:
        return _lesson(picture, "gripper", _gripper_question(picture), "answer")
    return _lesson(picture, "phrase", Question(texts[int(rng.integers(len(texts)))], "", (thing.name,)), wanted)


def _lesson(picture: Picture, kind: str, question: Question, wanted: Wanted) -> Lesson:
    number = picture.number(question.names[0]) if question.names else -1
    boxes = picture.boxes[:, number] if question.names else np.zeros((len(picture.cameras), 5), np.float32)
    return Lesson(
        kind,
        question.text,
        question.answer,
        wanted,
        picture.cameras,
        picture.pixels,
        picture.agent_pos,
        picture.points_of(question.names),
        boxes,
        picture.positions_of(question.names),
    )


def _noun(thing: ObjectSpec) -> str:
    return object_kind(thing.kind).noun.word


def _called(thing: ObjectSpec) -> str:
    return phrase(thing.color, thing.kind)


def _unique(picture: Picture) -> list[ObjectSpec]:
    """Seen things whose colour and noun no other thing of the scene has."""
    many = Counter((thing.color, _noun(thing)) for thing in picture.spec.objects)
    return [thing for thing in picture.visible if many[thing.color, _noun(thing)] == 1]


def _phrases(picture: Picture, thing: ObjectSpec) -> list[str]:
    return [_called(thing)] if thing in _unique(picture) else []


def _referring(picture: Picture, thing: ObjectSpec, way: Way) -> list[str]:
    """Descriptions of a thing, of one way, that the training instructions of `Refer` have."""
    found = references(picture.spec, thing.name, (way,))
    return [text for text in (description.text() for description in found) if text in DESCRIPTIONS]


def _palette(thing: ObjectSpec) -> Sequence[str]:
    return FIXTURE_COLORS if is_fixture(thing) else tuple(COLORS)


def color_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """Which colour something of a kind has, if there is one of its kind; or what is nearest to the gripper."""
    many = Counter(_noun(thing) for thing in picture.spec.objects)
    for thing in picture.visible:
        if many[_noun(thing)] == 1:
            yield Question(f"what color is the {_noun(thing)}", thing.color, (thing.name,))


def shape_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """What something of a colour is, if there is one of its colour."""
    many = Counter(thing.color for thing in picture.spec.objects)
    for thing in picture.visible:
        if many[thing.color] == 1:
            yield Question(f"what shape is the {thing.color} thing", _noun(thing), (thing.name,))


def count_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """How many there are of a kind or a colour; of what is there, all must be seen."""
    seen = {thing.name for thing in picture.visible}
    groups: dict[str, list[ObjectSpec]] = {f"the {color} things": [] for color in COLORS}
    for thing in picture.spec.objects:
        groups.setdefault(f"the {object_kind(thing.kind).noun.many}", []).append(thing)
        groups.setdefault(f"the {thing.color} things", []).append(thing)
    for text, group in groups.items():
        if len(group) <= MOST and all(thing.name in seen for thing in group):
            yield Question(f"count {text}", str(len(group)), tuple(thing.name for thing in group[:1]))


def exists_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """Whether there is something of a colour and kind; if not, then of that kind in another colour."""
    for thing in picture.visible:
        present = {other.color for other in picture.spec.objects if _noun(other) == _noun(thing)}
        absent = [color for color in _palette(thing) if color not in present]
        yield Question(f"is a {thing.color} {_noun(thing)} on the table", YES, (thing.name,))
        if absent:
            color = absent[int(rng.integers(len(absent)))]
            yield Question(f"is a {color} {_noun(thing)} on the table", NO, ())


def relation_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """Whether one thing is clearly on one side of another, or clearly not."""
    for thing, mark in itertools.permutations(_unique(picture), 2):
        for side, words in SIDE_WORDS.items():
            verdict = on_side(thing, mark, side)
            if verdict is not None:
                text = f"is {_called(thing)} {words} {_called(mark)}"
                yield Question(text, YES if verdict else NO, (thing.name, mark.name))


def way_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """On which side of another thing something is."""
    for thing, mark in itertools.permutations(_unique(picture), 2):
        sides = [side for side in SIDE_WORDS if on_side(thing, mark, side)]
        if len(sides) == 1:
            yield Question(f"what way from {_called(mark)} is {_called(thing)}", sides[0], (thing.name, mark.name))


def size_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """Which of two things of one kind is larger: a kind's usual size must not give the answer away."""
    for thing, other in itertools.permutations(_unique(picture), 2):
        ratio = extent(thing) / extent(other)
        if thing.kind == other.kind and not 1 / LARGER < ratio < LARGER:
            text = f"is {_called(thing)} larger than {_called(other)}"
            yield Question(text, YES if ratio > 1 else NO, (thing.name, other.name))


def state_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """What a drawer, a door or a lever is."""
    for thing in _unique(picture):
        state = picture.states.get(thing.name)
        if state in ("open", "shut"):
            yield Question(f"is {_called(thing)} open", YES if state == "open" else NO, (thing.name,))
        elif state:
            yield Question(f"what way is {_called(thing)}", state, (thing.name,))


def hand_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """On which side of a thing the gripper is: what the picture shows, or what the robot feels and the picture."""
    for thing in _unique(picture):
        tool = replace(thing, position=(float(picture.tool[0]), float(picture.tool[1]), 0.0))
        for side, words in SIDE_WORDS.items():
            verdict = on_side(tool, thing, side)
            if verdict is not None:
                yield Question(f"is the gripper {words} {_called(thing)}", YES if verdict else NO, (thing.name,))


def nearest_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """Which colour the thing nearest to the gripper has; things that are not seen must be farther away too."""
    away = [float(np.hypot(*np.subtract(thing.position[:2], picture.tool[:2]))) for thing in picture.spec.objects]
    order = np.argsort(away)
    if len(order) > 1 and away[order[1]] - away[order[0]] >= CLEAR:
        thing = picture.spec.objects[int(order[0])]
        if picture.sees(thing.name):
            yield Question("what color is the thing nearest to the gripper", thing.color, (thing.name,))


def gripper_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """Whether the gripper is open."""
    yield _gripper_question(picture)


def _gripper_question(picture: Picture) -> Question:
    return Question("is the gripper open", YES if picture.opening > (OPEN[0] + SHUT[1]) / 2 else NO, ())


def caption(picture: Picture) -> str:
    """What is seen, in a few sentences: things from left to right, states, one relation for each neighbour."""
    things = sorted(picture.visible, key=lambda thing: thing.position[1])
    parts = [f"a {thing.color} {_noun(thing)}" for thing in things]
    text = f"from left to right: {', '.join(parts)}."
    for name, state in picture.states.items():
        if picture.sees(name):
            text += f" the {picture.spec.object(name).color} {_noun(picture.spec.object(name))} is {state}."
    for thing, mark in itertools.pairwise(things):
        side = next((side for side in SIDE_WORDS if on_side(thing, mark, side)), None)
        if side:
            text += f" {_called(thing)} is {SIDE_WORDS[side]} {_called(mark)}."
    return f"{text} the gripper is {'open' if _gripper_question(picture).answer == YES else 'shut'}."


def statement_questions(picture: Picture, rng: np.random.Generator) -> Iterator[Question]:
    """Whether a caption is true: each thing with its neighbour's colour exchanged in a false one."""
    things = _unique(picture)
    for thing, other in itertools.permutations(things, 2):
        if thing.color == other.color or thing.kind == other.kind:
            continue
        yield Question(
            f"true or not {_called(thing)} and {_called(other)}",
            YES,
            (thing.name, other.name),
        )
        swapped = (phrase(other.color, thing.kind), phrase(thing.color, other.kind))
        if not any(_called(each) in swapped for each in picture.spec.objects):
            yield Question(f"true or not {swapped[0]} and {swapped[1]}", NO, ())


KINDS: dict[str, Callable[[Picture, np.random.Generator], Iterator[Question]]] = {
    "color": color_questions,
    "shape": shape_questions,
    "count": count_questions,
    "exists": exists_questions,
    "relation": relation_questions,
    "way": way_questions,
    "size": size_questions,
    "state": state_questions,
    "hand": hand_questions,
    "nearest": nearest_questions,
    "gripper": gripper_questions,
    "caption_true": statement_questions,
}
OF_ITSELF = ("color", "shape", "state", "nearest", "gripper")  # balanced by how scenes are drawn, not by the choice

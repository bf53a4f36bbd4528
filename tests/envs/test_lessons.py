"""Lessons: balanced, true, about what is seen, and made of nothing that is held out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import pytest

from envs.frames import EpisodeRenderer
from envs.grammar import MORE_COLORS, words
from envs.lessons import LESSON_SEED
from envs.lessons.answers import answer_words
from envs.lessons.pictures import BODY_BITS, LEAST, Picture, Pictures
from envs.lessons.questions import KINDS, PictureLessons, caption
from envs.lessons.vocabulary import LONGEST, lesson_words
from envs.lessons.words import WordLessons
from envs.objects import OBJECT_KINDS
from envs.poses import FIRST_OBJECT_BODY
from envs.posing import posed
from envs.referring import on_side
from envs.speech.fillers import FILLERS
from envs.speech.synonyms import OTHERS, VERBS
from envs.tasks.base import TASKS, training_vocabulary
from envs.tasks.fixture_base import FIXTURE_COLORS
from envs.tasks.refer import DESCRIPTIONS
from experiments.suites import FAMILIES, SUITES
from vla.lessons import Lesson
from vla.seeding import episode_seed

SIZE = 64


@pytest.fixture(scope="module")
def about_pictures() -> Sequence[Lesson]:
    return PictureLessons(Pictures(FAMILIES, size=SIZE), each=6, captions=True)(np.random.default_rng(1), 2400)


@pytest.fixture(scope="module")
def about_words() -> Sequence[Lesson]:
    return WordLessons(FAMILIES)(np.random.default_rng(1), 4000)


def by_kind(lessons: Sequence[Lesson]) -> dict[str, list[Lesson]]:
    found: dict[str, list[Lesson]] = defaultdict(list)
    for lesson in lessons:
        found[lesson.kind].append(lesson)
    return found


def test_every_type_is_asked(about_pictures: Sequence[Lesson], about_words: Sequence[Lesson]) -> None:
    rare = {"size"}  # few scenes have things of one kind that differ in size
    assert set(KINDS) | {"phrase", "instruction", "caption"} == {*by_kind(about_pictures), *rare}
    asked = {"said_color", "said_thing", "role", "skill", "same", "outcome", "said_way", "opposite"}
    assert set(by_kind(about_words)) == asked


def test_things_of_one_kind_are_compared_and_referred_to() -> None:
    rng = np.random.default_rng(3)
    seen = pictures(40, ("Refer",))
    sizes = [question for picture in seen for question in KINDS["size"](picture, rng)]
    assert {question.answer for question in sizes} == {"yes", "no"}
    lessons = PictureLessons(Pictures(("Refer",), size=SIZE), each=6)(rng, 200)
    assert sum(lesson.text in DESCRIPTIONS for lesson in lessons) > 10


def blind_accuracy(lessons: Sequence[Lesson]) -> float:
    """What a table from questions to their most frequent answers gets right of the second half."""
    half = len(lessons) // 2
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for lesson in lessons[:half]:
        table[lesson.text][lesson.answer] += 1
    usual = Counter(lesson.answer for lesson in lessons[:half]).most_common(1)[0][0]
    guesses = [table[text].most_common(1)[0][0] if (text := lesson.text) in table else usual for lesson in lessons]
    return float(
        np.mean([guess == lesson.answer for guess, lesson in zip(guesses[half:], lessons[half:], strict=True)])
    )


def test_a_blind_model_is_near_chance(about_pictures: Sequence[Lesson]) -> None:
    for kind, lessons in by_kind(about_pictures).items():
        if kind not in KINDS or len(lessons) < 60:
            continue
        answers = Counter(lesson.answer for lesson in lessons)
        most = answers.most_common(1)[0][1] / len(lessons)
        spread = 2.5 * (0.25 / len(lessons)) ** 0.5
        assert most <= 0.5 + spread, (kind, answers)
        assert blind_accuracy(lessons) <= 0.5 + 2 * spread, kind


def test_answers_are_out_of_the_closed_vocabulary(
    about_pictures: Sequence[Lesson], about_words: Sequence[Lesson]
) -> None:
    known = answer_words()
    assert len(set(known)) == len(known)
    for lesson in (*about_pictures, *about_words):
        if lesson.kind in ("phrase", "instruction"):
            assert not lesson.answer
            assert lesson.wanted in ("point", "box")
        elif lesson.kind != "caption":
            assert lesson.answer in known, lesson


def test_questions_fit(about_pictures: Sequence[Lesson], about_words: Sequence[Lesson]) -> None:
    longest = max((*about_pictures, *about_words), key=lambda lesson: len(words(lesson.text)))
    assert len(words(longest.text)) <= LONGEST, longest.text


def held_out_words() -> set[str]:
    """Words that only held-out phrasings, synonyms and colours have."""
    texts: list[str] = [*(set(MORE_COLORS) - set(FIXTURE_COLORS))]
    for name in TASKS:
        grammar = TASKS[name].grammar
        texts += [re.sub(r"\{\w+\}", " ", text) for level in grammar.held_out.values() for text in level]
        texts += [text for synonyms in grammar.relation_synonyms.values() for text in synonyms]
    texts += [text for kind in OBJECT_KINDS for text in OBJECT_KINDS[kind].noun.synonyms]
    texts += [text for table in (VERBS, OTHERS) for synonyms in table.values() for text in synonyms]
    texts += [text for pairs in FILLERS.values() for pair in pairs for text in pair]
    return {word for text in texts for word in words(text)} - set(training_vocabulary())


def test_no_held_out_word_is_taught(about_pictures: Sequence[Lesson], about_words: Sequence[Lesson]) -> None:
    held_out, known = held_out_words(), set(lesson_words())
    assert not known & held_out
    for lesson in (*about_pictures, *about_words):
        assert set(words(lesson.text)) <= known, lesson.text


def test_no_held_out_scene_is_drawn() -> None:
    from vla.contract import EpisodeRequest

    evaluated = {episode_seed(request) for suite in SUITES.values() for request in suite.requests()}
    drawn = {episode_seed(EpisodeRequest("Lift", i, LESSON_SEED)) for i in range(2000)}
    assert not evaluated & drawn
    assert LESSON_SEED not in {suite.seed for suite in SUITES.values()} | {0, 1000}
    rng = np.random.default_rng(5)
    for _ in range(30):
        spec = Pictures(FAMILIES).scene(rng)
        task = TASKS[spec.goal.task]
        assert not any(thing.distractor or thing.instead_of for thing in spec.objects)
        assert all(thing.color in (FIXTURE_COLORS if "pink" in task.grammar.colors else task.grammar.colors)
                   or thing.color in FIXTURE_COLORS for thing in spec.objects)  # fmt: skip


def pictures(count: int, tasks: tuple[str, ...] = FAMILIES) -> list[Picture]:
    drawn = Pictures(tasks, size=SIZE, each=1)(np.random.default_rng(2))
    return [next(drawn) for _ in range(count)]


def test_points_and_boxes_lie_on_what_is_seen() -> None:
    for picture in pictures(12):
        for number in range(len(picture.spec.objects)):
            for view in range(2):
                u, v, seen = picture.spots[view, number]
                left, top, right, bottom, boxed = picture.boxes[view, number]
                assert seen == boxed == (picture.counts[view, number] >= LEAST * SIZE**2)
                if seen:
                    assert left < u < right
                    assert top < v < bottom
                    assert (right - left) * (bottom - top) * SIZE**2 >= picture.counts[view, number] - 1e-3


def test_segmentation_says_what_is_under_a_point() -> None:
    """The point of a drawn thing is a pixel of that thing in a picture drawn anew."""
    from envs.lessons.pictures import random_posture

    rng = np.random.default_rng(4)
    maker = Pictures(("PlaceInto",), size=SIZE)
    spec = maker.scene(rng)
    renderer = EpisodeRenderer(spec, size=SIZE)
    posture = random_posture(spec, rng)
    segmentation = renderer.frames(posed(spec, posture), ("front",))["front"].segmentation
    from envs.lessons.pictures import _seen

    spots, _, _ = _seen(segmentation, len(spec.objects))
    for number, (u, v, seen) in enumerate(spots):
        if seen:
            assert segmentation[int(v * SIZE), int(u * SIZE)] & BODY_BITS == number + FIRST_OBJECT_BODY


def test_questions_about_relations_are_true() -> None:
    rng = np.random.default_rng(0)
    asked = 0
    for picture in pictures(12, ("PlaceInto", "PutIn", "Stack")):
        for question in KINDS["relation"](picture, rng):
            thing, mark = (picture.spec.object(name) for name in question.names)
            text = question.text.removeprefix("is ")
            side = next(s for s, w in {"left": " left of ", "right": " right of ", "front": " in front of ",
                                       "behind": " behind "}.items() if w in text)  # fmt: skip
            assert (question.answer == "yes") == on_side(thing, mark, side)  # type: ignore[arg-type]
            asked += 1
    assert asked > 20


def test_states_are_what_is_drawn() -> None:
    seen = {state for picture in pictures(30, ("OpenDrawer", "FlipLever")) for state in picture.states.values()}
    assert {"open", "shut", "left", "right", "middle"} <= seen
    assert "open" in caption(next(p for p in pictures(30, ("OpenDrawer",)) if "open" in p.states.values()))


def test_same_seed_same_lessons() -> None:
    maker = PictureLessons(Pictures(("Lift", "OpenDrawer"), size=32))
    a, b = (maker(np.random.default_rng(7), 6) for _ in range(2))
    for one, other in zip(a, b, strict=True):
        assert (one.text, one.answer, one.kind) == (other.text, other.answer, other.kind)
        assert one.pixels is not None
        assert other.pixels is not None
        assert one.pixels.tobytes() == other.pixels.tobytes()


@pytest.mark.parametrize("robot", ["panda", "xarm6", "kuka"])
def test_every_robot_and_camera_can_be_seen(robot: str) -> None:
    maker = Pictures(("PlaceInto", "OpenDrawer"), ("top", "wrist"), SIZE, robot, each=2)
    drawn = maker(np.random.default_rng(3))
    seen = [next(drawn) for _ in range(8)]
    assert sum(len(picture.visible) for picture in seen) > 12
    for picture in seen:
        assert picture.pixels.shape == (2, SIZE, SIZE, 3)
        tool, base = picture.tool, np.array(picture.spec.robot.base)
        np.testing.assert_allclose(tool - base, picture.agent_pos[:3], atol=1e-5)
        assert 0.0 < tool[2] < 0.4


def test_nothing_to_ask_about_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to ask about"):
        WordLessons(("Sort",))

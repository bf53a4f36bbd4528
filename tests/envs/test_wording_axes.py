"""How instructions are worded: each axis does to the sentence what its level says, and what is meant stays."""

import itertools
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import pytest

from envs.colors import difference
from envs.grammar import COLORS, MIN_NEW_WORDS, named_color, phrase, words
from envs.objects import OBJECT_KINDS
from envs.reading import ADJECTIVES, heads, mentions, misunderstood
from envs.referring import Description
from envs.rewording import WAYS_BY_LEVEL
from envs.scene import GoalSpec, SceneSpec
from envs.scenes import make_scene
from envs.speech.fillers import FILLERS
from envs.speech.frames import OF_TEMPLATE, found_frames
from envs.speech.hues import COLOR_OF, hue, unseen_names
from envs.speech.languages import noun_phrase
from envs.speech.senses import by_sense
from envs.speech.switching import switched
from envs.speech.synonyms import OTHERS, VERBS, content_words
from envs.speech.typing_errors import slips
from envs.speech.word_order import inversions
from envs.tasks.base import TASKS, make_thing, training_vocabulary
from envs.tasks.chain import Chain
from envs.variations import AXES
from envs.variations.naming import TOLD_APART
from envs.variations.sentences import parts_of
from vla.contract import EpisodeRequest, Perturbation

DEMO = ("Lift", "PlaceInto", "Push", "Reach")  # families whose scenes are a few things apart on the table
LEVELS = range(1, 6)
Pair = tuple[str, int, SceneSpec, SceneSpec]  # family, level, the scene as it is, and as it is said otherwise


@lru_cache(maxsize=4096)
def scene(task: str, axis: str | None = None, level: int = 0, index: int = 0) -> SceneSpec:
    return make_scene(EpisodeRequest(task, index, 0, "eval", (Perturbation(axis, level),) if axis else ()))


def pairs(axis: str, index: int = 0) -> Iterator[Pair]:
    """One scene of every family at every level."""
    for task in TASKS:
        if AXES[axis].applies(TASKS[task]):
            yield from ((task, level, scene(task, None, 0, index), scene(task, axis, level, index)) for level in LEVELS)


def lines(one: SceneSpec, other: SceneSpec) -> Iterator[tuple[str, str]]:
    yield from zip(one.instruction.split("\n"), other.instruction.split("\n"), strict=True)


def means(line: str, spec: SceneSpec) -> list[set[str]]:
    return [{thing.name for thing in mention.things} for mention in mentions(line, spec)]


def assert_grows(axis: str, measure: Callable[[str, str], float], near: float = 1.0, index: int = 0) -> None:
    """The mean over families of what is measured on a line grows with the level, and is near the magnitude."""
    found: dict[int, list[float]] = {level: [] for level in LEVELS}
    for _, level, twin, spec in pairs(axis, index):
        found[level] += [measure(old, new) for old, new in lines(twin, spec)]
    averages = [float(np.mean(found[level])) for level in LEVELS]
    assert averages == sorted(set(averages)), averages
    assert np.abs(np.subtract(averages, AXES[axis].levels)).max() < near, averages


def test_paraphrases_use_new_words() -> None:
    known = set(training_vocabulary())
    for task, level, _, spec in pairs("paraphrase"):
        assert len(set(words(spec.instruction)) - known) >= AXES["paraphrase"].levels[level - 1], task
    assert AXES["paraphrase"].levels == tuple(MIN_NEW_WORDS.values())


@pytest.mark.parametrize("task", DEMO)
def test_references_are_of_their_level_where_there_are_some(task: str) -> None:
    for level, ways in WAYS_BY_LEVEL.items():
        of_level = reworded = 0
        for index in range(12):
            twin, spec = scene(task, index=index), scene(task, "reference", level, index)
            found = mentions(spec.instruction, spec)
            of_level += sum(mention.description.way in ways for mention in found)
            reworded += spec.instruction != twin.instruction
            assert [m.things for m in found] == [m.things for m in mentions(twin.instruction, twin)]
        assert reworded == 12
        assert of_level >= (2 if level == 4 else 7)  # one is the second only of three of its kind


def test_synonyms_replace_a_share_of_the_content_words_and_mean_the_same() -> None:
    known, new_words = set(training_vocabulary()), dict.fromkeys(LEVELS, 0)
    for task, level, twin, spec in pairs("synonyms"):
        for old, new in lines(twin, spec):
            assert means(new, spec) == means(old, twin), task
            assert misunderstood(new, spec, spec.goal) == "", task
            wanted = max(1, int(AXES["synonyms"].levels[level - 1] * content_words(old) + 0.5))
            unseen = len([word for word in words(new) if word not in known])
            assert unseen <= wanted
            new_words[level] += unseen
    counts = list(new_words.values())
    assert counts == sorted(set(counts))
    assert counts[-1] > 4 * counts[0]


def test_every_synonym_has_a_word_that_is_not_of_training() -> None:
    known = set(training_vocabulary())
    for table in (VERBS, OTHERS):
        for word, options in table.items():
            assert set(word.split()) <= known | {"pick"}, word
            assert all(set(option.split()) - known for option in options), word
    assert known.isdisjoint({*COLOR_OF, *ADJECTIVES})
    nouns = {
        word for name in OBJECT_KINDS for word in (OBJECT_KINDS[name].noun.word, *OBJECT_KINDS[name].noun.synonyms)
    }
    assert nouns.isdisjoint({*COLOR_OF, *ADJECTIVES})


def test_fillers_are_as_long_as_they_say_and_leave_the_instruction_in_one_piece() -> None:
    for task, level, twin, spec in pairs("politeness"):
        for old, new in lines(twin, spec):
            before, said, after = new.partition(old)
            assert said, task
            assert len(before.split()) + len(after.split()) == AXES["politeness"].levels[level - 1], new
            assert level < 5 or (len(new.split()) > 20 and before and after)
            assert means(new, spec) == means(old, twin)
    for count, options in FILLERS.items():
        assert all(len(f"{before} {after}".split()) == count for before, after in options)


def test_typing_errors_are_one_a_word_and_can_be_undone() -> None:
    known = training_vocabulary()
    for task, _, twin, spec in pairs("typos"):
        for old, new in lines(twin, spec):
            for right, wrong in zip(old.split(), new.split(), strict=True):
                if right != wrong:
                    assert wrong in slips(right), task
                    assert right[0] == wrong[0]
                    assert [word for word in known if wrong == word or wrong in slips(word)] in ([right], [])
    assert_grows("typos", _typed_wrong, near=0.15)


def _typed_wrong(old: str, new: str) -> float:
    long = [(right, wrong) for right, wrong in zip(old.split(), new.split(), strict=True) if len(right) >= 3]
    return float(np.mean([right != wrong for right, wrong in long]))


def test_words_in_another_order_are_the_same_words() -> None:
    for task, _, twin, spec in pairs("word_order"):
        for old, new in lines(twin, spec):
            assert sorted(old.split()) == sorted(new.split()), task
            assert old != new, task


def test_the_order_of_words_is_as_far_from_the_first_as_the_level_says() -> None:
    found: dict[int, list[float]] = {level: [] for level in LEVELS}
    for task in ("Lift", "PlaceInto", "PutInDrawer", "TurnKnob", "Rotate", "Cover"):
        for level in LEVELS:
            twin, spec = scene(task), scene(task, "word_order", level)
            found[level].append(_reversed(twin.instruction.split(), spec.instruction.split()))
    averages = [float(np.mean(found[level])) for level in LEVELS]
    assert averages == sorted(set(averages))
    assert np.abs(np.subtract(averages, AXES["word_order"].levels)).max() < 0.12


def _reversed(old: list[str], new: list[str]) -> float:
    """Share of pairs of words that stand only once in which the order is reversed."""
    places = [new.index(word) for word in old if old.count(word) == 1]
    return inversions(places)


def test_prepositions_stay_with_their_things_in_any_order() -> None:
    links = ("into", "onto", "on", "over", "under", "with", "of")
    for task in ("PlaceInto", "PutIn", "PutInDrawer", "Push", "Stack", "Cover"):
        for index, level in itertools.product(range(2), LEVELS):
            old = scene(task, index=index).instruction.split()
            new = scene(task, "word_order", level, index).instruction.split()
            link = next(word for word in reversed(old) if word in links)
            after = old[old.index(link) + 1 :]
            assert sorted(after) == sorted(new[new.index(link) + 1 :][: len(after)]), new


def test_every_template_can_be_said_in_the_other_languages() -> None:
    own = {template for task in TASKS for template in TASKS[task].grammar.train} - set(Chain.grammar.train)
    assert own <= set(OF_TEMPLATE)


def test_a_share_of_the_words_is_of_another_language() -> None:
    shares = np.zeros((len(LEVELS), 3))
    for task in TASKS:
        spec = scene(task)
        for number, line in enumerate(spec.instruction.split("\n")):
            found = found_frames(line, spec, parts_of(spec.goal, number if "\n" in spec.instruction else None))
            assert found, line
            for row, magnitude in enumerate(AXES["other_language"].levels):
                for language in range(3):
                    said = switched(line, magnitude, spec, found, language, np.random.default_rng(0))
                    share = np.mean([new for _, new in said])
                    shares[row, language] += abs(share - magnitude)
                    assert magnitude < 1.0 or share == 1.0, said
    lengths = sum(len(scene(task).instruction.split("\n")) for task in TASKS)
    assert shares.max() / lengths < 0.13


SAID = {  # English -> German, French, Spanish: articles, endings, cases, contractions
    "the yellow ball": ("den gelben Ball", "la balle jaune", "la pelota amarilla"),
    "the white square hole": ("das weiße viereckige Loch", "le trou carré blanc", "el agujero cuadrado blanco"),
    "the blue stars": ("die blauen Sterne", "les étoiles bleues", "las estrellas azules"),
    "the larger red block": ("den größeren roten Block", "le plus grand bloc rouge", "el bloque rojo más grande"),
    "the leftmost cup": ("den Becher ganz links", "le gobelet le plus à gauche", "el vaso más a la izquierda"),
    "the bowl that is not green": (
        "die Schüssel die nicht grün ist",
        "le bol qui n'est pas vert",
        "el cuenco que no es verde",
    ),
    "the block behind the green bowl": (
        "den Block hinter der grünen Schüssel",
        "le bloc derrière le bol vert",
        "el bloque detrás de el cuenco verde",
    ),
}


@pytest.mark.parametrize("text", SAID)
def test_noun_phrases_agree_in_every_language(text: str) -> None:
    spec = SceneSpec(GoalSpec("Lift", ""), "", ())
    read = next(mention.description for mention in mentions(text, spec) if mention.description.text() == text)
    assert tuple(noun_phrase(read, language) for language in range(3)) == SAID[text]


def test_whole_sentences_in_other_languages() -> None:
    said = {scene(task, "other_language", 5, index).instruction for task in DEMO for index in range(12)}
    assert {"hebe den blauen Ball hoch", "levanta el cilindro verde"} <= said
    assert any("l'assiette" in sentence for sentence in said)
    assert any(" al cuenco " in sentence for sentence in said)


def test_common_sense_names_things_less_and_less() -> None:
    for task, level, twin, spec in pairs("common_sense"):
        if task == "Refer" or not twin.goal.target:
            continue
        thing = spec.object(twin.goal.target)
        named = phrase(thing.color, thing.kind) in spec.instruction
        assert not named or (level == 1 and misunderstood(spec.instruction, spec, spec.goal) == ""), spec.instruction
        told = thing.color in words(spec.instruction) and spec.instruction.count(thing.color) >= len(twin.goal.names)
        assert level < 3 or not told, spec.instruction


def test_something_to_drink_from_is_said_only_where_one_thing_is() -> None:
    cup, mug, ball = make_thing("red", "cup"), make_thing("blue", "mug"), make_thing("green", "ball")
    goal, rng = GoalSpec("Reach", "red_cup"), np.random.default_rng(0)
    alone, two = (SceneSpec(goal, "", things) for things in ((cup, ball), (cup, mug, ball)))
    assert by_sense("touch the red cup", 4, alone, goal, rng) == "touch something to drink from"
    assert (
        by_sense("touch the red cup", 4, two, goal, rng) == "touch the one in the color of a ripe tomato to drink from"
    )
    assert by_sense("touch the red cup", 5, alone, goal, rng) == "i am thirsty so touch what i need now"
    assert by_sense("touch the red cup", 2, two, goal, rng) == "touch the red one to drink from"
    twins = SceneSpec(goal, "", (cup, make_thing("red", "mug")))
    assert by_sense("touch the red cup", 2, twins, goal, rng) == "touch the red cup"


def test_unseen_colors_are_as_far_as_the_level_says_and_told_apart() -> None:
    known, farthest = set(training_vocabulary()), {color: unseen_names(color)[-1][0] for color in COLORS}
    kept = 0  # colours for which no name is told apart from what else is in the scene
    for task, level, twin, spec in pairs("unseen_color", index=1):
        magnitude, changed = AXES["unseen_color"].levels[level - 1], 0
        for old, new in zip(twin.objects, spec.objects, strict=True):
            if old.texture == new.texture:
                continue
            changed += 1
            if new.color in COLORS:
                away = difference(named_color(new.color), new.texture.rgb)
                assert away == pytest.approx(min(magnitude, farthest[new.color]), abs=1.5), (task, level, new.name)
            others = [other.texture.rgb for other in spec.objects if other.color != new.color]
            assert all(difference(new.texture.rgb, other) > TOLD_APART for other in others)
        spoken = set(words(twin.instruction)) & set(COLORS)
        assert changed or not spoken, task
        kept += len(spoken & set(words(spec.instruction)))
        assert {word for word in words(spec.instruction) if word not in known} <= set(COLOR_OF)
        for old_line, new_line in lines(twin, spec):
            assert means(new_line, spec) == means(old_line, twin), task
    assert kept <= 5


def test_unseen_names_mean_a_shade_of_their_color() -> None:
    for name, color in COLOR_OF.items():
        nearest = min(COLORS, key=lambda other: difference(COLORS[other], hue(name)))
        assert color not in COLORS or nearest == color, name
        assert Description("block", color).text().replace(color, name).split()[1] == name
    assert heads(["the", "crimson", "block"])[0].description == Description("block", "red")


def test_controls() -> None:
    known = set(training_vocabulary())
    for task in TASKS:
        for index in range(2):
            twin, swapped = scene(task, index=index), scene(task, "swapped", 1, index)
            assert scene(task, "blank", 1, index).instruction == ""
            assert swapped.goal == twin.goal
            assert swapped.spoken in twin.alternatives
            assert swapped.instruction != twin.instruction
            shuffled, absent = scene(task, "shuffled", 1, index), scene(task, "absent", 1, index)
            for old, new in lines(twin, shuffled):
                assert old != new
                assert sorted(old.split()) == sorted(new.split())
            assert absent.refuse
            assert absent.goal == twin.goal
            assert set(words(absent.instruction)) <= known
            for old, new in lines(twin, absent):
                assert len(old.split()) == len(new.split()) or "letter" in f"{old} {new}" or "shape" in f"{old} {new}"
                assert set() in means(new, absent) or task == "Sort", new


@pytest.mark.parametrize("task", DEMO)
def test_a_swapped_instruction_names_the_other_goal(task: str) -> None:
    for index in range(10):
        swapped = scene(task, "swapped", 1, index)
        assert swapped.spoken is not None
        assert swapped.instruction in set(TASKS[task].grammar.instructions(0))
        thing = swapped.object(swapped.spoken.target)
        assert phrase(thing.color, thing.kind) in swapped.instruction


def test_nothing_can_be_done_of_a_tower_of_what_is_absent() -> None:
    for index in range(6):
        said = scene("Tower", "absent", 1, index)
        unknown = {mention.description for mention in mentions(said.instruction, said) if not mention.things}
        assert len(unknown) == 2  # only what would be left where it stands is there

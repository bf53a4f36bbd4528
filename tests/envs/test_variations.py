"""Properties of every registered axis, at every level, on every task."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

from envs.cameras import place, project
from envs.colors import difference, from_lab, shifted, to_lab
from envs.grammar import COLORS, MIN_NEW_WORDS, named_color, phrase, words
from envs.layout import AREA, REACHABLE, clear
from envs.objects import resting_z
from envs.reading import mentions, misunderstood
from envs.rewording import WAYS_BY_LEVEL
from envs.robots import ROBOTS
from envs.scene import RGB, SceneSpec
from envs.scenes import make_scene
from envs.tasks.base import DISTRACTOR_GAP, TASKS, training_vocabulary
from envs.tasks.push import FAR_SIDE, NEAR_SIDE
from envs.variations import AXES
from envs.variations.surfaces import VISIBLE
from vla.contract import EpisodeRequest, Perturbation
from vla.registry import UnknownNameError
from vla.seeding import stream

LEVELS = [(name, level) for name in AXES for level in range(1, len(AXES[name].levels) + 1)]
DEMO = ("Lift", "PlaceInto", "Push", "Reach")  # families whose scenes are a few things apart on the table
CHANGES = {  # axis -> the fields of SceneSpec that it may change
    "blank": {"instruction"},
    "camera": {"cameras"},
    "color": {"objects"},
    "distractors": {"objects", "alternatives"},
    "light": {"light"},
    "paraphrase": {"instruction"},
    "position": {"objects"},
    "reference": {"instruction"},
    "start": {"robot"},
    "swapped": {"instruction", "spoken"},
    "table": {"table"},
}


def scene(task: str, axis: str | None = None, level: int = 0, index: int = 0) -> SceneSpec:
    return make_scene(EpisodeRequest(task, index, 0, "eval", (Perturbation(axis, level),) if axis else ()))


def nearest_word(rgb: RGB) -> str:
    return min(COLORS, key=lambda name: difference(COLORS[name], rgb))


def changed(one: SceneSpec, other: SceneSpec) -> set[str]:
    return {f.name for f in dataclasses.fields(SceneSpec) if getattr(one, f.name) != getattr(other, f.name)}


def test_axes_are_pinned() -> None:
    axes = {name: AXES[name] for name in AXES}
    assert set(axes) == set(CHANGES)
    assert {name for name, axis in axes.items() if axis.kind == "control"} == {"blank", "swapped"}
    for axis in axes.values():
        assert axis.unit
        assert axis.summary.endswith(".")
        assert len(axis.levels) == (1 if axis.kind == "control" else 3 if axis.family == "semantic" else 5)
        assert list(axis.levels) == sorted(set(axis.levels))


def test_an_unknown_axis_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'distractors'"):
        scene("Lift", "distractor", 1)


@pytest.mark.parametrize("level", [-1, 6])
def test_an_unknown_level_is_refused(level: int) -> None:
    with pytest.raises(ValueError, match=r"axis 'light' has levels 0 to 5; got"):
        scene("Lift", "light", level)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("axis", AXES)
def test_level_0_changes_nothing(axis: str, task: str) -> None:
    assert scene(task, axis, 0) == scene(task)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(("axis", "level"), LEVELS)
def test_levels_give_valid_scenes_and_change_only_what_they_should(axis: str, level: int, task: str) -> None:
    for index in range(2):
        twin, spec = scene(task, index=index), scene(task, axis, level, index)
        assert changed(twin, spec) - {"alternatives", "contrast"} <= CHANGES[axis]
        assert spec == scene(task, axis, level, index)
        assert SceneSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
        assert {*spec.alternatives, spec.goal} <= set(TASKS[task]().goals(spec))
        assert len({thing.name for thing in spec.objects}) == len(spec.objects)
        for line in spec.instruction.split("\n"):
            assert misunderstood(line, spec, spec.spoken or spec.goal) == ""
        assert all(REACHABLE.grown(0.12).contains(*thing.position[:2]) for thing in spec.objects)


@pytest.mark.parametrize("task", DEMO)
@pytest.mark.parametrize(("axis", "level"), LEVELS)
def test_levels_do_what_they_should_to_the_demo_tasks(axis: str, level: int, task: str) -> None:
    gap = DISTRACTOR_GAP if axis == "distractors" else 0.04
    for index in range(8):
        twin, spec = scene(task, index=index), scene(task, axis, level, index)
        if axis != "reference":  # there may be no other
            assert changed(twin, spec) - {"alternatives", "contrast"} == CHANGES[axis] - {"alternatives"}
        assert {*spec.alternatives, spec.goal} == set(TASKS[task]().goals(spec))
        for i, thing in enumerate(spec.objects):
            assert REACHABLE.contains(*thing.position[:2])
            assert thing.position[2] == pytest.approx(resting_z(thing.kind, thing.size))
            assert clear(thing, spec.objects[:i], gap - 1e-9)


@pytest.mark.parametrize("task", TASKS)
def test_any_two_axes_go_together_in_any_order(task: str) -> None:
    pairs = itertools.combinations([name for name in AXES if task == "Lift" or AXES[name].family != "visual"], 2)
    for one, other in pairs:
        pair = tuple(Perturbation(name, len(AXES[name].levels)) for name in (one, other))
        spec = make_scene(EpisodeRequest(task, 5, 0, "eval", pair))
        assert spec == make_scene(EpisodeRequest(task, 5, 0, "eval", pair[::-1]))
        assert changed(scene(task, index=5), spec) <= CHANGES[one] | CHANGES[other] | {"alternatives", "contrast"}
        assert all(misunderstood(s, spec, spec.spoken or spec.goal) == "" for s in spec.instruction.split("\n"))


@pytest.mark.parametrize("task", TASKS)
def test_two_axes_do_not_disturb_each_other(task: str) -> None:
    both = make_scene(EpisodeRequest(task, 3, 0, "eval", (Perturbation("light", 2), Perturbation("start", 3))))
    assert both.light == scene(task, "light", 2, 3).light
    assert both.robot == scene(task, "start", 3, 3).robot


def test_an_axis_is_pure() -> None:
    spec, task = scene("Lift"), TASKS["Lift"]()
    before = json.dumps(spec.to_dict())
    request = EpisodeRequest("Lift", 0, 0, "eval")
    for name, level in LEVELS:
        one = AXES[name].apply(spec, stream(request, "perturbation", name), level, task)
        assert one == AXES[name].apply(spec, stream(request, "perturbation", name), level, task)
    assert json.dumps(spec.to_dict()) == before


@pytest.mark.parametrize("task", DEMO)
def test_position_levels_are_rings_around_the_training_area(task: str) -> None:
    area = NEAR_SIDE if task == "Push" else AREA
    bounds = (0.0, *AXES["position"].levels)
    for level in (1, 2, 3):
        for index in range(10):
            spec = scene(task, "position", level, index)
            x, y = spec.object(spec.goal.target).position[:2]
            assert area.grown(bounds[level]).contains(x, y)
            assert not area.grown(bounds[level - 1]).contains(x, y)
            zones = [thing for thing in spec.objects if thing.kind == "zone"]
            assert all(FAR_SIDE.grown(bounds[level]).contains(*zone.position[:2]) for zone in zones)


@pytest.mark.parametrize("task", TASKS)
def test_distractors_are_added_and_do_not_fit_the_words(task: str) -> None:
    for level, count in enumerate(AXES["distractors"].levels, 1):
        twin, spec = scene(task), scene(task, "distractors", level)
        assert spec.objects[: len(twin.objects)] == twin.objects
        assert len(spec.objects) == len(twin.objects) + count
        assert [thing.distractor for thing in spec.objects] == [False] * len(twin.objects) + [True] * int(count)
        again = TASKS[task]().rearranged(spec, np.random.default_rng(0), 0.0, -1.0)
        assert {thing.name for thing in again.objects} == {thing.name for thing in spec.objects}
        old = {(thing.color, thing.kind) for thing in twin.objects}
        new = {(thing.color, thing.kind) for thing in spec.objects[len(twin.objects) :]}
        assert len(new) == count
        assert not old & new


@pytest.mark.parametrize("task", TASKS)
def test_shades_are_as_far_as_the_level_says_and_keep_their_word(task: str) -> None:
    far = []
    for level, magnitude in enumerate(AXES["color"].levels, 1):
        for index in range(10):
            for thing in scene(task, "color", level, index).objects:
                distance = difference(named_color(thing.color), thing.texture.rgb)
                assert distance <= magnitude + 0.1
                if thing.color in COLORS:  # the others have nearer neighbours, which cut the way short
                    assert nearest_word(thing.texture.rgb) == thing.color
                    far.append(distance >= magnitude - 0.1)
    assert np.mean(far) > 0.9


def test_the_table_is_as_far_as_the_level_says_and_the_goal_stays_visible() -> None:
    for level, magnitude in enumerate(AXES["table"].levels, 1):
        for index in range(20):
            twin, spec = scene("PlaceInto", index=index), scene("PlaceInto", "table", level, index)
            assert difference(twin.table.texture.rgb, spec.table.texture.rgb) == pytest.approx(magnitude, abs=0.2)
            for name in (spec.goal.target, spec.goal.place):
                assert difference(spec.table.texture.rgb, spec.object(name).texture.rgb) > VISIBLE


def test_light_changes_by_what_the_level_says() -> None:
    for level, magnitude in enumerate(AXES["light"].levels, 1):
        ratios = []
        for index in range(20):
            twin, spec = scene("Lift", index=index), scene("Lift", "light", level, index)
            ratio = np.array(spec.light.directional) / np.array(twin.light.directional)
            assert (np.abs(ratio - 1) <= magnitude + 1e-4).all()
            assert (np.abs(ratio - 1) >= 0.8 * magnitude - 1e-4).all()
            assert spec.light.direction[2] == twin.light.direction[2]
            ratios.append(ratio.mean())
        assert min(ratios) < 1 < max(ratios)


def test_only_cameras_in_the_room_move_by_what_the_level_says() -> None:
    for level, magnitude in enumerate(AXES["camera"].levels, 1):
        twin, spec = scene("Lift"), scene("Lift", "camera", level)
        for old, new in zip(twin.cameras, spec.cameras, strict=True):
            if old.parent == "hand":
                assert new == old
                continue
            assert np.linalg.norm(np.subtract(new.eye, old.eye)) == pytest.approx(magnitude, abs=1e-4)
            a, b = np.subtract(old.target, old.eye), np.subtract(new.target, new.eye)
            angle = np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))
            assert angle == pytest.approx(30 * magnitude, abs=0.01)


def test_cameras_still_see_every_object() -> None:
    for index in range(20):
        twin, spec = scene("PlaceInto", index=index), scene("PlaceInto", "camera", 3, index)
        front, nothing = spec.cameras[0], np.zeros((0, 7), np.float32)
        places = np.array([thing.position for thing in twin.objects])
        pixels = project(places, place(front, nothing, ()))[:, :2]
        assert (pixels > 0).all()
        assert (pixels < (front.width, front.height)).all()


def test_color_words_are_far_apart() -> None:
    for one, other in itertools.combinations(COLORS.values(), 2):
        assert difference(one, other) > 40


def test_the_robot_starts_as_far_as_the_level_says() -> None:
    home = np.array(ROBOTS["panda"]().home)
    for level, magnitude in enumerate(AXES["start"].levels, 1):
        for index in range(20):
            joints = np.array(scene("Lift", "start", level, index).robot.joints)
            assert np.linalg.norm(joints - home) == pytest.approx(magnitude, abs=1e-3)


@pytest.mark.parametrize("task", TASKS)
def test_paraphrases_use_new_words(task: str) -> None:
    known = set(training_vocabulary())
    for level, count in enumerate(AXES["paraphrase"].levels, 1):
        assert MIN_NEW_WORDS[level] == count
        for index in range(10):
            assert len(set(words(scene(task, "paraphrase", level, index).instruction)) - known) >= count


@pytest.mark.parametrize("task", TASKS)
def test_controls(task: str) -> None:
    for index in range(10):
        twin = scene(task, index=index)
        assert scene(task, "blank", 1, index).instruction == ""
        swapped = scene(task, "swapped", 1, index)
        assert swapped.goal == twin.goal
        assert swapped.spoken in twin.alternatives
        assert swapped.instruction != twin.instruction


@pytest.mark.parametrize("task", DEMO)
def test_a_swapped_instruction_names_the_other_goal(task: str) -> None:
    for index in range(10):
        swapped = scene(task, "swapped", 1, index)
        assert swapped.spoken is not None
        assert swapped.instruction in set(TASKS[task].grammar.instructions(0))
        thing = swapped.object(swapped.spoken.target)
        assert phrase(thing.color, thing.kind) in swapped.instruction


@pytest.mark.parametrize("task", DEMO)
def test_references_are_of_their_level_where_there_are_some(task: str) -> None:
    for level, ways in WAYS_BY_LEVEL.items():
        of_level = reworded = 0
        for index in range(20):
            twin, spec = scene(task, index=index), scene(task, "reference", level, index)
            found = mentions(spec.instruction, spec)
            of_level += sum(mention.description.way in ways for mention in found)
            reworded += spec.instruction != twin.instruction
            assert [m.things for m in found] == [m.things for m in mentions(twin.instruction, twin)]
        assert reworded == 20
        assert of_level >= 15


def test_lab_goes_there_and_back() -> None:
    rng = np.random.default_rng(0)
    for rgb in rng.uniform(size=(20, 3)):
        np.testing.assert_allclose(from_lab(to_lab(tuple(rgb))), rgb, atol=1e-6)
    assert to_lab((1.0, 1.0, 1.0)) == pytest.approx([100, 0, 0], abs=0.01)
    assert difference((0, 0, 0), (1, 1, 1)) == pytest.approx(100, abs=0.01)


def test_a_shift_that_nothing_satisfies_gives_the_color_back() -> None:
    assert shifted((1.0, 0.0, 0.0), 8.0, np.random.default_rng(0), lambda _: False, tries=2) == (1.0, 0.0, 0.0)

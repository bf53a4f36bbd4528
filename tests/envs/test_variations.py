"""Properties of every registered axis, on sampled families: level, kind and family of all are in one test.

The axes' own tests, of how much each changes, are further below and in files of their own.
"""

import json
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from envs.checks import check_scene
from envs.differences import differences, within
from envs.layout import AREA, REACHABLE
from envs.reading import misunderstood
from envs.robots import ROBOTS
from envs.scene import SceneSpec, SensorSpec
from envs.scenes import make_scene
from envs.tasks.base import TASKS
from envs.tasks.push import FAR_SIDE, NEAR_SIDE
from envs.variations import AXES, CHANGES, Axis
from vla.contract import EpisodeRequest, Perturbation
from vla.registry import UnknownNameError
from vla.seeding import stream

DEMO = ("Lift", "PlaceInto", "Push", "Reach")  # families whose scenes are a few things apart on the table
SAMPLED = 3  # families that an axis is tried on
FOLLOWS = ("alternatives", "contrast")  # what changes when other goals become possible


def request(task: str, *changes: tuple[str, int], index: int = 0) -> EpisodeRequest:
    return EpisodeRequest(task, index, 0, "eval", tuple(Perturbation(*change) for change in changes))


@lru_cache(maxsize=4096)
def scene(task: str, axis: str | None = None, level: int = 0, index: int = 0) -> SceneSpec:
    return make_scene(request(task, *(((axis, level),) if axis else ()), index=index))


def sampled(axis: Axis) -> list[str]:
    """A few families that the axis means something for: other ones for each axis, so that all have their turn."""
    fit = [name for name in TASKS if axis.applies(TASKS[name])]
    first = 7 * list(AXES).index(axis.name)
    return [fit[(first + i * len(fit) // SAMPLED) % len(fit)] for i in range(min(SAMPLED, len(fit)))]


def without_sensors(spec: SceneSpec) -> SceneSpec:
    return replace(spec, cameras=tuple(replace(camera, sensor=SensorSpec()) for camera in spec.cameras))


def test_every_axis_says_what_it_is() -> None:
    for axis in map(AXES.__getitem__, AXES):
        assert axis.name == axis.name.lower().replace("-", "_"), axis.name
        assert axis.family in CHANGES, axis.name
        assert axis.unit, axis.name
        assert axis.summary.endswith("."), axis.name
        assert len(axis.levels) == (1 if axis.kind == "control" else 5), axis.name
        steps = np.sign(np.diff(axis.levels))
        assert abs(steps.sum()) == len(axis.levels) - 1, f"{axis.name}: {axis.levels} are not strictly monotone"
        assert any(axis.applies(TASKS[task]) for task in TASKS), axis.name


def test_an_unknown_axis_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="'distractors'"):
        scene("Lift", "distractor", 1)


@pytest.mark.parametrize("level", [-1, 6])
def test_an_unknown_level_is_refused(level: int) -> None:
    with pytest.raises(ValueError, match=r"axis 'sensor_noise' has levels 0 to 5; got"):
        scene("Lift", "sensor_noise", level)


def test_families_that_an_axis_means_nothing_for_are_refused() -> None:
    for axis in map(AXES.__getitem__, AXES):
        unfit = [name for name in TASKS if not axis.applies(TASKS[name])]
        for task in unfit[:2]:
            with pytest.raises(ValueError, match=f"axis '{axis.name}' means nothing for {task}"):
                scene(task, axis.name, 1)


def test_level_0_changes_nothing() -> None:
    for axis in map(AXES.__getitem__, AXES):
        for task in sampled(axis):
            assert scene(task, axis.name, 0) == scene(task), (axis.name, task)


def test_every_level_is_a_valid_scene_and_changes_only_what_the_axis_names() -> None:
    for axis, number in ((AXES[name], i) for i, name in enumerate(AXES)):
        for level in range(1, len(axis.levels) + 1):
            did_something = False
            again = request(sampled(axis)[0], (axis.name, level), index=number % 3)
            assert make_scene(again) == scene(again.task, axis.name, level, number % 3), (axis.name, level)
            for task in sampled(axis):
                what = f"{axis.name} level {level} on {task}"
                twin, spec = scene(task, index=number % 3), scene(task, axis.name, level, number % 3)
                check_scene(spec)
                assert SceneSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec, what
                fields = {change.field for change in differences(twin, spec)}
                surprising = {field for field in fields if not within(field, (*axis.changes, *FOLLOWS))}
                assert not surprising, f"{what}: it changes what it does not name (see `changes` of @axis)"
                did_something |= bool(fields)
            assert did_something, f"{axis.name} level {level} changed nothing on {sampled(axis)}"


def test_scenes_of_axes_that_leave_the_words_alone_mean_what_they_say() -> None:
    for axis, number in ((AXES[name], i) for i, name in enumerate(AXES) if AXES[name].family != "semantic"):
        for task in sampled(axis):
            for level in (1, len(axis.levels)):
                spec, what = scene(task, axis.name, level, number % 3), f"{axis.name} level {level} on {task}"
                assert {*spec.alternatives, spec.goal} <= set(TASKS[task]().goals(spec)), what
                for line in spec.instruction.split("\n"):
                    assert misunderstood(line, spec, spec.spoken or spec.goal) == "", what
                assert all(REACHABLE.grown(0.12).contains(*thing.position[:2]) for thing in spec.objects), what


def test_an_axis_is_pure() -> None:
    for axis in map(AXES.__getitem__, AXES):
        task = sampled(axis)[0]
        spec = scene(task)
        before = json.dumps(spec.to_dict())
        one, other = (
            axis.apply(spec, stream(request(task), "perturbation", axis.name), len(axis.levels), TASKS[task]())
            for _ in range(2)
        )
        assert one == other, axis.name
        assert json.dumps(spec.to_dict()) == before, axis.name


def test_turning_an_axis_on_does_not_move_what_another_changes() -> None:
    """Every axis with one that changes something else: each does exactly what it does alone."""
    for axis in map(AXES.__getitem__, AXES):
        task = sampled(axis)[0]
        level = (axis.name, len(axis.levels))
        alone = make_scene(request(task, level))
        if without_sensors(alone).cameras == scene(task).cameras != alone.cameras:  # it changes the sensors itself
            both, other = make_scene(request(task, level, ("start", 2))), scene(task, "start", 2)
            assert replace(both, robot=alone.robot) == alone, axis.name
            assert both.robot == other.robot, axis.name
            continue
        both, other = make_scene(request(task, level, ("sensor_noise", 2))), scene(task, "sensor_noise", 2)
        assert without_sensors(both) == alone, axis.name
        assert [camera.sensor for camera in both.cameras] == [camera.sensor for camera in other.cameras], axis.name


def test_pairs_of_axes_do_not_depend_on_the_order_of_naming() -> None:
    rng = np.random.default_rng(4)
    for one in map(AXES.__getitem__, AXES):
        other = AXES[list(AXES)[int(rng.integers(len(AXES)))]]
        fit = [name for name in TASKS if one.applies(TASKS[name]) and other.applies(TASKS[name])]
        if one is other or not fit:
            continue
        task = fit[int(rng.integers(len(fit)))]
        pair, what = [(axis.name, len(axis.levels)) for axis in (one, other)], f"{one.name}+{other.name} on {task}"
        spec = make_scene(request(task, *pair, index=5))
        assert spec == make_scene(request(task, *pair[::-1], index=5)), what
        check_scene(spec)
        fields = {change.field for change in differences(scene(task, index=5), spec)}
        assert all(within(field, (*one.changes, *other.changes, *FOLLOWS)) for field in fields), what


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


def test_the_robot_starts_as_far_as_the_level_says() -> None:
    home = np.array(ROBOTS["panda"]().home)
    for level, magnitude in enumerate(AXES["start"].levels, 1):
        for index in range(20):
            joints = np.array(scene("Lift", "start", level, index).robot.joints)
            assert np.linalg.norm(joints - home) == pytest.approx(magnitude, abs=1e-3)

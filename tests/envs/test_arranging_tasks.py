"""Conditions of the tasks that push, put and stack, on states written by hand; and what their scenes promise."""

import dataclasses
import itertools
from typing import Any

import numpy as np
import pytest

from envs.arrangements import Between
from envs.geometry import at_start
from envs.scene import GoalSpec, SceneSpec
from envs.scenes import make_scene
from envs.state import BodyState, WorldState
from envs.tasks.base import TASKS, make_thing
from envs.tasks.sweep import heap_of
from envs.tasks.unstack import stacks_of
from vla.contract import EpisodeRequest

Place = tuple[float, float, float]
STILL = np.array([0.0, 0.0, 0.0, 1.0])
SIZES = {"block": (0.04, 0.04, 0.04), "cylinder": (0.02, 0.04), "zone": (0.12,), "bowl": (0.05, 0.035)}


def scene_of(goal: GoalSpec, things: dict[str, Place]) -> SceneSpec:
    """`things` is name (colour, kind and anything) -> position (m)."""
    objects = []
    for name, position in things.items():
        color, kind = name.split("_")[:2]
        objects.append(dataclasses.replace(make_thing(color, kind, SIZES[kind]), name=name, position=position))
    return SceneSpec(goal, "", tuple(objects))


def judge(spec: SceneSpec, moved: dict[str, Place], **fields: Any) -> str:
    """`success` or the failure reason once things are `moved`; `speed` (m/s) is that of all of them."""
    velocity = np.array([fields.pop("speed", 0.0), 0.0, 0.0])
    objects = {
        thing.name: BodyState(np.array(moved.get(thing.name, thing.position), float), STILL, velocity)
        for thing in spec.objects
    }
    start = dataclasses.asdict(at_start(spec)) | {"spec": spec, "objects": objects} | fields
    state, task = WorldState(**start), TASKS[spec.goal.task]()
    return "success" if task.success(state) else task.failure_reason(state)


PAIR = {"red_block": (0.5, 0.0, 0.02), "blue_cylinder": (0.5, 0.15, 0.02), "green_block": (0.5, -0.15, 0.02)}
RED = frozenset({"red_block"})
ON_BLUE = frozenset({("blue_cylinder", "red_block")})


@pytest.mark.parametrize(
    ("relation", "point", "verdict"),
    [
        ("left", (0.5, -0.081, 0.02), "success"),
        ("left", (0.5, -0.079, 0.02), "not_moved_enough:red_block"),
        ("left", (0.56, -0.09, 0.02), "not_moved_enough:red_block"),  # too far across
        ("left", (0.5, -0.081, 0.05), "not_on_table:red_block"),  # carried
        ("right", (0.5, 0.09, 0.02), "success"),
        ("away", (0.59, 0.0, 0.02), "success"),
        ("near", (0.41, 0.0, 0.02), "success"),
        ("near", (0.59, 0.0, 0.02), "wrong_goal"),
    ],
)
def test_push_direction(relation: str, point: Place, verdict: str) -> None:
    spec = scene_of(GoalSpec("PushDirection", "red_block", relation=relation), PAIR)
    assert judge(spec, {"red_block": point}) == verdict


def test_what_is_still_being_pushed_does_not_count() -> None:
    spec = scene_of(GoalSpec("PushDirection", "red_block", relation="left"), PAIR)
    assert judge(spec, {"red_block": (0.5, -0.1, 0.02)}, speed=0.05) == "still_moving:red_block"


def test_push_together() -> None:
    spec = scene_of(GoalSpec("PushTogether", "blue_cylinder", "red_block"), PAIR)
    assert judge(spec, {"red_block": (0.5, 0.09, 0.02)}) == "success"
    assert judge(spec, {"blue_cylinder": (0.5, 0.06, 0.02)}) == "success"
    assert judge(spec, {"red_block": (0.5, 0.08, 0.02)}).startswith("not_near")
    assert judge(spec, {"red_block": (0.5, 0.15, 0.06)}, contacts=ON_BLUE).startswith("not_on_table")


@pytest.mark.parametrize(
    ("point", "fields", "verdict"),
    [
        ((0.5, 0.15, 0.06), {"contacts": ON_BLUE}, "success"),
        ((0.5, 0.15, 0.06), {}, "not_on:red_block"),  # over it, not on it
        ((0.5, 0.15, 0.06), {"contacts": ON_BLUE, "touched": RED}, "not_released:red_block"),
        ((0.5, 0.15, 0.06), {"contacts": ON_BLUE, "speed": 0.2}, "still_moving:red_block"),
        ((0.5, 0.17, 0.06), {"contacts": ON_BLUE}, "not_on:red_block"),  # half over the edge
        ((0.5, 0.2, 0.02), {}, "not_on:red_block"),
    ],
)
def test_stack(point: Place, fields: dict[str, Any], verdict: str) -> None:
    spec = scene_of(GoalSpec("Stack", "red_block", "blue_cylinder"), PAIR)
    assert judge(spec, {"red_block": point}, **fields) == verdict


def test_tower_needs_the_named_order() -> None:
    things = {"red_block": (0.5, 0.0, 0.02), "blue_block": (0.5, 0.15, 0.02), "green_block": (0.5, -0.15, 0.02)}
    contacts = frozenset({("blue_block", "red_block"), ("blue_block", "green_block")})
    tower: dict[str, Place] = {"blue_block": (0.5, -0.15, 0.06), "red_block": (0.5, -0.15, 0.1)}
    right = scene_of(GoalSpec("Tower", "red_block", "blue_block", ("green_block",)), things)
    wrong = scene_of(GoalSpec("Tower", "green_block", "blue_block", ("red_block",)), things)
    assert judge(right, tower, contacts=contacts) == "success"
    assert judge(wrong, tower, contacts=contacts) == "wrong_object:red_block"
    assert TASKS["Tower"]().progress(at_start(right)) < 1


def test_unstacking_leaves_the_other_stacks_alone() -> None:
    things = {"red_block": (0.5, 0.0, 0.06), "blue_block": (0.5, 0.0, 0.02), "green_block": (0.5, 0.2, 0.06)}
    things["yellow_block"] = (0.5, 0.2, 0.02)
    spec = scene_of(GoalSpec("Unstack", "red_block", "blue_block"), things)
    assert stacks_of(spec) == {"red_block": "blue_block", "green_block": "yellow_block"}
    stacked = frozenset({("green_block", "yellow_block")})
    assert judge(spec, {"red_block": (0.5, -0.1, 0.02)}, contacts=stacked) == "success"
    fallen: dict[str, Place] = {"red_block": (0.5, -0.1, 0.02), "green_block": (0.6, 0.2, 0.02)}
    assert judge(spec, fallen) == "not_on:green_block"
    assert (
        judge(spec, {"green_block": (0.6, 0.2, 0.02)}, contacts=frozenset({("blue_block", "red_block")})) != "success"
    )


@pytest.mark.parametrize(
    ("relation", "point", "verdict"),
    [
        ("left", (0.5, -0.1, 0.02), "success"),
        ("right", (0.5, 0.1, 0.02), "success"),
        ("front", (0.6, 0.0, 0.02), "success"),
        ("behind", (0.4, 0.0, 0.02), "success"),
        ("left", (0.5, 0.1, 0.02), "wrong_goal"),
        ("left", (0.5, -0.17, 0.02), "not_beside:red_block"),
        ("left", (0.5, -0.1, 0.05), "not_on_table:red_block"),
    ],
)
def test_place_relative(relation: str, point: Place, verdict: str) -> None:
    things = {"red_block": (0.4, 0.2, 0.02), "green_bowl": (0.5, 0.0, 0.0175)}
    spec = scene_of(GoalSpec("PlaceRelative", "red_block", "green_bowl", relation=relation), things)
    assert judge(spec, {"red_block": point}) == verdict


def test_between_is_the_middle_half_of_the_line() -> None:
    spec = scene_of(GoalSpec("PlaceBetween", "red_block", "blue_cylinder", ("green_block",)), PAIR)
    moved = dataclasses.replace(spec.object("red_block"), position=(0.5, 0.0, 0.02))
    assert Between("red_block", "blue_cylinder", "green_block").gap(at_start(spec)) < 0
    for x, y, holds in ((0.529, 0.0, True), (0.531, 0.0, False), (0.5, 0.074, True), (0.5, 0.076, False)):
        state = at_start(
            dataclasses.replace(spec, objects=(dataclasses.replace(moved, position=(x, y, 0.02)), *spec.objects[1:]))
        )
        assert Between("red_block", "blue_cylinder", "green_block").holds(state) is holds


def test_swap_is_done_when_both_have_come() -> None:
    marks = {"white_zone_1": (0.5, 0.0, 0.001), "white_zone_2": (0.5, 0.15, 0.001)}
    spec = scene_of(GoalSpec("Swap", "blue_cylinder", "red_block"), PAIR | marks)
    names = {"white_zone_1": "red_block_place", "white_zone_2": "blue_cylinder_place"}
    objects = tuple(dataclasses.replace(o, name=names.get(o.name, o.name)) for o in spec.objects)
    spec = dataclasses.replace(spec, objects=objects)
    assert judge(spec, {"red_block": (0.5, 0.15, 0.02), "blue_cylinder": (0.5, 0.0, 0.02)}) == "success"
    assert (
        judge(spec, {"red_block": (0.5, 0.15, 0.02), "blue_cylinder": (0.6, 0.0, 0.02)}) == "outside_zone:blue_cylinder"
    )


def test_sweep_wants_all_of_a_heap_and_nothing_else() -> None:
    things = {f"red_block_{i}": (0.4, 0.05 * i, 0.02) for i in range(3)} | {"blue_block_1": (0.4, -0.1, 0.02)}
    spec = scene_of(
        GoalSpec("Sweep", "", "green_zone", relation="red block"), things | {"green_zone": (0.6, 0.0, 0.001)}
    )
    inside: dict[str, Place] = {f"red_block_{i}": (0.6, 0.04 * i - 0.04, 0.02) for i in range(3)}
    assert judge(spec, {}) == "not_moved"
    assert judge(spec, inside) == "success"
    assert judge(spec, inside | {"red_block_2": (0.5, 0.0, 0.02)}) == "outside_zone:red_block_2"
    assert judge(spec, inside | {"blue_block_1": (0.56, 0.0, 0.02)}) == "still_outside_zone:blue_block_1"


@pytest.mark.parametrize("name", ["PushTogether", "PlaceBetween", "Swap"])
def test_a_goal_does_not_depend_on_the_order_in_which_its_objects_are_named(name: str) -> None:
    task = TASKS[name]()
    for index in range(20):
        spec = make_scene(EpisodeRequest(name, index))
        for one, other in itertools.combinations((spec.goal, *spec.alternatives), 2):
            same = [set(np.array(goal.names)[list(task.interchangeable)]) for goal in (one, other)]
            rest = [[n for i, n in enumerate(goal.names) if i not in task.interchangeable] for goal in (one, other)]
            assert same[0] != same[1] or rest[0] != rest[1]


def test_heaps_are_as_large_as_each_other() -> None:
    for index in range(20):
        spec = make_scene(EpisodeRequest("Sweep", index))
        sizes = {goal.relation: len(heap_of(spec, goal.relation)) for goal in (spec.goal, *spec.alternatives)}
        assert len(sizes) == 2
        assert len(set(sizes.values())) == 1

"""Success and failure reasons on states written by hand: what counts, and what only nearly counts."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.scene import GoalSpec, SceneSpec
from envs.state import BodyState, WorldState
from envs.tasks.base import TASKS, make_thing
from envs.tasks.place_into import SIZES

Array = NDArray[np.float64]
Positions = Mapping[str, tuple[float, float, float]]

HERE = {**SIZES, "block": (0.04, 0.04, 0.04), "cylinder": (0.02, 0.05), "zone": (0.12,)}  # whatever the defaults are
STILL = np.array([0.0, 0.0, 0.0, 1.0])
LYING = np.array([np.sin(np.pi / 4), 0.0, 0.0, np.cos(np.pi / 4)])


def spec_of(task: str, target: str, place: str, things: Positions) -> SceneSpec:
    """`things` is name -> position (m)."""
    objects = []
    for name, position in things.items():
        color, kind = name.split("_")
        objects.append(dataclasses.replace(make_thing(color, kind, HERE.get(kind)), position=position))
    return SceneSpec(GoalSpec(task, target, place), "", tuple(objects))


def state_of(
    spec: SceneSpec,
    moved: Positions | None = None,
    *,
    quaternion: Array = STILL,
    velocity: tuple[float, float, float] = (0.0, 0.0, 0.0),
    **fields: Any,
) -> WorldState:
    """The scene as built, with objects `moved` to other positions, turned by `quaternion`."""
    moved = moved or {}
    objects = {}
    for thing in spec.objects:
        turned = quaternion if thing.name in moved else STILL
        position = np.array(moved.get(thing.name, thing.position), float)
        objects[thing.name] = BodyState(position, turned, np.array(velocity, float))
    values: dict[str, Any] = {
        "spec": spec,
        "step": 3,
        "ee_position": np.array([0.4, 0.0, 0.28]),
        "ee_quaternion": np.array([1.0, 0.0, 0.0, 0.0]),
        "opening": 0.08,
        "objects": objects,
        "touched": frozenset(),
        "grasped": frozenset(),
        "contacts": frozenset(),
    }
    return WorldState(**(values | fields))


def judge(state: WorldState) -> str:
    task = TASKS[state.spec.goal.task]()
    return "success" if task.success(state) else task.failure_reason(state)


REACH = spec_of("Reach", "red_block", "", {"red_block": (0.5, 0, 0.02), "blue_ball": (0.5, 0.15, 0.022)})


@pytest.mark.parametrize(
    ("touched", "verdict"),
    [
        ((), "not_reached"),
        (("red_block",), "success"),
        (("blue_ball",), "wrong_object:blue_ball"),
        (("red_block", "blue_ball"), "wrong_object:blue_ball"),
    ],
)
def test_reach(touched: tuple[str, ...], verdict: str) -> None:
    assert judge(state_of(REACH, touched=frozenset(touched))) == verdict


LIFT = spec_of("Lift", "red_cylinder", "", {"red_cylinder": (0.5, 0, 0.025), "blue_ball": (0.5, 0.15, 0.022)})
HELD = frozenset({"red_cylinder"})


@pytest.mark.parametrize(
    ("moved", "quaternion", "grasped", "verdict"),
    [
        ({}, STILL, (), "not_grasped"),
        ({"red_cylinder": (0.5, 0, 0.0851)}, STILL, HELD, "success"),  # 50 mm high: its bottom is at 60.1 mm
        ({"red_cylinder": (0.5, 0, 0.0849)}, STILL, HELD, "not_high_enough"),
        ({"red_cylinder": (0.5, 0, 0.0801)}, LYING, HELD, "success"),  # radius 20 mm
        ({"red_cylinder": (0.5, 0, 0.0799)}, LYING, HELD, "not_high_enough"),
        ({"red_cylinder": (0.5, 0, 0.2)}, STILL, (), "dropped"),  # thrown, not held
        ({"red_cylinder": (0.54, 0, 0.02)}, LYING, (), "dropped"),
        ({"red_cylinder": (0.51, 0, 0.025)}, STILL, (), "not_grasped"),
        ({"blue_ball": (0.5, 0.15, 0.2)}, STILL, ("blue_ball",), "wrong_object:blue_ball"),
        ({"blue_ball": (0.9, 0.9, -0.7)}, STILL, (), "fallen:blue_ball"),
    ],
)
def test_lift(moved: Positions, quaternion: Array, grasped: Iterable[str], verdict: str) -> None:
    grasped = frozenset(grasped)
    assert judge(state_of(LIFT, moved, quaternion=quaternion, grasped=grasped, touched=grasped)) == verdict


PUSH = spec_of(
    "Push",
    "red_block",
    "green_zone",
    {
        "red_block": (0.42, 0, 0.02),
        "blue_cylinder": (0.42, 0.15, 0.025),
        "green_zone": (0.58, 0.1, 0.001),
        "yellow_zone": (0.58, -0.1, 0.001),
    },
)


@pytest.mark.parametrize(
    ("moved", "verdict"),
    [
        ({}, "not_moved"),
        ({"red_block": (0.58, 0.1, 0.02)}, "success"),
        ({"red_block": (0.5201, 0.1599, 0.02)}, "success"),  # the side is 12 cm
        ({"red_block": (0.5199, 0.1, 0.02)}, "outside_zone"),
        ({"red_block": (0.58, 0.1601, 0.02)}, "outside_zone"),
        ({"red_block": (0.58, 0.1, 0.031)}, "outside_zone"),  # carried over it
        ({"red_block": (0.58, -0.1, 0.02)}, "wrong_zone:yellow_zone"),
        ({"red_block": (0.44, 0, 0.02)}, "not_moved"),
        ({"blue_cylinder": (0.58, 0.1, 0.025)}, "wrong_object:blue_cylinder"),
        ({"red_block": (1.2, 0, -0.7)}, "fallen:red_block"),
    ],
)
def test_push(moved: Positions, verdict: str) -> None:
    assert judge(state_of(PUSH, moved)) == verdict


def test_pushed_through_a_zone_is_not_in_it() -> None:
    inside = {"red_block": (0.58, 0.1, 0.02)}
    assert judge(state_of(PUSH, inside, velocity=(0.02, 0.0, 0.0))) == "success"
    assert judge(state_of(PUSH, inside, velocity=(0.05, 0.0, 0.0))) == "still_moving:red_block"


def test_zones_may_be_turned() -> None:
    turned = tuple(dataclasses.replace(o, yaw=np.pi / 4) if o.kind == "zone" else o for o in PUSH.objects)
    spec = dataclasses.replace(PUSH, objects=turned)
    assert judge(state_of(spec, {"red_block": (0.53, 0.15, 0.02)})) == "outside_zone"  # a corner of the upright square
    assert judge(state_of(spec, {"red_block": (0.58, 0.18, 0.02)})) == "success"


PLACE = spec_of(
    "PlaceInto",
    "red_block",
    "green_bowl",
    {
        "red_block": (0.42, 0, 0.02),
        "blue_cylinder": (0.42, 0.15, 0.025),
        "green_bowl": (0.58, 0.1, 0.02),
        "yellow_plate": (0.58, -0.1, 0.007),
    },
)
IN_BOWL = {"red_block": (0.58, 0.1, 0.025)}
RED_BOWL, RED_PLATE = frozenset({("green_bowl", "red_block")}), frozenset({("red_block", "yellow_plate")})
BLUE_BOWL = frozenset({("blue_cylinder", "green_bowl")})
RED = frozenset({"red_block"})


@pytest.mark.parametrize(
    ("moved", "fields", "verdict"),
    [
        ({}, {}, "not_grasped"),
        (IN_BOWL, {"contacts": RED_BOWL}, "success"),
        (IN_BOWL, {"contacts": RED_BOWL, "touched": RED}, "not_released"),
        (IN_BOWL, {"contacts": RED_BOWL, "touched": RED, "grasped": RED}, "not_released"),
        (IN_BOWL, {"contacts": RED_BOWL, "velocity": (0.2, 0, 0)}, "not_released"),
        (IN_BOWL, {}, "not_in_container"),  # above it, in the air
        ({"red_block": (0.58, 0.161, 0.025)}, {"contacts": RED_BOWL}, "not_in_container"),  # leaning on the rim
        ({"red_block": (0.58, 0.1, 0.072)}, {"contacts": RED_BOWL}, "not_in_container"),  # balancing on the rim
        ({"red_block": (0.58, 0.1, 0.0)}, {"contacts": RED_BOWL}, "not_in_container"),  # under it
        ({"red_block": (0.58, -0.1, 0.025)}, {"contacts": RED_PLATE}, "wrong_container:yellow_plate"),
        ({"blue_cylinder": (0.58, 0.1, 0.03)}, {"contacts": BLUE_BOWL}, "wrong_object:blue_cylinder"),
        ({}, {"grasped": frozenset({"blue_cylinder"})}, "wrong_object:blue_cylinder"),
        ({"red_block": (0.42, 0, 0.12)}, {"grasped": RED, "touched": RED}, "not_in_container"),
        ({"red_block": (0.5, 0.2, 0.02)}, {}, "not_in_container"),
        ({"red_block": (0.5, 0.9, -0.7)}, {}, "fallen:red_block"),
    ],
)
def test_place_into(moved: Positions, fields: dict[str, Any], verdict: str) -> None:
    assert judge(state_of(PLACE, moved, **fields)) == verdict


def test_a_plate_counts_as_a_container() -> None:
    goal = GoalSpec("PlaceInto", "red_block", "yellow_plate")
    state = state_of(PLACE, {"red_block": (0.58, -0.1, 0.025)}, contacts=RED_PLATE)
    assert TASKS["PlaceInto"]().success(state, goal)
    assert TASKS["PlaceInto"]().failure_reason(state) == "wrong_container:yellow_plate"

"""Success and failure reasons of the families about fixtures and holes, on states written by hand."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from envs.fixture import part_pose, rotate
from envs.fixture_predicates import InDrawer, Inserted, moving_part, pressed
from envs.geometry import at_start
from envs.objects import object_kind, resting_z
from envs.scene import GoalSpec, ObjectSpec, SceneSpec
from envs.scenes import make_scene
from envs.state import WorldState
from envs.tasks.base import TASKS, make_thing
from envs.tasks.insert_peg import hole_size, peg_size
from vla.contract import EpisodeRequest


def standing(color: str, kind: str, x: float, y: float, size: tuple[float, ...] | None = None) -> ObjectSpec:
    thing = make_thing(color, kind, size)
    return dataclasses.replace(thing, position=(x, y, resting_z(kind, thing.size)))


def scene_of(goal: GoalSpec, *things: ObjectSpec) -> SceneSpec:
    return SceneSpec(goal, "", things)


def changed(state: WorldState, name: str, **fields: Any) -> WorldState:
    bodies = dict(state.objects)
    bodies[name] = dataclasses.replace(bodies[name], **fields)
    return dataclasses.replace(state, objects=bodies)


def jointed(state: WorldState, name: str, joint: float) -> WorldState:
    thing = state.spec.object(name)
    pose = part_pose(moving_part(state.spec, name), joint, thing.position, state.objects[name].quaternion.tolist())
    return changed(state, name, joint=joint, part=np.array(pose))


def judge(state: WorldState, **fields: Any) -> str:
    state = dataclasses.replace(state, **fields)
    task = TASKS[state.spec.goal.task]()
    return "success" if task.success(state) else task.failure_reason(state)


DRAWERS = (standing("red", "drawer", 0.4, 0.15), standing("blue", "drawer", 0.4, -0.15))
TRAVEL = 0.088


@pytest.mark.parametrize(
    ("relation", "joint", "verdict"),
    [
        ("full", 0.0, "not_moved"),
        ("full", 0.84 * TRAVEL, "not_open:red_drawer"),
        ("full", 0.86 * TRAVEL, "success"),
        ("half", 0.5 * TRAVEL, "success"),
        ("half", 0.7 * TRAVEL, "not_open:red_drawer"),
        ("half", 0.9 * TRAVEL, "wrong_goal"),
        ("little", 0.2 * TRAVEL, "success"),
        ("little", 0.13 * TRAVEL, "not_open:red_drawer"),
    ],
)
def test_open_drawer(relation: str, joint: float, verdict: str) -> None:
    spec = scene_of(GoalSpec("OpenDrawer", "red_drawer", relation=relation), *DRAWERS)
    state = jointed(at_start(spec), "red_drawer", joint)
    assert judge(state) == verdict
    if verdict == "success":
        assert judge(state, touched=frozenset({"red_drawer"})) == "not_released:red_drawer"


def test_opening_the_other_drawer_is_named() -> None:
    spec = scene_of(GoalSpec("OpenDrawer", "red_drawer", relation="full"), *DRAWERS)
    assert judge(jointed(at_start(spec), "blue_drawer", TRAVEL)) == "wrong_object:blue_drawer"


def test_a_drawer_holds_what_is_between_its_walls() -> None:
    block = standing("green", "block", 0.6, 0.0, (0.035, 0.035, 0.035))
    spec = scene_of(GoalSpec("PutInDrawer", "green_block", "red_drawer"), *DRAWERS, block)
    state = jointed(at_start(spec), "red_drawer", TRAVEL)
    touching = frozenset({("green_block", "red_drawer")})
    floor = 0.006 + 0.0015 + 0.006
    inside = changed(state, "green_block", position=np.array([0.5, 0.15, floor + 0.0175]))
    assert judge(inside, contacts=touching) == "success"
    assert judge(inside) == "not_in:green_block"  # in the air
    assert judge(inside, contacts=touching, touched=frozenset({"green_block"})) == "not_released:green_block"
    on_rim = changed(state, "green_block", position=np.array([0.5, 0.15, 0.06]))
    assert judge(on_rim, contacts=touching) == "not_in:green_block"
    beside = changed(state, "green_block", position=np.array([0.5, 0.22, floor + 0.0175]))
    assert InDrawer("green_block", "red_drawer").gap(dataclasses.replace(beside, contacts=touching)) > 0.01
    assert (
        judge(jointed(inside, "red_drawer", 0.0), contacts=touching) == "not_in:green_block"
    )  # it has left without it


def test_a_button_counts_from_three_quarters_of_its_travel() -> None:
    buttons = (standing("red", "round_button", 0.5, 0.1), standing("blue", "square_button", 0.5, -0.1))
    spec = scene_of(GoalSpec("PressButton", "red_round_button"), *buttons)
    state = at_start(spec)
    assert judge(state) == "not_moved"
    assert judge(jointed(state, "red_round_button", 0.0089), touched=frozenset({"red_round_button"})) == (
        "not_pressed:red_round_button"
    )
    assert judge(jointed(state, "red_round_button", 0.0091)) == "success"
    assert judge(jointed(state, "blue_square_button", 0.0091)) == "wrong_object:blue_square_button"
    assert pressed(spec, "red_round_button").gap(state) == pytest.approx(0.009)


@pytest.mark.parametrize(
    ("relation", "degrees", "verdict"),
    [
        ("quarter left", 90, "success"),
        ("quarter left", 80, "success"),
        ("quarter left", 70, "not_turned_enough:red_knob"),
        ("quarter left", -90, "wrong_goal"),
        ("eighth right", -45, "success"),
        ("eighth right", -20, "not_turned_enough:red_knob"),
    ],
)
def test_turn_knob(relation: str, degrees: float, verdict: str) -> None:
    goal = GoalSpec("TurnKnob", "red_knob", relation=relation)
    spec = scene_of(goal, standing("red", "knob", 0.5, 0.1), standing("blue", "knob", 0.5, -0.1))
    assert judge(jointed(at_start(spec), "red_knob", np.radians(degrees))) == verdict


@pytest.mark.parametrize("roll", [0.0, np.pi])
def test_a_door_on_its_head_opens_the_other_way(roll: float) -> None:
    door = dataclasses.replace(standing("red", "sliding_door", 0.42, 0.15), roll=roll, joint=0.045)
    other = dataclasses.replace(standing("blue", "sliding_door", 0.42, -0.15), joint=0.045)
    for relation in ("left", "right", "open", "shut"):
        spec = scene_of(GoalSpec("SlideDoor", "red_sliding_door", relation=relation), door, other)
        start = at_start(spec).objects["red_sliding_door"].part
        done = [
            joint for joint in (0.0, 0.09) if judge(jointed(at_start(spec), "red_sliding_door", joint)) == "success"
        ]
        assert len(done) == 1
        end = jointed(at_start(spec), "red_sliding_door", done[0]).objects["red_sliding_door"].part
        assert start is not None
        assert end is not None
        if relation in ("left", "right"):  # -y is the left of the front camera's picture
            assert (end[1] < start[1]) == (relation == "left")
        else:
            assert done == [0.09 if relation == "open" else 0.0]


def test_levers_tilt_where_their_words_say() -> None:
    for index in range(20):
        spec = make_scene(EpisodeRequest("FlipLever", index))
        task = TASKS["FlipLever"]()
        for goal in task.goals(spec):
            joints = [j for j in (-0.52, 0.0, 0.52) if task.success(jointed(at_start(spec), goal.target, j), goal)]
            assert len(joints) == 1
            pose = jointed(at_start(spec), goal.target, joints[0]).objects[goal.target].part
            part = moving_part(spec, goal.target)
            assert pose is not None
            tip = rotate(pose[3:], part.grasp.position)[:2]
            away = {"left": (0, -1), "right": (0, 1), "away": (1, 0), "near": (-1, 0), "middle": (0, 0)}[goal.relation]
            if goal.relation == "middle":
                assert np.hypot(*tip) < 1e-6
            else:
                assert tip @ np.array(away) > 0.03


@pytest.mark.parametrize("shape", ["peg_round", "peg_square"])
def test_insert_peg(shape: str) -> None:
    socket = shape.replace("peg", "socket")
    peg = standing("red", shape, 0.55, 0.0, peg_size(shape))
    holes = [
        standing(c, socket, 0.45, y, hole_size(shape, w))
        for c, y, w in (("blue", 0.1, "3 mm"), ("green", -0.1, "6 mm"))
    ]
    spec = scene_of(GoalSpec("InsertPeg", "red_" + shape, "blue_" + socket, relation="3 mm"), peg, *holes)
    task, state = TASKS["InsertPeg"](), at_start(spec)
    assert {(goal.place, goal.relation) for goal in task.goals(spec)} == {
        ("blue_" + socket, "3 mm"),
        ("green_" + socket, "6 mm"),
    }
    half, top = peg.size[1] / 2, holes[0].size[1]
    deep = changed(state, peg.name, position=np.array([0.45, 0.1, half]))
    assert judge(deep) == "success"
    assert judge(deep, touched=frozenset({peg.name})) == "not_released:" + peg.name
    shallow = changed(state, peg.name, position=np.array([0.45, 0.1, top - 0.019 + half]))
    assert judge(shallow) == "not_inserted:" + peg.name
    assert Inserted(peg.name, holes[0].name).gap(shallow) == pytest.approx(0.025 - 0.019)
    beside = changed(state, peg.name, position=np.array([0.55, 0.1, half]))
    assert judge(beside) == "not_inserted:" + peg.name
    other = changed(state, peg.name, position=np.array([0.45, -0.1, half]))
    assert judge(other) == "wrong_place:green_" + socket


def test_holes_are_wider_than_pegs_by_what_the_instruction_says() -> None:
    for name, millimetres in (("3 mm", 3), ("6 mm", 6)):
        for shape in ("peg_round", "peg_square"):
            kind = object_kind(shape.replace("peg", "socket"))
            hole = 2 * kind.inner_radius(hole_size(shape, name))
            peg = peg_size(shape)[0] * (2 if shape == "peg_round" else 1)
            assert 1000 * (hole - peg) == pytest.approx(millimetres)


def test_a_kind_without_a_part_is_refused() -> None:
    spec = scene_of(GoalSpec("Lift", "red_block"), standing("red", "block", 0.5, 0.0))
    with pytest.raises(ValueError, match="'red_block' is of kind 'block', which has no moving part"):
        moving_part(spec, "red_block")

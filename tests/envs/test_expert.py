"""Motion primitives on states written by hand; layouts."""

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from envs.expert import (
    CLOSED,
    MAX_STEP,
    OPEN,
    STEP_M,
    TRAVEL_Z,
    descend,
    down,
    flat_yaw,
    move,
    pick,
    push,
    turn,
)
from envs.geometry import bottom_of
from envs.layout import Rect, Slot, arrange
from envs.scene import GoalSpec, SceneSpec
from envs.state import BodyState, WorldState
from envs.tasks.base import make_thing

Array = NDArray[np.float64]
STILL = np.array([0.0, 0.0, 0.0, 1.0])
DOWN = down(0.0)
BLOCK = dataclasses.replace(make_thing("red", "block", (0.04, 0.04, 0.04)), position=(0.5, 0.0, 0.02))
ZONE = dataclasses.replace(make_thing("green", "zone"), position=(0.58, 0.1, 0.001))
GOAL = np.array(ZONE.position[:2])
SPEC = SceneSpec(GoalSpec("Push", "red_block", "green_zone"), "", (BLOCK, ZONE))


def state_at(
    ee: tuple[float, ...],
    opening: float = 0.08,
    quaternion: Array = DOWN,
    turned: Array = STILL,
    grasped: tuple[str, ...] = (),
) -> WorldState:
    objects = {o.name: BodyState(np.array(o.position), turned, np.zeros(3)) for o in SPEC.objects}
    touching = frozenset(grasped)
    return WorldState(SPEC, 0, np.array(ee), quaternion, opening, objects, touching, touching, frozenset())


def test_turn_is_the_rotation_from_one_to_the_other() -> None:
    quarter = np.array([0.0, 0.0, np.sin(np.pi / 4), np.cos(np.pi / 4)])
    np.testing.assert_allclose(turn(STILL, quarter), [0, 0, np.pi / 2], atol=1e-12)
    np.testing.assert_allclose(turn(quarter, STILL), [0, 0, -np.pi / 2], atol=1e-12)
    np.testing.assert_allclose(turn(quarter, -quarter), [0, 0, 0], atol=1e-9)
    np.testing.assert_allclose(turn(DOWN, DOWN), [0, 0, 0])


def test_move_goes_straight_and_no_faster_than_it_may() -> None:
    far = move(state_at((0.4, 0.0, 0.2)), np.array([0.6, 0.1, 0.2]), OPEN)
    assert np.linalg.norm(far[:3]) * STEP_M == pytest.approx(MAX_STEP, rel=1e-5)
    assert far[0] / far[1] == pytest.approx(2, rel=1e-5)
    assert far[6] == -1
    leaning = np.array([1.0, 0.1, 0.0, 0.0]) / np.hypot(1.0, 0.1)
    tilted = move(state_at((0.4, 0, 0.2), quaternion=leaning), np.array([0.4, 0.0, 0.2]), CLOSED)
    assert np.abs(tilted[3:6]).max() > 0.1


def test_descend_is_a_funnel() -> None:
    goal = np.array([0.5, 0.0, 0.02])
    assert descend(state_at((0.5, 0.0, 0.2)), goal)[2] == pytest.approx(0.02)
    assert descend(state_at((0.5, 0.2, 0.2)), goal)[2] == pytest.approx(TRAVEL_Z)
    low = descend(state_at((0.5, 0.2, 0.02)), goal)
    np.testing.assert_allclose(low[:2], [0.5, 0.2])  # up first


@pytest.mark.parametrize(
    ("ee", "opening", "gripper", "up"),
    [
        ((0.5, 0.0, 0.20), 0.08, OPEN, False),  # above: come down
        ((0.5, 0.0, 0.021), 0.08, CLOSED, False),  # around it: close
        ((0.5, 0.02, 0.04), 0.01, OPEN, True),  # next to it with closed fingers: reopen above
    ],
)
def test_pick_decides_by_geometry(ee: tuple[float, float, float], opening: float, gripper: float, up: bool) -> None:
    action = pick(state_at(ee, opening), "red_block")
    assert action[6] == gripper
    assert (action[2] > 0) == up


def test_push_goes_ahead_when_behind_and_up_when_in_front() -> None:
    ahead = np.array([0.08, 0.1]) / np.hypot(0.08, 0.1)
    behind = np.array([0.5, 0.0]) - 0.05 * ahead
    action = push(state_at((*behind, 0.02)), "red_block", GOAL)
    assert action[:2] @ ahead > 0.4
    assert action[2] == 0
    assert action[6] == CLOSED
    in_front = np.array([0.5, 0.0]) + 0.06 * ahead
    assert push(state_at((*in_front, 0.02)), "red_block", GOAL)[2] > 0.4


def test_push_turns_a_flat_side_to_the_way_and_does_not_swing_back() -> None:
    def direction(degrees: float) -> Array:
        return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])

    straight, turned = state_at((0.4, 0, 0.1)), state_at((0.4, 0, 0.1), quaternion=down(np.radians(44)))
    for wanted, degrees in ((0, 0), (40, 40), (-40, -40), (-30, 60), (30, -60), (0, 90), (0, 180)):
        assert np.degrees(flat_yaw(straight, direction(degrees))) == pytest.approx(wanted, abs=1e-9)
    assert np.degrees(flat_yaw(turned, direction(46))) == pytest.approx(46)


def test_push_lets_go_of_what_wedged_itself_in() -> None:
    action = push(state_at((0.53, 0.03, 0.02), grasped=("red_block",)), "red_block", GOAL)
    assert action[6] == OPEN


def test_bottom_of_a_turned_block() -> None:
    assert bottom_of(state_at((0.4, 0, 0.2)), "red_block") == pytest.approx(0.0)
    edge = np.array([np.sin(np.pi / 8), 0.0, 0.0, np.cos(np.pi / 8)])  # 45 degrees about x: it stands on an edge
    assert bottom_of(state_at((0.4, 0, 0.2), turned=edge), "red_block") == pytest.approx(0.02 - 0.02 * np.sqrt(2))


def test_a_layout_that_is_too_dense_is_refused() -> None:
    slots = [Slot(make_thing(color, "block"), Rect(0.4, 0.45, 0, 0.05)) for color in ("red", "green", "blue")]
    with pytest.raises(RuntimeError, match="found no layout for"):
        arrange(slots, np.random.default_rng(0))


def test_rect() -> None:
    rect = Rect(0.0, 1.0, 0.0, 2.0)
    assert rect.grown(0.5) == Rect(-0.5, 1.5, -0.5, 2.5)
    assert rect.grown(0.5).within(rect) == rect
    assert rect.contains(1.0, 2.0)
    assert not rect.contains(1.01, 0.5)

"""Predicates on states written by hand, at their borders; the algebra of conditions; the dense reward."""

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envs.arrangements import At, Between, InRow
from envs.geometry import at_start
from envs.goals import And, Atom, Condition, Not, Or, for_all
from envs.predicates import (
    AtRest,
    Beside,
    Closed,
    Covers,
    Displaced,
    Held,
    In,
    InZone,
    JointBetween,
    LeftOf,
    Lifted,
    Near,
    On,
    OnTable,
    Open,
    Released,
    RightOf,
    Side,
    Touched,
    Turned,
    Upright,
)
from envs.scene import SceneSpec
from envs.state import BodyState, WorldState
from envs.tasks.base import TASKS
from envs.world import World
from tests.envs.scenes_by_hand import scene, thing
from vla.contract import EpisodeRequest

SPEC = scene(
    thing("block", "block", 0.5, 0.0, size=(0.04, 0.04, 0.04)),
    thing("other", "block", 0.5, 0.1, size=(0.04, 0.04, 0.04)),
    thing("third", "block", 0.5, 0.2, size=(0.04, 0.04, 0.04)),
    thing("can", "cylinder", 0.4, 0.0, size=(0.02, 0.06)),
    thing("box", "crate", 0.5, -0.15, size=(0.12, 0.12, 0.05)),
    thing("plate", "plate", 0.6, 0.15, size=(0.07, 0.014)),
    thing("zone", "zone", 0.6, 0.0, size=(0.12,)),
    thing("cover", "cover", 0.4, 0.15, size=(0.042, 0.08)),
    thing("drawer", "drawer", 0.4, -0.2),
)
BORDER = 1e-6


def turned(angle: float, *axis: float) -> tuple[float, float, float, float]:
    x, y, z = np.sin(angle / 2) * np.array(axis)
    return (float(x), float(y), float(z), float(np.cos(angle / 2)))


def state(moved: Mapping[str, tuple[float, ...]] | None = None, joint: float = 0.0, **fields: Any) -> WorldState:
    """The scene, with objects `moved`: name -> position (3), then quaternion (4), then velocity (3) if given."""
    start = at_start(SPEC)
    bodies = dict(start.objects)
    for name, values in (moved or {}).items():
        pose = np.array([*values, *(0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)[len(values) - 3 :]])
        bodies[name] = BodyState(pose[:3], pose[3:7], pose[7:])
    bodies["drawer"] = dataclasses.replace(bodies["drawer"], joint=joint)
    return dataclasses.replace(start, objects=bodies, **fields)


def touching(*pair: str) -> frozenset[tuple[str, str]]:
    first, second = sorted(pair)
    return frozenset({(first, second)})


LEAN = turned(0.19, 1, 0, 0)
SIDEWAYS = turned(np.pi / 2, 1, 0, 0)
TURN = turned(0.8, 0, 0, 1)
BESIDE: dict[Side, tuple[float, float]] = {"left": (0, -1), "right": (0, 1), "front": (1, 0), "behind": (-1, 0)}

CASES: list[tuple[Atom, WorldState, float, str]] = [
    (Touched("block"), state(touched=frozenset({"block"})), 0.0, ""),
    (Touched("block"), state(ee_position=np.array([0.5, 0.0, 0.05])), 0.03, "not_reached:block"),
    (Touched("block"), state(ee_position=np.array([0.5, 0.0, 0.02])), 0.001, "not_reached:block"),
    (Held("block"), state(grasped=frozenset({"block"})), 0.0, ""),
    (
        Held("block"),
        state(touched=frozenset({"block"}), ee_position=np.array([0.5, 0.03, 0.02])),
        0.03,
        "not_grasped:block",
    ),
    (Released("block"), state(), 0.0, ""),
    (Released("block"), state(touched=frozenset({"block"})), 0.01, "not_released:block"),
    (AtRest("block"), state({"block": (0.5, 0, 0.02, 0, 0, 0, 1, 0.06, 0.08, 0)}), 0.0, ""),
    (AtRest("block"), state({"block": (0.5, 0, 0.02, 0, 0, 0, 1, 0.09, 0.12, 0)}), 0.05, "still_moving:block"),
    (Lifted("block", 0.06), state({"block": (0.5, 0, 0.08)}), 0.0, ""),
    (Lifted("block", 0.06), state({"block": (0.5, 0, 0.07)}), 0.01, "not_high_enough:block"),
    (Lifted("can", 0.06), state({"can": (0.5, 0, 0.07, *SIDEWAYS)}), 0.01, "not_high_enough:can"),  # lies: 2 cm thick
    (OnTable("block"), state({"block": (0.5, 0, 0.03)}), 0.0, ""),
    (OnTable("block"), state({"block": (0.5, 0, 0.05)}), 0.02, "not_on_table:block"),
    (OnTable("block"), state({"block": (0.5, 0, -0.02)}), 0.03, "not_on_table:block"),
    (Upright("can"), state({"can": (0.4, 0, 0.03, *LEAN)}), -0.01, ""),
    (Upright("can"), state({"can": (0.4, 0, 0.03, *SIDEWAYS)}), np.pi / 2 - 0.2, "not_upright:can"),
    (Turned("block", 0.6), state({"block": (0.5, 0, 0.02, *TURN)}), 0.0, ""),
    (Turned("block", 0.5), state({"block": (0.5, 0, 0.02, *TURN)}), 0.1, "not_turned:block"),
    (Turned("block", 0.8 + np.pi / 2, turns=4), state({"block": (0.5, 0, 0.02, *TURN)}), -0.2, ""),
    (Turned("block", 0.8 - 2 * np.pi), state({"block": (0.5, 0, 0.02, *TURN)}), -0.2, ""),
    (Open("drawer", 0.05), state(joint=0.05), 0.0, ""),
    (Open("drawer", 0.05), state(joint=0.02), 0.03, "not_open:drawer"),
    (Closed("drawer", 0.01), state(joint=0.01), 0.0, ""),
    (Closed("drawer", 0.01), state(joint=0.04), 0.03, "not_closed:drawer"),
    (JointBetween("drawer", 0.01, 0.02), state(joint=0.05), 0.03, "not_moved_enough:drawer"),
    (On("block", "other"), state({"block": (0.5, 0.1, 0.06)}, contacts=touching("block", "other")), -0.012, ""),
    (On("block", "other"), state({"block": (0.5, 0.1, 0.06)}), 0.001, "not_on:block"),  # hovers
    (On("block", "other"), state({"block": (0.5, 0.1, 0.092)}), 0.02, "not_on:block"),
    (On("can", "plate"), state({"can": (0.6, 0.15, 0.035)}, contacts=touching("can", "plate")), -0.012, ""),
    (In("block", "box"), state({"block": (0.5, -0.15, 0.025)}, contacts=touching("block", "box")), -0.02 + 1e-9, ""),
    (In("block", "box"), state({"block": (0.5, -0.15, 0.025)}), 0.001, "not_in:block"),
    (In("block", "box"), state({"block": (0.5, -0.15, 0.1)}), 0.02, "not_in:block"),
    (InZone("block", "zone"), state({"block": (0.66, -0.06, 0.02)}), 0.0, ""),
    (InZone("block", "zone"), state({"block": (0.6, 0.08, 0.02)}), 0.02, "outside_zone:block"),
    (InZone("block", "zone"), state({"block": (0.6, 0.0, 0.06)}), 0.03, "outside_zone:block"),
    (Near("block", "other"), state({"block": (0.5, 0.02, 0.02)}), 0.0, ""),
    (Near("block", "other"), state(), 0.02, "not_near:block"),
    (LeftOf("block", "other"), state(), -0.06, ""),
    (RightOf("block", "other"), state(), 0.14, "not_beside:block"),
    (Beside("block", "other", "left"), state({"block": (0.5, -0.08, 0.02)}), 0.02, "not_beside:block"),
    (Beside("block", "other", "left"), state({"block": (0.58, 0.04, 0.02)}), 0.02, "not_beside:block"),
    (Displaced("block", (0.0, 1.0)), state({"block": (0.55, 0.08, 0.02)}), 0.0, ""),
    (Displaced("block", (0.0, 1.0)), state({"block": (0.5, 0.05, 0.02)}), 0.03, "not_moved_enough:block"),
    (Displaced("block", (0.0, 1.0)), state({"block": (0.56, 0.09, 0.02)}), 0.01, "not_moved_enough:block"),
    (Covers("cover", "block"), state({"cover": (0.5, 0.02, 0.04)}), 0.0, ""),
    (Covers("cover", "block"), state({"cover": (0.5, 0.03, 0.04)}), 0.01, "not_covered:cover"),
    (Covers("cover", "block"), state({"cover": (0.5, 0.0, 0.07)}), 0.02, "not_covered:cover"),
    (At("block", (0.5, 0.015)), state(), 0.0, ""),
    (At("block", (0.53, 0.0)), state(), 0.015, "not_there:block"),
    (At("block", (0.5, 0.0)), state({"block": (0.5, 0.0, 0.08)}), 0.05, "not_there:block"),
    (InRow(("block", "other", "third"), "right"), state(), -0.01, ""),
    (InRow(("block", "other", "third"), "left"), state(), 0.14, "not_in_row"),
    (InRow(("block", "third", "other"), "right"), state(), 0.14, "not_in_row"),
    (InRow(("block", "other", "third"), "right"), state({"other": (0.56, 0.1, 0.02)}), 0.02, "not_in_row"),
    (InRow(("block", "other", "third"), "right"), state({"third": (0.5, 0.26, 0.02)}), 0.02, "not_in_row"),
    (InRow(("block", "other", "third"), "right"), state({"other": (0.5, 0.1, 0.08)}), 0.05, "not_in_row"),
    (Between("other", "block", "third"), state(), -0.03, ""),
    (Between("other", "block", "third"), state({"other": (0.55, 0.1, 0.02)}), 0.02, "not_between:other"),
    (Between("other", "block", "third"), state({"other": (0.5, 0.17, 0.02)}), 0.02, "not_between:other"),
]


@pytest.mark.parametrize(("atom", "now", "gap", "reason"), CASES, ids=lambda value: type(value).__name__)
def test_gap_and_reason(atom: Atom, now: WorldState, gap: float, reason: str) -> None:
    assert atom.gap(now) == pytest.approx(gap, abs=1e-9)
    assert (gap <= 0) == (not reason)
    assert atom.atoms() == (atom,)
    if abs(gap) > BORDER:  # at the border itself, rounding decides
        assert atom.holds(now) == (gap < 0)
        assert atom.reason(now) == reason
        assert Not(atom).holds(now) == (gap > 0)


@pytest.mark.parametrize(("atom", "now", "gap", "reason"), CASES, ids=lambda value: type(value).__name__)
def test_an_atom_is_as_close_as_its_gap_is_small(atom: Atom, now: WorldState, gap: float, reason: str) -> None:
    closeness = atom.closeness(now)
    assert 0 <= closeness <= 1
    assert (closeness == 1) == atom.holds(now)
    assert atom.progress(now) == float(atom.holds(now))
    if gap > BORDER:
        assert closeness == pytest.approx(1 - np.tanh(gap / atom.scale))


@pytest.mark.parametrize("side", BESIDE)
def test_sides_are_those_of_the_picture(side: Side) -> None:
    x, y = BESIDE[side]
    now = state({"block": (0.5 + 0.1 * x, 0.1 + 0.1 * y, 0.02)})
    assert [other for other in BESIDE if Beside("block", "other", other).holds(now)] == [side]


NAMES = ("block", "other", "third", "can")
ATOMS = st.sampled_from(NAMES).flatmap(
    lambda name: st.sampled_from(
        [
            Touched(name),
            Released(name),
            OnTable(name),
            Upright(name),
            Lifted(name),
            InZone(name, "zone"),
            At(name, (0.5, 0)),
        ]
    )
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: And(*parts)),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: Or(*parts)),
        inner.map(Not),
    ),
    max_leaves=6,
)
COORDINATE = st.floats(-0.2, 0.2)


@st.composite
def states(draw: st.DrawFn) -> WorldState:
    moved = {name: (0.5 + draw(COORDINATE), draw(COORDINATE), 0.05 + draw(COORDINATE) / 4) for name in NAMES}
    return state(moved, touched=draw(st.frozensets(st.sampled_from(NAMES))))


@settings(max_examples=200, deadline=None)
@given(CONDITIONS, states())
def test_the_algebra_of_any_condition(condition: Condition, now: WorldState) -> None:
    holds = condition.holds(now)
    assert 0 <= condition.closeness(now) <= 1
    assert 0 <= condition.progress(now) <= 1
    assert (condition.closeness(now) == 1) == holds
    assert (condition.progress(now) == 1) == holds
    assert (condition.reason(now) == "") == holds
    assert (~condition).holds(now) == (not holds)
    assert (~~condition).holds(now) == holds


@settings(max_examples=100, deadline=None)
@given(CONDITIONS, CONDITIONS, states())
def test_and_or_not_are_those_of_logic(one: Condition, two: Condition, now: WorldState) -> None:
    a, b = one.holds(now), two.holds(now)
    assert (one & two).holds(now) == (a and b)
    assert (one | two).holds(now) == (a or b)
    assert (~(one & two)).holds(now) == (~one | ~two).holds(now)
    assert (one & two).closeness(now) <= max(one.closeness(now), two.closeness(now)) + 1e-12
    assert (one | two).closeness(now) == max(one.closeness(now), two.closeness(now))


def test_and_is_flat_and_says_the_first_reason() -> None:
    condition = (OnTable("block") & Lifted("block")) & (Touched("other") & Upright("can"))
    assert isinstance(condition, And)
    assert len(condition.parts) == len(condition.atoms()) == 4
    assert condition.reason(state()) == "not_high_enough:block"
    assert condition.progress(state()) == 0.5


def test_or_says_the_reason_of_what_is_nearest() -> None:
    assert (Lifted("block", 0.2) | Lifted("other", 0.02)).reason(state()) == "not_high_enough:other"


def test_not_says_what_is_still_so() -> None:
    assert Not(In("block", "box")).reason(state()) == ""
    inside = state({"block": (0.5, -0.15, 0.025)}, contacts=touching("block", "box"))
    assert Not(In("block", "box")).reason(inside) == "still_in:block"
    assert Not(OnTable("block") | OnTable("other")).reason(state()) == "still_so"


def test_for_all_names_the_first_that_fails() -> None:
    condition = for_all(("block", "other"), OnTable)
    assert condition.holds(state())
    assert condition.reason(state({"other": (0.5, 0.1, 0.2)})) == "not_on_table:other"


@pytest.mark.parametrize("make", [And, Or, lambda: for_all((), OnTable)])
def test_nothing_is_no_condition(make: Any) -> None:
    with pytest.raises(ValueError, match="at least one"):
        make()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def rewards(world: World, task: str, spec: SceneSpec) -> list[float]:
    """The dense reward in every state of the expert's episode."""
    world.load(spec)
    expert, found = TASKS[task]().expert(spec), [world.task.reward(world.state())]
    while not world.step(expert.act(world.state())).done:
        found.append(world.task.reward(world.state()))
    return [*found, world.task.reward(world.state())]


@pytest.mark.parametrize("task", TASKS)
def test_the_dense_reward_is_bounded_and_grows_along_an_experts_episode(task: str, world: World) -> None:
    world.reset(EpisodeRequest(task, 2, split="eval"))
    found = np.array(rewards(world, task, world.spec))
    assert ((found >= 0) & (found <= 1)).all()
    assert found[-1] == 1.0
    quarter = max(len(found) // 4, 1)
    assert found[-quarter:].mean() > found[:quarter].mean()

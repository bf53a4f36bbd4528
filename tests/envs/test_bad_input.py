"""A table of what users get wrong: each is refused at the border with what was given and what is expected.

Nothing is lost: the world goes on with the scene that it had.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from envs.cameras import FRONT
from envs.scene import GoalSpec, LampSpec, ScenerySpec, SceneSpec, Texture
from envs.scenes import make_scene
from envs.world import World
from vla.contract import EpisodeRequest, Perturbation

GOOD = make_scene(EpisodeRequest("PlaceInto", 0))
NAN, INF = float("nan"), float("inf")
UP = (0.0, 0.0, 1.0)
POST = ScenerySpec("box", (0.1, 0.1, 0.5), (0.0, 0.4, 0.25), 0.0, Texture())


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World(image_size=32)
    world.load(GOOD)
    yield world
    world.close()


def thing(**changes: Any) -> SceneSpec:
    """The good scene with its first object changed."""
    return replace(GOOD, objects=(replace(GOOD.objects[0], **changes), *GOOD.objects[1:]))


def robot(**changes: Any) -> SceneSpec:
    return replace(GOOD, robot=replace(GOOD.robot, **changes))


def camera(**changes: Any) -> SceneSpec:
    return replace(GOOD, cameras=(replace(FRONT, **changes),))


def goal(**changes: Any) -> SceneSpec:
    return replace(GOOD, goal=replace(GOOD.goal, **changes))


SPECS: dict[str, tuple[SceneSpec, str]] = {
    "unknown task": (goal(task="PlaceInot"), "'PlaceInto'"),
    "goal of an absent target": (goal(target="pink_block"), "unknown object 'pink_block'"),
    "goal of an absent place": (goal(place="red_bowll"), "unknown object 'red_bowll'"),
    "alternative of an absent object": (
        replace(GOOD, alternatives=(GoalSpec("PlaceInto", "none", ""),)),
        "unknown object 'none'",
    ),
    "spoken goal of an absent object": (replace(GOOD, spoken=GoalSpec("Lift", "none")), "unknown object 'none'"),
    "unknown kind": (thing(kind="blok"), "'block'"),
    "size of the wrong length": (thing(kind="block", size=(0.04,)), "takes the size"),
    "negative size": (thing(kind="block", size=(0.04, -0.04, 0.04)), "each > 0"),
    "size that is NaN": (thing(kind="block", size=(0.04, NAN, 0.04)), "each > 0"),
    "unknown material": (thing(material="plastik"), "'plastic'"),
    "position that is NaN": (thing(position=(NAN, 0.0, 0.02)), "finite"),
    "position far away": (thing(position=(50.0, 0.0, 0.02)), "within 10.0 m"),
    "yaw that is infinite": (thing(yaw=INF), "finite"),
    "mass of nothing": (thing(mass=0.0), "kilograms, more than 0"),
    "negative friction": (thing(friction=-0.1), "0 or more"),
    "joint of a thing that has none": (thing(joint=0.1), "no moving part"),
    "a name used twice": (thing(name=GOOD.objects[1].name), "used more than once"),
    "an object called table": (thing(name="table"), "must be unique and not 'table'"),
    "unknown robot": (robot(name="pandaa"), "'panda'"),
    "unknown control mode": (robot(control="pd_ee_delta_pos"), "'pd_ee_delta_pose'"),
    "too few joints": (robot(joints=(0.0, 0.1)), "7 arm joints"),
    "joint beyond its limit": (robot(joints=(9.0, *GOOD.robot.joints[1:])), r"robot.joints\[0\]"),
    "joint that is NaN": (robot(joints=(NAN, *GOOD.robot.joints[1:])), "finite"),
    "opening beyond the gripper's": (robot(opening=0.5), "0 to 0.08 m"),
    "rate that does not divide": (robot(control_hz=7.0), "a divisor of 240"),
    "rate of zero": (robot(control_hz=0.0), "a divisor of 240"),
    "base that is infinite": (robot(base=(INF, 0.0, 0.0)), "finite"),
    "camera that looks nowhere": (camera(target=FRONT.eye), "one line"),
    "field of view of 180 degrees": (camera(fov_y=180.0), "less than 180 degrees"),
    "picture without pixels": (camera(width=0), "at least 1 pixel"),
    "near beyond far": (camera(near=6.0), "0 < near < far"),
    "two cameras of one name": (replace(GOOD, cameras=(FRONT, FRONT)), "camera names must be unique"),
    "light from nowhere": (
        replace(GOOD, light=replace(GOOD.light, direction=(0.0, 0.0, 0.0))),
        "a vector of length > 0",
    ),
    "negative light": (replace(GOOD, light=replace(GOOD.light, ambient=(-0.1, 0.5, 0.5))), "0 or more"),
    "negative lamp": (replace(GOOD, light=replace(GOOD.light, lamps=(LampSpec((-0.1, 0.0, 0.0), UP),))), "0 or more"),
    "lamp nowhere": (replace(GOOD, light=replace(GOOD.light, lamps=(LampSpec(UP, (NAN, 0.0, 1.0)),))), "finite"),
    "mirror of more than all": (thing(mirror=1.1), "a share from 0 to 1"),
    "scenery of no size": (replace(GOOD, scenery=(replace(POST, size=(0.1, 0.0, 0.1)),)), r"scenery\[0\]: size"),
    "scenery nowhere": (replace(GOOD, scenery=(POST, replace(POST, yaw=INF))), r"scenery\[1\]: position, yaw"),
    "scenery of no shape": (replace(GOOD, scenery=(replace(POST, shape="ball"),)), "box or cylinder"),  # type: ignore[arg-type]
    "no time": (replace(GOOD, max_steps=0), "at least 1 control step"),
    "table of no size": (replace(GOOD, table=replace(GOOD.table, size=(1.0, 0.0, 0.1))), "numbers > 0"),
}


@pytest.mark.parametrize("case", SPECS)
def test_a_bad_scene_is_refused_and_the_old_one_stays(case: str, world: World) -> None:
    spec, message = SPECS[case]
    before = world.poses()
    with pytest.raises(ValueError, match=message):
        world.load(spec)
    assert world.spec is GOOD
    np.testing.assert_array_equal(world.poses(), before)


ACTIONS: dict[str, tuple[Any, str]] = {
    "six numbers": (np.zeros(6), r"shape \(6,\)"),
    "a batch of one": (np.zeros((1, 7)), r"shape \(1, 7\)"),
    "a number": (0.0, r"shape \(\)"),
    "NaN": (np.array([0, 0, 0, 0, 0, 0, NAN]), "NaN or infinite"),
    "infinity": (np.array([INF, 0, 0, 0, 0, 0, 0]), "NaN or infinite"),
    "out of range": (np.array([0, 1.01, 0, 0, 0, 0, 0]), r"action\[1\] = 1.01 is out of range"),
    "words": (["left"] * 7, "dtype"),
    "nothing": (None, "dtype"),
    "complex numbers": (np.zeros(7, complex), "dtype complex"),
    "booleans": (np.zeros(7, bool), "dtype bool"),
}


@pytest.mark.parametrize("case", ACTIONS)
def test_a_bad_action_is_refused_and_nothing_moves(case: str, world: World) -> None:
    action, message = ACTIONS[case]
    steps, before = world.steps, world.poses()
    with pytest.raises(ValueError, match=message):
        world.step(action)
    assert world.steps == steps
    np.testing.assert_array_equal(world.poses(), before)


REQUESTS: dict[str, tuple[EpisodeRequest, str]] = {
    "unknown task": (EpisodeRequest("Lifft", 0), "'Lift'"),
    "unknown axis": (EpisodeRequest("Lift", 0, perturbations=(Perturbation("light_colour", 1),)), "'light_color'"),
    "level too high": (EpisodeRequest("Lift", 0, perturbations=(Perturbation("light_color", 99),)), "levels 0 to"),
    "negative level": (EpisodeRequest("Lift", 0, perturbations=(Perturbation("light_color", -1),)), "levels 0 to"),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_bad_request_is_refused_and_the_old_scene_stays(case: str, world: World) -> None:
    request, message = REQUESTS[case]
    with pytest.raises(ValueError, match=message):
        world.reset(request)
    assert world.spec is GOOD


def changed(change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(GOOD.to_dict()))
    change(data)
    return data


DATA: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a missing field": (lambda data: data.pop("goal"), "goal"),
    "an unknown field": (lambda data: data.update(gaol=1), "gaol"),
    "a word for a number": (lambda data: data["objects"][0].update(mass="heavy"), "mass"),
    "an unknown texture": (lambda data: data["table"]["texture"].update(kind="marble"), "kind"),
    "a position of two numbers": (lambda data: data["objects"][0].update(position=[0.4, 0.0]), "position"),
    "an unknown parent of a camera": (lambda data: data["cameras"][0].update(parent="head"), "parent"),
}


@pytest.mark.parametrize("case", DATA)
def test_bad_data_is_no_scene(case: str) -> None:
    change, message = DATA[case]
    with pytest.raises(ValueError, match="not a SceneSpec") as caught:
        SceneSpec.from_dict(changed(change))
    assert message in str(caught.value)


def test_the_good_scene_is_good(world: World) -> None:
    world.load(dataclasses.replace(GOOD))
    assert world.steps == 0
    world.load(GOOD)

"""Sentences in anybody's words: what they are understood as, and the scenes that are made for them."""

from __future__ import annotations

import numpy as np
import pytest

from envs.checks import check_scene
from envs.control import make_control
from envs.grammar import COLORS
from envs.scene import GoalSpec
from envs.tasks.base import TASKS
from envs.understanding import readings, understand
from envs.wishing import _exchange, _painted, _recolored, wished
from envs.world import World

READ = {
    "put the red block into the blue bowl": "PlaceInto: red block -> blue bowl",
    "pick up the leftmost block": "Refer: the leftmost block",
    "put all the red things into the blue box": "Collect: blue box, the red things",
    "open the red drawer all the way": "OpenDrawer: red drawer, all the way",
    "first lift the red block then put the red block into the blue bowl": (
        "Chain: Lift red block, then PlaceInto red block -> blue bowl"
    ),
}
FREE = {
    "put the red block in the blue bowl": "PlaceInto: red block -> blue bowl",
    "Grab a crimson cube!": "Lift: red block",
    "put the red blok in the bule bowl": "PlaceInto: red block -> blue bowl",
    "could you drop the pink duck in the bowl": "PlaceInto: pink duck -> bowl",
    "open the drawer": "OpenDrawer: drawer, all the way",
    "put the green ball left of the cup": "PlaceRelative: green ball -> cup, to the left of",
    "push the yellow cylinder away": "PushDirection: yellow cylinder, away from the robot",
    "stack the red block on the green one": "Stack: red block -> green thing",
    "throw the green ball into the mug": "PutIn: green ball -> mug",
    "hide the ball": "Cover: something -> ball",
    "put the orange on the plate": "PlaceOn: orange thing -> plate",
}


@pytest.mark.parametrize(("sentence", "text"), [*READ.items(), *FREE.items()])
def test_a_sentence_is_understood(sentence: str, text: str) -> None:
    understood = understand(sentence)
    assert understood.text() == text
    assert understood.read == (sentence in READ)
    assert understood.unknown == understood.missing == ()


@pytest.mark.parametrize("task", [name for name in TASKS if TASKS[name].grammar.roles])
def test_what_a_grammar_writes_is_read_as_its_own(task: str) -> None:
    grammar, rng = TASKS[task].grammar, np.random.default_rng(0)
    for level in range(6):
        drawn = grammar.drawn(rng, level)
        mine = [reading for reading in readings(drawn.sentence) if reading.task == task]
        assert mine, drawn.sentence
        named = {(thing.color, thing.kind) for reading in mine for thing in reading.things if thing.kind}
        assert named <= set(drawn.things.values()), drawn.sentence


@pytest.mark.parametrize("sentence", [*READ, *FREE])
def test_its_scene_has_what_it_names(sentence: str) -> None:
    wish = wished(sentence, index=2)
    check_scene(wish.spec)
    assert wish.spec == wished(sentence, index=2).spec
    assert wish.spec != wished(sentence, index=3).spec
    assert wish.spec.instruction == sentence
    assert (wish.spec.goal.task, wish.absent) == (wish.understood.task, False)
    for name, named in zip(wish.spec.goal.names, wish.understood.things, strict=False):
        thing = wish.spec.object(name)
        assert named.color in ("", thing.color)
        assert named.kind in ("", thing.kind)
        fit = [o for o in wish.spec.objects if named.color in ("", o.color) and named.kind in ("", o.kind)]
        assert len(fit) == 1 or not (named.color or named.kind) or named.kind == "drawer"  # there are always two


@pytest.mark.parametrize("sentence", ["put the red block in the blue bowl", "could you drop the pink star in the bowl"])
def test_the_expert_does_what_it_asks_for(sentence: str) -> None:
    wish, world = wished(sentence), World()
    world.load(wish.spec)
    expert = world.task.expert(wish.spec)
    while not (step := world.step(expert.act(world.state()))).done:
        pass
    world.close()
    assert step.success, step.reason


def test_what_cannot_exist_is_said_and_left_alone() -> None:
    wish = wished("put the purple banana in the blue bowl")
    assert wish.understood.missing == ("banana",)
    assert wish.told() == (
        "understood as PlaceInto: something -> blue bowl; not understood: banana; "
        "not everything that is named is there: right is to touch nothing"
    )
    assert wish.spec.refuse
    assert wish.spec.object(wish.spec.goal.place).color == "blue"
    assert understand("lift the red block and then touch the yellow button").unknown == (
        "then touch the yellow button",
    )


def test_other_robots_and_control_modes() -> None:
    wish = wished("lift the red block", robot="kuka", control="pd_joint_pos")
    assert (wish.spec.robot.name, wish.spec.robot.control) == ("kuka", "pd_joint_pos")
    assert make_control(wish.spec).robot.home


def test_a_scene_is_taken_as_it_is() -> None:
    usual = wished("lift the blue block", family="PlaceInto")
    assert {thing.name for thing in usual.spec.objects} == {"blue_bowl", "green_plate", "blue_cylinder", "blue_block"}
    assert usual.spec.goal == GoalSpec("Lift", "blue_block")
    assert not usual.absent
    for sentence in ("put the red block in the blue bowl", "lift the banana", "lift the leftmost block"):
        assert wished(sentence, family="PlaceInto").absent, sentence  # one block: none is the leftmost
    with pytest.raises(ValueError, match="what Sort asks for cannot be judged in a scene of Lift"):
        wished("sort the things by color", family="Lift")
    with pytest.raises(ValueError, match="Did you mean 'PlaceInto'"):
        wished("lift the blue block", family="PlaceInt")


def test_what_nothing_can_be_made_of_is_an_error() -> None:
    with pytest.raises(ValueError, match="'quux frobnicate' has no word of any instruction"):
        wished("quux frobnicate")


def test_colors_are_exchanged_and_nothing_else() -> None:
    assert _exchange([("red", "blue"), ("green", "red")]) == {"red": "blue", "green": "red", "blue": "green"}
    assert _exchange([("red", "blue"), ("red", "green")]) is None
    assert _exchange([("red", "blue"), ("green", "blue")]) is None
    there = dict(zip(COLORS, [*COLORS][1:] + [*COLORS][:1], strict=True))
    back = {new: old for old, new in there.items()}
    for name in TASKS:
        if name not in ("Collect", "Sweep", "Refer", "Chain", "ChainStepwise"):
            task = TASKS[name]()
            spec = task.sample(np.random.default_rng(1))
            assert _recolored(_recolored(spec, there, task), back, task) == spec, name
            assert all(_painted(o, {o.color: o.color}) == o for o in spec.objects)

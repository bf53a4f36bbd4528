"""Chains: parts counted in order, said in one or one by one, judged as what was spoken."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from envs.reading import mentioned
from envs.scene import SceneSpec
from envs.scenes import make_scene
from envs.tasks.base import TASKS
from envs.tasks.chain import RECIPES
from envs.world import World
from policies.expert import ExpertPolicy
from vla.contract import EpisodeRequest, Perturbation
from vla.rollout import Recorder, rollout

CHAINS = ("Chain", "ChainStepwise")
STILL = np.zeros(7, np.float32)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World(image_size=32)
    yield world
    world.close()


def scene_of(recipe: str, task: str = "Chain", axis: str = "") -> EpisodeRequest:
    perturbations = (Perturbation(axis, 1),) if axis else ()
    for index in range(400):
        request = EpisodeRequest(task, index, 0, "eval", perturbations)
        if make_scene(request.twin).goal.relation == recipe:
            return request
    raise AssertionError(f"{recipe} is never drawn")


@pytest.mark.parametrize("task", CHAINS)
def test_chains_have_two_to_five_parts_and_the_time_of_all(task: str) -> None:
    seen = set()
    for index in range(60):
        spec = make_scene(EpisodeRequest(task, index))
        parts = spec.goal.parts
        seen.add(len(parts))
        assert spec.max_steps == sum(TASKS[part.task].max_steps for part in parts)
        assert set(spec.goal.names) <= mentioned(spec.instruction, spec)
        assert SceneSpec.from_dict(spec.to_dict()) == spec
        assert len(spec.instruction) <= 400
        assert all([part.task for part in other.parts] == [part.task for part in parts] for other in spec.alternatives)
        assert spec.instruction.count("\n") == (len(parts) - 1 if task == "ChainStepwise" else 0)
    assert seen == {2, 3, 4, 5}
    assert min(sum(TASKS[s.split()[0]].max_steps for s in recipe.split(", ")) for recipe in RECIPES) == 70


def test_every_recipe_is_drawn() -> None:
    assert {make_scene(EpisodeRequest("Chain", index)).goal.relation for index in range(300)} == set(RECIPES)


def test_the_expert_does_the_parts_in_their_order(world: World) -> None:
    recorder = Recorder()
    request = scene_of("PressButton button, Stack a b, Reach c", "ChainStepwise")
    result = rollout(world, ExpertPolicy(), request, subscribers=[recorder])
    assert (result.outcome, result.parts, result.completed) == ("success", 3, 3)
    assert list(result.done_at) == sorted(result.done_at)
    assert result.done_at[-1] == result.steps
    lines = make_scene(request).instruction.split("\n")
    assert result.instruction.split("\n") == lines
    episode = recorder.episode()
    assert episode is not None
    assert [episode.said(step) for step in (0, result.done_at[0], result.done_at[1])] == lines


def test_a_part_out_of_turn_does_not_count(world: World) -> None:
    world.reset(scene_of("PressButton button, Lift a"))
    spec = world.spec
    lift = TASKS["Lift"]().expert(replace(spec, goal=spec.goal.parts[1]))
    for _ in range(30):
        result = world.step(lift.act(world.state()))
    assert TASKS["Lift"]().success(world.state(), spec.goal.parts[1])
    assert (result.completed, result.parts, result.done) == (0, 2, False)
    task = world.task
    assert task.progress(world.state()) == 0
    assert task.failure_reason(world.state()).startswith("part_1_")
    while not result.done:
        result = world.step(lift.act(world.state()))
    assert result.reason.startswith("time_limit:part_1_")


def test_progress_and_reward_grow_with_the_parts(world: World) -> None:
    world.reset(scene_of("Reach a, Reach b, Reach c"))
    expert, task = TASKS["Chain"]().expert(world.spec), world.task
    seen = {0: task.reward(world.state())}
    result = world.step(STILL)
    while not result.done:
        result = world.step(expert.act(world.state()))
        seen.setdefault(result.completed, task.reward(world.state()))
        assert task.progress(world.state()) == pytest.approx(result.completed / 3)
    assert result.success
    assert list(seen) == [0, 1, 2, 3]
    assert list(seen.values()) == sorted(seen.values())
    assert seen[3] == 1.0


def test_doing_the_other_goal_that_was_spoken_of_is_told(world: World) -> None:
    for task in CHAINS:
        world.reset(scene_of("Reach a, Reach b, Reach c", task, "swapped"))
        spec = world.spec
        assert spec.spoken is not None
        result = world.step(STILL)
        for goal in spec.spoken.parts:
            expert = TASKS["Reach"]().expert(replace(spec, goal=goal))
            for _ in range(25):
                if not result.done:
                    result = world.step(expert.act(world.state()))
        while not result.done:
            result = world.step(STILL)
        assert result.reason == "did_spoken_goal"


def test_what_was_lifted_is_put_down_before_the_next_part(world: World) -> None:
    request = scene_of("Lift a, Lift b, Lift c")
    result = rollout(world, ExpertPolicy(), request)
    assert result.outcome == "success"
    first = world.spec.goal.parts[0].target
    assert world.state().objects[first].position[2] < 0.05

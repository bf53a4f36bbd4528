"""The published policy as it is shipped: what it says of itself, that it acts, hears, and tells what is not there."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from envs.world import World
from policies.learned import LearnedPolicy
from policies.published import PUBLISHED, WEIGHTS, published
from policies.registry import make_policy, policy_names
from vla.contract import EpisodeRequest, Observation, Perturbation
from vla.rollout import rollout


@pytest.fixture(scope="module")
def base() -> LearnedPolicy:
    policy = make_policy("base")
    assert isinstance(policy, LearnedPolicy)
    return policy


def test_it_says_what_it_knows(base: LearnedPolicy) -> None:
    assert "base" in policy_names()
    assert (published("base") / WEIGHTS).stat().st_size <= 25e6
    assert set(base.robots) == {"panda", "xarm6", "kuka"}
    assert len(base.config.trained_on["tasks"]) >= 20
    assert "Unstack" not in base.config.trained_on["tasks"]  # `make demo` teaches it
    assert base.config.trained_on["splits"] == ["train"]
    card = (PUBLISHED / "base" / "README.md").read_text(encoding="utf-8")
    assert base.fingerprint in card


def wins(base: LearnedPolicy, task: str, episodes: int, robot: str = "panda") -> int:
    world = World(image_size=base.image_size, robot=robot)
    try:
        results = [rollout(world, base, EpisodeRequest(task, i, 5, "eval")) for i in range(episodes)]
    finally:
        world.close()
    assert not any(result.outcome == "error" for result in results)
    return sum(result.outcome == "success" for result in results)


@pytest.mark.parametrize("robot", ["panda", "xarm6", "kuka"])
def test_it_lifts_what_it_is_told(base: LearnedPolicy, robot: str) -> None:
    assert wins(base, "Lift", 6, robot) >= 3  # another object than the one that is named counts as failure


def looks(requests: list[EpisodeRequest]) -> list[Observation]:
    world, seen = World(image_size=96), []
    for request in requests:
        world.reset(request)
        seen.append(world.observe(LearnedPolicy.inputs))
    world.close()
    return seen


def test_its_confidence_tells_what_is_not_there(base: LearnedPolicy) -> None:
    there = [EpisodeRequest(task, i, 5, "eval") for task in ("Lift", "PlaceInto", "Push") for i in range(6)]
    absent = [dataclasses.replace(request, perturbations=(Perturbation("absent", 1),)) for request in there]
    sure, unsure = base.confidence(looks(there)), base.confidence(looks(absent))
    assert sure.shape == (18,)
    assert np.all((sure >= 0) & (sure <= 1))
    assert sure.mean() > unsure.mean() + 0.2

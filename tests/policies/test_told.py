"""The policy with the simulator's eyes: told what a camera would have to find, deciding as it learnt to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from envs.grounding import ENDS, DemoView
from envs.world import World
from policies.registry import make_policy
from policies.told import ToldPolicy
from vla.checkpoint import find, load_config, save
from vla.contract import EpisodeRequest, Observation
from vla.models.act import ActConfig
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import HeadConfig, make_model
from vla.rollout import rollout


def checkpoint(folder: Path) -> Path:
    """A small network with random weights and the words of the published base."""
    base = load_config(find("policies/published/base"))
    config = CompactConfig(
        vocab_size=base.vocabulary.size,  # type: ignore[attr-defined]
        cameras=("front", "wrist"),
        channels=8,
        blocks=1,
        hidden=16,
        locating=8,
        head=HeadConfig("l1"),
    )
    torch.manual_seed(0)
    return save(folder, replace(base, model=config), CompactVLA(config).state_dict(), {})


@pytest.mark.parametrize("task", ["PlaceBetween", "OpenDrawer", "Rotate", "Reach"])
def test_places_of_a_state_are_those_of_its_poses(task: str) -> None:
    world = World()
    request = EpisodeRequest(task, 2, seed=5)
    world.reset(request)
    expert, view = make_policy("expert"), DemoView(world.spec, (), 96)
    expert.reset(0)
    for _ in range(8):
        observation = world.observe(frozenset({"state"}))
        world.step(expert.act([observation])[0][0])
    expected = view.where(world.poses()[None], np.zeros(1, np.int64))[0]
    expected[ENDS] = 0
    assert expected[0, 3] == 1
    np.testing.assert_allclose(view.now(world.state()), expected, atol=1e-5)
    world.close()


def test_it_acts_by_the_places_it_is_told(tmp_path: Path) -> None:
    policy = make_policy(f"told:{checkpoint(tmp_path / 'small')}")
    assert isinstance(policy, ToldPolicy)
    world, request = World(image_size=policy.image_size), EpisodeRequest("Reach", 0)
    results = [rollout(world, policy, request) for _ in range(2)]
    assert results[0].outcome == results[1].outcome == "failure", results[0].traceback
    world.reset(request)
    seen: Observation = {**world.observe(policy.inputs), "episode_seed": 0, "step": 0}
    first = policy.act([seen])
    assert first.shape == (1, policy.config.model.chunk, 7)
    state = seen["state"]
    things = {name: replace(body, position=body.position + 0.1) for name, body in state.objects.items()}
    other = policy.act([{**seen, "state": replace(state, objects=things)}])
    assert np.abs(first - other).max() > 1e-4
    world.close()


def test_a_network_that_finds_no_places_is_refused(tmp_path: Path) -> None:
    base = load_config(find("policies/published/base"))
    config = ActConfig(vocab_size=base.vocabulary.size)  # type: ignore[attr-defined]
    folder = save(tmp_path / "act", replace(base, model=config), make_model(config).state_dict(), {})
    with pytest.raises(ValueError, match="finds no places"):
        make_policy(f"told:{folder}")

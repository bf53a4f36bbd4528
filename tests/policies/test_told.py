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
from vla.contract import EpisodeRequest
from vla.models.compact import CompactConfig, CompactVLA
from vla.models.contract import HeadConfig
from vla.rollout import rollout


def checkpoint(folder: Path, *, by_places: bool) -> Path:
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
        by_places=by_places,
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


def test_it_plays_without_pictures(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "small", by_places=True)
    policy = make_policy(f"told:{path}")
    assert isinstance(policy, ToldPolicy)
    assert "pixels" not in policy.inputs
    world, request = World(), EpisodeRequest("Reach", 0)
    results = [rollout(world, policy, request) for _ in range(2)]
    assert results[0].outcome == results[1].outcome == "failure", results[0].traceback
    seen = frozenset({*policy.inputs})
    world.reset(request)
    first = policy.act([{**world.observe(seen), "episode_seed": 0, "step": 0}])
    world.reset(EpisodeRequest("Lift", 1))
    policy.reset(1)
    other = policy.act([{**world.observe(seen), "episode_seed": 0, "step": 0}])
    assert first.shape == (1, policy.config.model.chunk, 7)
    assert np.abs(first - other).max() > 1e-4
    world.close()


def test_a_network_that_decides_by_what_it_sees_is_refused(tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "small", by_places=False)
    with pytest.raises(ValueError, match="does not decide by places"):
        make_policy(f"told:{path}")

"""The real world on worker processes: same episodes wherever they run, rendered at the policy's resolution."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from envs.world import World
from policies.registry import make_policy
from vla.contract import ACTION_DIM, EpisodeRequest, FloatArray, Observation, Perturbation, Policy
from vla.noise import ActionNoise
from vla.pool import run_episodes

REQUESTS = [
    EpisodeRequest("Reach", 0),
    EpisodeRequest("Push", 1),
    EpisodeRequest("PlaceInto", 2, 0, "eval", (Perturbation("distractors", 2),)),
]


class Seeing:
    """Moves as its two pictures say: a change of one pixel changes the episode."""

    inputs = frozenset({"pixels", "agent_pos", "instruction"})
    batched = True
    execute = 8
    image_size = 32

    def reset(self, episode_seed: int) -> None:
        pass

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        return np.stack([self._one(observation) for observation in observations])

    def _one(self, observation: Observation) -> FloatArray:
        views = [observation["pixels"][name] for name in ("front", "wrist")]
        assert all(view.shape == (32, 32, 3) for view in views)
        seen = [float(view[i::4].astype(np.int64).sum() % 997) / 997 for view in views for i in range(4)]
        return np.tile(np.array(seen[:ACTION_DIM], np.float32) * 2 - 1, (self.execute, 1))


def hashes(
    policy: functools.partial[Policy] | type[Seeing], workers: int, slots: int = 1, step: int = 1
) -> dict[str, str]:
    results = run_episodes(
        REQUESTS[::step],
        world_factory=World,
        policy_factory=policy,
        workers=workers,
        slots_per_worker=slots,
        record=True,
        filter_factory=ActionNoise(0.1),
    )
    found = {}
    for result, episode in results:
        assert result.outcome != "error", result.traceback
        assert episode is not None
        found[result.request.key] = episode.content_hash()
    return found


def test_what_a_seeing_policy_does_is_the_same_in_every_process() -> None:
    here = hashes(Seeing, 0, 2)
    assert len(here) == 3
    assert hashes(Seeing, 2, 2) == here


def test_what_the_expert_does_is_the_same_in_every_process_and_order() -> None:
    expert = functools.partial(make_policy, "expert")
    assert hashes(expert, 0) == hashes(expert, 2) == hashes(expert, 0, step=-1)

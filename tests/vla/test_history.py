"""Earlier moments: what the loop gives a policy that wants them, whatever runs beside it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tests.vla.toy import ToyPolicy, ToyWorld, requests
from vla.contract import EpisodeRequest, FloatArray, Observation
from vla.history import History
from vla.pool import run_episodes
from vla.rollout import rollout


class Remembering(ToyPolicy):
    """Acts by the present and by how far it has come since the oldest moment that it sees."""

    history = History(2, 3)

    def __init__(self) -> None:
        super().__init__(batched=True)
        self.asked: list[Observation] = []

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        self.asked.extend(observations)
        way = [o["agent_pos"][:3] - o["earlier"][-1]["agent_pos"][:3] for o in observations]
        slower = 1 - 0.3 * np.clip(np.abs(np.stack(way)), 0, 1)
        chunk = super().act(observations)
        chunk[:, :, :3] *= slower[:, None]
        return chunk


def test_steps_that_are_seen() -> None:
    assert History().steps(5) == (5,)
    assert History(3, 2).steps(5) == (5, 3, 1, 0)
    with pytest.raises(ValueError, match="0 frames or more, 1 step or more apart; got 1, 0"):
        History(1, 0)


def test_a_policy_gets_the_moments_that_it_wants() -> None:
    policy, plain = Remembering(), ToyPolicy(batched=True)
    rollout(ToyWorld(), policy, EpisodeRequest("Fail", 0))
    steps = [o["step"] for o in policy.asked]
    assert steps == list(range(0, 40, 2))
    by_step = {o["step"]: o for o in policy.asked}
    for step, observation in by_step.items():
        assert set(observation["earlier"][0]) == {"pixels", "agent_pos"}
        for then, earlier in zip(policy.history.steps(step)[1:], observation["earlier"], strict=True):
            if then in by_step:  # a moment at which the policy was asked
                assert np.array_equal(earlier["agent_pos"], by_step[then]["agent_pos"])
                assert np.array_equal(earlier["pixels"]["front"], by_step[then]["pixels"]["front"])
    world = ToyWorld()
    rollout(world, plain, EpisodeRequest("Fail", 0))
    assert world.rendered == 20  # nothing is looked at for a policy without a history


@pytest.mark.parametrize(("workers", "slots"), [(0, 3), (2, 1), (2, 4)])
def test_results_do_not_depend_on_who_runs_beside(workers: int, slots: int) -> None:
    asked = requests(6)
    alone = {}
    for request in asked:
        ((_, episode),) = run_episodes(
            [request], world_factory=ToyWorld, policy_factory=Remembering, workers=0, record=True
        )
        assert episode is not None
        alone[request] = episode.content_hash()
    together = run_episodes(
        asked,
        world_factory=ToyWorld,
        policy_factory=Remembering,
        workers=workers,
        slots_per_worker=slots,
        record=True,
    )
    assert {r.request: e.content_hash() for r, e in together if e is not None} == alone

"""Chunks become actions: receding horizon, temporal ensembling, real time; the same however the work is spread."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.vla.toy import ALL, ToyPolicy, ToyWorld, requests
from vla.contract import EpisodeRequest, FloatArray, Observation, Planned
from vla.execution import Execution, Executor, execution_of, soft_mask
from vla.pool import run_episodes
from vla.rollout import play, rollout


def chunk(number: int, length: int = 8) -> FloatArray:
    """Action i of chunk n is n + i / 100 in every entry."""
    return np.repeat(number + np.arange(length, dtype=np.float32)[:, None] / 100, 7, 1)


def run(execution: Execution, steps: int) -> tuple[list[float], list[int], list[Planned | None]]:
    """First entries of the actions of `steps` steps, steps at which a chunk was asked for, what the plan was."""
    executor, asked, plans, actions = Executor(execution), list[int](), list[Planned | None](), list[float]()
    for step in range(steps):
        if executor.needs_chunk:
            plans.append(executor.planned())
            executor.add(chunk(len(asked)))
            asked.append(step)
        actions.append(round(float(executor.next()[0]), 5))
    return actions, asked, plans


def test_receding_executes_the_first_actions_of_each_chunk() -> None:
    actions, asked, _ = run(Execution(execute=3), 7)
    assert asked == [0, 3, 6]
    assert actions == [0, 0.01, 0.02, 1, 1.01, 1.02, 2]


def test_ensemble_averages_what_all_chunks_say_the_oldest_first() -> None:
    actions, asked, _ = run(Execution("ensemble", decay=0.5), 12)
    assert asked == list(range(12))
    assert actions[0] == 0
    old, new = 1.0, np.exp(-0.5)
    assert actions[1] == pytest.approx((old * 0.01 + new * 1.0) / (old + new), abs=1e-5)
    weights = np.exp(-0.5 * np.arange(8))  # chunks 4 to 11 speak of step 11, the oldest by its last action
    said = [number + (11 - number) / 100 for number in range(4, 12)]
    assert actions[11] == pytest.approx(weights @ said / weights.sum(), abs=1e-5)


def test_ensemble_without_decay_is_the_mean() -> None:
    actions, _, _ = run(Execution("ensemble", decay=0.0), 3)
    assert actions[2] == pytest.approx((0.02 + 1.01 + 2.0) / 3, abs=1e-5)


def test_realtime_executes_the_old_chunk_while_the_new_one_is_made() -> None:
    actions, asked, plans = run(Execution("realtime", execute=4, delay=2), 9)
    assert asked == [0, 4, 8]
    assert actions == [0, 0.01, 0.02, 0.03, 0.04, 0.05, 1.02, 1.03, 1.04]
    assert plans[0] is None
    assert plans[1] is not None
    assert plans[2] is not None
    np.testing.assert_allclose(plans[1].actions[:4, 0], [0.04, 0.05, 0.06, 0.07])
    np.testing.assert_allclose(plans[2].actions[:4, 0], [1.04, 1.05, 1.06, 1.07])  # what is executed, not chunk 0's
    assert plans[1].actions.shape == (8, 7)


def test_realtime_without_delay_is_receding_with_a_plan() -> None:
    assert run(Execution("realtime", execute=3), 9)[:2] == run(Execution(execute=3), 9)[:2]


def test_soft_mask_is_that_of_the_paper() -> None:
    mask = soft_mask(chunk=8, delay=2, passed=3)
    assert mask[:2].tolist() == [1, 1]
    assert mask[5:].tolist() == [0, 0, 0]
    c = np.array([3, 2, 1]) / 4
    np.testing.assert_allclose(mask[2:5], c * (np.exp(c) - 1) / (np.e - 1), rtol=1e-6)
    assert (np.diff(mask) <= 0).all()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"mode": "realtme"}, "Did you mean 'realtime'"),
        ({"execute": 0}, "at least 1 action"),
        ({"mode": "ensemble", "decay": -1.0}, "decay"),
        ({"mode": "realtime", "execute": 2, "delay": 3}, "0 up to 2"),
        ({"delay": 1}, "in 'receding'"),
    ],
)
def test_nonsense_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Execution(**fields)


def test_parse() -> None:
    assert Execution.parse("receding:4") == Execution(execute=4)
    assert Execution.parse("ensemble") == Execution("ensemble")
    assert Execution.parse("ensemble:0.1") == Execution("ensemble", decay=0.1)
    assert Execution.parse("realtime:4:2") == Execution("realtime", execute=4, delay=2)
    for text, message in [
        ("recedng:2", "Did you mean 'receding'"),
        ("receding:2:1", "expected receding:execute"),
        ("realtime:a", "expected realtime:execute:delay"),
    ]:
        with pytest.raises(ValueError, match=message):
            Execution.parse(text)


def test_a_policy_without_a_wish_is_receding() -> None:
    assert execution_of(ToyPolicy(execute=3)) == Execution(execute=3)


def test_a_chunk_too_short_for_realtime_is_an_error() -> None:
    game = play(ToyWorld(), requests(1)[0], inputs=ALL, execution=Execution("realtime", execute=3, delay=2))
    next(game)
    with pytest.raises(StopIteration) as end:
        game.send(np.zeros((4, 7), np.float32))
    assert "expected (at least 5, 7)" in end.value.value.traceback


class Wishing(ToyPolicy):
    """The toy policy, executed as it wishes; in real time it goes on from what is planned."""

    def __init__(self, execution: Execution) -> None:
        super().__init__(batched=True, execute=execution.execute)
        self.execution = execution

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        chunks = super().act(observations) * np.array([1.0, 0.8, 0.6, 0.4], np.float32)[:, None]
        for row, observation in enumerate(observations):
            assert ("planned" in observation) == (self.execution.mode == "realtime")
            if (planned := observation.get("planned")) is not None:
                weight = planned.weight[:, None]
                chunks[row] = weight * planned.actions + (1 - weight) * chunks[row]
        return chunks


EXECUTIONS = [Execution(execute=3), Execution("ensemble", decay=0.2), Execution("realtime", execute=2, delay=1)]


@pytest.mark.parametrize("execution", EXECUTIONS, ids=lambda e: e.mode)
def test_results_do_not_depend_on_batches_and_workers(execution: Execution) -> None:
    hashes = []
    for workers, slots in [(0, 1), (0, 4), (1, 3), (2, 2)]:
        done = run_episodes(
            requests(5),
            world_factory=ToyWorld,
            policy_factory=functools.partial(Wishing, execution),
            workers=workers,
            slots_per_worker=slots,
            record=True,
        )
        hashes.append({result.request.key: episode.content_hash() for result, episode in done if episode is not None})
    assert all(found == hashes[0] and len(found) == 5 for found in hashes)


def test_each_execution_goes_its_own_way() -> None:
    request = EpisodeRequest("Fail", 0)
    asked = []
    for execution in EXECUTIONS:
        policy = Wishing(execution)
        assert rollout(ToyWorld(), policy, request).steps == 40
        asked.append(len(policy.batches))
    assert asked == [14, 40, 20]

"""Which samples an epoch shows: every one once, or every family alike; idle steps left out; shuffled, reproducibly."""

from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest
import torch

from tests.vla.dots import Dots, episode
from tests.vla.test_trainer import policy_config
from vla.batches import BatchSource, Demonstrations
from vla.contract import EpisodeRequest
from vla.episode import Episode
from vla.history import History
from vla.sampling import Sampling, epoch_order, idle_steps, sample_shares


def named(index: int, task: str, said: str, steps: int) -> Episode:
    made = episode(index, steps)
    request = EpisodeRequest(task, index)
    return dataclasses.replace(
        made, request=request, result=dataclasses.replace(made.result, request=request, instruction=said)
    )


@pytest.mark.parametrize("window", [1, 10, 40, 1000])
def test_an_epoch_without_balance_shows_every_sample_once(window: int) -> None:
    lengths = [5, 1, 30, 14]
    first, again, other = (epoch_order(lengths, np.ones(50), 3, epoch, window) for epoch in (4, 4, 5))
    assert sorted(first) == sorted(other) == list(range(50))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert not np.array_equal(first, epoch_order(lengths, np.ones(50), 2, 4, window))


def test_a_window_keeps_an_episode_together_and_mixes_its_neighbours() -> None:
    lengths, window = [20] * 100, 200
    order = epoch_order(lengths, np.ones(2000), 0, 0, window)
    numbers = order // 20
    spread = [int(np.ptp(np.flatnonzero(numbers == number))) for number in range(100)]
    assert max(spread) < 1.5 * window
    assert np.mean([len(set(numbers[i : i + 32].tolist())) for i in range(0, 1968, 32)]) > 9
    assert abs(np.corrcoef(numbers, np.arange(2000))[0, 1]) < 0.4  # episodes themselves are shuffled over the epoch


def test_balance_gives_families_and_instructions_the_same_share() -> None:
    groups = [("Lift", "lift a"), ("Lift", "lift a"), ("Lift", "lift b"), ("Push", "push c")]
    lengths = [10, 30, 10, 40]
    kept = np.ones(90, np.bool_)
    kept[:5] = False
    shares = sample_shares(lengths, groups, kept, balance=True)
    parts = [shares[a:b].sum() for a, b in ((0, 40), (40, 50), (50, 90))]
    np.testing.assert_allclose(parts, [85 / 4, 85 / 4, 85 / 2])
    assert not shares[:5].any()
    orders = [epoch_order(lengths, shares, 0, epoch, 64) for epoch in range(40)]
    assert {len(order) for order in orders} == {85}
    seen = Counter(np.concatenate(orders).tolist())
    for sample in range(90):
        assert abs(seen[sample] / 40 - shares[sample]) < 0.35
    single = Counter(orders[0].tolist())
    assert all(abs(single[sample] - shares[sample]) < 1 for sample in range(90))


def test_a_group_of_which_nothing_is_kept_takes_no_share() -> None:
    kept = np.array([False, False, True, True])
    shares = sample_shares([2, 2], [("A", "a"), ("B", "b")], kept, balance=True)
    assert shares.tolist() == [0, 0, 1, 1]


def test_idle_steps_are_those_of_openvla() -> None:
    actions = np.zeros((7, 7), np.float32)
    actions[:, 6] = [-1, -1, -1, 1, 1, 1, 1]
    actions[2, 0], actions[5, 4], actions[6, 0] = 0.3, 0.01, 9e-5
    assert idle_steps(actions).tolist() == [True, True, False, False, True, False, True]
    targets = np.ones((4, 7), np.float32)
    targets[2:, 0] = 0.5
    assert idle_steps(targets, relative=False).tolist() == [False, True, False, True]


def test_bad_windows_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 sample, got 0"):
        Sampling(window=0)


def source(data: Demonstrations, sampling: Sampling, seed: int = 3) -> BatchSource:
    config = policy_config(data)
    return BatchSource(data, config.normalizer, config.vocabulary, 8, seed, sampling=sampling)


def control(made: Episode) -> Episode:
    return dataclasses.replace(made, spec={**made.spec, "robot": {"control": "pd_ee_delta_pose"}})


def test_a_source_balances_and_skips() -> None:
    episodes = [control(named(0, "Lift", "touch", 20)), control(named(1, "Push", "touch", 4))]
    episodes[0].action[:10] = 0  # it waits
    data = Demonstrations(episodes, Dots, chunk=2)
    assert len(source(data, Sampling(skip_idle=True)).samples(0)[1].order) == 14
    order = source(data, Sampling(balance=True, skip_idle=True)).samples(0)[1].order
    assert (data.episode_of(order) == 0).sum() == 7
    assert not set(range(10)) & set(order.tolist())
    episodes[0].action[:] = episodes[1].action[:] = 0
    with pytest.raises(ValueError, match="nothing is done in any of the 24 steps"):
        source(Demonstrations(episodes, Dots, chunk=2), Sampling(skip_idle=True)).samples(0)


@pytest.mark.parametrize("window", [1, 7, 1000])
def test_batches_are_functions_of_seed_and_step_whatever_is_kept(window: int) -> None:
    episodes = [named(i, "Lift", "touch the red dot", 3 + i) for i in range(6)]
    history = History(2, 2)
    one, two, cached = (
        source(Demonstrations(episodes, Dots, chunk=2, history=history), Sampling(balance=True, window=window))
        for _ in range(3)
    )
    cached.data.draw_all(2, lambda count: None)
    forwards = [one.batch(step) for step in range(9)]
    backwards = [two.batch(step) for step in reversed(range(9))][::-1]
    for a, b, step in zip(forwards, backwards, range(9), strict=True):
        c = cached.batch(step)
        assert all(torch.equal(x, y) and torch.equal(x, z) for x, y, z in zip(a, b, c, strict=True))
    assert forwards[0].pixels.shape == (8, 3, 32, 32, 3)
    assert forwards[0].agent_pos.shape == (8, 24)
    assert forwards[0].points.shape == (8, 3, 4, 3)


def test_history_shows_the_moments_before() -> None:
    """An episode whose proprioception and chunks count: newest first, the first again where there was none."""
    made = episode(0, 9)
    made.agent_pos[:] = np.arange(10)[:, None]
    made.action[:] = np.arange(9)[:, None]
    data = Demonstrations([episode(1, 4), made], Dots, chunk=3, history=History(2, 3))
    samples = np.array([4, 4 + 4, 4 + 8])
    assert data.states(samples)[:, :, 0].tolist() == [[0, 0, 0], [4, 1, 0], [8, 5, 2]]
    actions, valid = data.actions(samples)
    assert actions[:, :, 0].tolist() == [[0, 1, 2], [4, 5, 6], [8, 8, 8]]
    assert valid.tolist() == [[1, 1, 1], [1, 1, 1], [1, 0, 0]]

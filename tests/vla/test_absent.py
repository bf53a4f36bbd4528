"""Samples about something that is not there, and the network that tells so."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from tests.vla.dots import Dots, episode
from tests.vla.test_trainer import policy_config
from vla.absent import Named
from vla.batches import BatchSource, Corruption, Demonstrations
from vla.episode import Episode
from vla.models.compact_config import CompactConfig
from vla.models.contract import make_model
from vla.models.presence import presence_loss
from vla.sampling import Sampling
from vla.text import words_of

TEXTS = ("touch the red dot", "touch the green dot", "touch the blue dot", "touch the dot")


def saying(index: int) -> Episode:
    made = episode(index, 5)
    text = TEXTS[index % 4]
    request, result = made.request, made.result
    return dataclasses.replace(made, request=request, result=dataclasses.replace(result, instruction=text))


def colors(spec: dict[str, Any], instruction: str) -> Named:
    """Every scene has what it is told of, and something purple."""
    said = next((word for word in words_of(instruction) if word in {"red", "green", "blue"}), None)
    return Named(frozenset({"purple", said or "white"}), said)


def source(absent: float = 0.5, naming: Any = colors) -> BatchSource:
    data = Demonstrations([saying(i) for i in range(8)], Dots, chunk=2, naming=naming)
    config = policy_config(data)
    corruption = Corruption(0.2, 0.0, 0.0, absent)
    return BatchSource(data, config.normalizer, config.vocabulary, 8, 3, corruption)


def test_what_is_said_to_be_there_is_never_in_the_scene() -> None:
    made = source()
    data, rng = made.data, np.random.default_rng(0)
    samples = np.arange(len(data))
    told = data.absent(samples, rng)
    for sample, text in zip(samples, told, strict=True):
        other = colors({}, data.texts[text]).target
        assert other is not None  # "the dot" names nothing
        assert other != colors({}, data.texts[data.text[sample]]).target


def test_such_samples_teach_nothing_but_that_it_is_not_there() -> None:
    made, lost, silent = source(), 0, 0
    for step in range(6):
        batch = made.batch(step)
        gone, unheard = batch.present == 0, (batch.tokens == 0).all(1)
        assert not batch.action_valid[gone].any()
        assert not batch.points[gone][..., 2].any()
        assert not batch.positions[gone][..., 3].any()
        assert (batch.present[unheard] == -1).all()
        assert batch.action_valid[~gone].any(1).all()
        lost, silent = lost + int(gone.sum()), silent + int(unheard.sum())
    assert 10 < lost < 38
    assert 2 < silent < 20


def test_without_a_naming_it_is_refused() -> None:
    with pytest.raises(ValueError, match="make them with `naming`"):
        source(naming=None).batch(0)


def test_absent_and_present_weigh_the_same() -> None:
    logits = torch.tensor([2.0, 2.0, 2.0, -1.0, 5.0])
    present = torch.tensor([1.0, 1.0, 1.0, 0.0, -1.0])
    found = presence_loss(logits, present)
    expected = (np.log1p(np.exp(-2.0)) + np.log1p(np.exp(-1.0))) / 2
    assert found.item() == pytest.approx(expected, rel=1e-5)
    assert presence_loss(logits, torch.full((5,), -1.0)).item() == 0


def test_a_network_learns_to_tell() -> None:
    torch.manual_seed(0)
    made = source()
    plain = policy_config(made.data).model
    assert isinstance(plain, CompactConfig)
    config = dataclasses.replace(plain, presence=True)
    model = make_model(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    batch = made.batch(0)
    noise, time = torch.randn_like(batch.actions), torch.rand(len(batch.actions))
    for _ in range(60):
        optimizer.zero_grad()
        model(batch, noise, time)["present"].backward()
        optimizer.step()
    asked = batch.present >= 0
    told = model.presence(batch.pixels, batch.tokens, batch.agent_pos)
    assert ((told > 0.5) == (batch.present > 0.5))[asked].all()
    assert {0.0, 1.0} <= set(batch.present.tolist())


def test_a_network_that_has_not_learnt_it_says_so() -> None:
    made = source()
    batch = made.batch(0)
    with pytest.raises(ValueError, match="has not learnt to tell what is not there"):
        make_model(policy_config(made.data).model).presence(batch.pixels, batch.tokens, batch.agent_pos)


def test_passes_show_every_sample_so_often() -> None:
    made = dataclasses.replace(source(), sampling=Sampling(passes=3))
    _, epoch = made.samples(0)
    assert np.bincount(epoch.order).tolist() == [3] * len(made.data)
    with pytest.raises(ValueError, match="got 0 passes"):
        Sampling(passes=0)

"""Sizes of the compact network: they have the parameters that they claim, and all of them is used."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from envs.tasks.base import training_vocabulary
from experiments.presets import SIZES, ModelSize, model_size
from experiments.training import model_config
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import Batch
from vla.normalize import Normalizer
from vla.registry import UnknownNameError
from vla.text import Vocabulary

NORMALIZER = Normalizer((0.0,) * 8, (1.0,) * 8, (0.0,) * 7, (0.5,) * 7)
MILLIONS = {"small": 0.6, "base": 6.8, "large": 25.0}


def network(size: ModelSize) -> CompactVLA:
    torch.manual_seed(0)
    config = model_config(size, Vocabulary.build(training_vocabulary()), NORMALIZER, ("front", "wrist"))
    assert isinstance(config, CompactConfig)
    return CompactVLA(config)


def batch(count: int = 3) -> Batch:
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (count, 2, 96, 96, 3), dtype=torch.uint8, generator=generator)
    tokens = torch.randint(1, 100, (count, 20), generator=generator)
    tokens[:, 7:] = 0
    actions, points = torch.randn(count, 8, 7, generator=generator), torch.rand(count, 2, 4, 3, generator=generator)
    state = torch.randn(count, 8, generator=generator)
    return Batch(
        pixels, tokens, state, actions, torch.ones(count, 8), points, torch.ones(count, 4, 7), torch.ones(count)
    )


def losses(model: CompactVLA) -> dict[str, Tensor]:
    found: dict[str, Tensor] = model(batch(), torch.zeros(3, 8, 7), torch.zeros(3))
    return found


def test_sizes_have_the_parameters_that_they_claim() -> None:
    assert list(SIZES) == list(MILLIONS)
    for name, millions in MILLIONS.items():
        count = sum(parameter.numel() for parameter in network(replace(SIZES[name], head="l1")).parameters()) / 1e6
        assert abs(count / millions - 1) < 0.15, (name, count)


@pytest.mark.parametrize("name", ["small", "base"])
def test_every_parameter_learns(name: str) -> None:
    model = network(SIZES[name])
    for parameter in model.parameters():  # what begins at zero passes no gradient on
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02)
    torch.autograd.backward(list(losses(model).values()))
    named = ((name, p) for name, p in model.named_parameters() if not name.startswith("name."))  # scenes teach that
    still = [name for name, parameter in named if parameter.grad is None or not parameter.grad.any()]
    assert still == []


def test_padding_and_other_rows_change_nothing() -> None:
    model = network(SIZES["base"]).eval()
    data = batch()
    noise = torch.zeros(3, 8, 7)
    together = model.act(data.pixels, data.tokens, data.agent_pos, noise)
    turned = data.tokens.flip(0)
    other = model.act(data.pixels, torch.cat([data.tokens[:1], turned[:1], turned[:1]]), data.agent_pos, noise)
    assert torch.equal(together[0], other[0])
    assert not torch.equal(together[1], other[1])


def test_an_unknown_size_is_named() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown size 'bse'\. Did you mean 'base'"):
        model_size("bse")

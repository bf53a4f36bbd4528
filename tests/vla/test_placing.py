"""Where a role is looked for, what decisions are learnt from, and words for cells."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from experiments.train_speed import random_batch
from experiments.untrained import vocabulary
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import ENDS, HeadConfig
from vla.models.placing import decided, label_loss

WORDS = vocabulary()


def test_of_two_places_the_better_one_is_taken() -> None:
    heat = torch.full((1, 2, 36), -4.0)
    heat[0, :, [7, 28]] = torch.tensor([[3.0, 2.5], [2.5, 3.0]])
    coordinates = torch.stack(torch.meshgrid(torch.arange(6.0), torch.arange(6.0), indexing="ij"), -1).view(-1, 2)
    attention, sure = decided(heat, 6, 1)
    torch.testing.assert_close(attention.sum(-1), torch.ones(1, 2))
    torch.testing.assert_close(attention @ coordinates, coordinates[[7, 28]][None], atol=0.05, rtol=0)
    assert ((sure[..., 0] > 0.5) & (sure[..., 0] < 0.7)).all()
    between, _ = decided(heat, 6, 0)
    torch.testing.assert_close(between, heat.softmax(-1))


def test_attention_at_a_border_stays_in_the_picture() -> None:
    heat = torch.zeros(1, 1, 16)
    heat[0, 0, 3] = 9.0  # the upper right corner
    attention, _ = decided(heat, 4, 1)
    assert set(attention[0, 0].nonzero()[:, 0].tolist()) == {2, 3, 6, 7}


def test_cells_that_nobody_asks_about_do_not_count() -> None:
    layer, maps = nn.Linear(4, 2 * 5), torch.randn(2, 4, 3, 3)
    labels = torch.full((1, 2, 3, 3, 2), -1)
    assert label_loss(layer, maps, labels).item() == 0
    labels[0, 1, 2, 0] = torch.tensor([3, -1])
    expected = nn.functional.cross_entropy(layer(maps[1, :, 2, 0])[:5][None], torch.tensor([3]))
    torch.testing.assert_close(label_loss(layer, maps, labels), expected)


@pytest.mark.parametrize("truth", [0.0, 1.0])
def test_actions_are_learnt_from_the_truth(truth: float) -> None:
    """In samples that are told the truth every role is where it is, but for where the target ends."""
    torch.manual_seed(0)
    config = CompactConfig(
        vocab_size=WORDS.size, channels=8, blocks=1, hidden=16, truth=truth, placing=8, head=HeadConfig("l1")
    )
    model = CompactVLA(config)
    batch = random_batch(config, WORDS, 6)
    batch.positions[..., 3] = 1
    found = model.perceive(batch.pixels, batch.tokens, batch.agent_pos)
    places = model._taught(found, batch).positions
    others = [role for role in range(places.shape[1]) if role != ENDS]
    off = (places[:, others] - batch.positions[:, others, :3]).abs().max().item()
    assert (off < 0.03) == bool(truth)
    torch.testing.assert_close(places[:, ENDS], found.positions[:, ENDS])


def test_by_places_alone_nothing_else_reaches_the_actions() -> None:
    torch.manual_seed(0)
    config = CompactConfig(vocab_size=WORDS.size, channels=8, blocks=1, hidden=16, aiming=8, head=HeadConfig("l1"))
    model = CompactVLA(config).eval()
    batch = random_batch(config, WORDS, 4)
    inputs = (batch.pixels, batch.tokens, batch.agent_pos)
    with torch.no_grad():
        model.get_parameter("fusion.0.weight")[:, : model.unseen] += 1.0  # what else is seen matters
        seeing, found = model.fuse(*inputs)
        model.config = replace(config, only_places=True)
        alone, same = model.fuse(*inputs)
        dark = model.think(same.seen * 0 + model._in_the_dark(*inputs[1:]), inputs[2], found.positions, found.turns)
    torch.testing.assert_close(same.positions, found.positions)
    torch.testing.assert_close(alone, dark)
    assert (seeing - alone).abs().max() > 1e-3


def test_a_share_of_truth_is_a_share() -> None:
    with pytest.raises(ValueError, match="share of samples"):
        CompactConfig(vocab_size=4, truth=1.5)
    with pytest.raises(ValueError, match="even number of pixels"):
        CompactConfig(vocab_size=4, image_size=9, patch=3, fine=4)

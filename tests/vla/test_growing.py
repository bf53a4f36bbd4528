"""A network that has grown does what it did, and learns with what is new."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from experiments.grow import grown
from experiments.train_speed import random_batch
from experiments.untrained import vocabulary
from vla.checkpoint import find, load_config, load_model, save
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import HeadConfig
from vla.models.growing import grow

WORDS = vocabulary()


def small(**fields: object) -> CompactConfig:
    shape = {"channels": 16, "keypoints": 4, "hidden": 32, "locating": 16, "head": HeadConfig("mixture")}
    return CompactConfig(vocab_size=WORDS.size, presence=True, **{**shape, **fields})  # type: ignore[arg-type]


@pytest.fixture
def network() -> CompactVLA:
    torch.manual_seed(3)
    model = CompactVLA(small(answers=("yes", "no")))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))  # biases and scales that are not those of the beginning
    return model.eval()


def after(network: CompactVLA, channels: int, blocks: int, **parts: object) -> CompactVLA:
    config, weights = grow(network.config, network.state_dict(), channels, blocks, **parts)
    model = CompactVLA(config)
    model.load_state_dict(weights)
    return model.eval()


def test_wider_maps_change_no_answer(network: CompactVLA) -> None:
    batch = random_batch(network.config, WORDS, 3)
    with torch.no_grad():
        before, seen = network.fuse(batch.pixels, batch.tokens, batch.agent_pos)
        now, sees = after(network, 24, network.config.blocks).fuse(batch.pixels, batch.tokens, batch.agent_pos)
    torch.testing.assert_close(now, before, rtol=1e-4, atol=1e-4)
    for name in ("heat", "positions", "turns"):
        torch.testing.assert_close(getattr(sees, name), getattr(seen, name), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "parts", [{"fine": 8}, {"deep": 24, "deep_blocks": 2}, {"placing": 16}, {"aiming": 16}, {"labels": True}]
)
def test_new_parts_change_no_answer_and_learn(network: CompactVLA, parts: dict[str, int]) -> None:
    batch, more = random_batch(network.config, WORDS, 3), after(network, 16, 3, **parts)
    with torch.no_grad():
        before, _ = network.fuse(batch.pixels, batch.tokens, batch.agent_pos)
        now, _ = more.fuse(batch.pixels, batch.tokens, batch.agent_pos)
    torch.testing.assert_close(now, before, rtol=1e-4, atol=1e-4)
    new = {name: p for name, p in more.named_parameters() if name not in network.state_dict()}
    assert new
    if "labels" not in parts:  # scenes teach these
        sum(more.train()(batch, torch.zeros_like(batch.actions), torch.zeros(3)).values()).backward()
        assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in new.values())


def test_new_blocks_change_little(network: CompactVLA) -> None:
    batch, deeper = random_batch(network.config, WORDS, 3), after(network, 24, 5)
    inputs = (batch.pixels, batch.tokens, batch.agent_pos, torch.zeros_like(batch.actions))
    with torch.no_grad():
        before, now = network.act(*inputs), deeper.act(*inputs)
    assert len(deeper.vision.convs) == 5
    assert 0 < (now - before).abs().mean() < 0.2 * before.abs().mean()


def test_what_is_new_learns(network: CompactVLA) -> None:
    batch, bigger = random_batch(network.config, WORDS, 4), after(network, 24, 5).train()
    sum(bigger(batch, torch.zeros_like(batch.actions), torch.zeros(4)).values()).backward()
    wide = network.config.channels
    moving = {
        "stem": bigger.vision.stem.weight,
        "conv": bigger.vision.convs[4].weight,
        "key": bigger.key.weight,
    }
    for name, weight in moving.items():
        assert isinstance(weight, torch.Tensor)
        assert weight.grad is not None
        assert weight.grad[wide:].abs().sum() > 0, name


def test_nothing_shrinks(network: CompactVLA) -> None:
    with pytest.raises(ValueError, match=r"at least 16 channels and 3 blocks, got 8 and 3"):
        grow(network.config, network.state_dict(), 8, 3)


def test_the_published_base_grows(tmp_path: Path) -> None:
    base = find("policies/published/base")
    config = load_config(base)
    assert isinstance(config.model, CompactConfig)
    channels, blocks = config.model.channels, config.model.blocks
    folder = grown(base, tmp_path / "grown", channels=channels + 16, blocks=blocks + 1)
    read = load_config(folder)
    assert (read.model.channels, read.model.blocks) == (channels + 16, blocks + 1)  # type: ignore[attr-defined]
    load_model(folder, read)


def test_another_network_is_refused(tmp_path: Path) -> None:
    from dataclasses import replace

    from vla.models.act import ActConfig as ACTConfig
    from vla.models.contract import make_model

    base = load_config(find("policies/published/base"))
    config = ACTConfig(vocab_size=WORDS.size)
    folder = save(tmp_path / "act", replace(base, model=config), make_model(config).state_dict(), {})
    with pytest.raises(ValueError, match="only compact networks grow"):
        grown(folder, tmp_path / "grown", channels=64, blocks=6)

"""A network that has grown does what it did, and learns with what is new."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from experiments.grow import grown
from experiments.train_speed import random_batch
from experiments.untrained import vocabulary
from vla.checkpoint import find, load_config, load_model, save
from vla.models.compact import CompactConfig, CompactVLA
from vla.models.contract import ENDS, ROLES, HeadConfig
from vla.models.growing import by_places, grow

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


def after(network: CompactVLA, channels: int, blocks: int) -> CompactVLA:
    config, weights = grow(network.config, network.state_dict(), channels, blocks)
    model = CompactVLA(config)
    model.load_state_dict(weights)
    return model.eval()


def test_wider_maps_change_no_answer(network: CompactVLA) -> None:
    batch = random_batch(network.config, WORDS, 3)
    with torch.no_grad():
        before = network.fuse(batch.pixels, batch.tokens, batch.agent_pos)
        now = after(network, 24, network.config.blocks).fuse(batch.pixels, batch.tokens, batch.agent_pos)
    for name in ("features", "heat", "positions", "turns"):
        torch.testing.assert_close(getattr(now, name), getattr(before, name), rtol=1e-4, atol=1e-4)


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


def test_by_places_it_does_what_it_did_when_told(network: CompactVLA) -> None:
    config, weights = by_places(network.config, network.state_dict())
    model = CompactVLA(config)
    model.load_state_dict(weights)
    batch = random_batch(network.config, WORDS, 4)
    told = batch._replace(pixels=batch.pixels[:, :0], points=batch.points[:, :0])
    found = []
    for one in (network, model.eval()):
        torch.manual_seed(0)
        with torch.no_grad():
            found.append(one(told, torch.zeros_like(batch.actions), torch.zeros(4)))
    torch.testing.assert_close(found[0]["action"], found[1]["action"])
    assert set(found[1]) == {"action", "position", "turn"}
    with pytest.raises(ValueError, match="already"):
        by_places(config, weights)


def test_by_places_nothing_else_reaches_the_actions(network: CompactVLA) -> None:
    config, weights = by_places(network.config, network.state_dict())
    model = CompactVLA(config)
    model.load_state_dict(weights)
    places, turns, state = torch.randn(3, ROLES, 3), torch.randn(3, ROLES, 2), torch.randn(3, config.state_dim)
    seen = torch.randn(2, 3, model.unseen + config.state_dim + config.text_dim)
    seen[:, :, model.unseen :] = seen[:1, :, model.unseen :]
    assert torch.equal(*(model.think(each, state, places, turns) for each in seen))
    other = torch.cat([seen[0, :, : model.unseen], seen[0, :, model.unseen :] + 1], 1)
    assert not torch.equal(*(model.think(each, state, places, turns) for each in (seen[0], other)))


def test_aiming_is_learnt_without_pictures(network: CompactVLA) -> None:
    """Where it ends is between the two landmarks: found in arrangements that were never shown."""
    torch.manual_seed(0)
    model = CompactVLA(by_places(network.config, network.state_dict())[0])
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    errors = []
    for _ in range(300):
        batch = random_batch(network.config, WORDS, 64)
        places = torch.zeros(64, ROLES, 7)
        places[..., :3], places[..., 3] = (
            model.workspace[0] + model.workspace[1] * (2 * torch.rand(64, ROLES, 3) - 1),
            1,
        )
        places[:, ENDS, :3] = places[:, 2:, :3].mean(1)
        told = batch._replace(pixels=batch.pixels[:, :0], points=batch.points[:, :0], positions=places)
        losses = model(told, torch.zeros_like(batch.actions), torch.zeros(64))
        optimizer.zero_grad()
        losses["position"].backward()
        optimizer.step()
        errors.append(losses["position"].item())
    assert sum(errors[-10:]) < 0.5 * sum(errors[:10])

"""Decisions learnt from what frozen eyes see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from experiments import deciding
from experiments.api import collect, train
from experiments.presets import ModelSize
from experiments.train_speed import random_batch
from experiments.untrained import vocabulary
from vla.checkpoint import find, load_config, load_model
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import HeadConfig
from vla.sampling import Sampling
from vla.training_config import TrainConfig

WORDS = vocabulary()
SHAPE = {"channels": 8, "blocks": 1, "keypoints": 2, "hidden": 32, "locating": 8, "aiming": 8, "text_dim": 16}


def moments(model: CompactVLA, count: int) -> deciding.Moments:
    batch = random_batch(model.config, WORDS, count)
    with torch.no_grad():
        seen = model.perceive(batch.pixels, batch.tokens, batch.agent_pos)
    actions = seen.positions[:, :1, :1].expand(-1, model.config.chunk, 7) * 2  # what a place says
    known = (batch.agent_pos, actions, batch.action_valid, batch.positions, torch.ones(count))
    return deciding.Moments(seen.positions, seen.turns, seen.text, *known)


def test_what_decides_learns_and_the_rest_stays() -> None:
    torch.manual_seed(0)
    config = CompactConfig(vocab_size=WORDS.size, head=HeadConfig("l1"), **SHAPE)  # type: ignore[arg-type]
    model = CompactVLA(config)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    losses = list(deciding.decide(model, moments(model, 64), steps=60, lr=3e-3))
    assert sum(one["action"] for one in losses[-5:]) < 0.5 * sum(one["action"] for one in losses[:5])
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith(deciding.DECIDES) for name in changed)


@pytest.mark.slow
def test_from_demonstrations_to_a_checkpoint_that_acts_by_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    collect(data, ["Reach"], episodes=3, workers=0)
    start = train(data, tmp_path / "run", model=ModelSize(**SHAPE), steps=2, batch_size=8)  # type: ignore[arg-type]
    config = TrainConfig(batch_size=8, sampling=Sampling(balance=True))
    one, two = (deciding.look(str(start), [data], config, workers) for workers in (1, 2))
    assert len(one.spoken) > 16
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    monkeypatch.setattr(deciding, "BATCH", 16)
    monkeypatch.setattr(
        "sys.argv", ["deciding", str(start), str(tmp_path / "new"), "--data", str(data), "--steps", "3"]
    )
    deciding.main()
    assert "moments were looked at" in capsys.readouterr().out
    policy = load_config(find(tmp_path / "new"))
    assert policy.model == replace(load_config(find(start)).model, only_places=True)  # type: ignore[call-arg]
    load_model(find(tmp_path / "new"), policy)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    collect(data, ["Reach"], episodes=1, workers=0)
    start = train(data, tmp_path / "act", model="act", steps=1, batch_size=4)
    with pytest.raises(ValueError, match="only compact networks decide by places"):
        deciding.looked(str(start), [data], TrainConfig(), 0, 1)

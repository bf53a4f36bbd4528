"""Training on a toy scene: a red and a green dot; the instruction says which one the action must point at."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.vla.dots import SIDE, WORDS, Dots, demonstrations, episode
from tests.vla.made_heads import fitted
from vla import checkpoint
from vla.batches import Demonstrations
from vla.checkpoint import CheckpointError, PolicyConfig
from vla.curriculum import Curriculum
from vla.episode import Episode
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import HEADS, VLA, HeadConfig
from vla.text import Vocabulary
from vla.trainer import Trainer
from vla.training_config import TrainConfig, imitation
from vla.trainlog import read_metrics


def policy_config(data: Demonstrations, head: str = "l1") -> PolicyConfig:
    model = CompactConfig(
        vocab_size=WORDS.size,
        max_words=6,
        cameras=("front",),
        image_size=SIDE,
        channels=16,
        blocks=2,
        keypoints=4,
        text_dim=16,
        hidden=64,
        head=fitted(head, chunk=2, hidden=64),
    )
    return PolicyConfig(model, WORDS, data.normalizer())


SMALL = TrainConfig(
    steps=4, batch_size=8, warmup=2, precision="no", threads=0, torch_threads=1, save_every=2, keep=3, log_every=1
)


def run(folder: Path, config: TrainConfig = SMALL, resume: bool = False, head: str = "l1") -> Path:
    data = demonstrations()
    return Trainer(folder, config, policy_config(data, head), data, resume=resume).train()


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return checkpoint.read_tensors(folder / "training_state.safetensors")


@pytest.mark.parametrize("head", sorted(HEADS))
@pytest.mark.parametrize("precision", ["no", "bf16"])
def test_two_steps_then_resume_equals_four_steps(tmp_path: Path, head: str, precision: str) -> None:
    config = dataclasses.replace(SMALL, precision=precision)
    whole = run(tmp_path / "whole", config, head=head)
    run(tmp_path / "parts", config, head=head)
    for name in ("000004",):  # as if killed after the checkpoint of step 2
        checkpoint.remove(tmp_path / "parts" / "checkpoints" / name)
    last = tmp_path / "parts" / "checkpoints" / "last"
    last.unlink()
    last.symlink_to("000002")
    parts = run(tmp_path / "parts", config, resume=True, head=head)
    a, b = weights(whole), weights(parts)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert (whole / "model.safetensors").read_bytes() == (parts / "model.safetensors").read_bytes()
    rows_a, rows_b = (read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts"))
    assert [(row["step"], row["loss"]) for row in rows_a] == [(row["step"], row["loss"]) for row in rows_b]


def test_threads_and_cache_do_not_change_batches() -> None:
    from vla.batches import BatchSource

    data, drawn = demonstrations(), demonstrations()
    drawn.draw_all(2, lambda count: None)
    config = policy_config(data)
    plain = BatchSource(data, config.normalizer, config.vocabulary, 8, seed=3)
    cached = dataclasses.replace(plain, data=drawn)
    one, other = (Curriculum([imitation(SMALL)], {"action": source}).lasting(9) for source in (plain, cached))
    for a, b in zip(one.stream(2, 9, 0), other.stream(2, 9, 2), strict=True):
        assert all(torch.equal(x, y) for x, y in zip(*a, *b, strict=True))


def test_an_epoch_shows_every_sample_once() -> None:
    from vla.batches import BatchSource

    data = demonstrations()
    config = policy_config(data)
    source = BatchSource(data, config.normalizer, config.vocabulary, 8, seed=3)
    seen = np.concatenate([source.samples(step)[0] for step in range(len(data) // 8)])
    assert sorted(seen) == list(range(len(data)))


@pytest.mark.parametrize("head", ["l1", "flow"])
def test_it_learns_to_obey_the_word(tmp_path: Path, head: str) -> None:
    """Overfits 16 scenes: the action follows the named dot, and follows the other one when the word is changed."""
    data = demonstrations(16)
    config = dataclasses.replace(SMALL, steps=500, batch_size=32, lr=3e-3, save_every=500, log_every=100, warmup=20)
    folder = Trainer(tmp_path, config, policy_config(data, head), data).train()
    loaded = checkpoint.load_config(folder)
    model = checkpoint.load_model(folder, loaded)
    errors = [act_error(model, loaded, episode(i)) for i in range(16)]
    assert np.mean([same for same, _ in errors]) < (0.1 if head == "l1" else 0.2)
    assert np.mean([other for _, other in errors]) > 0.3


@torch.inference_mode()
def act_error(model: VLA, config: PolicyConfig, item: Episode) -> tuple[float, float]:
    view = Dots(item.spec)
    pixels = torch.from_numpy(view.picture())[None]
    tokens = torch.from_numpy(config.vocabulary.encode([item.instruction]))
    state = torch.from_numpy(config.normalizer.state(item.agent_pos[:1]))
    out = model.act(pixels, tokens, state, torch.zeros(1, 2, 7)).numpy()
    xy = config.normalizer.unnormalize(out)[0, 0, :2]
    named, other = view.spots[view.target] * 2 - 1, view.spots[1 - view.target] * 2 - 1
    return float(np.abs(xy - named).mean()), float(np.abs(xy - other).mean())


def test_a_budget_in_seconds_becomes_steps(tmp_path: Path) -> None:
    data = demonstrations()
    trainer = Trainer(tmp_path, dataclasses.replace(SMALL, steps=0, seconds=0.5), policy_config(data), data)
    folder = trainer.train()
    assert trainer.steps >= 2
    assert folder.name == f"{trainer.steps:06d}"


def test_a_used_folder_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(FileExistsError, match="--resume"):
        run(tmp_path)


def test_resume_with_other_settings_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    with pytest.raises(ValueError, match="begun with other lr;"):
        run(tmp_path, dataclasses.replace(SMALL, lr=0.1), resume=True)
    with pytest.raises(ValueError, match="begun with other model;"):
        run(tmp_path, resume=True, head="flow")


def test_resume_of_nothing_begins(tmp_path: Path) -> None:
    assert run(tmp_path, resume=True).name == "000004"


def test_golden_forward_values() -> None:
    torch.manual_seed(0)
    model = CompactVLA(
        CompactConfig(
            vocab_size=10,
            max_words=6,
            cameras=("front",),
            image_size=SIDE,
            channels=16,
            blocks=2,
            keypoints=4,
            text_dim=16,
            hidden=64,
            head=HeadConfig("l1"),
        )
    )
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (2, 1, SIDE, SIDE, 3), generator=generator, dtype=torch.uint8)
    tokens = torch.tensor([[1, 2, 3, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    actions = model.act(pixels, tokens, torch.zeros(2, 8), torch.zeros(2, 8, 7))
    assert actions.shape == (2, 8, 7)
    np.testing.assert_allclose(actions[:, 0, :3].detach().numpy(), GOLDEN, atol=2e-4)


GOLDEN = [[0.036601, 0.17859, 0.019008], [0.03366, 0.191525, 0.016073]]


def damaged(folder: Path, kind: str) -> str:
    model, config = folder / "model.safetensors", folder / "config.json"
    data = json.loads(config.read_text())
    if kind == "truncated":
        model.write_bytes(model.read_bytes()[:-100])
        return "cannot be read"
    if kind == "missing":
        model.unlink()
        return "cannot be read"
    if kind == "missing key":
        tensors = checkpoint.read_tensors(model)
        del tensors["key.weight"]
        save_file(tensors, model)
        return "does not fit its configuration: missing key.weight"
    if kind == "shape":
        data["model"]["hidden"] = 32
    elif kind == "statistics":
        data["normalizer"]["state_offset"] = [0.0] * 14
    elif kind == "unknown field":
        data["model"]["heads"] = 3
    elif kind == "missing field":
        del data["model"]["vocab_size"]
    elif kind == "not json":
        config.write_text("{")
        return "cannot be read"
    config.write_text(json.dumps(data))
    return {
        "shape": "expected \\(32",
        "statistics": "14/8 dimensions",
        "unknown field": "heads",
        "missing field": "vocab_size",
    }[kind]


DAMAGE = ("truncated", "missing", "missing key", "shape", "statistics", "unknown field", "missing field", "not json")


@pytest.mark.parametrize("kind", DAMAGE)
def test_damaged_checkpoints_say_what_is_wrong(tmp_path: Path, kind: str) -> None:
    folder = run(tmp_path)
    message = damaged(folder, kind)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load_model(folder, checkpoint.load_config(folder))


def test_a_damaged_training_state_says_what_is_wrong(tmp_path: Path) -> None:
    state = run(tmp_path) / "training_state.safetensors"
    whole = checkpoint.read_tensors(state)
    save_file({name: value for name, value in whole.items() if name != "model/key.weight"}, state)
    with pytest.raises(CheckpointError, match=r"does not fit its configuration: missing key\.weight"):
        run(tmp_path, resume=True)
    save_file({name: value for name, value in whole.items() if name != "step"}, state)
    with pytest.raises(CheckpointError, match="is no training state"):
        run(tmp_path, resume=True)
    state.write_bytes(state.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="cannot be read"):
        run(tmp_path, resume=True)


def test_vocabulary_hashes_unknown_words() -> None:
    vocabulary = Vocabulary.build(["Lift the red block!"], buckets=8, max_words=5)
    ids = vocabulary.encode(["lift THE red block", "lift the zyzzy block please now", ""])
    assert ids.shape == (3, 5)
    assert ids[0].tolist() == [2, 4, 3, 1, 0]
    assert ids[1, 2] >= vocabulary.first_bucket
    assert not ids[2].any()

"""Vision-language backbones: golden values, resuming bit for bit, and what a damaged checkpoint says."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.vla.test_hf import CHUNK, QUIET, SIDE, demonstrations, policy, with_words
from tests.vla.test_trainer import SMALL
from tests.vla.tiny_vlms import FAMILIES
from vla import checkpoint
from vla.batches import BatchSource
from vla.checkpoint import CheckpointError, PolicyConfig
from vla.models.contract import Batch, Chats, make_model
from vla.models.hf import HFVLA, HFConfig
from vla.text_prompt import PromptCoder
from vla.trainer import Trainer

pytest.importorskip("transformers", reason="the backbone hf needs transformers: pip install 'vla-bench[hf]'")
KINDS = ("expert", "words", "lora", "frozen", "chat")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("internvl")
    FAMILIES["internvl"](made)
    return made


def config_of(folder: Path, kind: str) -> PolicyConfig:
    """A policy on the tiny model with an action expert, action words, or an expert that is tuned otherwise."""
    if kind == "lora":
        pytest.importorskip("peft", reason="LoRA needs peft: pip install 'vla-bench[hf]'")
    data = demonstrations()
    fields: dict[str, dict[str, Any]] = {"lora": {"tune": "lora"}, "frozen": {"tune": "frozen"}, "chat": {"chat": True}}
    made = policy(folder, data, **fields.get(kind, {}))
    if kind != "words":
        return made
    batch = BatchSource(data, made.normalizer, made.vocabulary, 8, 0, QUIET).batch(0)
    assert isinstance(made.model, HFConfig)
    assert isinstance(made.vocabulary, PromptCoder)
    return dataclasses.replace(made, model=with_words(made.model, made.vocabulary, "bins", batch))


def run(where: Path, config: PolicyConfig, resume: bool = False) -> Path:
    return Trainer(where, SMALL, config, demonstrations(), resume=resume).train()


@pytest.mark.parametrize("kind", KINDS)
def test_two_steps_then_resume_equals_four(kind: str, folder: Path, tmp_path: Path) -> None:
    config = config_of(folder, kind)
    whole = run(tmp_path / "whole", config)
    parts = run(tmp_path / "parts", config)
    checkpoint.remove(parts)  # as if killed after the checkpoint of step 2
    last = parts.parent / "last"
    last.unlink()
    last.symlink_to("000002")
    again = run(tmp_path / "parts", config, resume=True)
    for file in ("model.safetensors", "training_state.safetensors", "config.json"):
        assert (whole / file).read_bytes() == (again / file).read_bytes(), file


def damaged(saved: Path, kind: str) -> str:
    """Damage a checkpoint in one way; what has to be said about it."""
    model, config = saved / "model.safetensors", saved / "config.json"
    tensors, data = checkpoint.read_tensors(model), json.loads(config.read_text())
    name = next(name for name in sorted(tensors) if tensors[name].ndim == 2)
    if kind == "truncated":
        model.write_bytes(model.read_bytes()[:-100])
        return r"model\.safetensors cannot be read"
    if kind == "missing key":
        save_file({key: value for key, value in tensors.items() if key != name}, model)
        return f"model\\.safetensors does not fit its configuration: missing {name}"
    if kind == "shape":
        save_file({**tensors, name: tensors[name][:-1].contiguous()}, model)
        rows, columns = tensors[name].shape
        return rf"{name} is \({rows - 1}, {columns}\), expected \({rows}, {columns}\)"
    if kind == "statistics":
        data["normalizer"]["state_offset"] = [0.0] * 14
        config.write_text(json.dumps(data))
        return r"config\.json: .*14/8 dimensions"
    data["model"]["heads"] = 3
    config.write_text(json.dumps(data))
    return r"config\.json: .*heads"


@pytest.mark.parametrize("damage", ["truncated", "missing key", "shape", "statistics", "unknown field"])
@pytest.mark.parametrize("kind", ["expert", "words", "lora"])
def test_damaged_checkpoints_say_what_is_wrong(kind: str, damage: str, folder: Path, tmp_path: Path) -> None:
    config = config_of(folder, kind)
    torch.manual_seed(0)
    saved = checkpoint.save(tmp_path / "one", config, make_model(config.model).state_dict(), {})
    checkpoint.load_model(saved, checkpoint.load_config(saved))
    message = damaged(saved, damage)
    with pytest.raises(CheckpointError, match=message):
        checkpoint.load_model(saved, checkpoint.load_config(saved))


def wavy(model: HFVLA) -> HFVLA:
    """The network with weights that follow from their shapes alone: not from the order in which they are drawn."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.sin(torch.arange(parameter.numel()) * 1.7).view(parameter.shape))
    return model.eval()


GOLDEN = {
    "expert": [10.7734, 15.0131, -3.6779, -11.5026, 17.7378, 0.8242, -17.8582],
    "words": [6.89],
    "chat": [6.401],
}


@pytest.mark.parametrize("kind", ["expert", "words", "chat"])
def test_golden_values(kind: str, folder: Path) -> None:
    """The loss, then of the expert the first numbers of its first actions; on inputs of their own."""
    model = wavy(HFVLA(config_of(folder, kind).model))  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (2, 1, SIDE, SIDE, 3), dtype=torch.uint8, generator=generator)
    picture, words = [model.image_id + 1] * 4, [[10, 11, 12], [13, 14, 15]]
    tokens = torch.tensor([[0, *picture, *words[0]], [9, *picture, *words[1]]])
    body, noise = torch.randn(2, 8, generator=generator), torch.randn(2, CHUNK, 7, generator=generator)
    where = torch.zeros(2, 1, 4, 3), torch.zeros(2, 4, 7), torch.ones(2)
    batch: Any = Batch(pixels, tokens, body, noise, torch.ones(2, CHUNK), *where)
    if kind == "chat":
        batch = Chats(pixels, tokens, torch.tensor([[20, 21, 4], [22, 4, 0]]))
    with torch.inference_mode():
        loss = next(iter(model(batch, noise, torch.tensor([0.2, 0.7])).values())).item()
        acted = model.act(pixels, tokens, body, noise)[:, 0, :3].flatten().tolist() if kind == "expert" else []
    np.testing.assert_allclose([loss, *acted], GOLDEN[kind], rtol=0, atol=2e-3)

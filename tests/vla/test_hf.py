"""Vision-language backbones: tiny models of every family through the loading path of real ones."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.vla.dots import Dots, episode
from tests.vla.test_trainer import SMALL
from tests.vla.tiny_vlms import FAMILIES
from vla import checkpoint
from vla.batches import BatchSource, Corruption, Demonstrations
from vla.checkpoint import CheckpointError, PolicyConfig
from vla.models.contract import HEADS, Batch, HeadConfig, make_model
from vla.models.hf import HFVLA, HFConfig, action_words, describe
from vla.pretrained import PretrainedError
from vla.text_prompt import PromptCoder
from vla.trainer import Trainer
from vla.trainlog import read_metrics

pytest.importorskip("transformers", reason="the backbone hf needs transformers: pip install 'vla-bench[hf]'")
SIDE, CHUNK = 32, 2
STEPS = 250
RECIPES = {"l1": (3e-3, 1), "bins": (1e-2, 1), "fast": (3e-3, 1)}  # learning rate and draws of noise a step
QUIET = Corruption(0, 0, 0)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The folder of a tiny model, made once."""

    @functools.cache
    def make(family: str) -> Path:
        folder = tmp_path_factory.mktemp(family)
        FAMILIES[family](folder)
        return folder

    return make


def demonstrations(count: int = 4) -> Demonstrations:
    return Demonstrations([episode(i, steps=2) for i in range(count)], Dots, chunk=CHUNK)


def policy(folder: Path, data: Demonstrations, **fields: Any) -> PolicyConfig:
    head = fields.pop("head", "l1")
    shape = {"cameras": ("front",), "image_size": SIDE, "hidden": 64, "head": HeadConfig(head, CHUNK, hidden=64)}
    model, coder = describe(str(folder), **shape, **fields)
    normalizer = data.normalizer()
    fitted = HEADS[head].fit(normalizer.actions(data.chunks(100)), model.head)
    return PolicyConfig(dataclasses.replace(model, head=fitted), coder, normalizer)


def train(run: Path, config: PolicyConfig, data: Demonstrations, steps: int = 8, **more: Any) -> Path:
    settings = dataclasses.replace(SMALL, steps=steps, save_every=steps, corruption=QUIET, lr=3e-3, **more)
    return Trainer(run, settings, config, data).train()


def losses(run: Path) -> list[float]:
    return [row["action"] for row in read_metrics(run / "metrics.jsonl") if "action" in row]


def whole(config: PolicyConfig, data: Demonstrations) -> Batch:
    return BatchSource(data, config.normalizer, config.vocabulary, len(data), 0, QUIET).batch(0)


@torch.inference_mode()
def actions(model: Any, batch: Batch) -> torch.Tensor:
    noise = torch.randn(batch.actions.shape, generator=torch.Generator().manual_seed(0))
    acted: torch.Tensor = model.eval().act(batch.pixels, batch.tokens, batch.agent_pos, noise)
    return acted


def error(model: Any, batch: Batch) -> float:
    """Mean absolute error of the actions that the episode has, in standard deviations."""
    off = (actions(model, batch) - batch.actions).abs().mean(-1)
    return ((off * batch.action_valid).sum() / batch.action_valid.sum()).item()


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_family_trains_is_saved_and_acts_the_same_when_loaded(family: str, made: Any, tmp_path: Path) -> None:
    data = demonstrations()
    config = policy(made(family), data)
    trainer = Trainer(
        tmp_path, dataclasses.replace(SMALL, steps=10, save_every=10, corruption=QUIET, lr=3e-3), config, data
    )
    folder = trainer.train()
    seen = losses(tmp_path)
    assert seen[-1] < 0.8 * seen[0]
    loaded = checkpoint.load_config(folder)
    assert loaded == config
    batch = whole(loaded, data)
    trainer.raw.load_state_dict(trainer.average)
    expected = actions(trainer.raw, whole(config, data))
    torch.testing.assert_close(actions(checkpoint.load_model(folder, loaded), batch), expected, rtol=0, atol=0)


@pytest.fixture(scope="session")
def smallest(made: Any) -> tuple[HFConfig, PromptCoder]:
    """The cheapest family, described once; tests replace what they try."""
    head = HeadConfig("l1", CHUNK)
    return describe(str(made("internvl")), cameras=("front",), image_size=SIDE, hidden=64, head=head)


def fit(config: HFConfig, batch: Batch, steps: int, lr: float) -> tuple[HFVLA, float, float]:
    """A network trained on one batch: first loss and last."""
    torch.manual_seed(0)
    model = make_model(config)
    model.load_pretrained()
    assert isinstance(model, HFVLA)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr)
    found = []
    for step in range(steps):
        generator = torch.Generator().manual_seed(step)
        noise = torch.randn(batch.actions.shape, generator=generator)
        loss = model(batch, noise, torch.rand(len(noise), generator=generator))["action"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        found.append(loss.item())
    return model, found[0], found[-1]


def eight(coder: PromptCoder) -> tuple[PolicyConfig, Batch]:
    """Eight samples of eight scenes; the first field is only borrowed for its statistics."""
    data = Demonstrations([episode(i, steps=1) for i in range(8)], Dots, chunk=CHUNK)
    normalizer = data.normalizer()
    batch = BatchSource(data, normalizer, coder, 8, 0, QUIET).batch(0)
    return PolicyConfig(HFConfig(vlm="", architecture={}, images={}), coder, normalizer), batch


@pytest.mark.slow
@pytest.mark.parametrize("head", sorted(HEADS))
def test_every_head_overfits_eight_samples(head: str, smallest: tuple[HFConfig, PromptCoder]) -> None:
    """The backbone sees the eight pictures once a step; heads that sample act on them with 32 draws."""
    config, coder = smallest
    _, batch = eight(coder)
    fitted = HEADS[head].fit(batch.actions.numpy(), HeadConfig(head, CHUNK, hidden=128))
    torch.manual_seed(0)
    model = HFVLA(dataclasses.replace(config, head=fitted, pool="query"))
    lr, draws = RECIPES.get(head, (3e-3, 32))
    optimizer = torch.optim.Adam(model.parameters(), lr)
    chunks, valid = batch.actions.repeat(draws, 1, 1), batch.action_valid.repeat(draws, 1)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = lr * (1 - step / STEPS)
        features = model.features(batch.pixels, batch.tokens, batch.agent_pos).repeat(draws, 1)
        optimizer.zero_grad()
        loss = model.head.loss(features, chunks, valid, torch.randn(chunks.shape), torch.rand(len(chunks)))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert error(model, batch) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("code", ["bins", "fast"])
def test_action_words_overfit_and_decode_to_the_actions(
    code: str, smallest: tuple[HFConfig, PromptCoder], tmp_path: Path
) -> None:
    config, coder = smallest
    policy_config, batch = eight(coder)
    config = with_words(config, coder, code, batch)
    model, first, last = fit(config, batch, 200, 3e-3)
    assert first > 3
    assert last < 0.1
    acted = actions(model, batch)
    assert error(model, batch) < 0.05
    folder = checkpoint.save(tmp_path / "one", dataclasses.replace(policy_config, model=config), model.state_dict(), {})
    loaded = checkpoint.load_config(folder)
    assert torch.equal(actions(checkpoint.load_model(folder, loaded), batch), acted)


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"internvl"}))
def test_action_words_of_every_family(family: str, made: Any) -> None:
    config, coder = describe(str(made(family)), cameras=("front",), image_size=SIDE)
    _, batch = eight(coder)
    model, first, last = fit(with_words(config, coder, "bins", batch), batch, 15, 1e-2)
    assert last < 0.7 * first
    assert actions(model, batch).shape == batch.actions.shape


def with_words(config: HFConfig, coder: PromptCoder, code: str, batch: Batch) -> HFConfig:
    return dataclasses.replace(config, words=action_words(config, coder, code, batch.actions.numpy()))


def test_what_is_frozen_is_not_stored_but_checked(made: Any, tmp_path: Path) -> None:
    data, base = demonstrations(), tmp_path / "base"
    FAMILIES["deepseek"](base)
    config = policy(base, data, tune="frozen", pool="query")
    folder = train(tmp_path / "run", config, data)
    assert not [name for name in checkpoint.read_tensors(folder / "model.safetensors") if name.startswith("vlm.")]
    checkpoint.load_model(folder, checkpoint.load_config(folder))
    weights = checkpoint.read_tensors(base / "model.safetensors")
    checkpoint._save_tensors({name: value + 0.1 for name, value in weights.items()}, base / "model.safetensors")
    with pytest.raises(CheckpointError, match="is not the model that the frozen part of this policy came from"):
        checkpoint.load_model(folder, checkpoint.load_config(folder))


def test_low_rank_updates_are_trained_and_stored_alone(made: Any, tmp_path: Path) -> None:
    pytest.importorskip("peft", reason="LoRA needs peft: pip install 'vla-bench[hf]'")
    data = demonstrations()
    config = policy(made("qwen"), data, tune="lora", lora_rank=4)
    folder = train(tmp_path, config, data, steps=10)
    assert losses(tmp_path)[-1] < 0.9 * losses(tmp_path)[0]
    stored = [name for name in checkpoint.read_tensors(folder / "model.safetensors") if name.startswith("vlm.")]
    assert stored
    assert all("lora_" in name for name in stored)
    batch, loaded = whole(config, data), checkpoint.load_config(folder)
    model = checkpoint.load_model(folder, loaded)
    assert torch.equal(actions(model, batch), actions(checkpoint.load_model(folder, loaded), batch))


def test_training_starts_from_the_weights_of_the_model(smallest: tuple[HFConfig, PromptCoder]) -> None:
    config, _ = smallest
    torch.manual_seed(5)
    model = make_model(config)
    before = {name: value.clone() for name, value in model.state_dict().items() if name.startswith("vlm.")}
    model.load_pretrained()
    again = make_model(config)
    again.load_pretrained()
    assert not all(torch.equal(before[name], value) for name, value in model.state_dict().items() if name in before)
    assert all(torch.equal(again.state_dict()[name], model.state_dict()[name]) for name in before)


def test_prompts_are_what_the_processor_of_the_model_makes(made: Any) -> None:
    """Those of the families whose own processor needs nothing for videos."""
    import transformers

    for family, text in (("paligemma", "<image><image>What action should the robot take to lift the red block?"),
                         ("deepseek", "")):  # fmt: skip
        processor = transformers.AutoProcessor.from_pretrained(made(family), backend="pil")
        coder = PromptCoder.of(
            str(made(family)), transformers.AutoConfig.from_pretrained(made(family)).model_type, 2, SIDE
        )
        if not text:
            asked = coder.prompt.format(instruction="lift the red block")
            content: list[dict[str, str]] = [{"type": "image"}, {"type": "image"}, {"type": "text", "text": asked}]
            chat = [{"role": "user", "content": content}]
            text = processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
        pictures = [np.full((SIDE, SIDE, 3), shade, np.uint8) for shade in (0, 200)]
        expected = np.asarray(processor(text=[text], images=[pictures])["input_ids"][0])
        row = coder.encode(["lift the red block"])[0]
        assert (row[row > 0] - 1).tolist() == expected.tolist()


def test_a_prompt_has_one_length_and_survives_free_text(smallest: tuple[HFConfig, PromptCoder]) -> None:
    _, coder = smallest
    rows = coder.encode(["touch the red dot", "", "touch <image> it " * 40])
    assert rows.shape == (3, coder.length)
    pictures = [(row == coder.opened.image_token_id + 1).sum() for row in rows]
    assert pictures == [4, 4, 4]
    assert (rows[0] != rows[1]).any()


def test_the_length_of_a_prompt_does_not_change_the_features(smallest: tuple[HFConfig, PromptCoder]) -> None:
    config, coder = smallest
    torch.manual_seed(0)
    model = make_model(config).eval()
    _, batch = eight(coder)
    longer = torch.nn.functional.pad(batch.tokens, (7, 0))
    torch.testing.assert_close(actions(model, batch._replace(tokens=longer)), actions(model, batch), atol=1e-4, rtol=0)


def test_models_that_cannot_be_had_are_named_in_one_sentence(
    tmp_path: Path, made: Any, smallest: tuple[HFConfig, PromptCoder], monkeypatch: Any
) -> None:
    config, coder = smallest
    words = with_words(config, coder, "bins", eight(coder)[1]).words
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(PretrainedError, match=r"there is no folder .*nowhere"):
        describe(str(tmp_path / "nowhere"))
    with pytest.raises(PretrainedError, match=r"cannot be loaded as AutoConfig"):
        describe(str(tmp_path))
    with pytest.raises(ValueError, match="Did you mean 'lora'"):
        describe(str(made("internvl")), tune="lora_")
    with pytest.raises(ValueError, match="frozen model cannot learn action words"):
        HFConfig(vlm="", architecture={}, images={}, tune="frozen", words=words)


def test_weights_that_would_run_code_when_read_are_refused(made: Any, tmp_path: Path) -> None:
    import shutil

    folder = Path(shutil.copytree(made("internvl"), tmp_path / "pickled"))
    torch.save(checkpoint.read_tensors(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    model = make_model(describe(str(folder), image_size=SIDE)[0])
    with pytest.raises(PretrainedError, match="safetensors"):
        model.load_pretrained()


def test_a_description_cannot_ask_for_code_or_kernels(smallest: tuple[HFConfig, PromptCoder]) -> None:
    config, _ = smallest
    asked = {"auto_map": {"AutoModelForImageTextToText": "evil--model.Model"}, "attn_implementation": "evil/kernels"}
    text = config.architecture["text_config"] | {"_attn_implementation": "evil/kernels"}
    model = make_model(dataclasses.replace(config, architecture=config.architecture | asked | {"text_config": text}))
    assert isinstance(model, HFVLA)
    assert not hasattr(model.vlm.config, "auto_map")
    assert "evil" not in str(model.vlm.config._attn_implementation) + str(model.vlm.config.text_config)


def test_recomputed_activations_give_the_same_gradients(smallest: tuple[HFConfig, PromptCoder]) -> None:
    config, coder = smallest
    _, batch = eight(coder)
    found = []
    for again in (False, True):
        torch.manual_seed(0)
        model = make_model(config).train()
        if again:
            model.recompute_activations()
        model(batch, torch.zeros_like(batch.actions), torch.zeros(8))["action"].backward()
        found.append([p.grad for p in model.parameters() if p.grad is not None])
    assert len(found[0]) == len(found[1])
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(*found, strict=True))


def test_files_of_the_processor_are_part_of_the_checkpoint(
    smallest: tuple[HFConfig, PromptCoder], tmp_path: Path
) -> None:
    config, coder = smallest
    policy_config, _ = eight(coder)
    folder = checkpoint.save(tmp_path / "one", dataclasses.replace(policy_config, model=config), {}, {})
    assert {path.suffix for path in (folder / "text").iterdir()} <= {".json", ".jinja", ".txt"}
    loaded = checkpoint.load_config(folder)
    texts = ["touch the green dot"]
    assert np.array_equal(loaded.vocabulary.encode(texts), coder.encode(texts))
    path = folder / "text" / "tokenizer.json"
    path.write_text(path.read_text().replace("green", "greem"))
    with pytest.raises(CheckpointError, match=r"text/tokenizer\.json is not the file that was stored"):
        checkpoint.load_config(folder)
    path.unlink()
    with pytest.raises(CheckpointError, match=r"text/tokenizer\.json is missing"):
        checkpoint.load_config(folder)

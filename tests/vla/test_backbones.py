"""What every registered network must do: learn, be reproducible, go on after a stop, keep the rows of a batch apart."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.vla.dots import SIDE, WORDS, demonstrations
from vla import checkpoint
from vla.batches import BatchSource, Corruption, Demonstrations
from vla.checkpoint import PolicyConfig
from vla.models.contract import BACKBONES, VLA, Batch, HeadConfig, ModelConfig, make_model
from vla.trainer import Trainer
from vla.training_config import TrainConfig

CHUNK = 4
TINY: dict[str, dict[str, Any]] = {
    "compact": {
        "channels": 16,
        "blocks": 2,
        "keypoints": 4,
        "text_dim": 16,
        "hidden": 64,
        "head": HeadConfig("l1", CHUNK),  # the other heads have tests of their own
    },
    "act": {"width": 32, "heads": 2, "feedforward": 64, "encoder_layers": 2, "latent": 8},
    "diffusion_policy": {
        "channels": 16,
        "keypoints": 8,
        "text_dim": 16,
        "time_dim": 16,
        "condition": 64,
        "widths": (16, 32),
    },
}
FITTING = {  # learning rate, steps, and how often each sample is in a batch
    "compact": (5e-3, 200, 1),
    "act": (1e-3, 250, 1),
    "diffusion_policy": (3e-3, 300, 4),
}
ELSEWHERE = {"hf"}  # built on other people's networks: tested in a file of its own
SMALL = TrainConfig(
    steps=4, batch_size=8, warmup=2, precision="no", threads=0, torch_threads=1, save_every=2, keep=3, log_every=1
)
backbones = pytest.mark.parametrize("name", TINY)


def test_every_registered_backbone_is_tested() -> None:
    assert set(BACKBONES) - ELSEWHERE == set(TINY)


def config(name: str, data: Demonstrations, cameras: tuple[str, ...] = ("front",)) -> ModelConfig:
    fields = {"cameras": cameras, "image_size": SIDE, "head": HeadConfig(chunk=CHUNK), **TINY[name]}
    return BACKBONES[name].config_class.for_data(WORDS, data.normalizer(), **fields)


def data_of(count: int = 8, steps: int = 1) -> Demonstrations:
    made = demonstrations(count, steps)
    return Demonstrations(made.episodes, made.make_view, chunk=CHUNK)


def batch_of(data: Demonstrations) -> Batch:
    """All samples; the last action of an episode, repeated past its end, counts there too."""
    batch = BatchSource(data, data.normalizer(), WORDS, len(data), 0, Corruption(0, 0, 0)).batch(0)
    return batch._replace(action_valid=torch.ones_like(batch.action_valid))


def model_of(name: str, data: Demonstrations, cameras: tuple[str, ...] = ("front",)) -> VLA:
    torch.manual_seed(0)
    return make_model(config(name, data, cameras))


def acted(model: VLA, batch: Batch, rows: slice = slice(None)) -> Tensor:
    noise = torch.randn(batch.actions.shape, generator=torch.Generator().manual_seed(5))
    with torch.inference_mode():
        return model.eval().act(batch.pixels[rows], batch.tokens[rows], batch.agent_pos[rows], noise[rows])


@backbones
def test_it_overfits_eight_samples(name: str) -> None:
    data = data_of()
    batch, model = batch_of(data), model_of(name, data)
    rate, steps, copies = FITTING[name]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    generator = torch.Generator().manual_seed(0)
    repeated = Batch(*(tensor.repeat(copies, *[1] * (tensor.ndim - 1)) for tensor in batch))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 - step / steps)
        noise = torch.randn(repeated.actions.shape, generator=generator)
        losses = model(repeated, noise, torch.rand(len(noise), generator=generator))
        optimizer.zero_grad()
        losses["action"].backward()
        optimizer.step()
    error = (acted(model, batch) - batch.actions)[..., :2].abs().mean()
    spread = (batch.actions - batch.actions.mean(0))[..., :2].abs().mean()
    assert error < 0.1 * spread, (error, spread)


@backbones
def test_golden_values(name: str) -> None:
    """On an input of its own, so that they change with the network alone."""
    data, generator = data_of(), torch.Generator().manual_seed(1)
    pixels = torch.randint(0, 256, (2, 1, SIDE, SIDE, 3), dtype=torch.uint8, generator=generator)
    tokens = torch.tensor([[1, 2, 3, 0, 0, 0], [0, 0, 0, 0, 0, 0]])
    body, noise = torch.randn(2, 8, generator=generator), torch.randn(2, CHUNK, 7, generator=generator)
    with torch.inference_mode():
        actions = model_of(name, data).eval().act(pixels, tokens, body, noise)
    assert actions.shape == (2, CHUNK, 7)
    np.testing.assert_allclose(actions[:, 1, :3].numpy(), GOLDEN[name], atol=2e-4)


GOLDEN = {
    "compact": [[-0.156196, -0.116313, -0.019608], [-0.147663, -0.141273, -0.058328]],
    "act": [[-0.279418, -0.090686, 0.284425], [-0.154164, -0.045409, 0.132773]],
    "diffusion_policy": [[0.104972, -0.409315, 0.246955], [-0.148628, -0.404724, 0.301108]],
}


@backbones
def test_loss_is_finite_without_words_and_pictures(name: str) -> None:
    data = data_of()
    batch = batch_of(data)
    silent = batch._replace(tokens=torch.zeros_like(batch.tokens), pixels=torch.zeros_like(batch.pixels))
    losses = model_of(name, data)(silent, torch.randn(batch.actions.shape), torch.rand(len(batch.actions)))
    losses["action"].backward()
    assert all(torch.isfinite(loss) for loss in losses.values())


@backbones
def test_rows_do_not_see_one_another(name: str) -> None:
    """Bit for bit, as long as the batch has its shape: an episode goes the same way whatever runs beside it."""
    data = data_of()
    batch, model = batch_of(data), model_of(name, data)
    other = Batch(*(torch.cat([tensor[:1], tensor[1:].flip(0)]) for tensor in batch))
    assert torch.equal(acted(model, batch)[0], acted(model, other)[0])


@backbones
def test_it_sees_hears_and_feels(name: str) -> None:
    data = data_of()
    batch, model = batch_of(data), model_of(name, data)
    plain = acted(model, batch)
    changed = {
        "pixels": 255 - batch.pixels,
        "tokens": batch.tokens.flip(0),
        "agent_pos": batch.agent_pos + 1,
    }
    for field, value in changed.items():
        assert not torch.allclose(acted(model, batch._replace(**{field: value})), plain, atol=1e-6), field


@backbones
def test_cameras_are_told_apart(name: str) -> None:
    data = data_of()
    batch, model = batch_of(data), model_of(name, data, ("front", "wrist"))
    with torch.no_grad():
        for parameter_name, parameter in model.named_parameters():
            if parameter_name.endswith("camera"):  # begins at zero, to be learnt
                parameter.normal_(generator=torch.Generator().manual_seed(3))
    two = batch._replace(pixels=torch.cat([batch.pixels, batch.pixels.flip(2)], 1))
    swapped = batch._replace(pixels=two.pixels.flip(1))
    assert not torch.allclose(acted(model, two), acted(model, swapped), atol=1e-6)


@backbones
def test_earlier_frames_are_seen(name: str) -> None:
    data = data_of()
    fields = {"cameras": ("front",), "image_size": SIDE, "head": HeadConfig(chunk=CHUNK), "history": 1, **TINY[name]}
    torch.manual_seed(0)
    model = make_model(BACKBONES[name].config_class.for_data(WORDS, data.normalizer(), **fields))
    batch = batch_of(data)
    twice = batch._replace(
        pixels=torch.cat([batch.pixels, batch.pixels], 1), agent_pos=torch.cat([batch.agent_pos, batch.agent_pos], 1)
    )
    plain = acted(model, twice)
    for field in ("pixels", "agent_pos"):
        changed = getattr(twice, field).clone()
        changed[:, 1 if field == "pixels" else slice(8, None)] += 3
        assert not torch.allclose(acted(model, twice._replace(**{field: changed})), plain, atol=1e-6), field


@backbones
def test_two_steps_then_resume_equals_four(tmp_path: Path, name: str) -> None:
    data = data_of(steps=2)
    policy = PolicyConfig(config(name, data), WORDS, data.normalizer())
    whole = Trainer(tmp_path / "whole", SMALL, policy, data).train()
    Trainer(tmp_path / "parts", SMALL, policy, data).train()
    checkpoint.remove(tmp_path / "parts" / "checkpoints" / "000004")
    last = tmp_path / "parts" / "checkpoints" / "last"
    last.unlink()
    last.symlink_to("000002")
    parts = Trainer(tmp_path / "parts", SMALL, policy, data, resume=True).train()
    for file in ("model.safetensors", "training_state.safetensors", "config.json"):
        assert (whole / file).read_bytes() == (parts / file).read_bytes(), file
    loaded = checkpoint.load_config(whole)
    assert loaded.model == policy.model
    assert torch.isfinite(acted(checkpoint.load_model(whole, loaded), batch_of(data))).all()


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("act", {"image_size": 40}, "multiple of 16"),
        ("act", {"width": 36}, "four times 4 heads"),
        ("act", {"head": HeadConfig("l1")}, "got the head 'l1'"),
        ("act", {"latent": 100}, "latent must be 1 to"),
        ("diffusion_policy", {"widths": (20,)}, "multiples of 8"),
        ("diffusion_policy", {"head": HeadConfig(chunk=6)}, "cannot be halved 2 times"),
        ("diffusion_policy", {"steps": 0}, "steps must be"),
        ("diffusion_policy", {"kernel": 4}, "odd"),
        ("diffusion_policy", {"low": (0.0,)}, "low and high"),
        ("diffusion_policy", {"head": HeadConfig("l1")}, "got the head 'l1'"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(name: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BACKBONES[name].config_class(**{"vocab_size": 10, "image_size": 32, **fields})


def test_act_reads_its_style_from_the_actions() -> None:
    """z tells which way of acting is meant: it follows from the valid actions alone."""
    data = data_of()
    batch = batch_of(data)
    model: Any = model_of("act", data)
    style = model.style(batch.agent_pos, batch.actions, batch.action_valid)
    cut = torch.tensor([[1.0, 0.0, 0.0, 0.0]]).expand(8, -1)
    after = batch.actions.clone()
    after[:, 1:] += 1
    for actions, valid, same in ((after, cut, True), (after, batch.action_valid, False)):
        first = model.style(batch.agent_pos, batch.actions, valid)
        assert torch.equal(first.mean, model.style(batch.agent_pos, actions, valid).mean) == same
    assert style.mean.shape == (8, 8)


def test_diffusion_stays_within_the_range_of_actions() -> None:
    data = data_of()
    batch, model = batch_of(data), model_of("diffusion_policy", data)
    box = data.normalizer().actions(np.array([[-1.0] * 7, [1.0] * 7], np.float32))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3.0)
    actions = acted(model, batch).numpy()
    assert (actions >= box[0] - 1e-3).all()
    assert (actions <= box[1] + 1e-3).all()


def test_a_chunk_of_two_has_a_smaller_style() -> None:
    head = HeadConfig(chunk=2)
    made = BACKBONES["act"].config_class.for_data(WORDS, data_of().normalizer(), image_size=SIDE, head=head)
    assert dataclasses.asdict(made)["latent"] == 14

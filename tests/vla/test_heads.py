"""Action heads, every registered one: they learn, they are reproducible, a row does not depend on the others."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import cattrs
import numpy as np
import pytest
import torch

from tests.vla.made_heads import fitted, made_chunks
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import HEADS, ActionHead, Batch, HeadConfig, Prefix, make_head
from vla.models.heads.diffusion import LEVELS, cosine_schedule
from vla.models.heads.flow import FlowHead, guidance

ALL_HEADS = sorted(HEADS)
SIDE, CHUNK = 16, 4
SAMPLING = ("diffusion", "flow")  # they learn a whole field: more samples, and some noise is left


def tiny(head: HeadConfig) -> CompactVLA:
    torch.manual_seed(0)
    return CompactVLA(
        CompactConfig(
            vocab_size=8,
            max_words=4,
            cameras=("front",),
            image_size=SIDE,
            channels=8,
            blocks=1,
            keypoints=4,
            text_dim=16,
            hidden=64,
            head=head,
        )
    )


def eight() -> Batch:
    """Eight samples with pictures, words and actions of their own."""
    generator = torch.Generator().manual_seed(0)
    actions = torch.from_numpy(made_chunks(8, CHUNK, seed=5)) / 2  # within all bins
    return Batch(
        torch.randint(0, 256, (8, 1, SIDE, SIDE, 3), generator=generator, dtype=torch.uint8),
        torch.randint(1, 8, (8, 4), generator=generator),
        torch.randn(8, 8, generator=generator),
        actions,
        torch.ones(8, CHUNK),
        torch.rand(8, 1, 4, 3, generator=generator),
        torch.zeros(8, 4, 7),
        torch.ones(8),
    )


@pytest.mark.parametrize("name", ALL_HEADS)
def test_it_learns_eight_samples_by_heart(name: str) -> None:
    torch.set_num_threads(1)
    model, batch = tiny(fitted(name, CHUNK, hidden=128)), eight()
    steps, copies = (500, 8) if name in SAMPLING else (150, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    decay = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, steps)
    generator = torch.Generator().manual_seed(0)
    many = Batch(*(tensor.repeat(copies, *[1] * (tensor.ndim - 1)) for tensor in batch))
    losses = []
    for _ in range(steps):
        noise = torch.randn(8 * copies, CHUNK, 7, generator=generator)
        loss = model(many, noise, torch.rand(8 * copies, generator=generator))["action"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        decay.step()
        losses.append(loss.item())
    with torch.inference_mode():
        noise = torch.randn(8, CHUNK, 7, generator=generator)
        acted = model.eval().act(batch.pixels, batch.tokens, batch.agent_pos, noise)
    assert losses[-1] < 0.03 * losses[0]
    off = (acted - batch.actions).abs()
    assert off.mean() < 0.03  # FAST rounds, bins have a width
    assert off.max() < 0.25


def head_and_features(name: str, rows: int = 4) -> tuple[ActionHead, torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    head = make_head(16, fitted(name, CHUNK, hidden=32)).eval()
    generator = torch.Generator().manual_seed(1)
    features = torch.randn(rows, 16, generator=generator)
    return head, features, torch.randn(rows, CHUNK, 7, generator=generator)


GOLDEN = {  # the first three numbers of each row's first action; the loss
    "bins": ([-0.8791, -0.1931, 0.8573, 0.2534, -0.1931, 0.199], 5.9299),
    "diffusion": ([1.8152, 0.5784, 0.0838, 1.8152, -1.334, -1.9084], 0.9612),
    "fast": ([-0.0289, -0.8187, -1.2545, -1.0398, -0.9923, -1.3014], 5.8644),
    "flow": ([1.6301, -0.5732, 0.0213, 0.6485, -0.5425, -3.4709], 1.3173),
    "l1": ([-0.1395, -0.6628, 0.5162, 0.1462, -0.4373, 0.4382], 0.7017),
    "mixture": ([-0.3941, -0.341, -0.6047, 1.5966, -0.0253, 0.1116], 0.7327),
}


@pytest.mark.parametrize("name", ALL_HEADS)
def test_golden_values(name: str) -> None:
    head, features, noise = head_and_features(name, 2)
    with torch.no_grad():
        actions = head.act(features, noise)
        chunks = torch.from_numpy(made_chunks(2, CHUNK, seed=9))
        loss = head.loss(features, chunks, torch.ones(2, CHUNK), noise, torch.tensor([0.2, 0.7]))
    assert actions.shape == (2, CHUNK, 7)
    assert actions.dtype == torch.float32
    expected, expected_loss = GOLDEN[name]
    np.testing.assert_allclose(actions[:, 0, :3].flatten(), expected, atol=1e-3)
    np.testing.assert_allclose(loss, expected_loss, atol=1e-3)


def test_a_mixture_chooses_one_of_two_ways_where_l1_stands_still_between_them() -> None:
    chunk = torch.from_numpy(made_chunks(1, CHUNK)).expand(32, -1, -1)
    ways = torch.cat([chunk[:14] + 1, chunk[14:26] - 1, chunk[26:]])  # and nothing tells which
    same, nothing = torch.ones(32, 16), torch.zeros(32, CHUNK, 7)
    found = {}
    for name in ("mixture", "l1"):
        torch.manual_seed(0)
        head = make_head(16, fitted(name, CHUNK))
        optimizer = torch.optim.Adam(head.parameters(), lr=2e-2)
        for _ in range(300):
            optimizer.zero_grad()
            loss = head.loss(same, ways, torch.ones(32, CHUNK), nothing, torch.zeros(32))
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        found[name] = head.act(same[:1], nothing[:1])
    assert torch.allclose(found["mixture"], ways[:1], atol=0.3)  # the ways are a whole apart
    assert torch.allclose(found["l1"], ways[-1:], atol=0.3)


def test_a_mixture_of_one_is_l1() -> None:
    one, plain = (make_head(16, replace(fitted(name, CHUNK), modes=1)) for name in ("mixture", "l1"))
    plain.load_state_dict({name: value for name, value in one.state_dict().items() if name.startswith("out")})
    generator = torch.Generator().manual_seed(0)
    features, actions = torch.randn(4, 16, generator=generator), torch.from_numpy(made_chunks(4, CHUNK))
    valid = torch.tensor([[1.0, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0]])
    losses = [head.loss(features, actions, valid, actions, valid[:, 0]).item() for head in (one, plain)]
    assert losses[0] == pytest.approx(losses[1])
    assert torch.equal(*(head.act(features, actions) for head in (one, plain)))


@pytest.mark.parametrize("name", ALL_HEADS)
def test_a_row_does_not_depend_on_the_others(name: str) -> None:
    head, features, noise = head_and_features(name)
    prefix = Prefix(torch.ones(4, CHUNK, 7), torch.full((4, CHUNK), 0.5))
    with torch.inference_mode():
        for told in (None, prefix):
            whole = head.act(features, noise, told)
            other = torch.randn(4, 16), torch.randn(4, CHUNK, 7)
            mixed = [torch.cat([mine[:1], others[1:]]) for mine, others in zip((features, noise), other, strict=True)]
            assert torch.equal(head.act(mixed[0], mixed[1], told)[0], whole[0])


@pytest.mark.parametrize("name", ALL_HEADS)
def test_past_the_end_of_an_episode_teaches_nothing(name: str) -> None:
    head, features, noise = head_and_features(name)
    actions, time = torch.from_numpy(made_chunks(4, CHUNK)), torch.full((4,), 0.5)
    nothing = head.loss(features, actions, torch.zeros(4, CHUNK), noise, time)
    assert nothing.item() == 0
    rows = torch.tensor([1.0, 1, 0, 0])[:, None].expand(4, CHUNK)
    changed = torch.cat([actions[:2], -actions[2:]])
    assert torch.allclose(
        head.loss(features, actions, rows, noise, time), head.loss(features, changed, rows, noise, time)
    )


@pytest.mark.parametrize("name", ALL_HEADS)
def test_what_it_learnt_of_the_data_survives_json(name: str) -> None:
    config = fitted(name)
    again = cattrs.structure(json.loads(json.dumps(asdict(config))), HeadConfig)
    assert again == config
    make_head(16, again)


@pytest.mark.parametrize("name", ["bins", "diffusion", "fast"])
def test_a_head_that_is_not_fitted_says_so(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name!r} head is not fitted to data"):
        make_head(16, HeadConfig(name))


def test_wrong_names_and_sizes() -> None:
    with pytest.raises(ValueError, match="Did you mean 'diffusion'"):
        HeadConfig("difusion")
    with pytest.raises(ValueError, match="Did you mean 'epsilon'"):
        make_head(16, replace(fitted("diffusion"), predict="eps"))
    with pytest.raises(ValueError, match="at most 100 steps"):
        make_head(16, replace(fitted("diffusion"), steps=101))
    with pytest.raises(ValueError, match="steps of an action head"):
        HeadConfig("flow", steps=0)


def test_the_cosine_schedule() -> None:
    signal = cosine_schedule()
    assert signal.shape == (LEVELS,)
    assert (signal.diff() < 0).all()
    assert signal[0] > 0.999
    assert 0 < signal[-1] < 1e-4
    half = np.cos((0.5 + 0.008) / 1.008 * np.pi / 2) ** 2 / np.cos(0.008 / 1.008 * np.pi / 2) ** 2
    assert signal[49] == pytest.approx(half, abs=1e-4)


@pytest.mark.parametrize("predict", ["v", "epsilon"])
@pytest.mark.parametrize("steps", [1, 8, 100])
def test_diffusion_with_a_perfect_network_finds_the_actions(predict: str, steps: int) -> None:
    """A network that knows the answer: DDIM must return it from any noise, in any number of steps."""
    head = make_head(16, replace(fitted("diffusion", CHUNK), predict=predict, steps=steps))
    answer = torch.from_numpy(made_chunks(3, CHUNK, seed=1)).clamp(-0.9, 0.9)

    class Perfect(torch.nn.Module):
        def forward(self, features: torch.Tensor, noisy: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
            signal = cosine_schedule()[(time * LEVELS).round().long()][:, None, None]
            noise = (noisy - signal.sqrt() * answer) / (1 - signal).sqrt()
            return noise if predict == "epsilon" else signal.sqrt() * noise - (1 - signal).sqrt() * answer

    head.net = Perfect()
    acted = head.act(torch.zeros(3, 16), torch.randn(3, CHUNK, 7))
    torch.testing.assert_close(acted, answer, atol=5e-3 if predict == "epsilon" else 1e-4, rtol=0)


def test_guidance_weight_is_that_of_the_paper() -> None:
    assert guidance(0.0) == 5
    assert guidance(0.5) == pytest.approx(2)
    assert guidance(0.99) == 5


def two_ways() -> tuple[FlowHead, torch.Tensor]:
    """A flow head that has learnt two answers to one question: up or down, at random."""
    torch.manual_seed(0)
    head = make_head(4, HeadConfig("flow", chunk=8, hidden=64))
    assert isinstance(head, FlowHead)
    optimizer = torch.optim.Adam(head.parameters(), lr=3e-3)
    ramp = torch.linspace(0.3, 1, 8)[:, None].expand(8, 7)
    for _ in range(600):
        way = torch.randint(0, 2, (64, 1, 1)) * 2 - 1
        loss = head.loss(torch.ones(64, 4), way * ramp, torch.ones(64, 8), torch.randn(64, 8, 7), torch.rand(64))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return head, ramp


def test_real_time_chunking_goes_on_from_what_is_committed() -> None:
    """Both ways are right; the committed actions go up, so the chunk must, and the seam must be smooth."""
    head, ramp = two_ways()
    delay, rows = 3, 64
    features, noise = torch.ones(rows, 4), torch.randn(rows, 8, 7)
    weight = torch.tensor([1.0, 1, 1, 0.5, 0.25, 0, 0, 0]).expand(rows, 8)
    with torch.inference_mode():
        free = head.act(features, noise)
        bound = head.act(features, noise, Prefix(ramp.expand(rows, 8, 7), weight))
    assert 0.2 < (free[:, -1, 0] > 0).float().mean() < 0.8  # by itself it takes either way
    assert (bound[:, -1, 0] > 0).float().mean() > 0.95
    off = [(chunk[:, :delay] - ramp[:delay]).abs().mean().item() for chunk in (free, bound)]
    assert off[1] < 0.1 < off[0]
    jumps = [(chunk[:, delay] - ramp[delay - 1]).abs().mean().item() for chunk in (free, bound)]
    assert jumps[1] < 0.5 * jumps[0]
    assert torch.isfinite(bound).all()


def test_a_prefix_without_weight_changes_nothing() -> None:
    head, features, noise = head_and_features("flow")
    prefix = Prefix(torch.ones(4, CHUNK, 7), torch.zeros(4, CHUNK))
    with torch.no_grad():
        assert torch.equal(head.act(features, noise, prefix), head.act(features, noise))


def test_guidance_leaves_no_gradients_behind() -> None:
    head, features, noise = head_and_features("flow")
    with torch.inference_mode():
        head.act(features, noise, Prefix(noise, torch.ones(4, CHUNK)))
    assert all(parameter.grad is None for parameter in head.parameters())

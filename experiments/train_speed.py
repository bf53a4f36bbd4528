"""Times training steps beside matrix products. Knows the networks; `bench_train` prints what it finds."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from experiments.presets import ModelSize
from experiments.untrained import configuration, vocabulary
from vla.contract import ACTION_DIM
from vla.models.contract import ROLES, Batch, ModelConfig, make_model
from vla.text import Vocabulary
from vla.training_config import ACTION, TrainConfig, imitation
from vla.training_state import parameter_groups
from vla.views import PLACED

Clock = Callable[[], float]
SIDE = 2048  # of the matrices whose product is the machine's peak: 17 GFLOP, as much as a step of the small network


def random_batch(config: ModelConfig, words: Vocabulary, count: int) -> Batch:
    """Samples of noise; instructions of twelve words, no two alike."""
    rng = np.random.default_rng(0)
    views, side = config.views, config.image_size
    tokens = np.zeros((count, words.max_words), np.int64)
    tokens[:, :12] = rng.integers(1, words.size, (count, 12))
    arrays = (
        rng.integers(0, 256, (count, views, side, side, 3), dtype=np.uint8),
        tokens,
        rng.normal(size=(count, config.state_dim)).astype(np.float32),
        rng.normal(size=(count, config.chunk, ACTION_DIM)).astype(np.float32),
        np.ones((count, config.chunk), np.float32),
        rng.random((count, views, ROLES, 3), dtype=np.float32),
        rng.random((count, ROLES, PLACED), dtype=np.float32),
        np.ones(count, np.float32),
    )
    return Batch(*map(torch.from_numpy, arrays))


class Product:
    """A large matrix product, the yardstick."""

    def __init__(self, dtype: torch.dtype, clock: Clock) -> None:
        """Make two matrices."""
        self.clock = clock
        generator = torch.Generator().manual_seed(0)
        self.a, self.b = (torch.randn(SIDE, SIDE, generator=generator).to(dtype) for _ in range(2))
        self.flop_per_s()

    def flop_per_s(self) -> float:
        """What one product reaches now."""
        return 2 * SIDE**3 / seconds(lambda: torch.mm(self.a, self.b), self.clock)


class Step:
    """One training step of a network on one batch, in the parts that are timed."""

    def __init__(self, size: ModelSize, batch_size: int, *, precision: str, compiled: str) -> None:
        """Build network, optimizer and batch. Raises ValueError for unknown names."""
        self.train = TrainConfig(precision=precision, compile=compiled, batch_size=batch_size)
        torch.manual_seed(0)
        config = configuration(size)
        self.raw = make_model(config).train()
        self.model: Any = torch.compile(self.raw, mode=compiled) if compiled else self.raw
        groups = parameter_groups(self.raw, self.train.weight_decay)
        self.optimizer = torch.optim.AdamW(groups, lr=1e-4, fused=True)
        self.average = [parameter.detach().clone() for parameter in self.raw.parameters()]
        self.batch, self.phase = random_batch(config, vocabulary(), batch_size), imitation(self.train)
        self.noise, self.time = torch.randn(batch_size, config.chunk, ACTION_DIM), torch.rand(batch_size)

    def forward(self) -> None:
        """Compute the loss."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.train.precision == "bf16"):
            losses = self.model(self.batch, self.noise, self.time)
        self.loss = self.phase.total(ACTION, losses)

    def backward(self) -> None:
        """Compute its gradients."""
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self.loss)

    def update(self) -> None:
        """Clip, step, average."""
        torch.nn.utils.clip_grad_norm_(self.raw.parameters(), self.train.clip)
        self.optimizer.step()
        torch._foreach_lerp_(self.average, [parameter.detach() for parameter in self.raw.parameters()], 0.01)

    @property
    def parts(self) -> dict[str, Callable[[], None]]:
        """Parts in the order in which they have to run."""
        return {"forward": self.forward, "backward": self.backward, "update": self.update}


def step_speed(
    size: ModelSize, batch_size: int, steps: int, *, precision: str, compiled: str, clock: Clock
) -> dict[str, Any]:
    """Medians over `steps` steps, each between two matrix products in the same precision."""
    product = Product(torch.bfloat16 if precision == "bf16" else torch.float32, clock)
    step = Step(size, batch_size, precision=precision, compiled="")
    with FlopCounterMode(display=False) as counter:
        step.forward()
        step.backward()
    flop = counter.get_total_flops()
    if compiled:
        step = Step(size, batch_size, precision=precision, compiled=compiled)
    rounds: list[dict[str, float]] = []
    for _ in range(steps + 2):
        before = product.flop_per_s()
        found = {name: seconds(part, clock) for name, part in step.parts.items()}
        whole, peak = sum(found.values()), max(before, product.flop_per_s())
        rounds.append({**found, "whole": whole, "peak": peak, "fraction": flop / whole / peak})
    middle = {name: median(found[name] for found in rounds[2:]) for name in rounds[0]}
    return {
        "parameters": sum(parameter.numel() for parameter in step.raw.parameters()),
        "gflop_per_sample": flop / batch_size / 1e9,
        "samples_per_s": batch_size / middle["whole"],
        **{f"{name}_ms": middle[name] * 1e3 for name in step.parts},
        "gflop_per_s": flop / middle["whole"] / 1e9,
        "peak_gflop_per_s": middle["peak"] / 1e9,
        "peak_fraction": middle["fraction"],
    }


def seconds(work: Callable[[], Any], clock: Clock) -> float:
    """How long `work` takes."""
    start = clock()
    work()
    return clock() - start

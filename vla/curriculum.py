"""Stages of a training run: what step i learns from, how much each loss weighs, how fast.

Knows no network and no simulator. JARVIS-VLA (arXiv 2503.16365) trains knowledge, then visual grounding, then actions;
an ordinary run is one stage with one source.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from vla.models.contract import AnyBatch
from vla.registry import nearest


class Source(Protocol):
    """Batch number i, for any i, in any order and from any thread: a pure function of i."""

    def batch(self, step: int) -> AnyBatch:
        """Build it, in main memory."""


@dataclass(frozen=True)
class Phase:
    """One stage of a run.

    Attributes:
        name: For people; no two of a run are alike.
        steps: Optimizer steps.
        mix: Sources and the share of the steps that each gets; any positive numbers.
        weights: Of each source, the weight of each loss by name; a loss that is not named is not trained.
        lr: Peak learning rate; every stage warms up and decays by itself.
        warmup: Steps of linear warm-up.
    """

    name: str
    steps: int
    mix: Mapping[str, float]
    weights: Mapping[str, Mapping[str, float]]
    lr: float
    warmup: int = 50

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be trained."""
        if self.steps < 0:
            raise ValueError(f"stage {self.name!r}: steps must be at least 0, got {self.steps}")
        if not self.mix or any(not share > 0 for share in self.mix.values()):
            raise ValueError(f"stage {self.name!r}: expected sources with positive shares, got {dict(self.mix)}")
        for source in self.mix:
            if not any(self.weights.get(source, {}).values()):
                raise ValueError(f"stage {self.name!r} has no loss with a weight for its source {source!r}")

    @functools.cached_property
    def order(self) -> list[tuple[str, int]]:
        """Of every step: its source, and how many steps of the stage had that source before.

        The source that is farthest behind its share is next, so that the shares hold over any stretch of steps.
        """
        whole, used, found = sum(self.mix.values()), dict.fromkeys(self.mix, 0), []
        for step in range(1, self.steps + 1):
            name = max(self.mix, key=lambda source: step * self.mix[source] / whole - used[source])
            found.append((name, used[name]))
            used[name] += 1
        return found

    def total(self, source: str, losses: Mapping[str, Tensor]) -> Tensor:
        """The weighted sum of the losses of a batch from `source`. Raises ValueError if none of them has a weight."""
        weights = self.weights[source]
        parts = [weights[name] * loss for name, loss in losses.items() if weights.get(name)]
        if not parts:
            raise ValueError(
                f"stage {self.name!r} weighs {sorted(weights)} of {source!r}, but a batch of it has {sorted(losses)}"
            )
        return torch.stack(parts).sum()

    def count(self, source: str) -> int:
        """How many of the stage's steps have a source."""
        return sum(name == source for name, _ in self.order)


class Share(NamedTuple):
    """Which batches a process takes of each step: of P processes that take A each, a step has P x A batches."""

    process: int = 0
    processes: int = 1
    parts: int = 1  # batches whose gradients a process adds up

    def batches(self, number: int) -> range:
        """Batches of a source that the `number`-th step with it has for this process."""
        first = (number * self.processes + self.process) * self.parts
        return range(first, first + self.parts)


WHOLE = Share()


class Turn(NamedTuple):
    """What one step does."""

    phase: Phase
    source: str
    number: int  # of the batch within its source, over all stages
    lr: float


class Curriculum:
    """Stages one after another. A source goes on in a later stage with the batch after its last one.

    Args:
        phases: Stages in order; their steps add up to the run's.
        sources: Where batches come from, by the names that the stages use.

    Raises:
        UnknownNameError: A stage uses a source that is not there.
        ValueError: No stage, or two of one name.
    """

    def __init__(self, phases: Sequence[Phase], sources: Mapping[str, Source]) -> None:
        """Check the stages."""
        self.phases, self.sources = tuple(phases), sources
        names = [phase.name for phase in phases]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"a run has at least one stage, no two of one name; got {names or 'none'}")
        for name in (name for phase in phases for name in phase.mix):
            if name not in sources:
                raise nearest("source of batches", name, list(sources))

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(phase.steps for phase in self.phases)

    def lasting(self, steps: int) -> Curriculum:
        """The same with `steps` steps, in the same proportions."""
        if len(self.phases) == 1:
            return Curriculum([replace(self.phases[0], steps=steps)], self.sources)
        counts = split(steps, [phase.steps for phase in self.phases])
        return Curriculum([replace(p, steps=n) for p, n in zip(self.phases, counts, strict=True)], self.sources)

    def turn(self, step: int) -> Turn:
        """What step `step` does. Raises IndexError for one after the last."""
        within = step
        for phase in self.phases:
            if within < phase.steps:
                name, index = phase.order[within]
                lr = phase.lr * learning_rate_factor(within, phase.steps, phase.warmup)
                return Turn(phase, name, self._before[phase.name][name] + index, lr)
            within -= phase.steps
        raise IndexError(f"step {step} of a run of {self.steps} steps")

    @functools.cached_property
    def _before(self) -> dict[str, dict[str, int]]:
        """Batches that each source has given when a stage begins, by the stage's name."""
        used, found = dict.fromkeys(self.sources, 0), {}
        for phase in self.phases:
            found[phase.name] = dict(used)
            for name in phase.mix:
                used[name] += phase.count(name)
        return found

    def stream(
        self, start: int, stop: int, threads: int, share: Share = WHOLE, *, pinned: bool = False
    ) -> Iterator[tuple[AnyBatch, ...]]:
        """What a process trains on in steps start..stop-1, in order: the batches of its share of each.

        They are built ahead by `threads` threads (0: none); the renderer's kernels release the GIL, so threads draw
        while the main thread trains. `pinned` puts them where a GPU can fetch them by itself.
        """

        def build(turn: Turn, number: int) -> AnyBatch:
            batch = self.sources[turn.source].batch(number)
            return type(batch)(*(tensor.pin_memory() for tensor in batch)) if pinned else batch

        wanted = ((turn, share.batches(turn.number)) for turn in map(self.turn, range(start, stop)))
        if threads == 0:
            yield from (tuple(build(turn, number) for number in numbers) for turn, numbers in wanted)
            return
        with ThreadPoolExecutor(threads) as pool:
            ahead: list[list[Future[AnyBatch]]] = []
            try:
                for turn, numbers in wanted:
                    ahead.append([pool.submit(build, turn, number) for number in numbers])
                    if len(ahead) > 2 * threads + 1:
                        yield tuple(future.result() for future in ahead.pop(0))
                while ahead:
                    yield tuple(future.result() for future in ahead.pop(0))
            finally:
                for future in itertools.chain.from_iterable(ahead):
                    future.cancel()

    def settings(self) -> list[dict[str, Any]]:
        """What decides where a run goes, JSON-ready."""
        return [asdict(phase) for phase in self.phases]


def split(steps: int, shares: Sequence[float]) -> list[int]:
    """`steps` in whole parts in proportion to `shares`; what rounding leaves goes to the largest remainders.

    Raises ValueError unless the shares are at least 0 and one is positive.
    """
    whole = sum(shares)
    if whole <= 0 or min(shares) < 0:
        raise ValueError(f"expected shares of at least 0, one of them positive, got {list(shares)}")
    exact = [steps * share / whole for share in shares]
    counts = [math.floor(part) for part in exact]
    order = sorted(range(len(shares)), key=lambda i: (counts[i] - exact[i], i))
    for i in order[: steps - sum(counts)]:
        counts[i] += 1
    return counts


def learning_rate_factor(step: int, steps: int, warmup: int) -> float:
    """Linear warm-up, then a cosine from 1 to 0.02."""
    if step < warmup:
        return (step + 1) / warmup
    along = (step - warmup) / max(1, steps - warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, along)))

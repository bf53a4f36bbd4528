"""Imitation training: batches of demonstrations to checkpoints.

Stop it at any moment; it goes on as if it had not stopped.

Everything random in step i is a function of (seed, i), so a resumed run takes the same path bit for bit on one machine.
Knows no simulator: scenes are drawn by the demonstrations, success in the simulator comes from a callback.
"""

from __future__ import annotations

import copy
import itertools
import math
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor

from vla import checkpoint
from vla.batches import BatchSource, Corruption, Demonstrations
from vla.checkpoint import PolicyConfig
from vla.contract import ACTION_DIM
from vla.curriculum import Curriculum, Phase, Source
from vla.models.contract import VLA, Batch, Lessons, make_model
from vla.provenance import usable_cores
from vla.results import read_json, write_json
from vla.sampling import Sampling
from vla.trainlog import TrainLog

SETTINGS = "train.json"
# What may differ between the parts of a resumed run, for it does not change its path.
FREE_SETTINGS = {
    "seconds", "threads", "draw_threads", "cache", "save_every", "keep", "log_every", "eval_every",
}  # fmt: skip

ACTION = "action"  # source and stage of imitation
Evaluator = Callable[[Path], dict[str, float]]  # checkpoint folder -> success by task


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Attributes:
        steps: Optimizer steps; 0 means as many as fit into `seconds`, measured before the first step.
        seconds: Time budget used when `steps` is 0.
        batch_size: Samples a step.
        lr: Peak learning rate.
        warmup: Steps of linear warm-up, before the cosine decay to a fiftieth of `lr`.
        weight_decay: AdamW's, on matrices only.
        clip: Largest gradient norm.
        ema: Decay of the moving average of the weights; the average is what acts.
        ground: Weight of the grounding loss.
        position: Weight of the position loss.
        corruption: Modality dropout and word noise.
        augment: How scenes are changed when they are drawn; the demonstrations know how (`Demonstrations.augment`).
        sampling: Which samples an epoch shows, and how they are shuffled.
        precision: `bf16` (autocast) or `no`.
        seed: Determines weights, order of samples, dropout and noise.
        threads: Rendering threads ahead of the trainer; 0 renders in the training thread.
        torch_threads: Threads of torch's kernels on a CPU; 0 for one per usable core. On cores that are busy with
            something else, take fewer: threads that wait for one another spin.
        cache: Render every frame once before training and keep it in memory; without it, and wherever scenes are
            augmented, frames are drawn as needed.
        draw_threads: Threads that fill the cache.
        save_every: Steps between checkpoints.
        keep: Checkpoints kept.
        log_every: Steps between log lines.
        eval_every: Steps between evaluations in the simulator; 0 for none.
    """

    steps: int = 2000
    seconds: float = 300.0
    batch_size: int = 128
    lr: float = 1.5e-3
    warmup: int = 50
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.99
    ground: float = 0.2
    position: float = 0.5
    corruption: Corruption = field(default_factory=Corruption)
    augment: str = "none"
    sampling: Sampling = field(default_factory=Sampling)
    precision: str = "bf16"
    seed: int = 0
    threads: int = 1
    torch_threads: int = 0
    cache: bool = True
    draw_threads: int = 2
    save_every: int = 500
    keep: int = 2
    log_every: int = 20
    eval_every: int = 0


class Trainer:
    """One training run in a folder.

    Args:
        run: Folder of the run; holds `checkpoints/`, `metrics.jsonl`, TensorBoard events.
        config: How to train.
        policy: Configuration saved with the weights.
        data: The demonstrations.
        resume: Go on from `checkpoints/last`, or begin if there is none yet. Without it a folder that already has a
            checkpoint is refused.
        evaluator: Called every `eval_every` steps with a fresh checkpoint.
        start: Checkpoint whose weights the run begins with; the network has to be the same.
        phases: Stages of the run, instead of one stage of imitation; they say how many steps, which losses and how
            fast. Their source `action` is `data`.
        sources: Where the batches of the other sources of the stages come from.

    Raises:
        CheckpointError: The checkpoint is damaged.
        FileExistsError: The folder already holds a run and `resume` is off.
        ValueError: The run was begun with other settings.
    """

    def __init__(
        self,
        run: Path,
        config: TrainConfig,
        policy: PolicyConfig,
        data: Demonstrations,
        *,
        resume: bool = False,
        evaluator: Evaluator | None = None,
        start: Path | None = None,
        phases: Sequence[Phase] = (),
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        """Build model and optimizer, or restore them."""
        if config.precision not in ("bf16", "no"):
            raise ValueError(f"unknown precision {config.precision!r}; known: bf16, no")
        self.run, self.config, self.evaluator = run, config, evaluator
        resume = self._check_folder(resume)
        torch.set_num_threads(config.torch_threads or usable_cores())
        # Autocast is torch's own: accelerate fixes its mixed precision once a process, and a run is not a process.
        self.accelerator = Accelerator()
        set_seed(config.seed)
        self.policy = policy
        self.source = BatchSource(
            data,
            self.policy.normalizer,
            self.policy.vocabulary,
            config.batch_size,
            config.seed,
            config.corruption,
            config.sampling,
        )
        self._staged = bool(phases)
        self.curriculum = Curriculum(phases or [imitation(config)], {**(sources or {}), ACTION: self.source})
        model = make_model(self.policy.model)
        if not resume:
            model.load_pretrained()
        if start is not None and not resume:
            weights = checkpoint.find(start) / "model.safetensors"
            checkpoint.load_weights(model, checkpoint.read_tensors(weights), weights)
        optimizer = torch.optim.AdamW(_parameter_groups(model, config), lr=config.lr, betas=(0.9, 0.95))
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.raw: VLA = self.accelerator.unwrap_model(self.model)
        self.average = {k: v.detach().clone() for k, v in self.raw.state_dict().items()}
        self.step, self.steps = 0, self.curriculum.steps
        if resume:
            self._restore(checkpoint.find(run))
        self.log = TrainLog(run, quiet=not self.accelerator.is_main_process)
        self._stop = False

    def _check_folder(self, resume: bool) -> bool:
        """Whether there is something to resume. Refuses what would mix two runs."""
        if not (self.run / "checkpoints" / "last").exists():
            return False
        if not resume:
            raise FileExistsError(f"{self.run} already holds a training run; pass --resume to go on, or another folder")
        return True

    def train(self) -> Path:
        """Train to the end, or to an interrupt (which saves first). Returns the last checkpoint's folder."""
        if self.config.cache and self.source.data.augment is None:
            with self.log.drawing(len(self.source.data)) as advance:
                self.source.data.draw_all(self.config.draw_threads, advance)
        if self.steps == 0:
            self.steps = self._steps_that_fit()
        if self.steps != self.curriculum.steps:  # measured now, or before a stop
            self.curriculum = self.curriculum.lasting(self.steps)
        self.log.open(self.step)
        write_json(self.run / SETTINGS, self._settings())
        self.model.train()
        batches = self.curriculum.stream(self.step, self.steps, self.config.threads)
        with self.log, self._interruptible(), self.log.progress(self.step, self.steps):
            for batch in batches:
                losses = self._step(batch)
                self.step += 1
                self._report(losses)
                if self.step % self.config.save_every == 0 or self.step == self.steps or self._stop:
                    self.save()
                self._evaluate()
                if self._stop:
                    break
        return checkpoint.find(self.run)

    def _step(self, batch: Batch | Lessons) -> dict[str, Tensor]:
        config, turn = self.config, self.curriculum.turn(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = turn.lr
        device = self.accelerator.device
        batch = type(batch)(*(tensor.to(device, non_blocking=True) for tensor in batch))
        generator = torch.Generator().manual_seed(hash((config.seed, 3, self.step)) & (2**62 - 1))
        noise = torch.randn((len(batch.tokens), self.policy.model.chunk, ACTION_DIM), generator=generator).to(device)
        time_ = torch.rand(len(batch.tokens), generator=generator).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
            losses: dict[str, Tensor] = self.model(batch, noise, time_)
        total = turn.phase.total(turn.source, losses)
        if not torch.isfinite(total):
            raise FloatingPointError(
                f"the loss became {total.item()} at step {self.step}: lower --train.lr, or clip harder"
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(total)
        self.accelerator.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        self._average()
        return {"loss": total.detach(), **{name: loss.detach() for name, loss in losses.items()}}

    def _average(self) -> None:
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        own = self.raw.state_dict()
        names = [name for name in self.average if own[name].is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in names], [own[n] for n in names], 1 - decay)

    def _report(self, losses: dict[str, Tensor]) -> None:
        last = self.step == self.steps
        if self.step % self.config.log_every == 0 or last:
            values = {name: round(value.item(), 6) for name, value in losses.items()}
            self.log.write(self.step, {**values, "lr": self.optimizer.param_groups[0]["lr"]}, self.config.batch_size)
        self.log.advance()

    def _evaluate(self) -> None:
        every = self.config.eval_every
        if self.evaluator is not None and every and (self.step % every == 0 or self.step == self.steps):
            success = self.evaluator(self.save())
            self.model.train()
            self.log.write_success(self.step, success)

    def save(self) -> Path:
        """Write a checkpoint of this step and remove the oldest ones."""
        folder = self.run / "checkpoints" / f"{self.step:06d}"
        if not self.accelerator.is_main_process or (folder / "config.json").exists():
            return folder
        state: dict[str, Tensor] = {"step": torch.tensor([self.step, self.steps])}
        state |= {f"model/{name}": value for name, value in self.raw.state_dict().items()}
        for index, slot in self.optimizer.state_dict()["state"].items():
            state |= {f"optimizer/{index}/{name}": torch.as_tensor(value) for name, value in slot.items()}
        self.log.sync()
        checkpoint.save(folder, self.policy, self.average, state)
        for old in sorted(folder.parent.glob("[0-9]*"))[: -self.config.keep]:
            checkpoint.remove(old)
        return folder

    def _restore(self, folder: Path) -> None:
        self._check_settings(folder)
        path = folder / "training_state.safetensors"
        state = checkpoint.read_tensors(path)
        self.step, self.steps = (int(number) for number in state.pop("step"))
        weights = {k.removeprefix("model/"): v for k, v in state.items() if k.startswith("model/")}
        checkpoint.load_weights(self.raw, weights, path)
        average = checkpoint.read_tensors(folder / "model.safetensors")
        self.average = {name: average[name].to(self.accelerator.device) for name in self.average}
        full = self.optimizer.state_dict()
        full["state"] = {}
        for name, value in state.items():
            kind, _, rest = name.partition("/")
            if kind == "optimizer":
                index, _, slot = rest.partition("/")
                full["state"].setdefault(int(index), {})[slot] = value
        self.optimizer.load_state_dict(full)

    def _check_settings(self, folder: Path) -> None:
        """Raise ValueError if the run was begun with other data, model or settings that decide where it goes."""
        before, now = checkpoint.load_config(folder), self.policy
        changed = [
            name for name in ("model", "vocabulary", "normalizer") if getattr(before, name) != getattr(now, name)
        ]
        begun = read_json(self.run / SETTINGS)
        changed += [name for name, value in self._settings().items() if begun.get(name) != value]
        if changed:
            raise ValueError(f"{self.run} was begun with other {', '.join(changed)}; resume it with the same ones")

    def _settings(self) -> dict[str, Any]:
        """The settings that decide where a run goes, as JSON-ready data."""
        settings = {name: value for name, value in asdict(self.config).items() if name not in FREE_SETTINGS}
        stages = self.curriculum.settings() if self._staged else []
        return {**settings, "samples": len(self.source.data), "stages": stages}

    def _steps_that_fit(self) -> int:
        """Time fifty steps, put the weights back, and divide the budget by the median."""
        keep = copy.deepcopy((self.raw.state_dict(), self.average, self.optimizer.state_dict()))
        ends = []
        self.curriculum = self.curriculum.lasting(50)
        for batch in self.curriculum.stream(0, 50, self.config.threads):
            self._step(batch)
            ends.append(time.perf_counter())
        each = sorted(after - before for before, after in itertools.pairwise(ends[10:]))[20]  # past the slow first ones
        self.raw.load_state_dict(keep[0])
        self.average = keep[1]
        self.optimizer.load_state_dict(keep[2])
        return max(1, math.floor(self.config.seconds / each))

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Let SIGINT and SIGTERM finish the step, save and return."""

        def stop(number: int, frame: FrameType | None) -> None:
            self._stop = True

        try:
            before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not in the main thread: the caller handles signals
            before = {}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def imitation(config: TrainConfig) -> Phase:
    """The one stage of an ordinary run."""
    weights = {"action": 1.0, "ground": config.ground, "position": config.position}
    return Phase(ACTION, config.steps, {ACTION: 1.0}, {ACTION: weights}, config.lr, config.warmup)


def _parameter_groups(model: VLA, config: TrainConfig) -> list[dict[str, Any]]:
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    others = [p for p in model.parameters() if p.ndim < 2]
    return [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]

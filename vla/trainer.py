"""Imitation training: batches of demonstrations to checkpoints.

Stop it at any moment; it goes on as if it had not stopped.

Everything random in step i is a function of (seed, i, which batch of the step), so a resumed run takes the same path
bit for bit on one machine. With several processes (`accelerate launch`), and with gradients added up over several
batches, a step has processes x accumulate batches: the path of one process whose batches are so many times as large.
Knows no simulator: scenes are drawn by the demonstrations, success in the simulator comes from a callback.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import set_seed
from torch import Tensor

from vla import checkpoint
from vla.batches import BatchSource, Demonstrations
from vla.checkpoint import CheckpointError, PolicyConfig
from vla.contract import ACTION_DIM
from vla.cores import drawing_threads, processes_here, torch_threads
from vla.curriculum import Curriculum, Phase, Share, Source
from vla.interrupt import Interrupt
from vla.launched import make_accelerator
from vla.models.contract import VLA, AnyBatch, make_model
from vla.results import read_json, write_json
from vla.training_config import ACTION, FREE_SETTINGS, TrainConfig, imitation
from vla.training_state import (
    MODEL,
    model_tensors,
    optimizer_tensors,
    parameter_groups,
    restore_optimizer,
    spread_like,
    whole,
)
from vla.trainlog import TrainLog

SETTINGS = "train.json"
Evaluator = Callable[[Path], dict[str, float]]  # checkpoint folder -> success by task


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
        fresh_head: Begin with a new action head all the same; then only the rest has to be the same.
        phases: Stages of the run, instead of one stage of imitation; they say how many steps, which losses and how
            fast. Their source `action` is `data`.
        sources: Where the batches of the other sources of the stages come from.

    Raises:
        CheckpointError: A checkpoint is damaged, or `start` is of another network.
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
        fresh_head: bool = False,
        phases: Sequence[Phase] = (),
        sources: Mapping[str, Source] | None = None,
    ) -> None:
        """Build model and optimizer, or restore them."""
        self.run, self.config, self.evaluator = run, config, evaluator
        resume = self._check_folder(resume)
        self.accelerator = make_accelerator()
        processes = self.accelerator.num_processes
        self.share = Share(self.accelerator.process_index, processes, config.accumulate)
        self.cached = config.cache and data.augment is None and data.exchange is None
        drawing = 0 if self.cached else config.threads
        torch.set_num_threads(config.torch_threads or torch_threads(processes_here(processes), drawing))
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
        self.step, self.steps = 0, self.curriculum.steps
        before = self._begun(checkpoint.find(run)) if resume else {}
        model = self._make(before, start, fresh_head)
        # Fused: a third of the time of the loop over tensors that is the default on a CPU.
        groups = parameter_groups(model, config.weight_decay)
        optimizer = torch.optim.AdamW(groups, lr=config.lr, betas=(0.9, 0.95), fused=True)
        self.model, self.optimizer = self.accelerator.prepare(model, optimizer)
        self.raw: VLA = self.accelerator.unwrap_model(self.model)
        if config.compile:
            self.model = torch.compile(self.model, mode=config.compile)
        self.average = {k: v.detach().clone() for k, v in self.raw.state_dict().items()}
        if resume:
            self._restore(checkpoint.find(run), before)
        self.log = TrainLog(run, quiet=not self.accelerator.is_main_process)
        self._stop = Interrupt()

    def _make(self, before: dict[str, Tensor], start: Path | None, fresh_head: bool) -> VLA:
        """The network, with the weights of the training state `before`, of `start`, or new ones."""
        model = make_model(self.policy.model)
        if before:
            path = checkpoint.find(self.run) / "training_state.safetensors"
            checkpoint.load_weights(model, model_tensors(before), path)
        else:
            model.load_pretrained()
        if start is not None and not before:
            checkpoint.begin_with(model, start, fresh_head=fresh_head)
        if self.config.recompute:
            model.recompute_activations()
        return model

    def _check_folder(self, resume: bool) -> bool:
        """Whether there is something to resume. Refuses what would mix two runs."""
        if not (self.run / "checkpoints" / "last").exists():
            return False
        if not resume:
            raise FileExistsError(f"{self.run} already holds a training run; pass --resume to go on, or another folder")
        return True

    def train(self) -> Path:
        """Train to the end, or to an interrupt (which saves first). Returns the last checkpoint's folder."""
        if self.cached:
            threads = self.config.draw_threads or drawing_threads(processes_here(self.share.processes))
            with self.log.drawing(len(self.source.data)) as advance:
                self.source.data.draw_all(threads, advance)
        if self.steps == 0:
            self.steps = self._steps_that_fit()
        if self.steps != self.curriculum.steps:  # measured now, or before a stop
            self.curriculum = self.curriculum.lasting(self.steps)
        self.log.open(self.step)
        if self.accelerator.is_main_process:
            write_json(self.run / SETTINGS, self._settings())
        self.model.train()
        with self.log, self._stop, self.log.progress(self.step, self.steps):
            for batches in self._stream(self.step, self.steps):
                losses = self._step(batches)
                self.step += 1
                stop = self._stopping()
                self._report(losses)
                if self.step % self.config.save_every == 0 or self.step == self.steps or stop:
                    self.save()
                self._evaluate()
                if stop:
                    break
        return checkpoint.find(self.run)

    def _stream(self, start: int, stop: int) -> Iterator[tuple[AnyBatch, ...]]:
        pinned = self.accelerator.device.type == "cuda"
        return self.curriculum.stream(start, stop, self.config.threads, self.share, pinned=pinned)

    def _step(self, batches: Sequence[AnyBatch]) -> dict[str, Tensor]:
        """One step of the optimizer on the sum of the gradients of `batches`; returns their mean losses."""
        turn = self.curriculum.turn(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = turn.lr
        self.optimizer.zero_grad(set_to_none=True)
        found: list[dict[str, Tensor]] = []
        for number, batch in zip(self.share.batches(self.step), batches, strict=True):
            last = len(found) + 1 == len(batches)
            with contextlib.nullcontext() if last else self.accelerator.no_sync(self.model):
                losses = self._losses(batch, number)
                total = turn.phase.total(turn.source, losses)
                if not torch.isfinite(total):
                    raise FloatingPointError(
                        f"the loss became {total.item()} at step {self.step}: lower the learning rate, or clip harder"
                    )
                self.accelerator.backward(total / len(batches))
            found.append({"loss": total.detach(), **{name: loss.detach() for name, loss in losses.items()}})
        self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self._average()
        return {name: torch.stack([losses[name] for losses in found]).mean() for name in found[0]}

    def _losses(self, batch: AnyBatch, number: int) -> dict[str, Tensor]:
        """Losses of the run's batch number `number`, which decides what is random about them."""
        device = self.accelerator.device
        batch = type(batch)(*(tensor.to(device, non_blocking=True) for tensor in batch))
        seed = hash((self.config.seed, 3, number)) & (2**62 - 1)
        torch.manual_seed(seed)  # networks that draw by themselves, for dropout
        generator = torch.Generator().manual_seed(seed)
        noise = torch.randn((len(batch.tokens), self.policy.model.chunk, ACTION_DIM), generator=generator).to(device)
        time_ = torch.rand(len(batch.tokens), generator=generator).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            losses: dict[str, Tensor] = self.model(batch, noise, time_)
        return losses

    def _average(self) -> None:
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        own = self.raw.state_dict()
        names = [name for name in self.average if own[name].is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in names], [own[n] for n in names], 1 - decay)

    def _report(self, losses: dict[str, Tensor]) -> None:
        last = self.step == self.steps
        if self.step % self.config.log_every == 0 or last:
            together = self.accelerator.reduce(torch.stack(list(losses.values())), "mean")
            values = {name: round(value, 6) for name, value in zip(losses, together.tolist(), strict=True)}
            samples = self.config.batch_size * self.share.processes * self.share.parts
            self.log.write(self.step, {**values, "lr": self.optimizer.param_groups[0]["lr"]}, samples)
        self.log.advance()

    def _evaluate(self) -> None:
        every = self.config.eval_every
        if self.evaluator is not None and every and (self.step % every == 0 or self.step == self.steps):
            folder = self.save()
            if self.accelerator.is_main_process:
                self.log.write_success(self.step, self.evaluator(folder))
            self.model.train()
            self.accelerator.wait_for_everyone()

    def save(self) -> Path:
        """Write a checkpoint of this step and remove the oldest ones. All processes call it, the first one writes."""
        folder = self.run / "checkpoints" / f"{self.step:06d}"
        if (folder / "config.json").exists():
            return folder
        state: dict[str, Tensor] = {"step": torch.tensor([self.step, self.steps])}
        state |= {f"{MODEL}{name}": whole(value) for name, value in self.raw.state_dict().items()}
        state |= optimizer_tensors(self.optimizer)
        average = {name: whole(value) for name, value in self.average.items()}
        if self.accelerator.is_main_process:
            self.log.sync()
            checkpoint.save(folder, self.policy, average, state)
            for old in sorted(folder.parent.glob("[0-9]*"))[: -self.config.keep]:
                checkpoint.remove(old)
        self.accelerator.wait_for_everyone()
        return folder

    def _begun(self, folder: Path) -> dict[str, Tensor]:
        """The training state of a checkpoint of this very run."""
        self._check_settings(folder)
        path = folder / "training_state.safetensors"
        state = checkpoint.read_tensors(path)
        if "step" not in state:
            raise CheckpointError(f"{path} is no training state: it does not say how many steps were done")
        self.step, self.steps = (int(number) for number in state.pop("step"))
        return state

    def _restore(self, folder: Path, state: dict[str, Tensor]) -> None:
        average = checkpoint.read_tensors(folder / "model.safetensors")
        checkpoint.check_tensors(self.average, average, folder / "model.safetensors")
        self.average = {name: spread_like(average[name], own) for name, own in self.average.items()}
        restore_optimizer(self.optimizer, state)

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
        return {**settings, "samples": len(self.source.data), "stages": stages, "processes": self.share.processes}

    def _steps_that_fit(self) -> int:
        """Time fifty steps, put the weights back, and divide the budget by the median."""
        keep = copy.deepcopy((self.raw.state_dict(), self.average, self.optimizer.state_dict()))
        ends = []
        self.curriculum = self.curriculum.lasting(50)
        for batches in self._stream(0, 50):
            self._step(batches)
            ends.append(time.perf_counter())
        each = sorted(after - before for before, after in itertools.pairwise(ends[10:]))[20]  # past the slow first ones
        self.raw.load_state_dict(keep[0])
        self.average = keep[1]
        self.optimizer.load_state_dict(keep[2])
        agreed: Tensor = self.accelerator.reduce(torch.tensor(each, device=self.accelerator.device), "mean")
        return max(1, math.floor(self.config.seconds / agreed.item()))

    def _stopping(self) -> bool:
        """Whether to stop now. Several processes agree on it, and ask one another as often as they log."""
        if self.share.processes == 1 or self.step % self.config.log_every:
            return self._stop.asked and self.share.processes == 1
        told = torch.tensor(float(self._stop.asked), device=self.accelerator.device)
        return bool(self.accelerator.reduce(told, "sum").item() > 0)

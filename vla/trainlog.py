"""Where a training run says how it goes: `metrics.jsonl`, TensorBoard and a progress bar. Knows no model."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch.utils.tensorboard import SummaryWriter
from typing_extensions import Self


class TrainLog:
    """Writes one line per logged step.

    Args:
        run: Folder of the run.
        quiet: Write nothing (all processes but the first).
    """

    def __init__(self, run: Path, *, quiet: bool) -> None:
        """Nothing is written before `open`."""
        self.quiet = quiet
        self.path = run / "metrics.jsonl"
        self._before = 0.0
        self._progress: Progress | None = None
        self._last = (0.0, 0)
        self._start = time.perf_counter()

    def open(self, resume_at: int) -> None:
        """Open the files.

        Lines after step `resume_at`, written by a process that died before its next checkpoint, are removed, so that
        the curve has each step once.
        """
        self._start = time.perf_counter()
        self._last = (self._start, resume_at)
        if self.quiet:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._keep_until(resume_at)
        self._file = self.path.open("a")
        self._board = SummaryWriter(str(self.path.parent / "tensorboard"), purge_step=resume_at + 1)

    def __enter__(self) -> Self:
        """Close on exit."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _keep_until(self, step: int) -> None:
        rows = read_metrics(self.path)
        kept = [row for row in rows if row["step"] <= step]
        self._before = max((row.get("seconds", 0.0) for row in kept), default=0.0)
        scratch = self.path.with_suffix(".tmp")
        scratch.write_text("".join(json.dumps(row) + "\n" for row in kept))
        scratch.replace(self.path)

    @property
    def seconds(self) -> float:
        """Training time so far, earlier processes included."""
        return self._before + time.perf_counter() - self._start

    def write(self, step: int, values: Mapping[str, float], batch_size: int) -> None:
        """Log losses at `step` and the rate since the last line."""
        if self.quiet:
            return
        now = time.perf_counter()
        since, at = self._last
        rate = (step - at) * batch_size / max(now - since, 1e-9)
        self._last = (now, step)
        self._line({"step": step, **values, "samples_per_s": round(rate, 1), "seconds": round(self.seconds, 2)})
        for name, value in {**values, "samples_per_s": rate}.items():
            self._board.add_scalar(f"train/{name}", value, step)
        if self._progress is not None:
            text = f"loss {values['loss']:.3f}  {rate:.0f} samples/s"
            self._progress.update(self._progress.task_ids[0], description=text)

    def write_success(self, step: int, success: Mapping[str, float]) -> None:
        """Log success in the simulator by task."""
        if not self.quiet:
            self._line({"step": step, "success": dict(success), "seconds": round(self.seconds, 2)})
            for task, rate in success.items():
                self._board.add_scalar(f"success/{task}", rate, step)
        self._last = (time.perf_counter(), step)

    def _line(self, row: Mapping[str, Any]) -> None:
        self._file.write(json.dumps(row) + "\n")
        self._file.flush()

    def sync(self) -> None:
        """Make what was written durable: a checkpoint must not be ahead of its log."""
        if not self.quiet:
            os.fsync(self._file.fileno())

    @contextmanager
    def drawing(self, samples: int) -> Iterator[Callable[[int], None]]:
        """Show a bar while frames are rendered; yields what moves it."""
        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress("drawing frames", *columns, disable=self.quiet) as bar:
            task = bar.add_task("", total=samples)
            yield lambda count: bar.advance(task, count)

    @contextmanager
    def progress(self, step: int, steps: int) -> Iterator[None]:
        """Show a bar with loss, samples/s and remaining time."""
        columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
        with Progress("training", *columns, disable=self.quiet) as bar:
            bar.add_task("", total=steps, completed=step)
            self._progress = bar
            yield
        self._progress = None

    def advance(self) -> None:
        """Move the bar one step."""
        if self._progress is not None:
            self._progress.advance(self._progress.task_ids[0])

    def close(self) -> None:
        """Close the files."""
        if not self.quiet:
            self._file.close()
            self._board.close()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Rows of a `metrics.jsonl`; a last line cut by a crash is dropped. Empty if there is no file."""
    if not path.exists():
        return []
    whole = path.read_text().rpartition("\n")[0]  # what follows the last line break was cut
    return [json.loads(line) for line in whole.splitlines()]

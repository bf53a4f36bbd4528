"""The commands as functions, for notebooks and scripts: `collect`, `train`, `evaluate`. Same defaults, same results.

Each resumes what was interrupted, like its command. What it returns is what the command prints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from envs.tasks.base import TASKS
from envs.world import World
from experiments import training
from experiments.commands import collect as collect_command
from experiments.commands.eval import chosen_subject
from experiments.identity import identity
from experiments.presets import ModelSize, model_size
from experiments.suites import get_suite
from experiments.workers import worker_count
from vla.collect import Collection
from vla.contract import Policy
from vla.evaluation import RUNS, Evaluation, Subject
from vla.evaluation import evaluate as evaluate_suite
from vla.suites import Suite
from vla.training_config import TrainConfig


def collect(
    out: str | Path, tasks: Sequence[str] = (), episodes: int = 100, *, workers: int | None = None, **options: Any
) -> Collection:
    """Demonstrations into the folder `out`: `vla collect`.

    Args:
        out: Dataset folder; a second call adds what is missing.
        tasks: Task names; empty for all.
        episodes: Successes of each task.
        workers: Worker processes; None for the best number here (`vla bench scale`), 0 for this process.
        **options: `noise`, `seed`, `policy`, as for the command.

    Raises:
        ValueError: Unknown names, or a folder that was collected otherwise.
    """
    args = collect_command.Args(Path(out), episodes=episodes, workers=worker_count(workers), **options)
    return collect_command.run(args.out, list(tasks) or list(TASKS), args)


def train(
    data: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    model: ModelSize | str = "small",
    resume: bool = False,
    **options: Any,
) -> Path:
    """Train a policy on demonstrations: `vla train`. Returns the last checkpoint's folder.

    Args:
        data: Dataset folders.
        out: Run folder.
        model: Shape of the network, or the name of one: small, base, large.
        resume: Go on from the last checkpoint of `out`.
        **options: Fields of `vla.training_config.TrainConfig`, for example `steps`, `batch_size`, `lr`, `seed`.

    Raises:
        ValueError: No episodes, a damaged one, or an unknown name of a size.
        FileExistsError: `out` holds a run and `resume` is off.
    """
    folders = (data,) if isinstance(data, (str, Path)) else data
    size = model_size(model) if isinstance(model, str) else model
    job = training.TrainJob(tuple(map(Path, folders)), Path(out), size, TrainConfig(**{"lr": size.lr, **options}))
    return training.train(job, resume=resume)


def evaluate(
    policy: str | Callable[[], Policy],
    suite: str | Suite,
    out: str | Path,
    *,
    name: str = "",
    workers: int | None = None,
    slots: int = 4,
    keep: int | None = None,
) -> Evaluation:
    """Run a policy on a suite: `vla eval`. Results go to `out`/eval/NAME.

    Args:
        policy: A registered name, a checkpoint, or a class (or function) that makes a policy.
        suite: A suite, or the name of one.
        out: Run folder.
        name: Name in tables; default that of the policy.
        workers: Worker processes; None for the best number here (`vla bench scale`), 0 for this process. Results do not
            depend on it.
        slots: Episodes that a worker keeps running.
        keep: Store poses of the first `keep` episodes of each cell for videos; None for all, 0 for none.

    Raises:
        ValueError: Unknown names, or a folder with results of something else.
    """
    subject = chosen_subject(policy, name) if isinstance(policy, str) else _made(policy, name)
    chosen = get_suite(suite) if isinstance(suite, str) else suite
    return evaluate_suite(
        chosen,
        subject,
        Path(out) / RUNS / subject.name,
        world_factory=World,
        workers=worker_count(workers),
        slots_per_worker=slots,
        keep=None if keep == 0 else chosen.first(keep).__contains__,
        identity=identity(chosen, "raster", subject.source),
    )


def _made(maker: Callable[[], Policy], name: str) -> Subject:
    label = name or getattr(maker, "__name__", "policy").lower()
    return Subject(label, maker, source=label)

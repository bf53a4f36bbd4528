"""DAgger as a job: train, let the student act under its teacher's eyes, train on everything, again (arXiv 1011.0686).

RUN/round-00/train/        the student of the demonstrations
RUN/round-01/data/ROBOT/   what it did in round 1, labelled by the teacher
RUN/round-01/train/        trained on both, from its weights
RUN/checkpoints            those of the last round

Every episode and every checkpoint is durable, and every round is a stage of RUN/stages.json: a job that was killed goes
on where it was, with the same results. Nothing depends on the number of workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from experiments.commands import collect as collect_command
from experiments.stages import FILE, Ledger, Stage, as_settings, run_stages
from experiments.training import TrainJob, train
from vla import checkpoint
from vla.store import EpisodeStore

FRESH = 1000  # the seeds of rounds: scenes that no demonstration of an ordinary seed has shown
COOLER = 0.5  # learning rate of the rounds after the first training, as a share of its own


@dataclass(frozen=True)
class Rounds:
    """How much is learnt from the teacher's corrections.

    Attributes:
        count: Rounds after the training on demonstrations.
        episodes: Episodes of each family and robot that a round adds.
        steps: Optimizer steps of a round's training.
        beta: Share of stretches in which the teacher acts from the outset: beta in the first round, beta squared in the
            second, as published; 0 where the student is not to be held by the hand.
        patience: Steps of disagreement after which the teacher takes over, see `vla.teaching.Mixture`.
        teacher: Policy that labels.
        seed: Of the scenes: round i has the seed 1000 + seed + i.
    """

    count: int
    episodes: int = 50
    steps: int = 1000
    beta: float = 0.0
    patience: int = 6
    teacher: str = "expert"
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that mean nothing."""
        for name in ("count", "episodes", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} of DAgger must be at least 1, got {getattr(self, name)}")


class Dagger:
    """One job in a folder.

    Args:
        job: The first training; its `run` is the folder of the job.
        rounds: What follows.
        workers: Processes that collect; 0 for this one.
        resume: Go on with what is in the folder.

    Raises:
        FileExistsError: The folder holds a job, and `resume` is off.
        ValueError: The folder holds a job with other settings, there are no demonstrations, or several training
            processes were launched, which would all collect the same.
    """

    def __init__(self, job: TrainJob, rounds: Rounds, *, workers: int = 1, resume: bool = False) -> None:
        """Nothing is done yet."""
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            raise ValueError("DAgger trains in one process: start it without `accelerate launch`; --workers collect")
        if (job.run / FILE).exists() and not resume:
            raise FileExistsError(f"{job.run} already holds a run; pass --resume to go on, or choose another folder")
        self.job, self.rounds, self.workers = job, rounds, workers
        self.robots = sorted({_robot(folder) for folder in job.data})
        self.ledger = Ledger(job.run, as_settings(rounds) | {"job": as_settings(job)})

    def folder(self, number: int) -> Path:
        """Of a round; 0 is the training on demonstrations."""
        return self.job.run / f"round-{number:02d}"

    def checkpoint(self, number: int) -> Path:
        """What the training of a round left."""
        return checkpoint.find(self.folder(number) / "train")

    def run(self, say: Callable[[str], None] = print) -> Path:
        """Do what is not done yet; the last checkpoint."""
        run_stages(self.stages(), self.ledger, say)
        return checkpoint.find(self.job.run)

    def stages(self) -> list[Stage]:
        """What is done, in order."""
        stages = [Stage("train-00", "imitation of the demonstrations", 600, lambda: self.train(0))]
        for number in range(1, self.rounds.count + 1):
            collect, learn = _bound(self.collect, number), _bound(self.train, number)
            stages.append(Stage(f"collect-{number:02d}", "the student acts, the teacher labels", 300, collect))
            stages.append(Stage(f"train-{number:02d}", "imitation of all that was collected", 200, learn))
        return stages

    def collect(self, number: int) -> None:
        """One round of episodes by the student of the round before."""
        rounds, student = self.rounds, self.checkpoint(number - 1)
        tasks = list(checkpoint.load_config(self.checkpoint(0)).trained_on["tasks"])
        for robot, control in self.robots:
            args = collect_command.Args(
                self.folder(number) / "data" / robot,
                episodes=rounds.episodes,
                workers=self.workers,
                seed=FRESH + rounds.seed + number,
                policy=rounds.teacher,
                student=str(student),
                beta=rounds.beta**number,
                patience=rounds.patience,
                robot=robot,
                control=control,
            )
            collection = collect_command.run(args.out, tasks, args)
            errors = [error for tally in collection.tallies for error in tally.errors]
            if errors:
                raise RuntimeError(f"{len(errors)} episodes of round {number} broke; the first:\n{errors[0].traceback}")

    def train(self, number: int) -> None:
        """Imitation of demonstrations and corrections so far, going on from the round before."""
        job = replace(self.job, run=self.folder(number) / "train")
        if number:
            own = [folder for i in range(1, number + 1) for folder in sorted((self.folder(i) / "data").iterdir())]
            config = replace(job.train, steps=self.rounds.steps, lr=COOLER * job.train.lr)
            job = replace(job, data=(*job.data, *own), train=config, start=self.checkpoint(number - 1), stages=())
        done, planned = checkpoint.progress(train(job, resume=True))
        if done < planned:  # it was asked to stop, and saved
            raise KeyboardInterrupt
        self._point_at(number)

    def _point_at(self, number: int) -> None:
        """Make RUN/checkpoints those of a round, at once."""
        link = self.job.run / f".checkpoints-{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(Path(self.folder(number).name) / "train" / "checkpoints")
        link.replace(self.job.run / "checkpoints")


def _robot(folder: Path) -> tuple[str, str]:
    """Robot and control mode of a folder of demonstrations. Raises ValueError if there is none."""
    info = EpisodeStore(folder, create=False).info()
    return info.get("robot", "panda"), info.get("control", "pd_ee_delta_pose")


def _bound(do: Callable[[int], None], number: int) -> Callable[[], None]:
    return lambda: do(number)

"""Collect demonstrations over worker processes: exactly N successes a task; resumes what was interrupted.

What is stored does not depend on the number of workers, nor on how often the command was killed and started again.
Failed episodes are counted and kept apart, in the folder `failed`. With `--student` it is one round of DAgger.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from typing_extensions import Self

from envs.control import CONTROL_MODES, action_entries
from envs.golden import pictures
from envs.scene import RobotSpec
from envs.tasks.base import TASKS
from envs.world import World
from experiments.workers import worker_count
from policies.registry import make_policy
from vla.collect import Collection, CollectSettings, TaskTally, collect
from vla.noise import ActionNoise
from vla.registry import nearest
from vla.teaching import Mixture, Teaching

SLOTS = 8  # episodes of a student that a worker keeps running


@dataclass(frozen=True)
class Args:
    """Options of `vla collect`."""

    out: Path
    """Dataset folder; a second run adds what is missing."""
    task: tyro.conf.UseAppendAction[tuple[tuple[str, ...], ...]] = ()
    """Tasks, `--task Lift Push` or `--task Lift --task Push`; default all."""
    episodes: int = 100
    """Successful episodes of each task."""
    workers: Annotated[int | Literal["auto"], tyro.conf.arg(metavar="K|auto")] = "auto"
    """Worker processes; `auto` is what `vla bench scale` found best, else one a core, 0 runs in this process."""
    noise: float | None = None
    """Share of steps whose motion is random instead, default 0.12, with --student 0; the label stays what --policy
    does."""
    noise_of: Annotated[tuple[tuple[str, float], ...], tyro.conf.arg(metavar="TASK SHARE")] = ()
    """Families with a share of their own, `--noise-of InsertPeg 0.05 Cover 0.05`."""
    persistent: float = 0.0
    """Share of episodes whose random motions last 2 to 5 steps each: drifts instead of jolts."""
    gripper_noise: float = 0.0
    """Probability that a step closes fingers that should open; closed ones are never opened."""
    starts: float = 0.0
    """How far from home the arm may start, rad (norm over the joints), at most 0.09: the axis `start` tests more."""
    seed: int = 0
    """Seed of the training split."""
    policy: str = "expert"
    """Who demonstrates, or corrects the student."""
    student: str = ""
    """A checkpoint: it acts, while --policy labels every state that it gets to and helps out where it is lost."""
    beta: float = 0.0
    """With --student: share of stretches of ten steps in which the teacher acts from the outset."""
    patience: int = 6
    """With --student: steps of disagreement after which the teacher takes over for ten; 0 for never."""
    robot: str = "panda"
    """Registered robot."""
    control: str = "pd_ee_delta_pose"
    """Registered control mode; the expert's actions are converted to it."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Collect, print the table; 1 if there are fewer episodes than wanted."""
    names = list(dict.fromkeys(name for group in args.task for name in group)) or list(TASKS)
    collection = run(args.out, names, args)
    console = Console()
    console.print(summary_table(collection))
    for tally in collection.tallies:
        if tally.errors:
            console.print(f"[red]First of {len(tally.errors)} errors in {tally.task}:[/]", soft_wrap=True)
            console.print(tally.errors[0].traceback, markup=False, highlight=False, soft_wrap=True)
    if args.json:
        print(json.dumps({"folder": str(args.out), **collection.to_dict()}))
    return 0 if collection.complete else 1


def run(folder: Path, tasks: list[str], args: Args) -> Collection:
    """Collect with progress bars on stderr. Raises ValueError for unknown names."""
    for name in tasks:
        if name not in TASKS:
            raise nearest("task", name, list(TASKS))
    entries, teaching = action_entries(args.robot, args.control), None
    settings = collect_settings(tasks, args)
    if args.student:
        mixture = Mixture(args.beta, args.patience)
        teaching = Teaching(functools.partial(make_policy, args.policy), mixture, args.policy)
        settings = replace(settings, policy=student_name(args.student), notes={**settings.notes, **teaching.notes()})
    with TaskBars(args.episodes) as bars:
        return collect(
            folder,
            settings,
            world_factory=functools.partial(World, robot=args.robot, control=args.control, starts=args.starts),
            policy_factory=functools.partial(make_policy, args.student or args.policy),
            workers=worker_count(args.workers),
            slots=SLOTS if args.student else 1,
            teacher_factory=teaching,
            info={
                "robot": args.robot,
                "control": args.control,
                "control_hz": RobotSpec().control_hz,
                "action": CONTROL_MODES[args.control].action_meaning,
                "action_entries": list(entries),
            },
            notes=pictures(),
            on_progress=bars.update,
        )


def collect_settings(tasks: list[str], args: Args) -> CollectSettings:
    """What is collected, without a student. Raises ValueError for unknown families and shares outside [0, 1]."""
    for name, _ in args.noise_of:
        if name not in TASKS:
            raise nearest("task", name, list(TASKS))
    share = (0.0 if args.student else 0.12) if args.noise is None else args.noise
    noise = ActionNoise(share, args.persistent, args.gripper_noise, dict(args.noise_of))
    notes = {"starts": args.starts} if args.starts else {}
    return CollectSettings(tuple(tasks), args.episodes, args.policy, args.seed, noise, notes)


def student_name(student: str) -> str:
    """What the notes call a student: by its weights, so that two students never share a folder."""
    return f"student:{getattr(make_policy(student), 'fingerprint', '') or student}"


class TaskBars:
    """A progress bar per task: episodes, rate, remaining time, failures and errors."""

    def __init__(self, episodes: int) -> None:
        """Bars of `episodes` each."""
        columns = (
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[lost]}"),
        )
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._episodes = episodes
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        """Show the bars."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave them as they are."""
        self._progress.stop()

    def update(self, tally: TaskTally) -> None:
        """Show what `tally` says."""
        if tally.task not in self._bars:
            # The bar starts where an earlier run stopped; its rate counts what this run does.
            total = self._episodes
            self._bars[tally.task] = self._progress.add_task(
                tally.task, total=total, completed=tally.there_before, rate="", lost=""
            )
        bar = self._bars[tally.task]
        elapsed = self._progress.tasks[self._progress.task_ids.index(bar)].elapsed or 0.0
        new = tally.stored - tally.there_before
        rate = f"{new / elapsed:.1f}/s" if elapsed > 0 and new else ""
        lost = [f"{tally.failures.total()} failed"] if tally.failures else []
        lost += [f"[red]{len(tally.errors)} errors[/]"] if tally.errors else []
        self._progress.update(bar, completed=tally.stored, rate=rate, lost=", ".join(lost))


def summary_table(collection: Collection) -> Table:
    """What was collected, per task."""
    rate = collection.to_dict()
    caption = f"{collection.ran} episodes stored in {collection.wall_s:.1f} s"
    table = Table(caption=f"{caption}: {rate['episodes_per_s']} episodes/s, {rate['steps_per_s']} steps/s")
    for name in ("task", "stored", "new", "attempts", "errors", "failed"):
        table.add_column(name, justify="left" if name in ("task", "failed") else "right")
    for tally in collection.tallies:
        stored = f"{tally.stored}" if tally.complete else f"[red]{tally.stored} of {tally.wanted}[/]"
        new = tally.stored - tally.there_before
        failed = ", ".join(f"{count} {reason}" for reason, count in tally.failures.most_common(2)) or "0"
        table.add_row(tally.task, stored, str(new), str(tally.attempts), str(len(tally.errors)), failed)
    return table

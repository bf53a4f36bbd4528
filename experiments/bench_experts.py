"""How often the scripted experts succeed: per task, under random action noise, and along the axes that move things.

An expert sees neither pixels nor words, so that visual and language axes would only repeat the undisturbed rows. No
pixels are drawn, so that an episode takes some 50 ms. Verb `experts` of `vla bench`.
"""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from envs.control.convert import converted
from envs.tasks.base import TASKS
from envs.variations import AXES
from envs.world import World
from vla.contract import ACTION_DIM, EpisodeRequest, Perturbation
from vla.provenance import commit, machine
from vla.seeding import stream
from vla.stats import wilson

MOVING = ("geometry", "robot")  # families of axes that change what an expert does


@dataclass(frozen=True)
class Args:
    """Options of `vla bench experts`."""

    tasks: tuple[str, ...] = ()
    """Only these tasks; default all."""
    episodes: int = 200
    """Episodes per task, undisturbed and with noise."""
    noise: float = 0.0
    """Share of actions that are replaced by random ones in a second measurement (0.12 is usual); 0 leaves it out."""
    axis_episodes: int = 0
    """Episodes per task, level and axis that moves objects or robot; 0 leaves the axes out."""
    seed: int = 0
    """Suite seed (split `eval`)."""
    robot: str = "panda"
    """Registered robot."""
    control: str = "pd_ee_delta_pose"
    """Registered control mode."""
    workers: int = 1
    """Processes; each measures one task at a time."""
    out: Path | None = None
    """Write the tables to this Markdown file."""
    json: bool = False
    """Print one JSON object as the last line."""


@dataclass(frozen=True)
class Cell:
    """The expert of one task under one condition. Lengths are control steps of successful episodes."""

    task: str
    axis: str
    level: int
    noise: float
    successes: int
    episodes: int
    median: float
    longest: int
    reasons: dict[str, int]

    @property
    def line(self) -> str:
        """One row of a Markdown table."""
        low, high = wilson(self.successes, self.episodes)
        rate = f"{self.successes}/{self.episodes} | {self.successes / self.episodes:.1%} [{low:.1%}, {high:.1%}]"
        failures = ", ".join(f"{reason} {count}" for reason, count in self.reasons.items()) or "-"
        condition = f"{self.axis} {self.level}" if self.axis else f"{self.noise:.0%} noise" if self.noise else "-"
        return f"| {self.task} | {condition} | {rate} | {self.median:g} | {self.longest} | {failures} |"

    @property
    def brief(self) -> dict[str, Any]:
        """Rate, counts, Wilson interval and median length."""
        low, high = wilson(self.successes, self.episodes)
        rate = {"success": self.successes / self.episodes, "interval": [round(low, 4), round(high, 4)]}
        return {**rate, "successes": self.successes, "episodes": self.episodes, "median_steps": self.median}


HEADER = (
    "| task | condition | successes | rate [Wilson 95 %] | median steps | longest | failures |\n"
    "|---|---|---|---|---|---|---|"
)


def play(world: World, request: EpisodeRequest, noise: float) -> tuple[int, str]:
    """One episode of the expert; each action is replaced by a random one with probability `noise`.

    Returns its length in control steps and `success` or the failure reason.
    """
    world.reset(request)
    expert = TASKS[request.task]().expert(world.spec)
    rng = stream(request, "dynamics", "expert noise")
    while True:
        state = world.state()
        action = expert.act(state)
        if noise and rng.uniform() < noise:
            action = rng.uniform(-1.0, 1.0, ACTION_DIM).astype(np.float32)
        result = world.step(converted(action, state.spec, state.joints, state.commanded))
        if result.done:
            return world.steps, result.reason


@dataclass(frozen=True)
class Job:
    """One measurement: a task under one condition, with one robot."""

    task: str
    episodes: int
    seed: int = 0
    noise: float = 0.0
    axis: str = ""
    level: int = 0
    robot: str = "panda"
    control: str = "pd_ee_delta_pose"


def measure(job: Job) -> Cell:
    """The expert of a task in episodes of the split `eval`."""
    world = World(robot=job.robot, control=job.control)
    perturbations = (Perturbation(job.axis, job.level),) if job.axis else ()
    requests = [EpisodeRequest(job.task, i, job.seed, "eval", perturbations) for i in range(job.episodes)]
    played = [play(world, request, job.noise) for request in requests]
    world.close()
    lengths = [steps for steps, reason in played if reason == "success"] or [0]
    reasons = Counter(reason for _, reason in played)
    successes = reasons.pop("success", 0)
    median, longest = statistics.median(lengths), max(lengths)
    return Cell(
        job.task, job.axis, job.level, job.noise, successes, job.episodes, median, longest, dict(reasons.most_common())
    )


def jobs(args: Args) -> Iterator[Job]:
    """Every measurement that `args` ask for."""
    plain = Job("", args.episodes, args.seed, robot=args.robot, control=args.control)
    tasks = args.tasks or tuple(TASKS)
    for noise in (0.0, args.noise) if args.noise else (0.0,):
        for task in tasks:
            yield replace(plain, task=task, noise=noise)
    if args.axis_episodes:
        for axis in (name for name in AXES if AXES[name].family in MOVING):
            for level in range(1, len(AXES[axis].levels) + 1):
                for task in tasks:
                    yield replace(plain, task=task, episodes=args.axis_episodes, axis=axis, level=level)


def cells(args: Args) -> Iterator[Cell]:
    """The measurements, in their order, each as soon as it and those before it are done."""
    if args.workers <= 1:
        yield from map(measure, jobs(args))
        return
    with ProcessPoolExecutor(args.workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(measure, jobs(args))


def summary(done: Sequence[Cell], args: Args) -> dict[str, Any]:
    """What `--json` prints: undisturbed success of each family and their mean, then every measurement."""
    plain = [cell for cell in done if not cell.axis and not cell.noise]
    families = {cell.task: cell.brief for cell in plain}
    mean = statistics.fmean(cell.successes / cell.episodes for cell in plain)
    return {"robot": args.robot, "mean": mean, "families": families, "cells": [asdict(cell) for cell in done]}


def report(done: Sequence[Cell], args: Args) -> str:
    """The Markdown file: where the numbers come from, then the table."""
    only = " ".join(("--tasks", *args.tasks, "")) if args.tasks else ""
    command = (
        f"vla bench experts {only}--episodes {args.episodes} --noise {args.noise} "
        f"--axis-episodes {args.axis_episodes} --seed {args.seed} --robot {args.robot} --control {args.control}"
    )
    about = (
        f"- date: {datetime.now(timezone.utc):%Y-%m-%d}\n- machine: {machine()}\n- commit: {commit()}\n"
        f"- command: `{command}`\n- seeds: split `eval`, seed {args.seed}, episodes 0 to n - 1 of each task\n"
    )
    rows = "\n".join(cell.line for cell in done)
    mean = f"mean over the families, undisturbed: {summary(done, args)['mean']:.2%}"
    return f"# Success of the scripted experts\n\n{about}\n{HEADER}\n{rows}\n\n{mean}\n"


def main(args: Args) -> int:
    """Measure, print a row as each condition is done, and write `args.out`. Returns the exit code."""
    for task in args.tasks:
        TASKS[task]  # an unknown name fails before anything is measured
    commit()  # remembered from here on: the sources may change while this runs
    print(HEADER)
    done: list[Cell] = []
    for cell in cells(args):
        print(cell.line, flush=True)
        done.append(cell)
    found = summary(done, args)
    print(f"mean over {len(found['families'])} families: {found['mean']:.2%} ({args.robot})")
    if args.out is not None:
        args.out.write_text(report(done, args), encoding="utf-8")
    if args.json:
        print(json.dumps(found))
    return 0

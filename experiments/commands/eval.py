"""Evaluate a policy on a suite: axes x levels x episodes, with Wilson intervals; resumes what was interrupted.

Results go to RUN/eval/POLICY/results.jsonl, one durable line an episode. The same command goes on where a killed one
stopped. `--shard 2/4` runs the second of four parts, into RUN/shards/2-of-4; `vla eval merge RUN` puts the parts
together. `--task`, `--axis`, `--level` narrow a suite, or compose another one from all that is registered.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro
from rich.console import Console

from envs.world import World
from experiments.composing import compose
from experiments.identity import identity
from experiments.suites import get_suite
from experiments.workers import worker_count
from policies.bodies import check_body
from policies.registry import make_policy, split_execution
from vla.evaluation import RUNS, Evaluation, Subject, evaluate
from vla.execution import Execution
from vla.suites import Suite
from vla.tables import evaluation_tables

SHARDS = "shards"  # folder of a run that holds its parts
DEFAULT_BODY = ("panda", "pd_ee_delta_pose")


@dataclass(frozen=True)
class Args:
    """Options of `vla eval`."""

    policy: str
    """A registered policy (expert, random, blind, deaf, replay:FOLDER, blind:CHECKPOINT, ...), a published one or a
    checkpoint."""
    execution: str = ""
    """How a checkpoint's chunks become actions, instead of what is stored with it: receding:STEPS, ensemble:DECAY or
    realtime:STEPS:DELAY (docs/learning.md)."""
    suite: str = "demo"
    """Named suite (experiments/suites.py), or the evaluation.json of an earlier evaluation."""
    task: tuple[str, ...] = ()
    """Only these task families; the suite need not have them."""
    axis: tuple[str, ...] = ()
    """Only these axes and controls; the suite need not have them. `a+b` turns two on at once, `random_3` three that are
    drawn for each episode; `none` is the in-distribution cell alone."""
    level: tuple[int, ...] = ()
    """Levels of the axes instead of the suite's own, 1 to 5."""
    episodes: int | None = None
    """Episodes a cell instead of the suite's own number."""
    robot: str = "panda"
    """Registered robot."""
    control: str = "pd_ee_delta_pose"
    """Registered control mode."""
    seed: int | None = None
    """Suite seed instead of the suite's own."""
    shard: Annotated[str, tyro.conf.arg(metavar="I/N")] = ""
    """Run part I of N; all parts together are the suite."""
    renderer: str = "raster"
    """raster, tiny or egl: who draws what the policy sees."""
    workers: Annotated[int | Literal["auto"], tyro.conf.arg(metavar="K|auto")] = "auto"
    """Worker processes; `auto` is what `vla bench scale` found best, else one a core; 0 is this process. Results do not
    depend on it."""
    slots: int = 4
    """Episodes that a worker keeps running at a time, for batched policies. Results do not depend on it."""
    out: Path | None = None
    """Run folder; default runs/SUITE."""
    name: str = ""
    """Name of the policy in tables and its folder; default made from --policy."""
    keep: int | None = None
    """Store poses of the first KEEP episodes of each cell for videos; default all, 0 none."""
    retry_errors: bool = False
    """Run episodes again that ended in an error."""
    overwrite: bool = False
    """Delete earlier results in the folder instead of resuming."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Run, print the tables; 1 if an episode ended in an error."""
    evaluation = run(args)
    console = Console()
    console.print(evaluation_tables(evaluation))
    ran = f"{evaluation.ran} episodes in {evaluation.wall_s:.1f} s"
    there = len(evaluation.records) - evaluation.ran
    console.print(
        f"{ran}{f', {there} were there already' if there else ''}. Results: {evaluation.folder}", soft_wrap=True
    )
    if args.json:
        print(json.dumps(evaluation.to_dict()))
    return 1 if evaluation.summary.errors else 0


def run(args: Args) -> Evaluation:
    """The evaluation that the options ask for."""
    suite = chosen_suite(args)
    number, of = shard = chosen_shard(args.shard)
    World(args.renderer, robot=args.robot, control=args.control).close()  # a bad name is told now
    policy = executed(args.policy, args.execution)
    subject = chosen_subject(policy, args.name, (args.robot, args.control))
    folder = args.out or Path("runs") / suite.name
    if of > 1:
        folder = folder / SHARDS / f"{number}-of-{of}"
    return evaluate(
        suite,
        subject,
        folder / RUNS / subject.name,
        shard=shard,
        identity=identity(suite, args.renderer, policy),
        world_factory=functools.partial(World, args.renderer, robot=args.robot, control=args.control),
        workers=worker_count(args.workers),
        slots_per_worker=args.slots,
        keep=None if args.keep == 0 else suite.first(args.keep).__contains__,
        retry_errors=args.retry_errors,
        overwrite=args.overwrite,
    )


def executed(policy: str, execution: str) -> str:
    """The name of a policy whose chunks are executed as `--execution` says. Raises ValueError for nonsense."""
    if not execution:
        return policy
    Execution.parse(execution)
    return f"{policy}@{execution}"


def chosen_suite(args: Args) -> Suite:
    """The named suite, narrowed or composed as asked. Raises ValueError for unknown names and levels."""
    return compose(get_suite(args.suite), args.task, args.axis, args.level, args.episodes, args.seed)


def chosen_shard(text: str) -> tuple[int, int]:
    """`2/4` as (2, 4); nothing as (1, 1). Raises ValueError for anything else."""
    if not text:
        return 1, 1
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"expected --shard I/N with I from 1 to N, for example 2/4; got {text!r}")
    return int(match[1]), int(match[2])


def chosen_subject(policy: str, name: str = "", body: tuple[str, str] = DEFAULT_BODY) -> Subject:
    """The policy with a name for its folder and the hash of its weights.

    The name says the robot and the control mode (`body`) where they are not the default: their results are others.
    Raises ValueError for a name that is neither registered nor a checkpoint, and for actions of another control mode;
    warns of a robot that the policy was not trained on.
    """
    label = name or re.sub(r"[^A-Za-z0-9_.-]+", "-", policy.removeprefix("runs/")).strip("-")
    label = "-".join((label, *(name for name, default in zip(body, DEFAULT_BODY, strict=True) if name != default)))
    made = make_policy(policy)
    check_body(made, *body)
    weights = getattr(made, "fingerprint", "")
    execution = policy.rpartition("@")[2] if split_execution(policy)[1] else ""
    weights = f"{weights}@{execution}" if execution else weights  # results of two executions are not to be mixed
    return Subject(label, functools.partial(make_policy, policy), policy, weights)

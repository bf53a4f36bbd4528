"""Throughput against the number of worker processes, and the number that is best on this machine.

Demonstrations are what is produced: the scripted expert in the worker, nothing drawn, as `vla collect` does. The counts
take turns, so that their ratios hold on a busy machine; a worker's start is not counted.
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from envs.world import World
from experiments.workers import remember
from policies.registry import make_policy
from vla.contract import EpisodeRequest
from vla.pool import run_episodes
from vla.provenance import machine, now, usable_cores, versions

TASK = "PlaceInto"
GOOD_ENOUGH = 0.97  # of the highest throughput: fewer workers need less memory


@dataclass(frozen=True)
class Args:
    """Options of `vla bench scale`."""

    workers: tuple[int, ...] = ()
    """Numbers of workers to try; default 1, 2, 4, ... and the number of usable cores."""
    seconds: float = 4.0
    """Time that each number is measured for in a round."""
    rounds: int = 3
    """How often each number has its turn."""
    keep: bool = True
    """Remember the best number for `--workers auto`."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Measure, print a row per number of workers and, if asked, the JSON line."""
    answer = measure(args)
    print(f"Steps per second of the expert of {TASK} (no pictures) against worker processes; {answer['machine']}")
    for count, speed in answer["steps_per_s"].items():
        print(f"  {count:>4} workers {speed:10.0f} steps/s   {answer['speedup'][count]:.2f} x the first")
    print(f"Best: {answer['best']}. Load average before: {answer['load'][0]:.2f}, after: {answer['load'][1]:.2f}")
    if args.keep:
        file = remember(answer["best"], steps_per_s=answer["steps_per_s"], load=answer["load"], date=now())
        print(f"Remembered for --workers auto in {file}")
    if args.json:
        print(json.dumps(answer))
    return 0


def measure(args: Args) -> dict[str, Any]:
    """Throughput by number of workers (as strings), ratios to the first (medians over rounds), and the best number."""
    counts = args.workers or worker_counts(usable_cores())
    if min(counts) < 1 or args.rounds < 1:
        raise ValueError(f"expected numbers of workers and rounds of at least 1, got {counts} and {args.rounds}")
    load = os.getloadavg()[0]
    speeds: dict[int, list[float]] = {count: [] for count in counts}
    for _ in range(args.rounds):
        for count in counts:
            speeds[count].append(throughput(count, args.seconds))
    typical = {count: statistics.median(found) for count, found in speeds.items()}
    first = speeds[counts[0]]
    ratios = {
        count: statistics.median(a / b for a, b in zip(found, first, strict=True)) for count, found in speeds.items()
    }
    best = min(count for count in counts if typical[count] >= GOOD_ENOUGH * max(typical.values()))
    return {
        "steps_per_s": {str(count): round(speed, 1) for count, speed in typical.items()},
        "speedup": {str(count): round(ratio, 3) for count, ratio in ratios.items()},
        "best": best,
        "task": TASK,
        "rounds": args.rounds,
        "seconds": args.seconds,
        "load": [load, os.getloadavg()[0]],
        "machine": machine(),
        "versions": versions(),
    }


def worker_counts(cores: int) -> tuple[int, ...]:
    """1, 2, 4, ... and the number of cores."""
    doubled = itertools.takewhile(lambda count: count < cores, (2**power for power in itertools.count()))
    return (*doubled, cores)


def throughput(workers: int, seconds: float) -> float:
    """Control steps per second of `workers` processes, once each of them has finished two episodes."""
    episodes = run_episodes(
        _requests(), world_factory=World, policy_factory=functools.partial(make_policy, "expert"), workers=workers
    )
    for _ in range(2 * workers):
        next(episodes)
    start, steps = time.perf_counter(), 0
    while (passed := time.perf_counter() - start) < seconds:
        result, _ = next(episodes)
        steps += result.steps
    episodes.close()
    return steps / passed


def _requests() -> Iterator[EpisodeRequest]:
    return (EpisodeRequest(TASK, index) for index in itertools.count())

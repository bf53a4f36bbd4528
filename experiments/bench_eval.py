"""Speed of an evaluation: episodes per second of a suite with a network, and against TinyRenderer on the same episodes.

The network has the published size and, unless a checkpoint is given, random weights: it costs as much as a trained one,
and as it fails, its episodes are as long as they can be. All renderers run the same sample of the suite's episodes,
evenly spread over its cells, each with its own workers; a worker's start is not counted. TinyRenderer draws the robot's
meshes as they are, as peers do, and once more our simplified ones ("lod").
"""

from __future__ import annotations

import functools
import itertools
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from envs.world import World
from experiments.suites import get_suite
from experiments.workers import worker_count
from policies.registry import make_policy
from vla.contract import EpisodeRequest
from vla.pool import run_episodes
from vla.provenance import machine, versions

WORLDS: Mapping[str, Callable[..., World]] = {
    "raster": World,
    "tiny": functools.partial(World, "tiny", level_of_detail=False),
    "tiny_lod": functools.partial(World, "tiny"),
}


@dataclass(frozen=True)
class Args:
    """Options of `vla bench eval`."""

    suite: str = "standard"
    """Suite that the sample is of."""
    policy: str = ""
    """A checkpoint or a registered policy; default a compact network with random weights."""
    episodes: int = 200
    """Episodes of the sample."""
    tiny: int = 24
    """Episodes of it that TinyRenderer runs too; 0 for none."""
    workers: Annotated[int | Literal["auto"], tyro.conf.arg(metavar="K|auto")] = "auto"
    """Worker processes."""
    slots: int = 8
    """Episodes that a worker keeps running."""
    json: bool = False
    """Print one JSON object as the last line."""


@dataclass(frozen=True)
class Speed:
    """What one renderer reached: seconds, episodes and control steps, without the workers' start."""

    wall_s: float
    episodes: int
    steps: int

    @property
    def steps_per_s(self) -> float:
        """Control steps of all workers per second."""
        return self.steps / self.wall_s


def main(args: Args) -> int:
    """Measure, print and, if asked, the JSON line."""
    answer = measure(args)
    print(f"{answer['policy']} on {args.suite} ({answer['suite_episodes']} episodes); {answer['machine']}")
    print(
        f"  raster {answer['episodes_per_s']:.2f} episodes/s, {answer['steps_per_s']:.0f} steps/s: "
        f"the suite in {answer['suite_minutes']:.0f} min with {answer['workers']} workers"
    )
    if args.tiny:
        print(f"  tiny     {answer['tiny_steps_per_s']:.0f} steps/s: {answer['ratio_to_tiny']:.1f} x slower")
        print(f"  tiny lod {answer['tiny_lod_steps_per_s']:.0f} steps/s: {answer['ratio_to_tiny_lod']:.1f} x slower")
    print(f"  memory {answer['peak_mb']:.0f} MB here, {answer['worker_peak_mb']:.0f} MB the largest worker")
    print(f"  load average {answer['load'][0]:.2f} before, {answer['load'][1]:.2f} after")
    if args.json:
        print(json.dumps(answer))
    return 0


def measure(args: Args) -> dict[str, Any]:
    """Speeds, ratio and memory. Raises ValueError for unknown names or an empty sample."""
    if args.episodes < 1 or not 0 <= args.tiny <= args.episodes:
        raise ValueError(f"expected episodes >= 1 and 0 <= tiny <= episodes, got {args.episodes} and {args.tiny}")
    load, workers, suite = os.getloadavg()[0], worker_count(args.workers), get_suite(args.suite)
    requests = spread(suite.requests(), args.episodes)
    few = spread(requests, args.tiny) if args.tiny else []
    with tempfile.TemporaryDirectory() as folder:
        run = functools.partial(speed, policy=args.policy or network(Path(folder)), workers=workers, slots=args.slots)
        raster = run(requests, World)
        memory = [resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        few_steps_per_s = {name: run(few, world).steps_per_s for name, world in WORLDS.items() if few}
    per_s = raster.episodes / raster.wall_s
    return {
        "policy": args.policy or "compact, random weights",
        "suite": suite.name,
        "suite_hash": suite.hash,
        "suite_episodes": len(suite.requests()),
        "episodes": len(requests),
        "episodes_per_s": per_s,
        "steps_per_s": raster.steps_per_s,
        "suite_minutes": len(suite.requests()) / per_s / 60,
        "tiny_episodes": len(few),
        **{f"{name}_steps_per_s": steps for name, steps in few_steps_per_s.items() if name != "raster"},
        **{
            f"ratio_to_{name}": few_steps_per_s["raster"] / steps
            for name, steps in few_steps_per_s.items()
            if name != "raster"
        },
        "workers": workers,
        "peak_mb": memory[0],
        "worker_peak_mb": memory[1],
        "load": [load, os.getloadavg()[0]],
        "machine": machine(),
        "versions": versions(),
    }


def spread(requests: Sequence[EpisodeRequest], count: int) -> list[EpisodeRequest]:
    """`count` of the requests, evenly spread."""
    count = min(count, len(requests))
    return [requests[number * len(requests) // count] for number in range(count)]


def speed(
    requests: Sequence[EpisodeRequest], world: Callable[..., World], *, policy: str, workers: int, slots: int
) -> Speed:
    """Run the episodes; the clock starts when every worker has finished one more that does not count."""
    episodes = run_episodes(
        itertools.chain(requests[: 2 * workers], requests),
        world_factory=world,
        policy_factory=functools.partial(make_policy, policy),
        workers=workers,
        slots_per_worker=slots,
    )
    for _ in range(2 * workers):
        next(episodes)
    start = time.perf_counter()
    steps = [result.steps for result, _ in episodes]
    return Speed(time.perf_counter() - start, len(steps), sum(steps))


def network(folder: Path) -> str:
    """A checkpoint of the smallest size with random weights; its path."""
    from experiments.presets import ModelSize
    from experiments.untrained import untrained

    return str(untrained(folder, ModelSize(head="l1")))

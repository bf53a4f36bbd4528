"""Random actions in every family with every robot for a long time: no exception, no NaN, nothing lost, memory flat.

Families take turns episode by episode, and every step makes an observation with (small) pictures. What falls off the
table has to be noticed as fallen and has to end on the floor.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from envs.gym_env import VLAEnv
from envs.robots import ROBOTS
from envs.state import WorldState
from envs.tasks.base import FALLEN, TASKS, fallen
from vla.contract import ACTION_DIM, EpisodeRequest
from vla.provenance import machine, versions

SUNK_M = 0.1  # metres below the floor: lost
TOLD = 10_000  # steps between two lines on stderr


@dataclass(frozen=True)
class Args:
    """Options of `vla bench soak`."""

    steps: int = 200_000
    """Control steps, over all families."""
    tasks: tuple[str, ...] = ()
    """Only these families; default all."""
    robots: tuple[str, ...] = ()
    """Only these robots; default all, taking turns."""
    seed: int = 0
    """Suite seed: another one gives other episodes, for a second process."""
    longest: int | None = None
    """Steps after which an episode is given up; default its own limit."""
    size: int = 32
    """Side of both cameras' pictures, pixels."""
    json: bool = False
    """Print one JSON object as the last line."""


@dataclass
class Found:
    """What went wrong, and what was seen."""

    steps: int = 0
    episodes: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)  # success, failure, error
    errors: list[dict[str, str]] = field(default_factory=list)
    not_finite: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)  # below the floor
    unnoticed: list[str] = field(default_factory=list)  # off the table, but not reported
    fallen: int = 0  # episodes in which something fell off the table
    memory_mb: list[float] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.errors or self.not_finite or self.lost or self.unnoticed)


def main(args: Args) -> int:
    """Run, print what was found and, if asked, the JSON line; 1 if anything went wrong."""
    answer = measure(args)
    print(f"{answer['steps']:,} random steps, {sum(answer['episodes'].values()):,} episodes, {answer['machine']}")
    for key in ("errors", "not_finite", "lost", "unnoticed"):
        print(f"  {key.replace('_', ' '):<12} {len(answer[key])}")
    print(f"  something fell off the table in {answer['fallen']} episodes")
    print(f"  memory {answer['memory_mb'][0]:.0f} MB at first, then {answer['memory_mb'][1:]}")
    for error in answer["errors"][:3]:
        print(f"{error['episode']}:\n{error['traceback']}")
    if args.json:
        print(json.dumps(answer))
    return 0 if answer["good"] else 1


def measure(args: Args) -> dict[str, Any]:
    """Everything that was found, JSON-ready. `memory_mb` is resident memory at ten moments, the first after a round."""
    load, start = os.getloadavg()[0], time.perf_counter()
    versions()  # remembered from here on: the sources may change while this runs
    tasks, robots = args.tasks or tuple(TASKS), args.robots or tuple(ROBOTS)
    envs = {robot: VLAEnv(tasks[0], robot=robot, image_size=args.size) for robot in robots}
    found = Found()
    turns = _turns(tasks, robots, args.seed)
    marks = [args.steps * tenth // 10 for tenth in range(1, 11)]
    for number, (robot, request) in enumerate(turns):
        _episode(envs[robot], request, robot, found, args)
        if number == len(tasks) * len(robots) or (number > len(tasks) * len(robots) and found.steps >= marks[0]):
            found.memory_mb.append(resident_mb())
        while marks and found.steps >= marks[0]:
            marks.pop(0)
        if found.steps >= args.steps:
            break
    found.memory_mb.append(resident_mb())
    for env in envs.values():
        env.close()
    wall_s = time.perf_counter() - start
    return {
        "good": found.good,
        **{name: value for name, value in vars(found).items() if name not in ("episodes", "ends")},
        "episodes": dict(found.episodes),
        "ends": dict(found.ends),
        "robots": list(robots),
        "seed": args.seed,
        "wall_s": round(wall_s, 1),
        "steps_per_s": round(found.steps / wall_s, 1),
        "load": [load, os.getloadavg()[0]],
        "machine": machine(),
        "versions": versions(),
    }


def _turns(tasks: tuple[str, ...], robots: tuple[str, ...], seed: int) -> Iterator[tuple[str, EpisodeRequest]]:
    for index in itertools.count():
        for robot, task in itertools.product(robots, tasks):
            yield robot, EpisodeRequest(task, index, seed)


def _episode(env: VLAEnv, request: EpisodeRequest, robot: str, found: Found, args: Args) -> None:
    """One episode of random actions, ended early when enough steps have been done."""
    name = f"{robot} {request.key}"
    found.episodes[request.task] += 1
    try:
        rng = np.random.default_rng(request.index)
        observation, info = env.reset(options={"request": request})
        over = False
        while not over and found.steps < args.steps and env.world.steps < (args.longest or np.inf):
            action = rng.uniform(-1.0, 1.0, ACTION_DIM).astype(np.float32)
            observation, _, terminated, truncated, info = env.step(action)
            over = terminated or truncated
            found.steps += 1
            if found.steps % TOLD == 0:
                print(f"{found.steps:,} steps, {resident_mb():.0f} MB", file=sys.stderr, flush=True)
            if not (np.isfinite(observation["agent_pos"]).all() and np.isfinite(env.world.poses()).all()):
                found.not_finite.append(f"{name} step {env.world.steps}")
                return
        found.ends["success" if info["is_success"] else "failure"] += 1
        _look_for_the_fallen(env.world.state(), name, found)
    except Exception:  # noqa: BLE001 - what is looked for
        found.ends["error"] += 1
        found.errors.append({"episode": name, "traceback": traceback.format_exc()})


def _look_for_the_fallen(state: WorldState, name: str, found: Found) -> None:
    low = {thing: float(body.position[2]) for thing, body in state.objects.items()}
    floor = state.spec.background.floor_height
    found.lost += [f"{name}: {thing} at {z:.2f} m" for thing, z in low.items() if not z > floor - SUNK_M]
    down = [thing for thing, z in low.items() if z < FALLEN]
    found.fallen += bool(down)
    if down and not fallen(state):
        found.unnoticed.append(f"{name}: {down}")


def resident_mb() -> float:
    """Memory of this process that is in RAM, megabytes; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return round(int(line.split()[1]) / 1024, 1)

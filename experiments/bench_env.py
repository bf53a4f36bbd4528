"""Control steps per second of one core with two cameras, beside the same loop without cameras and with TinyRenderer.

The environments take turns in short blocks on one core and get the same actions, so that their ratios hold on a
busy machine. CPU time of this process is what counts; medians are of blocks. Resets are measured apart.
TinyRenderer draws the meshes of the robot's files as they are, which is what whoever loads them with PyBullet gets, and
once more our simplified ones ("lod").
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from envs.frames import EpisodeRenderer
from envs.gym_env import Observation, VLAEnv
from envs.scene import SceneSpec
from envs.scenes import make_scene
from vla.contract import ACTION_DIM, EpisodeRequest, Perturbation
from vla.processes import THREAD_VARIABLES
from vla.provenance import machine, versions

TASK, OBJECTS = "PlaceInto", 6
BLOCK = {"raster": 10, "physics": 10, "tiny": 1, "tiny_lod": 1}  # steps of a turn
WORKERS_STARTED = 3  # the fastest start counts, and the largest memory
TARGETS = {"fraction_of_physics": 0.6, "steps_per_s": 200.0, "ratio_to_tiny": 20.0}
LIMITS = {"reset_ms": 20.0, "worker_mb": 250.0, "worker_start_s": 2.0}


@dataclass(frozen=True)
class Args:
    """Options of `vla bench env`."""

    seconds: float = 30.0
    """Time spent on the three loops together."""
    size: int = 224
    """Side of both cameras' pictures, pixels."""
    core: int | None = None
    """Core to run on; default the last one this process may use."""
    json: bool = False
    """Print one JSON object as the last line."""


class Blind(VLAEnv):
    """The same environment, whose observation has no pictures: the physics ceiling."""

    def _observation(self) -> Observation:
        seen = self.world.observe(frozenset({"agent_pos", "instruction"}))
        return {"agent_pos": seen["agent_pos"], "instruction": seen["instruction"]}


class PlainTiny(Blind):
    """The same environment with PyBullet's TinyRenderer and the meshes of the robot's files."""

    _renderer: EpisodeRenderer | None = None
    _shown: SceneSpec | None = None

    def _observation(self) -> Observation:
        if self._shown is not self.world.spec or self._renderer is None:
            self._forget()
            self._shown = self.world.spec
            self._renderer = EpisodeRenderer(self._shown, "tiny", self._size, level_of_detail=False)
        frames = self._renderer.frames(self.world.poses(), step=self.world.steps)
        return {"pixels": {name: frame.rgb for name, frame in frames.items()}, **super()._observation()}

    def close(self) -> None:
        """Free simulation and renderers."""
        self._forget()
        super().close()

    def _forget(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
        self._renderer = None


@dataclass
class Loop:
    """One environment with random actions; episodes follow one another, and all loops see the same ones."""

    env: VLAEnv
    block: int
    step_s: list[float] = field(default_factory=list)  # CPU seconds a step, one number a block
    reset_s: list[float] = field(default_factory=list)
    _left: int = 0
    _episode: int = 0

    def turn(self) -> None:
        """One block."""
        spent = 0.0
        for _ in range(self.block):
            if self._left == 0:
                self._begin()
            action = self._rng.uniform(-1.0, 1.0, ACTION_DIM).astype(np.float32)
            start = time.process_time()
            _, _, terminated, truncated, _ = self.env.step(action)
            spent += time.process_time() - start
            self._left = 0 if terminated or truncated else self._left - 1
        self.step_s.append(spent / self.block)

    def _begin(self) -> None:
        request = request_of(self._episode)
        start = time.process_time()
        self.env.reset(options={"request": request})
        self.reset_s.append(time.process_time() - start)
        self._rng = np.random.default_rng(self._episode)
        self._episode += 1
        self._left = -1  # until the episode says that it is over


def request_of(index: int) -> EpisodeRequest:
    """Episode `index` of the benchmark: Panda and six objects."""
    for level in itertools.count():
        extra = (Perturbation("distractors", level),) if level else ()
        request = EpisodeRequest(TASK, index, split="eval", perturbations=extra)
        if len(make_scene(request).objects) >= OBJECTS:
            return request
    raise AssertionError


def main(args: Args) -> int:
    """Measure, print what is aimed at beside what was reached and, if asked, the JSON line."""
    answer = measure(args)
    print(f"Two {args.size}x{args.size} cameras, random actions, Panda, {OBJECTS} objects; {answer['machine']}")
    print(f"  steps/s of one core   {answer['steps_per_s']:8.1f}  {_mark(answer, 'steps_per_s')}")
    print(f"  without cameras       {answer['physics_steps_per_s']:8.1f}")
    print(f"  with TinyRenderer     {answer['tiny_steps_per_s']:8.1f}")
    print(f"    with our meshes     {answer['tiny_lod_steps_per_s']:8.1f}")
    print(f"  share of the ceiling  {answer['fraction_of_physics']:8.2f}  {_mark(answer, 'fraction_of_physics')}")
    print(f"  times TinyRenderer    {answer['ratio_to_tiny']:8.1f}  {_mark(answer, 'ratio_to_tiny')}")
    print(f"    with our meshes     {answer['ratio_to_tiny_lod']:8.1f}")
    print(f"  reset, ms             {answer['reset_ms']:8.1f}  {_mark(answer, 'reset_ms')}")
    print(f"  worker, MB            {answer['worker_mb']:8.1f}  {_mark(answer, 'worker_mb')}")
    print(f"  worker start, s       {answer['worker_start_s']:8.2f}  {_mark(answer, 'worker_start_s')}")
    print(f"Load average before and after: {answer['load'][0]:.2f}, {answer['load'][1]:.2f}")
    if args.json:
        print(json.dumps(answer))
    return 0


def _mark(answer: dict[str, Any], key: str) -> str:
    if key in TARGETS:
        return f"at least {TARGETS[key]:g}{'' if answer[key] >= TARGETS[key] else ': missed'}"
    return f"at most {LIMITS[key]:g}{'' if answer[key] <= LIMITS[key] else ': missed'}"


def measure(args: Args) -> dict[str, Any]:
    """Every number of the benchmark; times are CPU time of this process but for the worker's start."""
    load = os.getloadavg()[0]
    workers = [start_worker(args.size) for _ in range(WORKERS_STARTED + 1)][1:]  # the first may have to compile
    with one_core(args.core):
        loops = _run(args)
    raster, physics = loops["raster"], loops["physics"]
    step_s = {name: statistics.median(loop.step_s) for name, loop in loops.items()}
    share = statistics.median(p / r for p, r in zip(physics.step_s, raster.step_s, strict=True))
    return {
        "steps_per_s": round(1 / step_s["raster"], 1),
        "physics_steps_per_s": round(1 / step_s["physics"], 1),
        "tiny_steps_per_s": round(1 / step_s["tiny"], 2),
        "fraction_of_physics": round(share, 3),
        "tiny_lod_steps_per_s": round(1 / step_s["tiny_lod"], 2),
        "ratio_to_tiny": round(step_s["tiny"] / step_s["raster"], 1),
        "ratio_to_tiny_lod": round(step_s["tiny_lod"] / step_s["raster"], 1),
        "step_ms": {name: round(1e3 * seconds, 3) for name, seconds in step_s.items()},
        "best_step_ms": {name: round(1e3 * min(loop.step_s), 3) for name, loop in loops.items()},
        "cameras_ms": round(1e3 * (step_s["raster"] - step_s["physics"]), 3),
        "reset_ms": round(1e3 * statistics.median(raster.reset_s), 2),
        "physics_reset_ms": round(1e3 * statistics.median(physics.reset_s), 2),
        "worker_mb": round(max(worker["mb"] for worker in workers), 1),
        "worker_start_s": round(min(worker["start_s"] for worker in workers), 3),
        "worker_imports_torch": any(worker["torch"] for worker in workers),
        "blocks": len(raster.step_s),
        "tiny_steps": len(loops["tiny"].step_s),
        "objects": OBJECTS,
        "image_size": args.size,
        "load": [load, os.getloadavg()[0]],
        "machine": machine(),
        "versions": versions(),
    }


def _run(args: Args) -> dict[str, Loop]:
    loops = {
        "raster": Loop(VLAEnv(TASK, image_size=args.size), BLOCK["raster"]),
        "physics": Loop(Blind(TASK, image_size=args.size), BLOCK["physics"]),
        "tiny": Loop(PlainTiny(TASK, image_size=args.size), BLOCK["tiny"]),
        "tiny_lod": Loop(VLAEnv(TASK, image_size=args.size, renderer="tiny"), BLOCK["tiny_lod"]),
    }
    for loop in loops.values():
        loop.turn()  # loads and compiles
        loop.step_s.clear()
        loop.reset_s.clear()
    end = time.perf_counter() + args.seconds
    while time.perf_counter() < end or not all(loop.reset_s for loop in (loops["raster"], loops["physics"])):
        for loop in loops.values():
            loop.turn()
    for loop in loops.values():
        loop.env.close()
    return loops


@contextmanager
def one_core(core: int | None) -> Iterator[None]:
    """Run on one core (the last usable one by default). Raises ValueError for a core that may not be used."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    usable = os.sched_getaffinity(0)
    if core is not None and core not in usable:
        raise ValueError(f"core {core} may not be used; usable cores: {sorted(usable)}")
    os.sched_setaffinity(0, {max(usable) if core is None else core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, usable)


_WORKER = """
import sys
sys.path[:] = {path!r}
from experiments.bench_env import request_of
from envs.gym_env import VLAEnv
env = VLAEnv({task!r}, image_size={size})
env.reset(options={{"request": request_of(0)}})
print("ready", flush=True)
for index in range(3):
    env.reset(options={{"request": request_of(index)}})
    for _ in range(20):
        env.step(env.action_space.sample())
status = open("/proc/self/status").read() if sys.platform == "linux" else "VmRSS: 0 kB"
print(int(status.split("VmRSS:")[1].split()[0]) / 1024, "torch" in sys.modules)
"""


def start_worker(size: int) -> dict[str, Any]:
    """Start a process with one environment as the pool would.

    Returns:
        `start_s`: wall time from nothing to the first observation; `mb`: resident memory after three episodes (0 where
        the system does not say); `torch`: whether torch was imported.
    """
    code = _WORKER.format(path=[str(Path(__file__).resolve().parents[1]), *sys.path], task=TASK, size=size)
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        start_s = time.perf_counter() - start
        mb, torch = process.stdout.readline().split()
    return {"start_s": start_s, "mb": float(mb), "torch": torch == "True"}

"""Latency of a policy: how long one core takes from an observation to a chunk of actions.

All that the policy does is counted: words to ids, normalisation, the network, what the head does after it. Networks of
the sizes have random weights, which cost as much as trained ones.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True)
class Args:
    """Options of `vla bench policy`."""

    policy: tuple[str, ...] = ()
    """Checkpoints, instead of the sizes with random weights."""
    size: tuple[str, ...] = ("small", "base", "large")
    """Shapes of the network."""
    head: tuple[str, ...] = ()
    """Action heads; default all."""
    chunks: int = 30
    """Chunks measured of each, after three that are not."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Measure, print and, if asked, the JSON line."""
    answer = measure(args)
    print(f"{answer['machine']}; one core; ms a chunk: median (95th percentile), processor time")
    for found in answer["policies"]:
        print(
            f"  {found['name']:<24} {found['chunk_ms']:7.2f} ({found['chunk_ms_p95']:.2f}), {found['cpu_ms']:.2f}; "
            f"{found['chunk']} actions, {found['parameters'] / 1e6:.2f} M parameters"
        )
    print(f"  load average {answer['load'][0]:.2f} before, {answer['load'][1]:.2f} after")
    if args.json:
        print(json.dumps(answer))
    return 0


def measure(args: Args) -> dict[str, Any]:
    """Latencies. Raises ValueError for unknown names, CheckpointError for what is no checkpoint."""
    from experiments.presets import model_size
    from experiments.untrained import untrained
    from vla.models.contract import HEADS
    from vla.provenance import machine, now, versions

    if args.chunks < 1:
        raise ValueError(f"expected chunks >= 1, got {args.chunks}")
    load = os.getloadavg()[0]
    found = [{"name": path, **latency(path, args.chunks)} for path in args.policy]
    if not found:
        heads = args.head or tuple(HEADS)
        sizes = {(name, head): replace(model_size(name), head=head) for name in args.size for head in heads}
        with tempfile.TemporaryDirectory() as folder:
            for (name, head), size in sizes.items():
                path = untrained(Path(folder) / name / head, size)
                found.append({"name": f"{name}, {head}", "size": name, "head": head, **latency(path, args.chunks)})
    return {
        "policies": found,
        "chunk_ms": {policy["name"]: policy["chunk_ms"] for policy in found},
        "load": [load, os.getloadavg()[0]],
        "machine": machine(),
        "versions": versions(),
        "time": now(),
    }


def latency(path: str | Path, chunks: int) -> dict[str, Any]:
    """Milliseconds from one observation to a chunk, of the checkpoint at `path` on one core."""
    from policies.learned import LearnedPolicy

    policy = LearnedPolicy(path, batch_size=1, device="cpu")
    wall, cpu = [], []
    for step in range(chunks + 3):
        seen = [observation(policy, step)]
        start = time.perf_counter(), time.process_time()
        policy.act(seen)
        wall.append((time.perf_counter() - start[0]) * 1e3)
        cpu.append((time.process_time() - start[1]) * 1e3)
    ordered = sorted(wall[3:])
    return {
        "chunk_ms": median(ordered),
        "chunk_ms_p95": ordered[math.ceil(0.95 * len(ordered)) - 1],
        "cpu_ms": median(cpu[3:]),
        "chunk": policy.config.model.chunk,
        "parameters": sum(parameter.numel() for parameter in policy.model.parameters()),
    }


def observation(policy: Any, step: int) -> Any:
    """What a policy sees, as noise; every step another instruction and picture."""
    import numpy as np

    rng, side = np.random.default_rng(step), policy.image_size

    def moment() -> dict[str, Any]:
        shape = (side, side, 3)
        pixels = {camera: rng.integers(0, 256, shape, dtype=np.uint8) for camera in policy.cameras}
        return {"pixels": pixels, "agent_pos": rng.normal(size=8).astype(np.float32)}

    colors = ("red", "green", "blue", "yellow")
    text = f"put the {colors[step % 4]} block in the {colors[step % 3]} bowl, then press the button"
    earlier = tuple(moment() for _ in range(policy.history.frames))
    return {**moment(), "instruction": text, "episode_seed": 0, "step": step, "earlier": earlier}

"""Speed of training: samples per second of each size, and how near that is to what the machine's matrix products reach.

A step is what a training step computes: forward, backward, clipping, AdamW, average of the weights; batches lie in
memory. Right before and after each step a large matrix product is timed on as many threads, so that whoever else is on
the machine slows both: the fraction of peak is the median over the steps.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Args:
    """Options of `vla bench train`."""

    size: tuple[str, ...] = ("small", "base", "large")
    """Shapes of the network."""
    head: str = "flow"
    """Action head."""
    batch_size: int = 64
    """Samples a step."""
    threads: int = 0
    """Threads of torch; 0 for one a usable core."""
    clock: Literal["wall", "cpu"] = "wall"
    """cpu is processor time, for one thread on a machine that others use: what a core of its own would take."""
    precision: str = "bf16"
    """bf16 or no; the peak is measured in the same."""
    compile: str = ""
    """torch.compile mode, as in training: default or reduce-overhead; empty for none."""
    steps: int = 12
    """Steps measured of each size, after two that are not."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Measure, print and, if asked, the JSON line."""
    answer = measure(args)
    how = f"{answer['threads']} threads, {args.clock} clock, batches of {args.batch_size}, precision {args.precision}"
    print(f"{answer['machine']}; {how}")
    for name, found in answer["sizes"].items():
        print(
            f"  {name:<6} {found['parameters'] / 1e6:5.2f} M parameters, {found['gflop_per_sample']:6.3f} GFLOP a "
            f"sample: {found['samples_per_s']:7.1f} samples/s; forward {found['forward_ms']:.1f}, backward "
            f"{found['backward_ms']:.1f}, update {found['update_ms']:.1f} ms; {found['gflop_per_s']:.0f} of "
            f"{found['peak_gflop_per_s']:.0f} GFLOP/s ({found['peak_fraction']:.0%})"
        )
    print(f"  load average {answer['load'][0]:.2f} before, {answer['load'][1]:.2f} after")
    if args.json:
        print(json.dumps(answer))
    return 0


def measure(args: Args) -> dict[str, Any]:
    """Speeds of the sizes. Raises ValueError for unknown names and numbers that mean nothing."""
    from dataclasses import replace

    import torch

    from experiments.presets import model_size
    from experiments.train_speed import step_speed
    from vla.provenance import machine, now, usable_cores, versions

    threads = args.threads or (1 if args.clock == "cpu" else usable_cores())
    if args.clock == "cpu" and threads > 1:
        raise ValueError(f"threads that wait use the processor too: --clock cpu measures one thread, got {threads}")
    if args.steps < 1 or args.batch_size < 1:
        raise ValueError(f"expected steps >= 1 and batch_size >= 1, got {args.steps} and {args.batch_size}")
    sizes = {name: replace(model_size(name), head=args.head) for name in args.size}
    load, before = os.getloadavg()[0], torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = {
            name: step_speed(
                size,
                args.batch_size,
                args.steps,
                precision=args.precision,
                compiled=args.compile,
                clock=time.process_time if args.clock == "cpu" else time.perf_counter,
            )
            for name, size in sizes.items()
        }
    finally:
        torch.set_num_threads(before)
    return {
        "sizes": found,
        "head": args.head,
        "batch_size": args.batch_size,
        "threads": threads,
        "clock": args.clock,
        "precision": args.precision,
        "compile": args.compile,
        "load": [load, os.getloadavg()[0]],
        "machine": machine(),
        "versions": versions(),
        "time": now(),
    }

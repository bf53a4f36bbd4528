"""Measure this machine: `render` frames per second of the renderers, `experts` success of the scripted experts.

A benchmark is a module with a frozen dataclass `Args` and `main(args) -> int`; a new one is a line of `Benchmark`
and of `main` here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from experiments import bench_experts, bench_render

Benchmark = (
    Annotated[bench_render.Args, tyro.conf.subcommand("render")]
    | Annotated[bench_experts.Args, tyro.conf.subcommand("experts")]
)


@dataclass(frozen=True)
class Args:
    """Options of `vla bench`."""

    benchmark: tyro.conf.OmitArgPrefixes[tyro.conf.OmitSubcommandPrefixes[Benchmark]]
    """What to measure."""


def main(args: Args) -> int:
    """Run the benchmark that was chosen; its exit code."""
    if isinstance(args.benchmark, bench_render.Args):
        return bench_render.main(args.benchmark)
    return bench_experts.main(args.benchmark)

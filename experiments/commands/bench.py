"""Measure this machine: `render`, `env`, `eval`, `scale` for speed, `soak` for endurance, `experts` for success.

A benchmark is a module with a frozen dataclass `Args` and `main(args) -> int`; a new one is a line of `Benchmark`
and of `main` here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import tyro

from experiments import bench_env, bench_eval, bench_experts, bench_render, bench_scale, bench_soak

Benchmark = (
    Annotated[bench_render.Args, tyro.conf.subcommand("render")]
    | Annotated[bench_env.Args, tyro.conf.subcommand("env")]
    | Annotated[bench_eval.Args, tyro.conf.subcommand("eval")]
    | Annotated[bench_scale.Args, tyro.conf.subcommand("scale")]
    | Annotated[bench_soak.Args, tyro.conf.subcommand("soak")]
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
    if isinstance(args.benchmark, bench_env.Args):
        return bench_env.main(args.benchmark)
    if isinstance(args.benchmark, bench_eval.Args):
        return bench_eval.main(args.benchmark)
    if isinstance(args.benchmark, bench_scale.Args):
        return bench_scale.main(args.benchmark)
    if isinstance(args.benchmark, bench_soak.Args):
        return bench_soak.main(args.benchmark)
    return bench_experts.main(args.benchmark)

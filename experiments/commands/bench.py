"""Measure this machine: speed (`render`, `env`, `train`, `policy`, ...), success (`experts`, `takeover`).

A benchmark is a module with a frozen dataclass `Args` and `main(args) -> int`; a new one is a line of `Benchmark` here.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Annotated

import tyro

from experiments import (
    bench_baselines,
    bench_data,
    bench_env,
    bench_eval,
    bench_experts,
    bench_policy,
    bench_published,
    bench_render,
    bench_scale,
    bench_soak,
    bench_takeover,
    bench_train,
)

Benchmark = (
    Annotated[bench_render.Args, tyro.conf.subcommand("render")]
    | Annotated[bench_env.Args, tyro.conf.subcommand("env")]
    | Annotated[bench_eval.Args, tyro.conf.subcommand("eval")]
    | Annotated[bench_scale.Args, tyro.conf.subcommand("scale")]
    | Annotated[bench_data.Args, tyro.conf.subcommand("data")]
    | Annotated[bench_train.Args, tyro.conf.subcommand("train")]
    | Annotated[bench_policy.Args, tyro.conf.subcommand("policy")]
    | Annotated[bench_soak.Args, tyro.conf.subcommand("soak")]
    | Annotated[bench_experts.Args, tyro.conf.subcommand("experts")]
    | Annotated[bench_baselines.Args, tyro.conf.subcommand("baselines")]
    | Annotated[bench_published.Args, tyro.conf.subcommand("published")]
    | Annotated[bench_takeover.Args, tyro.conf.subcommand("takeover")]
)


@dataclass(frozen=True)
class Args:
    """Options of `vla bench`."""

    benchmark: tyro.conf.OmitArgPrefixes[tyro.conf.OmitSubcommandPrefixes[Benchmark]]
    """What to measure."""


def main(args: Args) -> int:
    """Run the benchmark that was chosen; its exit code."""
    code: int = importlib.import_module(type(args.benchmark).__module__).main(args.benchmark)
    return code

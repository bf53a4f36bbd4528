"""Put the shards of an evaluation together: refuses overlaps, gaps and mixed versions.

`vla eval merge RUN` merges RUN/shards/*/eval/POLICY into RUN/eval/POLICY, for each policy that it finds; shards that
ran elsewhere are given by their folders.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments.commands.eval import SHARDS
from vla.evaluation import MANIFEST, RUNS
from vla.merging import merge
from vla.results import RESULTS, digest, read_results


@dataclass(frozen=True)
class Args:
    """Options of `vla eval merge`."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Run folders: with RUN/shards inside, or shards themselves."""
    out: Path | None = None
    """Run folder of the whole; default the first of the folders."""
    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Merge policy by policy, say where the results are."""
    out = args.out or args.runs[0]
    merged = {}
    for policy, folders in shards_by_policy(args.runs).items():
        folder = merge(folders, out / RUNS)
        records = read_results(folder / RESULTS)
        merged[policy] = {"episodes": len(records), "digest": digest(records), "results": str(folder / RESULTS)}
        print(f"{policy}: {len(folders)} shards, {len(records)} episodes, digest {digest(records)}: {folder}")
    if args.json:
        print(json.dumps({"out": str(out), "policies": merged}))
    return 0


def shards_by_policy(runs: tuple[Path, ...]) -> dict[str, list[Path]]:
    """Folders of shards by the policy that ran. Raises ValueError for a run that holds none."""
    found: dict[str, list[Path]] = defaultdict(list)
    for run in runs:
        shards = sorted((run / SHARDS).glob(f"*/{RUNS}/*/{MANIFEST}")) or sorted((run / RUNS).glob(f"*/{MANIFEST}"))
        if not shards:
            raise ValueError(f"no shards in {run}: expected {run}/{SHARDS}/I-of-N, which `vla eval --shard I/N` writes")
        for path in shards:
            found[path.parent.name].append(path.parent)
    return dict(found)

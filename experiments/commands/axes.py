"""List the axes of generalization: family, levels, unit, what changes."""

from __future__ import annotations

import json
from dataclasses import dataclass

from envs.variations import AXES


@dataclass(frozen=True)
class Args:
    """Options of `vla axes`."""

    json: bool = False
    """Print one JSON object as the last line."""


def main(args: Args) -> int:
    """Print a line per axis with its meaning below and, if asked, the JSON line."""
    axes = [AXES[name] for name in AXES]
    for axis in axes:
        levels = " ".join(f"{level:g}" for level in axis.levels)
        print(f"{axis.name:<12} {axis.kind:<8} {axis.family:<9} {levels:<18} {axis.unit}")
        print(f"{'':<12} {axis.summary}")
    if args.json:
        keys = ("name", "family", "kind", "unit", "levels", "summary")
        print(json.dumps({"axes": [{key: getattr(axis, key) for key in keys} for axis in axes]}))
    return 0

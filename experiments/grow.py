"""Make a compact checkpoint wider, deeper, better equipped: `python -m experiments.grow base runs/grown --window 2`.

`vla train --init runs/grown` goes on from there. How, and what stays as it was: `vla.models.growing`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from policies.published import checkpoint_path
from vla.checkpoint import find, load_config, read_tensors, save
from vla.models.compact_config import CompactConfig
from vla.models.growing import grow

PARTS = ("fine", "deep", "deep_blocks", "window", "placing", "aiming", "labels", "truth")  # fields of CompactConfig


def grown(source: Path, folder: Path, *, channels: int, blocks: int, seed: int = 0, **parts: Any) -> Path:
    """Write the checkpoint `folder`, grown from the one at `source`; `parts` as for `vla.models.growing.grow`.

    Raises ValueError if the source is not compact.
    """
    policy = load_config(source)
    if not isinstance(policy.model, CompactConfig):
        raise ValueError(f"only compact networks grow, {source} is of {policy.model.backbone!r}")
    torch.manual_seed(seed)
    config, weights = policy.model, read_tensors(source / "model.safetensors")
    config, weights = grow(config, weights, channels, blocks, **parts)
    return save(folder, replace(policy, model=config), weights, {})


def main() -> None:
    """Grow the checkpoint that was named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("source", help="a checkpoint, a run folder, or the name of a published policy")
    parser.add_argument("folder", type=Path, help="the checkpoint to be written")
    parser.add_argument("--channels", type=int, required=True)
    parser.add_argument("--blocks", type=int, required=True)
    parser.add_argument("--fine", type=int, default=0, help="channels of a stem at half the pictures' resolution")
    parser.add_argument("--deep", type=int, default=0, help="channels of convolutions at half the grid")
    parser.add_argument("--deep-blocks", type=int, default=0, help="how many of them")
    parser.add_argument("--window", type=int, default=0, help="cells around the best one where a role is looked for")
    parser.add_argument("--placing", type=int, default=0, help="width of what finds positions, one for all roles")
    parser.add_argument("--aiming", type=int, default=0, help="width of what corrects where the target ends")
    parser.add_argument("--labels", action="store_true", help="it learns to say what is in each cell")
    parser.add_argument("--truth", type=float, default=0.0, help="share of actions learnt knowing where things are")
    args = parser.parse_args()
    source = find(checkpoint_path(args.source))
    given = vars(args)
    parts = {name: given[name] for name in PARTS if given[name]}
    print(grown(source, args.folder, channels=args.channels, blocks=args.blocks, **parts))


if __name__ == "__main__":
    main()

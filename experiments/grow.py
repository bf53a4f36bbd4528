"""Make a compact checkpoint wider and deeper: `python -m experiments.grow base runs/grown --channels 64 --blocks 6`.

`vla train --init runs/grown` goes on from there. How, and what stays as it was: `vla.models.growing`.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import torch

from policies.published import checkpoint_path
from vla.checkpoint import find, load_config, read_tensors, save
from vla.models.compact import CompactConfig
from vla.models.growing import by_places, grow


def grown(source: Path, folder: Path, *, channels: int, blocks: int, places: bool = False, seed: int = 0) -> Path:
    """Write the checkpoint `folder`, grown from the one at `source`. Raises ValueError if that is not compact."""
    policy = load_config(source)
    if not isinstance(policy.model, CompactConfig):
        raise ValueError(f"only compact networks grow, {source} is of {policy.model.backbone!r}")
    torch.manual_seed(seed)
    config, weights = policy.model, read_tensors(source / "model.safetensors")
    if places:
        config, weights = by_places(config, weights)
    config, weights = grow(config, weights, channels, blocks)
    return save(folder, replace(policy, model=config), weights, {})


def main() -> None:
    """Grow the checkpoint that was named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("source", help="a checkpoint, a run folder, or the name of a published policy")
    parser.add_argument("folder", type=Path, help="the checkpoint to be written")
    parser.add_argument("--channels", type=int, required=True)
    parser.add_argument("--blocks", type=int, required=True)
    parser.add_argument("--by-places", action="store_true", help="pictures reach its MLP as places only")
    args = parser.parse_args()
    source = find(checkpoint_path(args.source))
    print(grown(source, args.folder, channels=args.channels, blocks=args.blocks, places=args.by_places))


if __name__ == "__main__":
    main()

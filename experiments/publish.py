"""Make a trained checkpoint a published one: `python -m experiments.publish runs/mine policies/published/NAME`.

Weights are stored in half precision, which takes half the room and moves no weight by more than a two-thousandth of
itself; acting and training go on in single precision. Unknown words are read forgivingly from then on. The model card
is written by hand, of what `vla bench published` finds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import torch
from torch import Tensor

from policies.published import checkpoint_path
from vla.checkpoint import find, load_config, read_tensors, save, set_reading

LARGEST_MB = 25.0  # of a published checkpoint's weights


def publish(source: str | Path, folder: Path, *, forgiving: bool = True) -> Path:
    """Write what is needed to act into `folder`; a card that is there stays.

    Raises:
        CheckpointError: Nothing usable at `source`.
        ValueError: The weights are too large, or one is beyond half precision.
    """
    found = find(checkpoint_path(source))
    policy = load_config(found)
    weights = {name: _half(name, value) for name, value in read_tensors(found / "model.safetensors").items()}
    megabytes = sum(value.numel() * value.element_size() for value in weights.values()) / 1e6
    if megabytes > LARGEST_MB:
        raise ValueError(f"{found} has {megabytes:.1f} MB of weights, published are at most {LARGEST_MB:g} MB")
    with tempfile.TemporaryDirectory() as scratch:
        made = save(Path(scratch) / "policy", policy, weights, {})
        if forgiving:
            set_reading(made, "forgiving", drop=True)
        for path in made.rglob("*"):
            if path.is_file():
                target = folder / path.relative_to(made)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
    return folder


def _half(name: str, value: Tensor) -> Tensor:
    """`value` in half precision, if it is a number at all."""
    if not value.is_floating_point():
        return value
    half = value.to(torch.float16)
    if not torch.isfinite(half).all():
        raise ValueError(f"{name} has entries beyond half precision: {value.abs().max().item():.3g}")
    return half


def main() -> None:
    """Publish the checkpoint that was named."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("source", help="a checkpoint or a run folder")
    parser.add_argument("folder", type=Path, help="folder of the published policy")
    args = parser.parse_args()
    folder = publish(args.source, args.folder)
    size = (folder / "model.safetensors").stat().st_size / 1e6
    print(json.dumps({"folder": str(folder), "megabytes": round(size, 1)}))


if __name__ == "__main__":
    main()

"""A compact network made wider and deeper that still does what it did (Net2Net, Chen et al., arXiv 1511.05641).

What is new hears all that is known and is heard by nothing that was there, so that the answers stay as they were and
gradients reach it. New convolutions are residual and begin small. Only `presence`, which compares by layer norm, has
to be learnt again.

Legend as in `vla.models.compact`, and K keypoints.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import ROLES

SMALL = 0.1  # new convolutions, as a share of how they would begin in a new network


def grow(
    config: CompactConfig, weights: Mapping[str, Tensor], channels: int, blocks: int, **parts: Any
) -> tuple[CompactConfig, dict[str, Tensor]]:
    """Configuration and weights with `channels` wide maps, `blocks` convolutions; what is new is random.

    `parts` are other fields of the configuration: parts that begin by changing nothing (`fine`, `placing`, `labels`).
    Raises ValueError if channels or blocks are less than before.
    """
    if channels < config.channels or blocks < config.blocks:
        before = f"{config.channels} channels and {config.blocks} blocks"
        raise ValueError(f"a network grows: expected at least {before}, got {channels} and {blocks}")
    bigger = replace(config, channels=channels, blocks=blocks, **parts)
    model = CompactVLA(bigger)
    grown = {name: value.clone() for name, value in model.state_dict().items()}
    for name, old in weights.items():
        grown[name] = _spread(grown[name], old, _places(config, bigger, name))
    for number in range(config.blocks, blocks):
        grown[f"vision.convs.{number}.weight"] *= SMALL
    ratio = (channels / config.channels) ** 0.5  # heat is divided by the root of the width
    for name in ("key.weight", "key.bias"):
        grown[name] *= ratio
        grown[name][config.channels :] = 0
    return bigger, grown


def _spread(new: Tensor, old: Tensor, places: Mapping[int, Tensor]) -> Tensor:
    """`old` at its `places` along each dimension; old outputs (dimension 0) hear nothing of new inputs."""
    index = []
    for axis, size in enumerate(old.shape):
        first = places.get(axis, torch.arange(size))
        rest = size - len(first)  # what follows stays at the end
        index.append(torch.cat([first, new.shape[axis] - rest + torch.arange(rest)]))
    out = new.clone()
    if new.ndim > 1:
        out[index[0]] = 0
    out[torch.meshgrid(*index, indexing="ij")] = old.to(out.dtype)  # published weights are of half precision
    return out


def _places(old: CompactConfig, new: CompactConfig, name: str) -> dict[int, Tensor]:
    """Where old entries of the tensor `name` are in the new one, by dimension; in those not given they come first."""
    views, wide, base = old.views, old.channels, 2 * (old.keypoints + ROLES)
    if name.startswith("vision.film."):
        return {0: _kept((new.blocks, views, 2, new.channels), (old.blocks, views, 2, wide))}
    if name.startswith("query."):
        return {0: _kept((views, new.channels), (views, wide))}
    if name.startswith("sight.layers.0.") or name == "sight.layers.1.weight":
        view = torch.cat([torch.arange(2), 2 + _kept((2, new.channels), (2, wide))])
        return {int(name.endswith("1.weight")): _views(view, 2 + 2 * new.channels, views)}
    if name in ("locate.0.weight", "fusion.0.weight"):
        view = torch.cat([torch.arange(base), base + _kept((ROLES, new.channels), (ROLES, wide))])
        return {1: _views(view, base + ROLES * new.channels, views)}
    return {}


def _kept(new: Sequence[int], old: Sequence[int]) -> Tensor:
    """Flat indices, in an array of shape `new`, of its corner of shape `old`."""
    corner = torch.arange(math.prod(new)).view(*new)[tuple(slice(size) for size in old)]
    return corner.flatten()


def _views(view: Tensor, width: int, views: int) -> Tensor:
    """`view`, places in what one view gives, repeated for views of that width."""
    return (torch.arange(views)[:, None] * width + view).flatten()

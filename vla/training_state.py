"""A run's optimizer as plain tensors, so that it can be stored without pickle and resumed with any sharding.

With FSDP a tensor is spread over the processes: storing it gathers it on all of them, restoring it takes the own part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor

OPTIMIZER = "optimizer/"
MODEL = "model/"


def whole(tensor: Tensor) -> Tensor:
    """The full value of a tensor that may be spread over processes, in all of which this has to be called."""
    if isinstance(tensor, DTensor):
        full: Tensor = tensor.full_tensor()
        return full
    return tensor


def spread_like(value: Tensor, other: Tensor) -> Tensor:
    """`value` on the device of `other`, spread over the processes as `other` is."""
    value = value.to(other.device)
    if isinstance(other, DTensor):
        return distribute_tensor(value, other.device_mesh, other.placements)
    return value


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Its state by `optimizer/PARAMETER/SLOT`, parameters numbered in the order of its groups."""
    found = {}
    for index, parameter in enumerate(_parameters(optimizer)):
        for slot, value in optimizer.state[parameter].items():
            found[f"{OPTIMIZER}{index}/{slot}"] = whole(torch.as_tensor(value))
    return found


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Put back what `optimizer_tensors` found; other names are ignored."""
    parameters = _parameters(optimizer)
    for name, value in tensors.items():
        if name.startswith(OPTIMIZER):
            index, _, slot = name.removeprefix(OPTIMIZER).partition("/")
            parameter = parameters[int(index)]
            # Numbers, such as the count of steps, stay where the optimizer keeps them.
            optimizer.state[parameter][slot] = spread_like(value, parameter) if value.ndim else value.clone()


def model_tensors(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights among the tensors of a training state."""
    return {name.removeprefix(MODEL): value for name, value in tensors.items() if name.startswith(MODEL)}


def parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Trained parameters for AdamW: `weight_decay` on matrices only."""
    trained = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0},
    ]


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]

"""A training state is whole tensors on the disk, however the network is spread over processes (FSDP)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import distributed, nn
from torch._C._distributed_c10d import HashStore
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from vla.training_state import OPTIMIZER, optimizer_tensors, parameter_groups, restore_optimizer, spread_like, whole


@pytest.fixture
def mesh() -> Iterator[DeviceMesh]:
    distributed.init_process_group("gloo", store=HashStore(), rank=0, world_size=1)
    yield init_device_mesh("cpu", (1,))
    distributed.destroy_process_group()


def trained(model: nn.Module) -> torch.optim.AdamW:
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.1), lr=0.1, fused=True)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.ones(3, 4)).square().sum().backward()
        optimizer.step()
    return optimizer


def sharded_network(mesh: DeviceMesh) -> nn.Module:
    model = network()
    fully_shard(model, mesh=mesh)  # in place
    return model


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))


@pytest.mark.slow
def test_sharded_and_whole_networks_have_one_state(mesh: DeviceMesh) -> None:
    plain, sharded = network(), sharded_network(mesh)
    expected, found = optimizer_tensors(trained(plain)), optimizer_tensors(trained(sharded))
    assert all(isinstance(parameter, DTensor) for parameter in sharded.parameters())
    assert expected.keys() == found.keys()
    assert f"{OPTIMIZER}0/exp_avg" in found
    assert all(torch.allclose(expected[name], found[name]) for name in expected)

    later = torch.optim.AdamW(parameter_groups(sharded, 0.1), lr=0.1, fused=True)
    restore_optimizer(later, {**found, "model/0.weight": torch.zeros(1)})
    again = optimizer_tensors(later)
    assert all(torch.equal(again[name], found[name]) for name in found)


@pytest.mark.slow
def test_a_tensor_is_spread_and_made_whole_again(mesh: DeviceMesh) -> None:
    sharded = sharded_network(mesh)
    own = next(iter(sharded.parameters()))
    value = torch.arange(24.0).view(6, 4)
    spread = spread_like(value, own)
    assert isinstance(spread, DTensor)
    assert torch.equal(whole(spread), value)
    assert whole(value) is value


def test_only_matrices_that_are_trained_decay() -> None:
    model = network()
    next(iter(model.parameters())).requires_grad_(False)
    matrices, others = parameter_groups(model, 0.1)
    assert [p.shape for p in matrices["params"]] == [(2, 6)]
    assert [p.ndim for p in others["params"]] == [1, 1]
    assert (matrices["weight_decay"], others["weight_decay"]) == (0.1, 0.0)

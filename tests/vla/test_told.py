"""Samples without pictures: acting on what is told, before it is seen."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from tests.vla.dots import Dots, episode
from tests.vla.test_trainer import policy_config
from vla.batches import Corruption, Demonstrations
from vla.contract import FloatArray
from vla.models.contract import make_model
from vla.told import ToldSource


class Placed(Dots):
    """Dots whose positions count."""

    def where(self, poses: FloatArray, steps: NDArray[np.int64]) -> FloatArray:
        positions = super().where(poses, steps)
        positions[:, 0, 3] = 1
        return positions


def source(clear: bool = True) -> ToldSource:
    data = Demonstrations([episode(i, 4) for i in range(12)], Placed if clear else Dots, chunk=2)
    config = policy_config(data)
    return ToldSource(data, config.normalizer, config.vocabulary, 24, 0, Corruption(0, 0, 0))


def test_a_told_batch_has_no_pictures_and_the_same_actions() -> None:
    made = source()
    batch = made.batch(3)
    samples, _ = made.samples(3)
    actions, valid = made.data.actions(samples)
    assert batch.pixels.shape == (24, 0, 1, 1, 3)
    assert batch.points.shape[1] == 0
    assert np.allclose(batch.actions.numpy(), made.normalizer.actions(actions))
    assert np.array_equal(batch.action_valid.numpy(), valid)
    assert np.array_equal(batch.positions.numpy(), made.data.where()[samples])
    assert (batch.present == -1).all()
    assert all(torch.equal(a, b) for a, b in zip(made.batch(3), batch, strict=True))


def trained(made: ToldSource) -> float:
    """Error of the actions after a short training (the dots' actions are where they are)."""
    torch.manual_seed(0)
    model = make_model(policy_config(made.data).model)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for step in range(150):
        batch = made.batch(step)
        optimizer.zero_grad()
        losses = model(batch, torch.zeros_like(batch.actions), torch.zeros(len(batch.actions)))
        assert set(losses) == {"action"}
        losses["action"].backward()
        optimizer.step()
    return float(losses["action"].detach())


def test_acting_is_learnt_from_what_is_told() -> None:
    assert trained(source()) < 0.5 * trained(source(clear=False))


def test_pictures_are_not_touched_by_it() -> None:
    made = source()
    model, batch = make_model(policy_config(made.data).model), made.batch(0)
    model(batch, torch.zeros_like(batch.actions), torch.zeros(len(batch.actions)))["action"].backward()
    touched = {name for name, weights in model.named_parameters() if weights.grad is not None}
    assert not any(name.startswith(("vision", "keypoints", "key", "query", "locate")) for name in touched)
    assert {"text.embed.weight", "head.out.weight"} <= touched

"""Flow matching from noise to the chunk (pi0, arXiv 2410.24164), as an MLP conditioned on features and time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vla.contract import ACTION_DIM
from vla.models.contract import HEADS, ActionHead, HeadConfig, Prefix, masked_mean

FREQUENCIES = 8


@HEADS.register("flow")
class FlowHead(ActionHead):
    """Predicts the velocity of the straight path from noise to actions."""

    def __init__(self, features: int, config: HeadConfig) -> None:
        """Create the layers."""
        super().__init__(features, config)
        flat = config.chunk * ACTION_DIM
        self.into = nn.Linear(features + flat + 2 * FREQUENCIES, config.hidden)
        self.middle = nn.Linear(config.hidden, config.hidden)
        self.out = nn.Linear(config.hidden, flat)

    def velocity(self, features: Tensor, noisy: Tensor, time: Tensor) -> Tensor:
        """Predicted d(action)/d(time), (B, C, 7), at `noisy` (B, C, 7) and `time` (B,)."""
        angle = time[:, None] * (2.0 ** torch.arange(FREQUENCIES, device=time.device)) * torch.pi / 2
        x = torch.cat([features.float(), noisy.flatten(1), angle.sin(), angle.cos()], 1)
        x = nnf.silu(self.into(x))
        x = x + nnf.silu(self.middle(x))
        flat: Tensor = self.out(x)
        return flat.view(-1, self.config.chunk, ACTION_DIM).float()

    def loss(self, features: Tensor, actions: Tensor, valid: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Squared error of the velocity on the straight path from `noise` to `actions`."""
        at = time[:, None, None]
        velocity = self.velocity(features, (1 - at) * noise + at * actions, time)
        return masked_mean((velocity - (actions - noise)).square(), valid)

    def act(self, features: Tensor, noise: Tensor, prefix: Prefix | None = None) -> Tensor:
        """Integrate from `noise` with Euler steps; `prefix` is not used."""
        x = noise
        for step in range(self.config.steps):
            time = torch.full((len(x),), step / self.config.steps, device=x.device)
            x = x + self.velocity(features, x, time) / self.config.steps
        return x

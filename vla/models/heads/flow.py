"""Flow matching from noise to the chunk (pi0, arXiv 2410.24164), with real-time chunking (arXiv 2506.07339)."""

from __future__ import annotations

import torch
from torch import Tensor

from vla.models.contract import HEADS, ActionHead, HeadConfig, Prefix, masked_mean
from vla.models.heads.denoiser import Denoiser

STRONGEST = 5.0  # guidance weight, beta of the real-time chunking paper: more makes few integration steps diverge


@HEADS.register("flow")
class FlowHead(ActionHead):
    """Predicts the velocity of the straight path from noise (time 0) to actions (time 1)."""

    def __init__(self, features: int, config: HeadConfig) -> None:
        """Create the layers."""
        super().__init__(features, config)
        self.velocity = Denoiser(features, config)

    def loss(self, features: Tensor, actions: Tensor, valid: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Squared error of the velocity on the straight path from `noise` to `actions`."""
        at = time[:, None, None]
        velocity = self.velocity(features, (1 - at) * noise + at * actions, time)
        return masked_mean((velocity - (actions - noise)).square(), valid)

    def act(self, features: Tensor, noise: Tensor, prefix: Prefix | None = None) -> Tensor:
        """Integrate from `noise` with Euler steps; with a `prefix` the path is bent so that the chunk goes on from it.

        Differentiates its own network for that, whatever gradient mode the caller is in.
        """
        x = noise
        for step in range(self.config.steps):
            time = step / self.config.steps
            velocity = self._guided(features, x, time, prefix) if prefix else self._plain(features, x, time)
            x = x + velocity / self.config.steps
        return x

    def _plain(self, features: Tensor, x: Tensor, time: float) -> Tensor:
        velocity: Tensor = self.velocity(features, x, x.new_full((len(x),), time))
        return velocity

    def _guided(self, features: Tensor, x: Tensor, time: float, prefix: Prefix) -> Tensor:
        """Velocity (B, C, 7) plus the correction by which the chunk that it leads to comes nearer to the prefix.

        Pseudo-inverse guidance (equations 2 to 4 of the paper): the weighted error of the predicted chunk, pulled back
        to `x` by the vector-Jacobian product of the prediction, times (1 - t) / (t r^2), at most `STRONGEST`.
        """
        with torch.inference_mode(mode=False), torch.enable_grad():
            at = x.detach().clone().requires_grad_()
            velocity = self._plain(features.detach().clone(), at, time)
            chunk = at + (1 - time) * velocity
            error = (prefix.actions - chunk.detach()) * prefix.weight[..., None]
            (pull,) = torch.autograd.grad(chunk, at, error)
        return velocity.detach() + guidance(time) * pull


def guidance(time: float) -> float:
    """Weight of the correction at a time in [0, 1), with r^2 = (1 - t)^2 / (t^2 + (1 - t)^2)."""
    if time == 0:
        return STRONGEST
    return min(STRONGEST, (time**2 + (1 - time) ** 2) / (time * (1 - time)))

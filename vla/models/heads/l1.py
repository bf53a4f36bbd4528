"""Regression of the whole chunk with an L1 loss, decoded in parallel (OpenVLA-OFT, arXiv 2502.19645)."""

from __future__ import annotations

from torch import Tensor, nn

from vla.contract import ACTION_DIM
from vla.models.contract import HEADS, ActionHead, HeadConfig, Prefix, masked_mean


@HEADS.register("l1")
class L1Head(ActionHead):
    """One linear layer."""

    def __init__(self, features: int, config: HeadConfig) -> None:
        """Create the layer."""
        super().__init__(features, config)
        self.out = nn.Linear(features, config.chunk * ACTION_DIM)

    def loss(self, features: Tensor, actions: Tensor, valid: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Mean absolute error; `noise` and `time` are not used."""
        return masked_mean((self.act(features, noise) - actions).abs(), valid)

    def act(self, features: Tensor, noise: Tensor, prefix: Prefix | None = None) -> Tensor:
        """Actions; `noise` and `prefix` are not used."""
        flat: Tensor = self.out(features)
        return flat.view(-1, self.config.chunk, ACTION_DIM).float()

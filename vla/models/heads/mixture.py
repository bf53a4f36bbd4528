"""A few whole chunks and how likely each is: BC-GMM of robomimic (arXiv 2108.03298), with L1 in the place of Gaussians.

Where two ways are right, a regression may answer with what lies between them: a hand that holds a door and cannot yet
tell which way to push it stands still. Here each way is a chunk of its own, and the likeliest is taken.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vla.contract import ACTION_DIM
from vla.models.contract import HEADS, ActionHead, HeadConfig, Prefix

WIDTH = 0.1  # mean error at which a chunk is e times less likely: of Laplace distributions that share it


@HEADS.register("mixture")
class MixtureHead(ActionHead):
    """`modes` chunks from one linear layer, and their odds from another; with one mode it is the head `l1`.

    The likeliest mode acts, as robomimic evaluates (it draws, with next to no variance). All modes share a fixed width;
    robomimic learns it, but of actions that are all but exact its likelihood has no bound.
    """

    def __init__(self, features: int, config: HeadConfig) -> None:
        """Create the layers."""
        super().__init__(features, config)
        self.out = nn.Linear(features, config.modes * config.chunk * ACTION_DIM)
        self.odds = nn.Linear(features, config.modes)

    def chunks(self, features: Tensor) -> Tensor:
        """All modes, (B, K, C, 7) float32."""
        flat: Tensor = self.out(features)
        return flat.view(len(features), self.config.modes, -1, ACTION_DIM).float()

    def loss(self, features: Tensor, actions: Tensor, valid: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Negative log likelihood times `WIDTH`: near the absolute error of the nearest likely mode.

        `noise` and `time` are not used.
        """
        error = (self.chunks(features) - actions[:, None]).abs().mean(-1)  # (B, K, C)
        steps = valid.sum(1)
        error = (error * valid[:, None]).sum(-1) / steps.clamp(min=1)[:, None]
        likely = nnf.log_softmax(self.odds(features).float(), -1) - error / WIDTH
        return -WIDTH * (torch.logsumexp(likely, -1) * steps).sum() / steps.sum().clamp(min=1)

    def act(self, features: Tensor, noise: Tensor, prefix: Prefix | None = None) -> Tensor:
        """The likeliest mode; `noise` and `prefix` are not used."""
        best = self.odds(features).argmax(-1)
        return self.chunks(features)[torch.arange(len(features), device=features.device), best]

"""Discrete bins (OpenVLA, arXiv 2406.09246), all of a chunk at once (parallel decoding, arXiv 2502.19645)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vla.bin_tokens import BinTokenizer
from vla.contract import ACTION_DIM, FloatArray
from vla.models.contract import HEADS, ActionHead, HeadConfig, Prefix, learnt


@HEADS.register("bins")
class BinsHead(ActionHead):
    """Classifies every number of the chunk into bins between the 1 % and 99 % quantiles of its dimension.

    It begins with how often each bin is right, whatever is seen (the prior of Lin et al. 2017, arXiv 1708.02002). With
    equal odds, numbers that hardly ever change (rotations, the gripper) pull all features one way at first; those of a
    tiny transformer collapsed for good.
    """

    edges: Tensor

    def __init__(self, features: int, config: HeadConfig) -> None:
        """Create the layers. Raises ValueError for a head that is not fitted."""
        super().__init__(features, config)
        data = learnt(config)
        self.code = BinTokenizer.from_json(data)
        slots = config.chunk * ACTION_DIM
        self.into = nn.Linear(features, config.hidden)
        self.slot = nn.Parameter(torch.randn(2, slots, config.hidden) * 0.5)  # what is this number's own
        self.out = nn.Linear(config.hidden, self.code.bins, bias=False)
        often = (torch.tensor(data["counts"]) + 1 / self.code.bins).log().log_softmax(-1)
        self.often = nn.Parameter(often.repeat(config.chunk, 1))
        self.register_buffer("edges", torch.tensor([self.code.low, self.code.high]), persistent=False)

    @classmethod
    def fit(cls, actions: FloatArray, config: HeadConfig) -> HeadConfig:
        """The bins, and how often each of them occurs."""
        code = BinTokenizer.fit(actions)
        ids = code.ids(actions).reshape(-1, ACTION_DIM)
        counts = [np.bincount(column, minlength=code.bins).tolist() for column in ids.T]
        return replace(config, fitted={**code.to_json(), "counts": counts})

    def logits(self, features: Tensor) -> Tensor:
        """(B, C, 7, bins) float32. The layers are shared by all numbers, scaled and shifted for each."""
        x = nnf.silu(self.into(features)[:, None] * (1 + self.slot[0]) + self.slot[1])
        flat: Tensor = self.out(x) + self.often
        return flat.view(-1, self.config.chunk, ACTION_DIM, self.code.bins).float()

    def loss(self, features: Tensor, actions: Tensor, valid: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Cross-entropy of the bins; `noise` and `time` are not used."""
        low, high = self.edges
        bins = ((actions - low) / (high - low) * self.code.bins).long().clamp(0, self.code.bins - 1)
        error = nnf.cross_entropy(self.logits(features).movedim(-1, 1), bins, reduction="none")
        return (error.mean(-1) * valid).sum() / valid.sum().clamp(min=1)

    def act(self, features: Tensor, noise: Tensor, prefix: Prefix | None = None) -> Tensor:
        """Centres of the likeliest bins; `noise` and `prefix` are not used."""
        low, high = self.edges
        best = self.logits(features).argmax(-1)
        actions: Tensor = low + (high - low) * ((best + 0.5) / self.code.bins)
        return actions

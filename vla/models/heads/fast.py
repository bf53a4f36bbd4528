"""FAST tokens (arXiv 2501.09747), decoded one after another by a recurrent network that knows the features."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vla.contract import FloatArray
from vla.fast_tokens import FastTokenizer
from vla.models.contract import HEADS, ActionHead, HeadConfig, Prefix, learnt

NOTHING = -100  # target where there is no token


@HEADS.register("fast")
class FastHead(ActionHead):
    """A gated recurrent unit over tokens; token number `end` begins and ends a chunk.

    Half as wide as the layers of other heads, for it is run once for every token.
    """

    def __init__(self, features: int, config: HeadConfig) -> None:
        """Create the layers. Raises ValueError for a head that is not fitted."""
        super().__init__(features, config)
        self.code = FastTokenizer.from_json(learnt(config))
        self.end, width = self.code.size, max(config.hidden // 2, 1)
        self.token = nn.Parameter(torch.randn(self.end + 1, width) * 0.5)  # of inputs, and of outputs
        self.known = nn.Linear(features, 2 * width)
        self.unit = nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, width)

    @classmethod
    def fit(cls, actions: FloatArray, config: HeadConfig) -> HeadConfig:
        """The tokens."""
        return replace(config, fitted=FastTokenizer.fit(actions).to_json())

    def loss(self, features: Tensor, actions: Tensor, valid: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Cross-entropy of the next token; `noise` and `time` are not used.

        A token speaks of the whole chunk, so what lies past the end of an episode (the last action, repeated) counts
        too, unless nothing of the chunk is valid.
        """
        rows = [[*ids, self.end] for ids in self.code.encode_all(actions.detach().cpu().numpy())]
        target = torch.full((len(rows), max(map(len, rows))), NOTHING)
        for row, ids in enumerate(rows):
            target[row, : len(ids)] = torch.tensor(ids)
        target = target.to(features.device)
        target[~valid.any(1)] = NOTHING
        given = nnf.pad(target[:, :-1].clamp(min=0), (1, 0), value=self.end)
        with torch.autocast(features.device.type, enabled=False):  # the recurrent kernels know no mixed precision
            known, state = self._begin(features.float())
            logits, _ = self._next(given, known, state)
        total = nnf.cross_entropy(logits.flatten(0, 1), target.flatten(), ignore_index=NOTHING, reduction="sum")
        return total / (target != NOTHING).sum().clamp(min=1)

    def act(self, features: Tensor, noise: Tensor, prefix: Prefix | None = None) -> Tensor:
        """The chunk of the likeliest tokens, each given those before; `noise` and `prefix` are not used."""
        known, state = self._begin(features.float())
        last = torch.full((len(features), 1), self.end, device=features.device)
        said, over = [], torch.zeros(len(features), dtype=torch.bool, device=features.device)
        for _ in range(self.code.longest):
            logits, state = self._next(last, known, state)
            last = logits.argmax(-1)
            over = over | (last[:, 0] == self.end)
            if over.all():
                break
            said.append(last)
        rows = torch.cat([*said, torch.full_like(last, self.end)], 1).tolist()
        chunks = [self.code.decode(ids[: ids.index(self.end)]) for ids in rows]
        return torch.stack([torch.from_numpy(chunk) for chunk in chunks]).to(features.device)

    def _begin(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """What every step is told (B, 1, width), and the first state (1, B, width)."""
        known, state = self.known(features).chunk(2, -1)
        return known[:, None], state.tanh()[None].contiguous()

    def _next(self, ids: Tensor, known: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, L, end + 1) of the token after each of `ids` (B, L), and the state after them."""
        x, state = self.unit(nnf.embedding(ids, self.token) + known, state)
        return self.out(x) @ self.token.T, state

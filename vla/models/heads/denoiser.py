"""The network of heads that sample: an MLP from features, a noisy chunk and a time to a chunk."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vla.contract import ACTION_DIM
from vla.models.contract import HeadConfig

FREQUENCIES = 8
DEPTH = 2  # residual layers; with none normalised, the loss on eight samples stayed six times as high


class Denoiser(nn.Module):
    """Everything at once into one vector, then residual layers: small, for it is asked several times for a chunk."""

    def __init__(self, features: int, config: HeadConfig) -> None:
        """Create the layers."""
        super().__init__()
        self.chunk = config.chunk
        flat, wide = config.chunk * ACTION_DIM, config.hidden
        self.into = nn.Linear(features + flat + 2 * FREQUENCIES, wide)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(wide), nn.Linear(wide, wide), nn.SiLU()) for _ in range(DEPTH)
        )
        self.out = nn.Linear(wide, flat)

    def forward(self, features: Tensor, noisy: Tensor, time: Tensor) -> Tensor:
        """(B, C, 7) float32 from features (B, F), `noisy` (B, C, 7) and `time` (B,) in [0, 1]."""
        angle = time[:, None] * (2.0 ** torch.arange(FREQUENCIES, device=time.device)) * torch.pi / 2
        x = self.into(torch.cat([features.float(), noisy.flatten(1), angle.sin(), angle.cos()], 1))
        for layer in self.layers:
            x = x + layer(x)
        flat: Tensor = self.out(x)
        return flat.view(-1, self.chunk, ACTION_DIM).float()

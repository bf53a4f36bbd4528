"""Layers that several networks share, written as big matrix products: on a CPU those run near peak, the rest does not.

Legend: N tokens, E their width, U sequences.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf


def begin_with_nothing(layer: nn.Module) -> None:
    """Set a layer's parameters to zero: what adds its outputs to something leaves that as it was, at first."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)


class AttentionBlock(nn.Module):
    """One pre-norm self-attention block, written out.

    For sequences of a hundred tokens or fewer this is faster on a CPU than the fused kernels of
    `nn.TransformerEncoderLayer`, whose backward pass took a seventh of a whole training step.

    Args:
        width: Width E, a multiple of `heads`.
        heads: Attention heads.
        expand: Width of the hidden layer over E.
    """

    def __init__(self, width: int, heads: int = 4, expand: int = 2) -> None:
        """Create the layers."""
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, expand * width), nn.Linear(expand * width, width)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """Update tokens (U, N, E); `bias` (U, 1, 1, N) is -inf on padding."""
        u, count, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(u, count, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = ((q @ k.transpose(2, 3)) * (width // self.heads) ** -0.5 + bias).softmax(-1)
        x = x + self.out((weights.to(v.dtype) @ v).transpose(1, 2).reshape(u, count, width))
        more: Tensor = self.narrow(nnf.gelu(self.wide(self.norm2(x))))
        return x + more


class Residual(nn.Module):
    """`x + relu(linear(x))`."""

    def __init__(self, width: int) -> None:
        """Create the layer."""
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Features (B, width)."""
        return x + nnf.relu(self.linear(x))


class Context(nn.Module):
    """Patches of all cameras, words and proprioception look at one another.

    Feature maps are cut into `side` x `side` patches a camera, each made one token by one matrix product, and what the
    tokens learn is added to the maps again. It begins as the identity on the maps, so that a network with it learns as
    fast as one without.

    Args:
        channels: Width D of the maps.
        grid: Cells G a side of the maps, a multiple of `side`.
        side: Patches a side.
        views: Cameras.
        state: Width of the proprioception.
        width: Width E of the tokens.
        layers: Blocks.
    """

    def __init__(self, *, channels: int, grid: int, side: int, views: int, state: int, width: int, layers: int) -> None:
        """Create the layers."""
        super().__init__()
        self.side, self.cell = side, grid // side
        flat = self.cell**2 * channels
        self.into, self.back = nn.Linear(flat, width), nn.Linear(width, flat)
        self.body = nn.Linear(state, width)
        self.place = nn.Parameter(torch.randn(views * side**2, width) * 0.1)
        self.blocks = nn.ModuleList(AttentionBlock(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        begin_with_nothing(self.back)

    def forward(self, maps: Tensor, words: Tensor, bias: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """Update maps (B * V, D, G, G) and words (B, N, E); `bias` (B, 1, 1, N) is -inf on padding, `state` (B, S)."""
        b, count = words.shape[:2]
        images, d, grid, _ = maps.shape
        cut = maps.permute(0, 2, 3, 1).view(images, self.side, self.cell, self.side, self.cell, d).transpose(2, 3)
        patches = self.into(cut.reshape(b, -1, self.cell**2 * d))
        patches = patches + self.place.to(patches.dtype)
        x = torch.cat([words.to(patches.dtype), self.body(state)[:, None].to(patches.dtype), patches], 1)
        bias = nnf.pad(bias, (0, x.shape[1] - count))
        for block in self.blocks:
            x = block(x, bias)
        x = self.norm(x)
        more = self.back(x[:, count + 1 :]).view(images, self.side, self.side, self.cell, self.cell, d).transpose(2, 3)
        return maps + more.reshape(images, grid, grid, d).permute(0, 3, 1, 2), x[:, :count]

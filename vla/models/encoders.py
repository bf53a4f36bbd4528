"""What the compact network reads words and pictures with, until they meet. Legend as in `vla.models.compact`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vla.models.contract import ROLES
from vla.models.layers import AttentionBlock, begin_with_nothing
from vla.models.sentences import PretrainedWords

if TYPE_CHECKING:
    from vla.models.compact_config import CompactConfig


class TextEncoder(nn.Module):
    """Words to tokens: first a summary, then one query per role, then the words."""

    def __init__(self, config: CompactConfig) -> None:
        """Create the layers."""
        super().__init__()
        width = config.text_dim
        self.embed: nn.Module = (
            nn.Embedding(config.vocab_size, width, padding_idx=0)
            if config.encoder is None
            else PretrainedWords(config.encoder, width)
        )
        self.summary = nn.Parameter(torch.randn(1 + ROLES, width) * 0.5)
        self.position = nn.Parameter(torch.randn(config.max_words, width) * 0.1)
        self.blocks = nn.ModuleList(AttentionBlock(width) for _ in range(config.text_layers))
        if isinstance(self.embed, nn.Embedding):
            nn.init.normal_(self.embed.weight, std=0.5)
            with torch.no_grad():
                self.embed.weight[0].zero_()

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Encode tokens (B, L) to (B, N, E), N = 1 + R + L, and their bias (B, 1, 1, N), -inf on padding.

        In training on a CPU, equal instructions are encoded once, and only as far as the longest of them goes (then
        L is its length); a GPU would wait to learn how many there are, and how long. In
        evaluation every row is, so that the arithmetic has one shape and the last bit of a row does not depend on the
        other rows.
        """
        rows, once = torch.arange(len(tokens), device=tokens.device), self.training and tokens.device.type == "cpu"
        tokens = tokens[:, : max(1, int((tokens != 0).sum(1).max()))] if once else tokens
        unique, inverse = torch.unique(tokens, dim=0, return_inverse=True) if once else (tokens, rows)
        said = self.embed(unique) + self.position[: tokens.shape[1]]
        x = torch.cat([self.summary.expand(len(unique), -1, -1), said], 1)
        padding = nnf.pad(unique == 0, (1 + ROLES, 0), value=False)
        bias = torch.zeros(padding.shape, device=x.device).masked_fill(padding, float("-inf"))[:, None, None]
        for block in self.blocks:
            x = block(x, bias)
        return x[inverse], bias[inverse]


class VisionTrunk(nn.Module):
    """Patches, then convolutions modulated by the instruction; one set of weights for all cameras."""

    def __init__(self, config: CompactConfig) -> None:
        """Create the layers."""
        super().__init__()
        self.config = config
        d, views = config.channels, config.views
        self.stem = nn.Linear(config.patch**2 * 3, d)
        self.fine = FineStem(config.patch, config.fine, d) if config.fine else None
        self.place = nn.Parameter(torch.randn(views, config.grid, config.grid, d) * 0.02)
        self.convs = nn.ModuleList(nn.Conv2d(d, d, 3, padding=1) for _ in range(config.blocks))
        self.film = modulator(config.text_dim, config.blocks * views * 2 * d)
        self.deep = Coarse(config.text_dim, views, d, config.deep, config.deep_blocks) if config.deep_blocks else None

    def patches(self, pixels: Tensor) -> Tensor:
        """Cut (B, V, H, W, 3) uint8 into (B * V, G, G, patch * patch * 3) in [-1, 1]."""
        b, v, h, w, _ = pixels.shape
        g, p = self.config.grid, self.config.patch
        if h != g * p or w != g * p:
            raise ValueError(f"images are {h}x{w}, the model was made for {g * p}x{g * p}")
        cut = pixels.view(b * v, g, p, g, p, 3).transpose(2, 3).reshape(b * v, g, g, p * p * 3)
        kind = cut.device.type  # straight to what the product is computed in: single precision would be 28 MB a batch
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else self.stem.weight.dtype
        return cut.to(dtype).mul_(2 / 255).sub_(1)

    def start(self, pixels: Tensor) -> Tensor:
        """Feature maps (B * V, D, G, G) of single patches, channels last in memory."""
        b, v = pixels.shape[:2]
        patches = self.patches(pixels)
        x = self.stem(patches)
        x = (x.view(b, v, *x.shape[1:]) + self.place.to(x.dtype)).flatten(0, 1).permute(0, 3, 1, 2)
        return nnf.relu(x if self.fine is None else x + self.fine(patches))

    def modulation(self, text: Tensor) -> Tensor:
        """Scale and shift (blocks, B * V, 2, D, 1, 1) from the summary (B, E)."""
        d, v, blocks = self.config.channels, self.config.views, self.config.blocks
        film: Tensor = self.film(text).view(len(text), blocks, v, 2, d).transpose(0, 1)
        return film.reshape(blocks, -1, 2, d, 1, 1)

    def block(self, number: int, x: Tensor, film: Tensor) -> Tensor:
        """One modulated convolution."""
        scale, shift = film[number].to(x.dtype).unbind(1)
        return x + nnf.relu(torch.addcmul(shift, self.convs[number](x), 1 + scale))


def modulator(text: int, width: int) -> nn.Linear:
    """A layer from the summary of the words to scales and shifts, near none at first."""
    layer = nn.Linear(text, width)
    nn.init.normal_(layer.weight, std=0.02)
    nn.init.zeros_(layer.bias)
    return layer


class Coarse(nn.Module):
    """Modulated convolutions at half the grid, wider, added to the maps again: what is around, for little.

    A convolution there sees twice as far, and has a quarter of the cells; on a CPU wide ones run nearer to the peak.

    Args:
        text: Width E of the words' summary.
        views: Cameras V.
        channels: Width D of the maps that it is given and gives.
        width: Its own width.
        blocks: Convolutions.
    """

    def __init__(self, text: int, views: int, channels: int, width: int, blocks: int) -> None:
        """Create the layers; at first it adds nothing."""
        super().__init__()
        self.views = views
        self.down = nn.Conv2d(channels, width, 2, stride=2)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(blocks))
        self.film = modulator(text, blocks * views * 2 * width)
        self.up = nn.Conv2d(width, channels * 4, 1)
        begin_with_nothing(self.up)

    def forward(self, maps: Tensor, text: Tensor) -> Tensor:
        """Maps (B * V, D, G, G) with what was found added; `text` (B, E)."""
        film = self.film(text).view(len(text), len(self.convs), self.views, 2, -1).transpose(0, 1).flatten(1, 2)
        x = nnf.relu(self.down(maps))
        for conv, modulation in zip(self.convs, film.to(x.dtype), strict=True):
            scale, shift = modulation[..., None, None].unbind(1)
            x = x + nnf.relu(torch.addcmul(shift, conv(x), 1 + scale))
        out: Tensor = maps + nnf.pixel_shuffle(self.up(x), 2)
        return out


class FineStem(nn.Module):
    """Two convolutions from half the resolution of the pictures to the grid, beside the patches.

    A patch is one matrix product, which has to learn a thing anew for every way in which it may lie over the patches'
    borders; convolutions before it do not (Xiao et al. 2021, arXiv 2106.14881). It begins by adding nothing.

    Args:
        patch: Side of a patch, pixels, even.
        width: Channels between the two.
        channels: Width D of what is added.
    """

    def __init__(self, patch: int, width: int, channels: int) -> None:
        """Create the layers."""
        super().__init__()
        self.patch = patch
        self.near = nn.Conv2d(12, width, 3, padding=1)
        stride = patch // 2
        self.join = nn.Conv2d(width, channels, 2 * stride - 1, stride=stride, padding=stride // 2)
        begin_with_nothing(self.join)

    def forward(self, patches: Tensor) -> Tensor:
        """From patches (N, G, G, patch * patch * 3) to what is added to them, (N, D, G, G), channels last in memory."""
        n, g, half = len(patches), patches.shape[1], self.patch // 2
        x = patches.view(n, g, g, half, 2, half, 2, 3).permute(0, 1, 3, 2, 5, 4, 6, 7)
        x = x.reshape(n, g * half, g * half, 12).permute(0, 3, 1, 2)
        added: Tensor = self.join(nnf.relu(self.near(x)))
        return added

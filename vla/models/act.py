"""Action Chunking with Transformers, the baseline `act`: Zhao et al. 2023 (arXiv 2304.13705), with language added.

After https://github.com/tonyzhaozh/act (detr/models/detr_vae.py) and its port in LeRobot
(policies/act/modeling_act.py), written anew and small. As there: a conditional variational autoencoder, whose style
variable z an encoder of its own reads from state and actions in training, and which is 0 when acting; a transformer
encoder over z, state and the cells of every camera's feature map, with sinusoidal positions; a decoder whose C learnt
queries become the C actions of the chunk at once; L1 loss plus 10 times the KL divergence.

What differs, and why:
  - the words of the instruction are tokens of the encoder, beside z, state and pictures: ACT hears nothing;
  - four strided convolutions with group norm in place of a pretrained ResNet-18: everything here learns from nothing,
    and 1.8 M parameters in place of 84 M fit the data and a CPU;
  - norms come before attention, not after it: with our learning rate (100 times ACT's) the other way diverges;
  - no dropout: all randomness of a training step comes from outside, so that a resumed run takes the same path;
  - z's random numbers are the trainer's `noise`, so that `latent` is at most 7 x chunk;
  - temporal ensembling is not the network's: any policy is executed with or without it.

The whole forward pass is in this file. Knows no simulator, no task, no files. Legend as in `vla.models.contract`, and
E width, N tokens.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf
from typing_extensions import Self

from vla.contract import ACTION_DIM
from vla.models.contract import BACKBONES, VLA, Batch, HeadConfig, ModelConfig, Prefix, masked_mean
from vla.normalize import Normalizer
from vla.text import PAD, Vocabulary

STRIDE = 16  # pixels a side of one cell of the feature map
GROUPS = 8


@dataclass(frozen=True, kw_only=True)
class ActConfig(ModelConfig):
    """Shape of the network; stored with the weights. `head` gives the length of the chunk; the decoder is ACT's own.

    Attributes:
        vocab_size: Number of token ids, padding included.
        max_words: Tokens per instruction.
        width: Width E of the tokens, a multiple of four times `heads`.
        heads: Attention heads.
        feedforward: Hidden width of the feed-forward layers.
        encoder_layers: Transformer layers over what is seen, heard and felt.
        decoder_layers: Transformer layers over the queries.
        style_layers: Transformer layers of the encoder that reads z.
        latent: Entries of z.
        kl: Weight of the KL divergence.
    """

    backbone: str = "act"
    vocab_size: int
    max_words: int = 20
    width: int = 128
    heads: int = 4
    feedforward: int = 512
    encoder_layers: int = 3
    decoder_layers: int = 2
    style_layers: int = 2
    latent: int = 32
    kl: float = 10.0

    @classmethod
    def for_data(cls, words: Vocabulary, normalizer: Normalizer, **fields: Any) -> Self:
        """Takes the size of the vocabulary; z is smaller where the chunk is too short for it."""
        chunk = fields["head"].chunk if "head" in fields else cls.head.chunk
        latent = min(fields.pop("latent", cls.latent), chunk * ACTION_DIM)
        return cls(vocab_size=words.size, max_words=words.max_words, latent=latent, **fields)

    def __post_init__(self) -> None:
        """Raise ValueError for sizes that do not fit, and for a head, which ACT has no use for."""
        if self.image_size % STRIDE:
            raise ValueError(f"image_size {self.image_size} is not a multiple of {STRIDE}, which `act` needs")
        if self.width % (4 * self.heads):
            raise ValueError(f"width {self.width} is not a multiple of four times {self.heads} heads")
        if not 1 <= self.latent <= self.chunk * ACTION_DIM:
            raise ValueError(f"latent must be 1 to {ACTION_DIM} x chunk = {self.chunk * ACTION_DIM}, got {self.latent}")
        if self.head.name != HeadConfig.name:
            raise ValueError(f"`act` decodes by its own transformer with an L1 loss; got the head {self.head.name!r}")


class Attention(nn.Module):
    """Multi-head attention, written out: the fused kernels are slow backwards on a CPU (see vla.models.compact)."""

    def __init__(self, width: int, heads: int) -> None:
        """Create the layers."""
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
        """From queries (B, M, E) to keys and values (B, N, E); `bias` (B, 1, 1, N) is -inf where nothing is."""
        b, m, width = query.shape
        q, k, v = (
            layer(x).view(b, -1, self.heads, width // self.heads).transpose(1, 2)
            for layer, x in ((self.query, query), (self.key, key), (self.value, value))
        )
        logits = (q @ k.transpose(2, 3)).float() * (width // self.heads) ** -0.5
        weights = (logits if bias is None else logits + bias).softmax(-1)
        mixed: Tensor = self.out((weights.to(v.dtype) @ v).transpose(1, 2).reshape(b, m, width))
        return mixed


class Layer(nn.Module):
    """A pre-norm transformer layer; with `across` also one that looks at a memory, as decoders do.

    Positions are added to queries and keys in every layer, never to values (DETR, Carion et al. 2020).
    """

    def __init__(self, config: ActConfig, *, across: bool = False) -> None:
        """Create the layers."""
        super().__init__()
        e = config.width
        self.norm_self, self.attend = nn.LayerNorm(e), Attention(e, config.heads)
        self.norm_across = nn.LayerNorm(e) if across else None
        self.look = Attention(e, config.heads) if across else None
        self.norm_feed = nn.LayerNorm(e)
        self.wide, self.narrow = nn.Linear(e, config.feedforward), nn.Linear(config.feedforward, e)

    def forward(
        self, x: Tensor, place: Tensor, bias: Tensor | None = None, memory: tuple[Tensor, Tensor] | None = None
    ) -> Tensor:
        """Update tokens (B, N, E) at positions `place` (1 or B, N, E).

        `bias` masks what is attended to: the memory (values, keys), each (B, M, E), if there is one, else the tokens.
        """
        y = self.norm_self(x)
        x = x + self.attend(y + place, y + place, y, None if memory is not None else bias)
        if memory is not None:
            assert self.norm_across is not None
            assert self.look is not None
            x = x + self.look(self.norm_across(x) + place, memory[1], memory[0], bias)
        more: Tensor = self.narrow(nnf.relu(self.wide(self.norm_feed(x))))
        return x + more


class Pictures(nn.Module):
    """Camera frames to tokens: four strided convolutions, the same for all cameras."""

    def __init__(self, width: int) -> None:
        """Create the layers."""
        super().__init__()
        widths = (3, 32, 64, width, width)
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in itertools.pairwise(widths))
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, channels) for channels in widths[1:])

    def forward(self, pixels: Tensor) -> Tensor:
        """Cells (B, V, G * G, E) of frames (B, V, H, W, 3) uint8."""
        b, v = pixels.shape[:2]
        x = pixels.flatten(0, 1).permute(0, 3, 1, 2).float().mul(2 / 255).sub(1)
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = nnf.relu(norm(conv(x)))
        return x.flatten(2).transpose(1, 2).reshape(b, v, -1, x.shape[1])


class Style(NamedTuple):
    """The distribution of z: both (B, latent) float32."""

    mean: Tensor
    log_variance: Tensor


@BACKBONES.register("act")
class ActVLA(VLA):
    """The network."""

    config_class = ActConfig
    config: ActConfig

    cells: Tensor
    along: Tensor

    def __init__(self, config: ActConfig) -> None:
        """Create the layers with weights drawn from torch's global generator."""
        super().__init__()
        self.config = config
        e = config.width
        self.pictures = Pictures(e)
        self.words = nn.Embedding(config.vocab_size, e, padding_idx=PAD)
        self.state, self.latent = nn.Linear(config.state_dim, e), nn.Linear(config.latent, e)
        self.place = nn.Parameter(torch.randn(2 + config.max_words, e) * 0.02)  # z, state, words
        self.camera = nn.Parameter(torch.randn(config.views, 1, e) * 0.02)
        self.encoder = nn.ModuleList(Layer(config) for _ in range(config.encoder_layers))
        self.remembered = nn.LayerNorm(e)
        self.queries = nn.Parameter(torch.randn(config.chunk, e) * 0.5)
        self.decoder = nn.ModuleList(Layer(config, across=True) for _ in range(config.decoder_layers))
        self.decoded, self.out = nn.LayerNorm(e), nn.Linear(e, ACTION_DIM)
        self.summary = nn.Parameter(torch.randn(e) * 0.02)
        self.style_state, self.style_action = nn.Linear(config.state_dim, e), nn.Linear(ACTION_DIM, e)
        self.style_layers = nn.ModuleList(Layer(config) for _ in range(config.style_layers))
        self.style_norm, self.style_out = nn.LayerNorm(e), nn.Linear(e, 2 * config.latent)
        nn.init.normal_(self.style_out.weight, std=0.02)  # z begins near what it is to stay near
        nn.init.zeros_(self.style_out.bias)
        nn.init.normal_(self.words.weight, std=0.5)
        with torch.no_grad():
            self.words.weight[PAD].zero_()
        self.register_buffer("cells", grid_positions(config.image_size // STRIDE, e), persistent=False)
        self.register_buffer("along", line_positions(2 + config.chunk, e), persistent=False)

    def style(self, agent_pos: Tensor, actions: Tensor, valid: Tensor) -> Style:
        """What z is for these actions (B, C, 7), of which `valid` (B, C) count."""
        b = len(actions)
        first = torch.stack([self.summary.expand(b, -1), self.style_state(agent_pos)], 1)
        x = torch.cat([first, self.style_action(actions)], 1)
        bias = _masked(nnf.pad(valid == 0, (2, 0), value=False))
        for layer in self.style_layers:
            x = layer(x, self.along, bias)
        mean, log_variance = self.style_out(self.style_norm(x[:, 0])).float().chunk(2, 1)
        return Style(mean, log_variance)

    def decode(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor, z: Tensor) -> Tensor:
        """Actions (B, C, 7) for a style `z` (B, latent)."""
        b = len(pixels)
        seen = self.pictures(pixels).flatten(1, 2)  # (B, V * G * G, E)
        felt = torch.stack([self.latent(z), self.state(agent_pos)], 1)
        x = torch.cat([felt.to(seen.dtype), self.words(tokens).to(seen.dtype), seen], 1)
        place = torch.cat([self.place, (self.camera + self.cells).flatten(0, 1)])[None]
        bias = _masked(nnf.pad(tokens == PAD, (2, seen.shape[1]), value=False))
        for layer in self.encoder:
            x = layer(x, place, bias)
        memory = self.remembered(x)
        target, queries = torch.zeros_like(self.queries).expand(b, -1, -1), self.queries[None]
        for layer in self.decoder:
            target = layer(target, queries, bias, (memory, memory + place))
        actions: Tensor = self.out(self.decoded(target)).float()
        return actions

    def forward(self, batch: Batch, noise: Tensor, time: Tensor) -> dict[str, Tensor]:
        """Losses: `action` = `l1` + kl x `kl`. The first entries of `noise` (B, C, 7) draw z; `time` is not used."""
        style = self.style(batch.agent_pos, batch.actions, batch.action_valid)
        drawn = noise.flatten(1)[:, : self.config.latent]
        z = style.mean + (style.log_variance / 2).exp() * drawn
        actions = self.decode(batch.pixels, batch.tokens, batch.agent_pos, z)
        l1 = masked_mean((actions - batch.actions).abs(), batch.action_valid)
        kl = -0.5 * (1 + style.log_variance - style.mean.square() - style.log_variance.exp()).sum(1).mean()
        return {"action": l1 + self.config.kl * kl, "l1": l1, "kl": kl}

    def act(
        self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor, noise: Tensor, prefix: Prefix | None = None
    ) -> Tensor:
        """Normalised actions (B, C, 7) for z = 0; `noise` and `prefix` are not used."""
        return self.decode(pixels, tokens, agent_pos, agent_pos.new_zeros(len(pixels), self.config.latent))


def line_positions(count: int, width: int) -> Tensor:
    """Sinusoidal positions (count, width), Vaswani et al. 2017."""
    angle = torch.arange(count)[:, None] * torch.exp(torch.arange(0, width, 2) * (-math.log(1e4) / width))
    return torch.cat([angle.sin(), angle.cos()], 1)


def grid_positions(side: int, width: int) -> Tensor:
    """Sinusoidal positions (side * side, width) of the cells of a square: half of the entries for each axis (DETR)."""
    line = line_positions(side, width // 2)
    rows, columns = line[:, None].expand(-1, side, -1), line[None].expand(side, -1, -1)
    return torch.cat([rows, columns], 2).flatten(0, 1)


def _masked(empty: Tensor) -> Tensor:
    """Attention bias (B, 1, 1, N) that hides what is `empty` (B, N)."""
    return torch.zeros(empty.shape, device=empty.device).masked_fill(empty, float("-inf"))[:, None, None]

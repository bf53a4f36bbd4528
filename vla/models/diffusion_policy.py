"""Diffusion Policy, the baseline `diffusion_policy`: Chi et al. 2023 (arXiv 2303.04137), with language added.

After https://github.com/real-stanford/diffusion_policy (model/diffusion/conditional_unet1d.py) and its port in LeRobot
(policies/diffusion/modeling_diffusion.py), written anew and small. As there: per-camera convolutions with group norm
end in a spatial softmax; their keypoints and the state condition, by scale and shift of every block (FiLM), a 1-D
convolutional U-Net over the chunk; 100 noise levels by the squared cosine schedule; DDIM (Song et al. 2021) with ten
steps when acting; actions are clipped to their range while sampling.

What differs, and why:
  - a vector read from the instruction is part of the condition, and two layers bring it together with what is seen: the
    original hears nothing and has no thing to choose;
  - five convolutions from nothing in place of a ResNet-18, a U-Net of three widths from 48 to 192 in place of 512 to
    2048: 3 M parameters in place of 260 M fit the data and a CPU;
  - the U-Net predicts the clean chunk, not the noise in it (their configuration has both): at high noise levels the
    noise hardly depends on the condition, so that learning what to do takes long; on eight samples of a toy the error
    was 0.04 this way (300 steps) and 1.9 the other (400);
  - one observation in place of the last two: every policy of the comparison sees the same;
  - one set of convolutions for all cameras, told apart by a learnt offset;
  - what leaves the first level of the U-Net is given to its last layers too: a long way for a short chunk otherwise;
  - the range that actions are clipped to is the box of the robot's actions, whatever they are normalised by;
  - the moving average of the weights is the trainer's, as for every network.

The whole forward pass is in this file. Knows no simulator, no task, no files. Legend as in `vla.models.contract`, and
K keypoints, D channels, S width of the condition without the noise level.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as nnf
from typing_extensions import Self

from vla.contract import ACTION_DIM
from vla.models.contract import BACKBONES, VLA, Batch, HeadConfig, ModelConfig, Prefix, masked_mean
from vla.normalize import Normalizer
from vla.text import PAD, Vocabulary

STRIDE = 8  # pixels a side of one cell of the feature map
GROUPS = 8


@dataclass(frozen=True, kw_only=True)
class DiffusionPolicyConfig(ModelConfig):
    """Shape of the network; stored with the weights. `head` gives the length of the chunk; the U-Net decodes it.

    Attributes:
        vocab_size: Number of token ids, padding included.
        max_words: Tokens per instruction.
        channels: Width D of the feature maps before the spatial softmax.
        keypoints: Spatial-softmax keypoints K a camera.
        text_dim: Width of word embeddings and of the vector read from them.
        condition: Width S of what is known of the moment.
        time_dim: Width of the encoding of the noise level.
        widths: Channels of the U-Net, level by level; the chunk is halved between them.
        kernel: Size of its convolutions, odd.
        levels: Noise levels in training.
        steps: DDIM steps when acting.
        low: Normalised actions (7,) that mean -1.
        high: Normalised actions (7,) that mean 1.
    """

    backbone: str = "diffusion_policy"
    vocab_size: int
    max_words: int = 20
    channels: int = 64
    keypoints: int = 32
    text_dim: int = 64
    condition: int = 128
    time_dim: int = 64
    widths: tuple[int, ...] = (48, 96, 192)
    kernel: int = 5
    levels: int = 100
    steps: int = 10
    low: tuple[float, ...] = (-1.0,) * ACTION_DIM
    high: tuple[float, ...] = (1.0,) * ACTION_DIM

    @classmethod
    def for_data(cls, words: Vocabulary, normalizer: Normalizer, **fields: Any) -> Self:
        """Takes the size of the vocabulary and the normalised range of actions."""
        ends = (normalizer.actions(np.full(ACTION_DIM, end, np.float32)) for end in (-1.0, 1.0))
        low, high = (tuple(end.round(5).tolist()) for end in ends)
        fields = {"low": low, "high": high, **fields}
        return cls(vocab_size=words.size, max_words=words.max_words, **fields)

    def __post_init__(self) -> None:
        """Raise ValueError for sizes that do not fit, and for a head, which the U-Net has no use for."""
        if self.image_size % STRIDE:
            raise ValueError(f"image_size {self.image_size} is not a multiple of {STRIDE}")
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd, got {self.kernel}")
        if any(width % GROUPS for width in (self.channels, *self.widths)) or not self.widths:
            raise ValueError(f"channels {self.channels} and widths {self.widths} must be multiples of {GROUPS}")
        if self.chunk % self.halvings:
            raise ValueError(f"a chunk of {self.chunk} cannot be halved {len(self.widths) - 1} times")
        if not 1 <= self.steps <= self.levels:
            raise ValueError(f"steps must be 1 to levels = {self.levels}, got {self.steps}")
        if not len(self.low) == len(self.high) == ACTION_DIM:
            raise ValueError(f"low and high have {len(self.low)} and {len(self.high)} entries, expected {ACTION_DIM}")
        if self.head.name != HeadConfig.name:
            raise ValueError(f"`diffusion_policy` decodes by its own U-Net; got the head {self.head.name!r}")

    @property
    def halvings(self) -> int:
        """What the length of the chunk is divided by at the bottom of the U."""
        return int(2 ** (len(self.widths) - 1))


class Eye(nn.Module):
    """Camera frames to keypoints (Levine et al. 2016), the same weights for all cameras."""

    cells: Tensor

    def __init__(self, config: DiffusionPolicyConfig) -> None:
        """Create the layers."""
        super().__init__()
        d, views = config.channels, config.views
        steps = ((3, 32, 2), (32, d, 2), (d, d, 2), (d, d, 1), (d, d, 1))
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, stride, 1) for a, b, stride in steps)
        self.norms = nn.ModuleList(nn.GroupNorm(GROUPS, b) for _, b, _ in steps)
        self.camera = nn.Parameter(torch.zeros(views, d))
        self.points = nn.Conv2d(d, config.keypoints, 1)
        axis = (torch.arange(config.image_size // STRIDE) + 0.5) * (2 * STRIDE / config.image_size) - 1
        v, u = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("cells", torch.stack([u, v], -1).view(-1, 2), persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        """Keypoints (B, V * K * 2) in [-1, 1] of frames (B, V, H, W, 3) uint8."""
        b = len(pixels)
        x = pixels.flatten(0, 1).permute(0, 3, 1, 2).float().mul(2 / 255).sub(1)
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            x = nnf.relu(norm(conv(x)))
            if number == 2:
                x = x + self.camera.to(x.dtype).repeat(b, 1)[:, :, None, None]
        heat = self.points(x).flatten(2).float()
        points: Tensor = (heat.softmax(-1) @ self.cells).view(b, -1)
        return points


class Ear(nn.Module):
    """The instruction to one vector: words that have looked at one another once, then their mean."""

    def __init__(self, config: DiffusionPolicyConfig) -> None:
        """Create the layers."""
        super().__init__()
        e = config.text_dim
        self.embed = nn.Embedding(config.vocab_size, e, padding_idx=PAD)
        self.place = nn.Parameter(torch.randn(config.max_words, e) * 0.1)
        self.norm, self.qkv, self.out = nn.LayerNorm(e), nn.Linear(e, 3 * e), nn.Linear(e, e)
        self.feed = nn.Sequential(nn.LayerNorm(e), nn.Linear(e, 2 * e), nn.Mish(), nn.Linear(2 * e, e))
        self.silence = nn.Parameter(torch.zeros(e))
        nn.init.normal_(self.embed.weight, std=0.5)
        with torch.no_grad():
            self.embed.weight[PAD].zero_()

    def forward(self, tokens: Tensor) -> Tensor:
        """Encode tokens (B, L) to (B, E); an empty instruction is a vector of its own."""
        spoken = (tokens != PAD).float()
        x = self.embed(tokens) + self.place
        q, k, v = self.qkv(self.norm(x)).chunk(3, -1)
        # A large number, not infinity: of an empty instruction nothing would be left to attend to.
        logits = (q @ k.transpose(1, 2)).float() * x.shape[-1] ** -0.5 - 1e4 * (1 - spoken[:, None])
        x = x + self.out(logits.softmax(-1).to(v.dtype) @ v)
        x = x + self.feed(x)
        count = spoken.sum(1, keepdim=True)
        mean = (x.float() * spoken[..., None]).sum(1) / count.clamp(min=1)
        return torch.where(count > 0, mean, self.silence)


class Block(nn.Module):
    """Two convolutions along the chunk, the first one's output scaled and shifted by the condition; residual."""

    def __init__(self, into: int, out: int, condition: int, kernel: int) -> None:
        """Create the layers."""
        super().__init__()
        self.first, self.second = (nn.Conv1d(width, out, kernel, padding=kernel // 2) for width in (into, out))
        self.norm_first, self.norm_second = nn.GroupNorm(GROUPS, out), nn.GroupNorm(GROUPS, out)
        self.film = nn.Linear(condition, 2 * out)
        self.skip = nn.Conv1d(into, out, 1) if into != out else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """From (B, into, C) and (B, S + time_dim) to (B, out, C)."""
        scale, shift = self.film(condition)[..., None].chunk(2, 1)
        y = nnf.mish(self.norm_first(self.first(x)))
        y = nnf.mish(self.norm_second(self.second(y * (1 + scale) + shift)))
        total: Tensor = y + self.skip(x)
        return total


class UNet(nn.Module):
    """The clean chunk behind a noisy one."""

    def __init__(self, config: DiffusionPolicyConfig, condition: int) -> None:
        """Create the layers."""
        super().__init__()
        widths, kernel = config.widths, config.kernel
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        for into, out in itertools.pairwise((ACTION_DIM, *widths)):
            self.down.append(_pair(into, out, condition, kernel))
        for width in widths[:-1]:
            self.shrink.append(nn.Conv1d(width, width, 3, 2, 1))
        self.middle = _pair(widths[-1], widths[-1], condition, kernel)
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for high, low in itertools.pairwise(reversed(widths)):
            self.up.append(_pair(2 * high, low, condition, kernel))
            self.grow.append(nn.ConvTranspose1d(low, low, 4, 2, 1))
        self.last, self.norm = (
            nn.Conv1d(2 * widths[0], widths[0], kernel, padding=kernel // 2),
            nn.GroupNorm(GROUPS, widths[0]),
        )
        self.out = nn.Conv1d(widths[0], ACTION_DIM, 1)

    def forward(self, noisy: Tensor, condition: Tensor) -> Tensor:
        """From a chunk (B, C, 7) and the condition (B, S + time_dim) to the clean chunk (B, C, 7) float32."""
        x, kept = noisy.transpose(1, 2), []
        for level, pair in enumerate(self.down):
            x = _run(pair, x, condition)
            kept.append(x)
            if level < len(self.shrink):
                x = self.shrink[level](x)
        x = _run(self.middle, x, condition)
        for level, pair in enumerate(self.up):
            x = self.grow[level](_run(pair, torch.cat([x, kept.pop()], 1), condition))
        x = nnf.mish(self.norm(self.last(torch.cat([x, kept.pop()], 1))))
        clean: Tensor = self.out(x).transpose(1, 2).float()
        return clean


def _pair(into: int, out: int, condition: int, kernel: int) -> nn.ModuleList:
    return nn.ModuleList([Block(into, out, condition, kernel), Block(out, out, condition, kernel)])


def _run(blocks: nn.Module, x: Tensor, condition: Tensor) -> Tensor:
    assert isinstance(blocks, nn.ModuleList)
    for block in blocks:
        x = block(x, condition)
    return x


@BACKBONES.register("diffusion_policy")
class DiffusionPolicyVLA(VLA):
    """The network."""

    config_class = DiffusionPolicyConfig
    config: DiffusionPolicyConfig

    signal: Tensor
    bounds: Tensor

    def __init__(self, config: DiffusionPolicyConfig) -> None:
        """Create the layers with weights drawn from torch's global generator."""
        super().__init__()
        self.config = config
        self.eye, self.ear = Eye(config), Ear(config)
        time = config.time_dim
        self.level = nn.Sequential(nn.Linear(time, 2 * time), nn.Mish(), nn.Linear(2 * time, time))
        known, s = config.views * config.keypoints * 2 + config.state_dim + config.text_dim, config.condition
        self.fuse = nn.Sequential(nn.Linear(known, s), nn.Mish(), nn.Linear(s, s))
        self.unet = UNet(config, s + time)
        self.register_buffer("signal", squared_cosine(config.levels), persistent=False)
        self.register_buffer("bounds", torch.tensor([config.low, config.high]), persistent=False)

    def condition(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> Tensor:
        """What is seen, felt and heard, (B, S)."""
        known: Tensor = self.fuse(torch.cat([self.eye(pixels), agent_pos, self.ear(tokens).float()], 1)).float()
        return known

    def denoise(self, known: Tensor, noisy: Tensor, level: Tensor) -> Tensor:
        """The clean chunk (B, C, 7) behind `noisy` (B, C, 7) of noise levels `level` (B,) int64."""
        half = self.config.time_dim // 2
        rate = torch.exp(torch.arange(half, device=known.device) * (-math.log(1e4) / (half - 1)))
        angle = level[:, None] * rate
        when = self.level(torch.cat([angle.sin(), angle.cos()], 1))
        clean: Tensor = self.unet(noisy, nnf.mish(torch.cat([known, when.float()], 1)))
        return clean

    def forward(self, batch: Batch, noise: Tensor, time: Tensor) -> dict[str, Tensor]:
        """Loss `action`: squared error of the chunk predicted from one with `noise` (B, C, 7) of level `time` (B,)."""
        known = self.condition(batch.pixels, batch.tokens, batch.agent_pos)
        level = (time * self.config.levels).long()
        kept = self.signal[level][:, None, None]
        noisy = kept.sqrt() * batch.actions + (1 - kept).sqrt() * noise
        error = (self.denoise(known, noisy, level) - batch.actions).square()
        return {"action": masked_mean(error, batch.action_valid)}

    def act(
        self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor, noise: Tensor, prefix: Prefix | None = None
    ) -> Tensor:
        """Normalised actions (B, C, 7): DDIM without fresh noise, from `noise` (B, C, 7); `prefix` is not used."""
        known, x = self.condition(pixels, tokens, agent_pos), noise
        low, high = self.bounds
        stride = self.config.levels // self.config.steps
        for level in range(stride * (self.config.steps - 1), -1, -stride):
            now = self.signal[level]
            then = self.signal[level - stride] if level >= stride else torch.ones_like(now)
            clean = self.denoise(known, x, torch.full((len(x),), level, device=x.device)).clamp(low, high)
            left = (x - now.sqrt() * clean) / (1 - now).sqrt()
            x = then.sqrt() * clean + (1 - then).sqrt() * left
        return x


def squared_cosine(levels: int) -> Tensor:
    """Share of the signal's variance that is left at each noise level, (levels,): Nichol and Dhariwal 2021."""
    at = torch.arange(levels + 1, dtype=torch.float64) / levels
    left = torch.cos((at + 0.008) / 1.008 * torch.pi / 2).square()
    beta = (1 - left[1:] / left[:-1]).clamp(max=0.999)
    return torch.cumprod(1 - beta, 0).float()

"""Denoising diffusion of the chunk (Diffusion Policy, arXiv 2303.04137): trained as DDPM, sampled by DDIM."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from vla.contract import FloatArray
from vla.models.contract import HEADS, ActionHead, HeadConfig, Prefix, learnt, masked_mean
from vla.models.heads.denoiser import Denoiser
from vla.registry import nearest

LEVELS = 100  # of noise, as in Diffusion Policy
PREDICTS = ("v", "epsilon")


def cosine_schedule(levels: int = LEVELS) -> Tensor:
    """Share of the signal's variance that is left at each level of noise, (levels,) float32, falling.

    The cosine schedule of Nichol and Dhariwal 2021 (arXiv 2102.09672): a step takes at most 0.999 of what is there.
    """
    t = torch.arange(levels + 1, dtype=torch.float64) / levels
    signal = torch.cos((t + 0.008) / 1.008 * torch.pi / 2).square()
    kept = (signal[1:] / signal[:-1]).clamp(min=0.001)
    return kept.cumprod(0).float()


@HEADS.register("diffusion")
class DiffusionHead(ActionHead):
    """Predicts the noise (`epsilon`, Ho et al. 2020) or the velocity (`v`, Salimans and Ho 2022) of a noisy chunk."""

    signal: Tensor
    bounds: Tensor

    def __init__(self, features: int, config: HeadConfig) -> None:
        """Create the layers. Raises ValueError for an unknown kind of prediction and a head that is not fitted."""
        super().__init__(features, config)
        if config.predict not in PREDICTS:
            raise nearest("prediction of a diffusion head", config.predict, list(PREDICTS))
        if config.steps > LEVELS:
            raise ValueError(f"a diffusion head is sampled in at most {LEVELS} steps, got {config.steps}")
        self.net = Denoiser(features, config)
        self.register_buffer("signal", cosine_schedule(), persistent=False)
        data = learnt(config)
        self.register_buffer("bounds", torch.tensor([data["low"], data["high"]]), persistent=False)

    @classmethod
    def fit(cls, actions: FloatArray, config: HeadConfig) -> HeadConfig:
        """Extremes of each dimension, which no sample leaves: without them few steps from much noise run away."""
        low, high = actions.min((0, 1)).astype(float).round(6), actions.max((0, 1)).astype(float).round(6)
        return replace(config, fitted={"low": low.tolist(), "high": high.tolist()})

    def loss(self, features: Tensor, actions: Tensor, valid: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Squared error of what is predicted, at the level of noise that `time` falls into."""
        level = (time * LEVELS).long()
        of_signal, of_noise = self._shares(level)
        predicted = self.net(features, of_signal * actions + of_noise * noise, level / LEVELS)
        target = noise if self.config.predict == "epsilon" else of_signal * noise - of_noise * actions
        return masked_mean((predicted - target).square(), valid)

    def act(self, features: Tensor, noise: Tensor, prefix: Prefix | None = None) -> Tensor:
        """Sample by DDIM without fresh noise (Song et al. 2021): a function of `noise`. `prefix` is not used."""
        x = noise
        levels = [LEVELS - 1 - i * LEVELS // self.config.steps for i in range(self.config.steps)]
        for level, following in zip(levels, [*levels[1:], None], strict=True):
            at = torch.full((len(x),), level, device=x.device)
            of_signal, of_noise = self._shares(at)
            predicted: Tensor = self.net(features, x, at / LEVELS)
            if self.config.predict == "epsilon":
                clean = (x - of_noise * predicted) / of_signal
            else:
                clean = of_signal * x - of_noise * predicted
            clean = clean.clamp(self.bounds[0], self.bounds[1])
            if following is None:
                break
            noisy = (x - of_signal * clean) / of_noise
            of_signal, of_noise = self._shares(torch.full_like(at, following))
            x = of_signal * clean + of_noise * noisy
        return clean

    def _shares(self, level: Tensor) -> tuple[Tensor, Tensor]:
        """Factors of signal and noise, (B, 1, 1) each, at `level` (B,)."""
        signal = self.signal[level][:, None, None]
        return signal.sqrt(), (1 - signal).sqrt()

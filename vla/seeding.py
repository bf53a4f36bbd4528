"""Random streams of an episode: independent children of its seed, by name. Knows no task and no axis."""

from __future__ import annotations

import hashlib
from typing import Literal

import numpy as np

from vla.contract import EpisodeRequest

StreamName = Literal["scene", "language", "perturbation", "dynamics", "noise", "policy"]


def _entropy(*parts: object) -> int:
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


def episode_seed(request: EpisodeRequest) -> int:
    """The 63-bit seed of an episode: a function of (split, seed, task, index); perturbations do not change it."""
    return _entropy("episode", request.split, request.seed, request.task, request.index) & (2**63 - 1)


def stream(request: EpisodeRequest, name: StreamName, *extra: object) -> np.random.Generator:
    """The generator of one aspect of an episode.

    Streams are independent, so that turning one axis on moves nothing else: draws for a perturbation come from
    `stream(request, "perturbation", axis)`.
    """
    return np.random.default_rng(_entropy(episode_seed(request), name, *extra))

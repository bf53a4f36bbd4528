"""Heads of every kind for tests: tiny ones, fitted to a few made-up chunks."""

from __future__ import annotations

import numpy as np

from vla.contract import FloatArray
from vla.models.contract import HEADS, HeadConfig


def made_chunks(count: int, length: int, seed: int = 0) -> FloatArray:
    """Smooth normalised chunks (N, C, 7)."""
    rng = np.random.default_rng(seed)
    time = np.linspace(0, 1, length)[:, None]
    start, change = rng.uniform(-1, 1, (2, count, 1, 7))
    return np.asarray(start + change * time, np.float32)


def fitted(name: str, chunk: int = 8, hidden: int = 64, steps: int = 8) -> HeadConfig:
    """A head's configuration, ready for `make_head`."""
    config = HeadConfig(name, chunk=chunk, hidden=hidden, steps=steps)
    return HEADS[name].fit(made_chunks(200, chunk), config)

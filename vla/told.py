"""Demonstrations without pictures: where things are is told instead of seen."""

from __future__ import annotations

import functools

import numpy as np
import torch

from vla.batches import BatchSource
from vla.contract import FloatArray
from vla.models.contract import Batch


class ToldSource(BatchSource):
    """Batches without pictures: where things are is told instead of seen, so that a sample costs almost nothing.

    Learning to act from what a simulator knows before learning to see it is "learning by cheating" (Chen et al. 2019,
    arXiv 1912.12294), with one network for both.
    """

    @functools.cached_property
    def _where(self) -> FloatArray:
        """Positions (N, R, 7) of every sample."""
        return self.data.where()

    def batch(self, step: int) -> Batch:
        """Build batch `step`: no views, no points."""
        samples, epoch = self.samples(step)
        nothing = np.zeros((len(samples), 0, 1, 1, 3), np.uint8)
        said, tokens = self.corrupted(samples, epoch, nothing, np.random.default_rng((self.seed, 5, step)))
        state = self.normalizer.state(self.data.states(samples)).reshape(len(samples), -1)
        actions, valid = self.data.actions(samples)
        where, points = self._where[samples], np.zeros((len(samples), 0, 1, 3), np.float32)
        lost = self._lost(said, samples)
        valid[lost], where[lost] = 0, 0
        unasked = np.full(len(samples), -1, np.float32)
        arrays = (nothing, tokens, state, self.normalizer.actions(actions), valid, points, where, unasked)
        return Batch(*map(torch.from_numpy, arrays))

"""Scenes to be looked at, without end: what is named is to be found in them, and nothing is done.

Knows no simulator: whoever makes scenes is an argument. Legend as in `vla.models.contract`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vla.batches import Corruption
from vla.contract import ByteArray, FloatArray
from vla.models.contract import Scenes
from vla.normalize import Normalizer
from vla.text import TextCoder


class Shown(NamedTuple):
    """A picture of a scene with its instruction, and where the things are that it names; shapes as in `Batch`."""

    text: str
    pixels: ByteArray  # (V, H, W, 3)
    agent_pos: FloatArray  # (8,)
    points: FloatArray  # (V, R, 3)
    positions: FloatArray  # (R, 7)
    labels: NDArray[np.int16]  # (V, G, G) number in `words` of what is in the middle of a cell, -1 for nothing
    words: tuple[tuple[str, str], ...]  # colour and kind of each thing


SceneMaker = Callable[[np.random.Generator, int], Sequence[Shown]]


@dataclass(frozen=True)
class SceneSource:
    """Batch number `step` of scenes (`vla.curriculum.Source`): as of demonstrations, but nothing is done in them.

    Attributes:
        make: Makes them.
        coder: Texts to ids.
        normalizer: Of proprioception.
        batch_size: Pictures a batch.
        seed: With the step it decides what is shown.
        corruption: What is done to words and pictures; nobody is told of what is not there.
        moments: 1 + K for a network that sees K earlier moments; here nothing has moved.
    """

    make: SceneMaker
    coder: TextCoder
    normalizer: Normalizer
    batch_size: int
    seed: int
    corruption: Corruption = field(default_factory=Corruption)
    moments: int = 1
    _ids: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def batch(self, step: int) -> Scenes:
        """Build batch `step`."""
        rng = np.random.default_rng((self.seed, 6, step))
        shown = self.make(rng, self.batch_size)
        silent = rng.random(len(shown)) < self.corruption.no_words
        ids = self.coder.encode(["" if no else one.text for one, no in zip(shown, silent, strict=True)])
        ids = self.corruption.heard(self.coder, ids, rng)
        pixels, points = (np.stack([getattr(one, name) for one in shown]) for name in ("pixels", "points"))
        pixels[rng.random(len(pixels)) < self.corruption.no_pixels] = 0
        seen = [np.tile(array, (1, self.moments, *[1] * (array.ndim - 2))) for array in (pixels, points)]
        state = self.normalizer.state(np.stack([one.agent_pos for one in shown])).astype(np.float32)
        told = points[:, :, 0, 2].any(1) & pixels.any((1, 2, 3, 4)) & ~silent
        present = np.where(told, 1.0, -1.0).astype(np.float32)
        positions, labels = np.stack([one.positions for one in shown]), self._labels(shown)
        labels[~pixels.any((1, 2, 3, 4))] = -1
        arrays = (seen[0], ids, np.tile(state, (1, self.moments)), seen[1], positions, present)
        return Scenes(*map(torch.from_numpy, (*arrays, np.tile(labels, (1, self.moments, 1, 1, 1)))))

    def _labels(self, shown: Sequence[Shown]) -> NDArray[np.int64]:
        """Ids of the words for what is in each cell, (B, V, G, G, 2)."""
        found = []
        for one in shown:
            ids = [[self._id(word) for word in words] for words in one.words]
            found.append(np.array([*ids, [0, 0]], np.int64)[one.labels])
        return np.stack(found)

    def _id(self, word: str) -> int:
        """Id of a word; -1 for one that the coder does not read as one token."""
        if word not in self._ids:
            ids = self.coder.encode([word])[0]
            self._ids[word] = int(ids[0]) if np.count_nonzero(ids) == 1 else -1
        return self._ids[word]

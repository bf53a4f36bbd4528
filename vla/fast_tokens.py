"""FAST action tokens (Pertsch et al. 2025, arXiv 2501.09747), written from the paper: DCT, rounding, pair encoding.

A chunk is scaled to [-1, 1] by quantiles; the cosine transform along time leaves smooth motion in few numbers; these
are scaled and rounded, listed from low to high frequency (all dimensions of a frequency side by side), and pairs that
occur often become one token. Knows no network.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla.bin_tokens import LEAST_RANGE
from vla.bpe import PairEncoding
from vla.contract import FloatArray
from vla.normalize import quantile_range

MOST = 8000  # chunks that the pairs are counted in
LIMIT = 127  # of a rounded coefficient: outliers are clipped, so that the alphabet leaves room for pairs


def cosine_matrix(length: int) -> NDArray[np.float64]:
    """Orthonormal DCT-II: rows are frequencies, columns are time steps; its inverse is its transpose."""
    k, t = np.mgrid[:length, :length]
    matrix = np.sqrt(2 / length) * np.cos(np.pi * (2 * t + 1) * k / (2 * length))
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float64)


@dataclass(frozen=True)
class FastTokenizer:
    """A code fitted to the chunks of one data set.

    Attributes:
        low: What becomes -1, one number a dimension (A,).
        high: What becomes 1.
        chunk: Actions C in a chunk.
        scale: Coefficients are multiplied by it before rounding; 10 as in the paper loses about 0.03 (RMS) of [-1, 1].
        first: The smallest rounded coefficient; it is symbol 0.
        pairs: The pair encoding.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    chunk: int
    scale: float
    first: int
    pairs: PairEncoding

    @staticmethod
    def fit(actions: FloatArray, size: int = 1024, scale: float = 10.0) -> FastTokenizer:
        """A code of at most `size` tokens for chunks like `actions` (N, C, A).

        Raises ValueError for another shape, or too few tokens for the coefficients that occur.
        """
        if actions.ndim != 3 or not len(actions):
            raise ValueError(f"expected chunks (N, C, A) to fit FAST tokens to, got shape {actions.shape}")
        low, high = quantile_range(actions.reshape(-1, actions.shape[-1]), LEAST_RANGE)
        edges = tuple(low.round(6).tolist()), tuple(high.round(6).tolist())
        plain = FastTokenizer(*edges, actions.shape[1], scale, -LIMIT, PairEncoding(2 * LIMIT + 1))
        some = actions[np.linspace(0, len(actions) - 1, min(MOST, len(actions))).astype(int)]
        rounded = plain.coefficients(some)
        first, last = int(rounded.min()), int(rounded.max())
        pairs = PairEncoding.fit(rounded - first, last - first + 1, size)
        return FastTokenizer(*edges, actions.shape[1], scale, first, pairs)

    @property
    def size(self) -> int:
        """Ids are below it."""
        return self.pairs.size

    @property
    def longest(self) -> int:
        """Ids of a chunk in which no pair is known."""
        return self.chunk * len(self.low)

    @functools.cached_property
    def _cosines(self) -> NDArray[np.float64]:
        return cosine_matrix(self.chunk)

    def coefficients(self, chunks: FloatArray) -> NDArray[np.int64]:
        """Rounded coefficients (N, C * A) of chunks (N, C, A), low frequencies first."""
        low, high = np.array(self.low), np.array(self.high)
        centred = (np.asarray(chunks, np.float64) - low) / (high - low) * 2 - 1
        found = np.einsum("kt,nta->nka", self._cosines, centred) * self.scale
        return np.asarray(np.clip(np.rint(found), -LIMIT, LIMIT).reshape(len(chunks), -1), np.int64)

    def encode_all(self, chunks: FloatArray) -> list[list[int]]:
        """Ids of chunks (N, C, A)."""
        symbols = np.clip(self.coefficients(chunks) - self.first, 0, self.pairs.alphabet - 1)
        return [self.pairs.encode(row) for row in symbols.tolist()]

    def encode(self, chunk: FloatArray) -> list[int]:
        """Ids of a chunk (C, A); coefficients that the data did not have are the nearest that they had."""
        return self.encode_all(chunk[None])[0]

    def decode(self, ids: Sequence[int]) -> FloatArray:
        """A chunk (C, A) of any ids: missing coefficients are 0, superfluous ones are cut off."""
        symbols = self.pairs.decode(ids)[: self.longest]
        rounded = np.zeros(self.longest)
        rounded[: len(symbols)] = np.array(symbols, np.float64) + self.first
        centred = self._cosines.T @ (rounded.reshape(self.chunk, -1) / self.scale)
        low, high = np.array(self.low), np.array(self.high)
        return np.asarray(low + (centred + 1) / 2 * (high - low), np.float32)

    def to_json(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {
            "low": list(self.low),
            "high": list(self.high),
            "chunk": self.chunk,
            "scale": self.scale,
            "first": self.first,
            "alphabet": self.pairs.alphabet,
            "merges": [list(pair) for pair in self.pairs.merges],
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> FastTokenizer:
        """What `to_json` gave."""
        pairs = PairEncoding(data["alphabet"], tuple((a, b) for a, b in data["merges"]))
        edges = tuple(data["low"]), tuple(data["high"])
        return FastTokenizer(*edges, data["chunk"], data["scale"], data["first"], pairs)

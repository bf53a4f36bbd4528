"""Actions as bins, one token a number (RT-2, OpenVLA arXiv 2406.09246).

An action tokenizer (this one, `vla.fast_tokens`) turns a chunk into ids below `size` and any ids into a chunk. Knows no
network and no vocabulary of words: who embeds the ids decides which of its entries they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from vla.contract import FloatArray
from vla.normalize import quantile_range

IdArray = NDArray[np.int64]
LEAST_RANGE = 0.1  # of a dimension that hardly varies, in normalised units


class ActionTokenizer(Protocol):
    """A code for chunks of actions (C, A)."""

    @property
    def size(self) -> int:
        """Ids are below it."""

    @property
    def longest(self) -> int:
        """The most ids that a chunk can have."""

    def encode(self, chunk: FloatArray) -> list[int]:
        """Ids of a chunk (C, A)."""

    def decode(self, ids: Sequence[int]) -> FloatArray:
        """A chunk (C, A) of any ids: too few are padded, too many are cut, unknown ones mean nothing."""

    def to_json(self) -> dict[str, Any]:
        """JSON-ready data, for `from_json` of the class."""


@dataclass(frozen=True)
class BinTokenizer:
    """Equal bins between the 1 % and 99 % quantiles of each dimension; what lies outside goes to the outermost ones.

    Attributes:
        low: Lower edge of the first bin, one number a dimension (A,).
        high: Upper edge of the last one.
        chunk: Actions C in a chunk.
        bins: How many; OpenVLA has 256 edges, here it is 256 bins.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]
    chunk: int
    bins: int = 256

    @staticmethod
    def fit(actions: FloatArray, bins: int = 256) -> BinTokenizer:
        """The bins of chunks (N, C, A). Raises ValueError for another shape."""
        if actions.ndim != 3 or not len(actions):
            raise ValueError(f"expected chunks (N, C, A) to fit bins to, got shape {actions.shape}")
        low, high = quantile_range(actions.reshape(-1, actions.shape[-1]), LEAST_RANGE)
        return BinTokenizer(tuple(low.round(6).tolist()), tuple(high.round(6).tolist()), actions.shape[1], bins)

    @property
    def size(self) -> int:
        """Ids are below it."""
        return self.bins

    @property
    def longest(self) -> int:
        """Ids of every chunk."""
        return self.chunk * len(self.low)

    def ids(self, actions: FloatArray) -> IdArray:
        """The bin of every number of `actions` (..., A), same shape."""
        low, high = np.array(self.low), np.array(self.high)
        return np.asarray(np.clip((actions - low) / (high - low) * self.bins, 0, self.bins - 1), np.int64)

    def values(self, ids: IdArray) -> FloatArray:
        """Centres of bins (..., A), same shape."""
        low, high = np.array(self.low), np.array(self.high)
        return np.asarray(low + (np.clip(ids, 0, self.bins - 1) + 0.5) / self.bins * (high - low), np.float32)

    def encode(self, chunk: FloatArray) -> list[int]:
        """Ids of a chunk (C, A), action by action."""
        flat: list[int] = self.ids(chunk).ravel().tolist()
        return flat

    def decode(self, ids: Sequence[int]) -> FloatArray:
        """A chunk (C, A); what is missing or unknown is the middle of its range."""
        whole = np.full(self.longest, self.bins // 2)
        given = np.asarray(ids[: self.longest], np.int64)
        whole[: len(given)] = np.where((given >= 0) & (given < self.bins), given, self.bins // 2)
        return self.values(whole.reshape(self.chunk, -1))

    def to_json(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {**asdict(self), "low": list(self.low), "high": list(self.high)}

    @staticmethod
    def from_json(data: dict[str, Any]) -> BinTokenizer:
        """What `to_json` gave."""
        return BinTokenizer(tuple(data["low"]), tuple(data["high"]), data["chunk"], data["bins"])

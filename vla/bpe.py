"""Byte-pair encoding of sequences of small integers (Gage 1994; Sennrich et al. 2016). Knows not what they mean."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PairEncoding:
    """Symbols 0..alphabet-1 are ids of their own; id alphabet + k stands for the pair `merges[k]` of earlier ids."""

    alphabet: int
    merges: tuple[tuple[int, int], ...] = ()

    @staticmethod
    def fit(sequences: NDArray[np.int64], alphabet: int, size: int) -> PairEncoding:
        """Merge the most frequent pair, again and again, until there are `size` ids or no pair occurs twice.

        Args:
            sequences: (N, L) of symbols below `alphabet`. Nothing is merged across rows.
            alphabet: Number of symbols.
            size: Ids wanted in all.

        Raises:
            ValueError: A symbol is outside the alphabet, or the alphabet alone is larger than `size`.
        """
        if alphabet > size:
            raise ValueError(f"{size} ids are too few: the alphabet alone has {alphabet} symbols")
        if sequences.size and not 0 <= sequences.min() <= sequences.max() < alphabet:
            raise ValueError(f"symbols must be in [0, {alphabet}), got {sequences.min()} to {sequences.max()}")
        flat = np.pad(sequences, ((0, 0), (0, 1)), constant_values=-1).ravel()  # -1 ends a row
        merges: list[tuple[int, int]] = []
        for new in range(alphabet, size):
            left, right = flat[:-1], flat[1:]
            counts = np.bincount((left * size + right)[(left >= 0) & (right >= 0)], minlength=1)
            best = int(counts.argmax())
            if counts[best] < 2:
                break
            merges.append(divmod(best, size))
            flat = _merged(flat, merges[-1], new)
        return PairEncoding(alphabet, tuple(merges))

    @property
    def size(self) -> int:
        """Number of ids."""
        return self.alphabet + len(self.merges)

    @functools.cached_property
    def _ids(self) -> dict[tuple[int, int], int]:
        return {pair: self.alphabet + k for k, pair in enumerate(self.merges)}

    @functools.cached_property
    def _symbols(self) -> list[tuple[int, ...]]:
        spelled: list[tuple[int, ...]] = [(symbol,) for symbol in range(self.alphabet)]
        for a, b in self.merges:
            spelled.append(spelled[a] + spelled[b])
        return spelled

    def encode(self, symbols: Sequence[int]) -> list[int]:
        """Ids of a sequence: the earliest learnt merge first, wherever it fits, until none does."""
        ids, known = list(symbols), self._ids
        while True:
            new = min((known[pair] for pair in itertools.pairwise(ids) if pair in known), default=-1)
            if new < 0:
                return ids
            a, b = self.merges[new - self.alphabet]
            merged, i = [], 0
            while i < len(ids):
                here = i + 1 < len(ids) and ids[i] == a and ids[i + 1] == b
                merged.append(new if here else ids[i])
                i += 2 if here else 1
            ids = merged

    def decode(self, ids: Sequence[int]) -> list[int]:
        """Symbols of ids; ids that do not exist stand for nothing."""
        spelled = self._symbols
        return [symbol for i in ids if 0 <= i < len(spelled) for symbol in spelled[i]]


def _merged(flat: NDArray[np.int64], pair: tuple[int, int], new: int) -> NDArray[np.int64]:
    """`flat` with every occurrence of `pair` replaced by `new`, from the left where they overlap (a a a)."""
    at = np.flatnonzero((flat[:-1] == pair[0]) & (flat[1:] == pair[1]))
    if pair[0] == pair[1]:
        first = np.r_[True, np.diff(at) > 1]  # of a run of overlapping matches; every second one of it counts
        start = np.maximum.accumulate(np.where(first, at, 0))
        at = at[(at - start) % 2 == 0]
    flat = flat.copy()
    flat[at] = new
    return np.delete(flat, at + 1)

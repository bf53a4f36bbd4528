"""Words to integers: a vocabulary from the task grammar, hashed buckets for words it does not know.

Knows no grammar: the list of words is an argument. Nothing is downloaded and no tokenizer file is needed: the
vocabulary is part of the model's configuration.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAD = 0
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Lower-case words of `text`; punctuation is dropped."""
    return _WORD.findall(text.lower())


@dataclass(frozen=True)
class Vocabulary:
    """Token ids: 0 is padding, 1..n the known words, then `buckets` ids that unknown words are hashed into.

    Attributes:
        words: Known words, in id order.
        buckets: Number of hash buckets (the "hashing trick", Weinberger et al. 2009).
        max_words: Longer instructions are cut; the length of every encoded instruction.
    """

    words: tuple[str, ...]
    buckets: int = 64
    max_words: int = 20

    @staticmethod
    def build(texts: Iterable[str], buckets: int = 64, max_words: int = 20) -> Vocabulary:
        """The vocabulary of all words in `texts`, sorted."""
        return Vocabulary(tuple(sorted({word for text in texts for word in words_of(text)})), buckets, max_words)

    @property
    def size(self) -> int:
        """Number of ids: padding, words and buckets."""
        return 1 + len(self.words) + self.buckets

    @property
    def first_bucket(self) -> int:
        """The id of the first hash bucket."""
        return 1 + len(self.words)

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Ids (B, max_words), padded with 0. An empty instruction is all padding."""
        ids = np.zeros((len(texts), self.max_words), np.int64)
        index = {word: i + 1 for i, word in enumerate(self.words)}
        for row, text in enumerate(texts):
            for column, word in enumerate(words_of(text)[: self.max_words]):
                bucket = self.first_bucket + zlib.crc32(word.encode()) % self.buckets
                ids[row, column] = index.get(word, bucket)
        return ids

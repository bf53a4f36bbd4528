"""Texts to integers: what every text coder keeps to, and our own: known words, hashed buckets for the others.

Other coders: `vla.text_pretrained` (tokenizer of a sentence encoder), `vla.text_prompt` (chat of a vision-language
model). Knows no grammar: the list of words is an argument. A vocabulary is part of the policy's configuration, so that
nothing is downloaded and no tokenizer file is needed.
"""

from __future__ import annotations

import re
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from typing_extensions import Self

from vla.registry import nearest
from vla.thesaurus import edition, meant

IdArray = NDArray[np.int64]
PAD = 0
READINGS = ("plain", "forgiving")
SIMILAR = 35  # percents; of the trials of `experiments/thesaurus.py`, few are read wrong from here on
_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Lower-case words of `text`; punctuation is dropped."""
    return _WORD.findall(text.lower())


class TextCoder(ABC):
    """Instructions to token ids of one length, for `Batch.tokens`; id 0 is padding, whatever the tokenizer calls it.

    Coders are frozen dataclasses that go to JSON and back; two are equal if they encode equally. Files that they need
    are kept beside the weights.
    """

    kind: str  # names the class in a configuration

    @abstractmethod
    def encode(self, texts: Sequence[str]) -> IdArray:
        """Ids (B, L)."""

    def noised(self, ids: IdArray, share: float, rng: np.random.Generator) -> IdArray:
        """`ids` (B, L) with about a `share` of the words made unknown; as they are where no word is unknown."""
        return ids

    def thinned(self, ids: IdArray, share: float, rng: np.random.Generator) -> IdArray:
        """`ids` (B, L) with about a `share` of the words left out; as they are where ids are not those of words."""
        return ids

    def write_files(self, folder: Path) -> tuple[str, ...]:
        """Write the files that the coder needs into a checkpoint's folder; their names. Ours needs none."""
        return ()

    def read_files(self, folder: Path) -> Self:
        """The coder with the files of a checkpoint's folder. Raises ValueError if they are missing or others."""
        return self


@dataclass(frozen=True)
class Vocabulary(TextCoder):
    """Token ids: 0 is padding, 1..n the known words, then `buckets` ids that unknown words are hashed into.

    Attributes:
        words: Known words, in id order.
        buckets: Number of hash buckets (the "hashing trick", Weinberger et al. 2009).
        max_words: Longer instructions are cut; the length of every encoded instruction.
        reading: "plain", or "forgiving": an unknown word is taken for the known one that it is a form or a misspelling
            of, or that means about the same (`vla.thesaurus`). Known words are read alike by both.
        similar: Least similarity of words that mean about the same, in percents.
        drop: Leave out words that stay unknown, before an instruction is cut, instead of hashing them.
        thesaurus: Edition that the reading was chosen with; "" for any.
    """

    words: tuple[str, ...]
    buckets: int = 64
    max_words: int = 20
    kind: str = "words"
    reading: str = "plain"
    similar: int = SIMILAR
    drop: bool = False
    thesaurus: str = ""

    def __post_init__(self) -> None:
        """Raise UnknownNameError for a reading that there is not."""
        if self.reading not in READINGS:
            raise nearest("reading", self.reading, list(READINGS))

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

    def noised(self, ids: IdArray, share: float, rng: np.random.Generator) -> IdArray:
        """`ids` (B, L) with a `share` of the words replaced by any bucket, so that buckets carry no meaning."""
        unknown = (rng.random(ids.shape) < share) & (ids != PAD)
        return np.where(unknown, rng.integers(self.first_bucket, self.size, ids.shape), ids)

    def thinned(self, ids: IdArray, share: float, rng: np.random.Generator) -> IdArray:
        """`ids` (B, L) with a `share` of the words left out, and those behind them moved up.

        So are instructions read that have unknown words, if those are dropped.
        """
        kept = (rng.random(ids.shape) >= share) & (ids != PAD)
        order = np.argsort(~kept, axis=1, kind="stable")
        return np.take_along_axis(np.where(kept, ids, PAD), order, axis=1)

    def read_files(self, folder: Path) -> Self:
        """Itself. Raises ValueError if it reads with another thesaurus than the one that is here."""
        if self.reading == "forgiving" and self.thesaurus not in ("", edition()):
            raise ValueError(
                f"its words were read with thesaurus {self.thesaurus}, this version has {edition()}; "
                "`vla words CHECKPOINT --reading forgiving` takes this one"
            )
        return self

    def forgiving(self, drop: bool = True) -> Vocabulary:
        """The same words, with a sensible try at others; `drop` leaves out those that mean nothing."""
        return replace(self, reading="forgiving", drop=drop, thesaurus=edition())

    def read(self, text: str) -> list[tuple[str, str | None]]:
        """Each word of `text`, and the known word that it is read as; None for one that stays unknown."""
        known = set(self.words)
        return [(word, word if word in known else self._meant(word)) for word in words_of(text)]

    def encode(self, texts: Sequence[str]) -> IdArray:
        """Ids (B, max_words), padded with 0. An empty instruction is all padding."""
        ids = np.zeros((len(texts), self.max_words), np.int64)
        index = {word: i + 1 for i, word in enumerate(self.words)}
        for row, text in enumerate(texts):
            found = [index[known] if known else self._bucket(word) for word, known in self.read(text)]
            kept = [i for i in found if i != PAD][: self.max_words]
            ids[row, : len(kept)] = kept
        return ids

    def _meant(self, word: str) -> str | None:
        return meant(word, self.words, self.similar) if self.reading == "forgiving" else None

    def _bucket(self, word: str) -> int:
        """The bucket of an unknown word; padding if such words are dropped."""
        return PAD if self.drop else self.first_bucket + zlib.crc32(word.encode()) % self.buckets

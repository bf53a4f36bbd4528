"""Instructions as the tokenizer of a sentence encoder cuts them. Knows no weights (`vla.models.sentences` has them)."""

from __future__ import annotations

import functools
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import Self

from vla import side_files
from vla.pretrained import library, load
from vla.text import PAD, IdArray, TextCoder

SENTENCE = 1  # id of the first place of a row, which stands for the whole sentence
_LOCK = threading.Lock()  # fast tokenizers may not be used by two threads at once


@dataclass(frozen=True)
class SentenceCoder(TextCoder):
    """Rows (B, L): one place for the sentence, then its tokens; id 0 is padding, id i + 1 the tokenizer's i.

    An empty instruction is all padding.

    Attributes:
        files: Names of the tokenizer's files -> SHA-256.
        room: Tokens of an instruction; the end of a longer one is dropped.
    """

    files: dict[str, str]
    room: int = 32
    kind: str = "sentence"
    _data: dict[str, bytes] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, name: str, room: int = 32) -> Self:
        """The coder of the encoder `name`, a folder or a name on the hub. Raises PretrainedError."""
        data = side_files.collect(load(library().AutoTokenizer, name))
        return cls(side_files.sums(data), room, _data=data)

    def write_files(self, folder: Path) -> tuple[str, ...]:
        """Write the tokenizer's files; their names."""
        return side_files.write(self._data, folder)

    def read_files(self, folder: Path) -> Self:
        """With the tokenizer's files. Raises ValueError if one is missing or another."""
        return replace(self, _data=side_files.read(folder, self.files))

    @functools.cached_property
    def opened(self) -> Any:
        """The tokenizer."""
        with tempfile.TemporaryDirectory(prefix="vla-tokenizer-") as folder:
            side_files.write(self._data, Path(folder))
            return load(library().AutoTokenizer, folder)

    @property
    def length(self) -> int:
        """Places L of a row."""
        return 1 + self.room

    @property
    def size(self) -> int:
        """Ids are below it."""
        return len(self.opened) + 1

    def encode(self, texts: Sequence[str]) -> IdArray:
        """Ids (B, L)."""
        rows = np.full((len(texts), self.length), PAD, np.int64)
        with _LOCK:
            for row, text in zip(rows, texts, strict=True):
                if text.strip():
                    ids = self.opened(text, truncation=True, max_length=self.room)["input_ids"]
                    row[: 1 + len(ids)] = [SENTENCE, *(i + 1 for i in ids)]
        return rows

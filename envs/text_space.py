"""The space of instructions, and a repair of how Gymnasium's asynchronous vector environments share text.

`AsyncVectorEnv` with shared memory (the default) reads the observation out of the memory once, when it is made: arrays
are views and stay current, but a `Text` is decoded then and for good, so that every instruction would read `aaa...`
(Gymnasium 1.4, `read_from_shared_memory`). The texts of `InstructionSpace` are decoded when they are looked at.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any, overload

import numpy as np
from gymnasium import spaces
from gymnasium.vector.utils.shared_memory import read_from_shared_memory

INSTRUCTION_LENGTH = 600  # characters at most
CHARACTERS = string.ascii_letters + string.digits + " .,;:!?'\"-()" + "äöüßÄÖÜàâçèéêëîïôùûœáíóúñ"


class InstructionSpace(spaces.Text):
    """Any English, German, French or Spanish sentence up to `INSTRUCTION_LENGTH` characters, the empty one included."""

    def __init__(self) -> None:
        """See the class."""
        super().__init__(INSTRUCTION_LENGTH, min_length=0, charset=CHARACTERS)


class SharedTexts(Sequence[str]):
    """The current texts of `count` environments in memory shared with them; a deep copy is a tuple of plain strings."""

    def __init__(self, space: InstructionSpace, memory: Any, count: int) -> None:
        """`memory` is a multiprocessing array of int32 with `count` rows of `space.max_length` character numbers."""
        self._codes = np.frombuffer(memory.get_obj(), np.int32).reshape(count, space.max_length)
        self._characters = space.character_list

    def __len__(self) -> int:
        """Number of environments."""
        return len(self._codes)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        """The text of one environment now, or of several."""
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        return "".join(self._characters[code] for code in self._codes[index] if code < len(self._characters))

    def __deepcopy__(self, memo: dict[int, Any]) -> tuple[str, ...]:
        return tuple(self)


@read_from_shared_memory.register(InstructionSpace)
def _read_instructions(space: InstructionSpace, shared_memory: Any, n: int = 1) -> SharedTexts:
    return SharedTexts(space, shared_memory, n)

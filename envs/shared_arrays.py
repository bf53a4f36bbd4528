"""Observations of several environments in memory that their processes share. Knows no environment and no process."""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

ALIGNMENT = 64  # bytes: arrays begin on a cache line of their own


class SharedArrays:
    """The arrays of `count` observations, in anonymous memory: it has no name, and goes with the last who maps it.

    Attributes:
        descriptor: Number of the open file that is the memory; a process that inherits it passes it to map the same.
    """

    def __init__(self, space: spaces.Dict, count: int, descriptor: int | None = None) -> None:
        """Make the memory, or map the one of `descriptor`. What is no array (text) is left out."""
        boxes = dict(_boxes(space))
        sizes = {path: count * int(np.prod(box.shape)) * box.dtype.itemsize for path, box in boxes.items()}
        starts, total = {}, 0
        for path, size in sizes.items():
            starts[path], total = total, total + -(-size // ALIGNMENT) * ALIGNMENT
        self.descriptor = _anonymous_file(total) if descriptor is None else descriptor
        self._memory = mmap.mmap(self.descriptor, total)
        self._arrays: dict[tuple[str, ...], np.ndarray[Any, Any]] = {
            path: np.frombuffer(self._memory, box.dtype, count * int(np.prod(box.shape)), starts[path]).reshape(
                count, *box.shape
            )
            for path, box in boxes.items()
        }

    def write(self, row: int, observation: dict[str, Any]) -> dict[str, Any]:
        """Store the arrays of one environment's observation; returns the rest of it (text), nested alike."""
        return _without(observation, self._arrays, row, ())

    def read(self, space: spaces.Dict, others: Sequence[dict[str, Any]], copy: bool) -> dict[str, Any]:
        """The batch: arrays (count, ...), copied if asked, and tuples of what each environment has besides."""
        return self._gather(space, list(others), copy, ())

    def close(self) -> None:
        """Let go of the memory; views of it that are still used keep it alive."""
        self._arrays.clear()
        del self._memory
        os.close(self.descriptor)

    def _gather(
        self, space: spaces.Dict, others: list[dict[str, Any]], copy: bool, path: tuple[str, ...]
    ) -> dict[str, Any]:
        batch: dict[str, Any] = {}
        for name, part in space.spaces.items():
            here = (*path, name)
            if isinstance(part, spaces.Dict):
                batch[name] = self._gather(part, [other.get(name, {}) for other in others], copy, here)
            elif here in self._arrays:
                batch[name] = self._arrays[here].copy() if copy else self._arrays[here]
            else:
                batch[name] = tuple(other.get(name, "") for other in others)
        return batch


def _boxes(space: spaces.Dict, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], spaces.Box]]:
    for name, part in space.spaces.items():
        if isinstance(part, spaces.Dict):
            yield from _boxes(part, (*path, name))
        elif isinstance(part, spaces.Box):
            yield (*path, name), part


def _without(
    observation: dict[str, Any], arrays: dict[tuple[str, ...], np.ndarray[Any, Any]], row: int, path: tuple[str, ...]
) -> dict[str, Any]:
    rest: dict[str, Any] = {}
    for name, value in observation.items():
        here = (*path, name)
        if isinstance(value, dict):
            rest[name] = _without(value, arrays, row, here)
        elif here in arrays:
            arrays[here][row] = value
        else:
            rest[name] = value
    return rest


def _anonymous_file(size: int) -> int:
    """Descriptor of `size` bytes of memory without a name, or of a deleted file where the system has no such thing."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("vla-observations")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor

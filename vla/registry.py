"""Named things, registered by decorator, with the nearest name in the error. Knows nothing of what it holds."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")
_REGISTRIES: dict[str, Registry[Any]] = {}


class UnknownNameError(ValueError):
    """A name that is not registered; the message gives the nearest valid one."""


def nearest(kind: str, name: str, names: list[str]) -> UnknownNameError:
    """Build the error for an unknown `name`: what was given, what is nearest, what exists."""
    close = difflib.get_close_matches(name.lower(), [n.lower() for n in names], n=1, cutoff=0.4)
    original = {n.lower(): n for n in names}
    hint = f" Did you mean {original[close[0]]!r}?" if close else ""
    return UnknownNameError(f"unknown {kind} {name!r}.{hint} Known: {', '.join(sorted(names)) or 'none'}.")


class Registry(Generic[T]):
    """A mapping from names to objects of one kind; one registry of a kind in a process, and it pickles as its name.

    Args:
        kind: What it holds, for messages ("task", "axis").
        package: Package whose modules register entries when imported; they are all imported on first look-up, so that
            adding an entry is adding one file.
    """

    def __init__(self, kind: str, package: str = "") -> None:
        """Create an empty registry."""
        self.kind = kind
        self.home = package
        self._package = package
        self._entries: dict[str, T] = {}
        _REGISTRIES[kind] = self

    def __reduce__(self) -> tuple[Callable[[str, str], Registry[Any]], tuple[str, str]]:
        """Found again by name: a copy would miss what is discovered later."""
        return _find, (self.kind, self.home)

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that adds an entry. Raises ValueError if the name is taken by something else."""

        def add(entry: T) -> T:
            old = self._entries.get(name)
            if old is not None and getattr(old, "__qualname__", None) != getattr(entry, "__qualname__", None):
                raise ValueError(f"{self.kind} {name!r} is registered twice: {old!r} and {entry!r}")
            self._entries[name] = entry
            return entry

        return add

    def _discover(self) -> None:
        if not self._package:
            return
        name, self._package = self._package, ""
        package = importlib.import_module(name)
        for module in pkgutil.iter_modules(package.__path__, name + "."):
            importlib.import_module(module.name)

    def __getitem__(self, name: str) -> T:
        """The entry called `name`. Raises UnknownNameError naming the nearest one."""
        self._discover()
        if name not in self._entries:
            raise nearest(self.kind, name, list(self._entries))
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        """Names, sorted."""
        self._discover()
        return iter(sorted(self._entries))

    def __contains__(self, name: object) -> bool:
        """Whether `name` is registered."""
        self._discover()
        return name in self._entries

    def __len__(self) -> int:
        """How many entries there are."""
        self._discover()
        return len(self._entries)

    def written_in_script(self) -> dict[str, T]:
        """Entries defined in the program itself (`__main__`), which no import can find in another process."""
        return {name: entry for name, entry in self._entries.items() if getattr(entry, "__module__", "") == "__main__"}


def _find(kind: str, package: str) -> Registry[Any]:
    """The registry of `kind` in this process, made by importing the modules of `package`."""
    if kind not in _REGISTRIES and package:
        for module in pkgutil.iter_modules(importlib.import_module(package).__path__, package + "."):
            importlib.import_module(module.name)
    return _REGISTRIES[kind]


def script_entries() -> list[tuple[Registry[Any], dict[str, Any]]]:
    """What the program itself registered, for sending to worker processes."""
    found = [(registry, registry.written_in_script()) for registry in _REGISTRIES.values()]
    return [(registry, entries) for registry, entries in found if entries]


def install(found: list[tuple[Registry[Any], dict[str, Any]]]) -> None:
    """Register in this process what `script_entries` found in another."""
    for registry, entries in found:
        for name, entry in entries.items():
            registry.register(name)(entry)

"""The text files of a tokenizer or processor: in memory, named with their SHA-256 in the configuration.

Knows nothing of what is in them.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SUFFIXES = (".json", ".jinja", ".txt")


def collect(saver: Any) -> dict[str, bytes]:
    """What `saver.save_pretrained` writes. Raises ValueError for anything but JSON and text."""
    with tempfile.TemporaryDirectory(prefix="vla-files-") as folder:
        saver.save_pretrained(folder)
        found = {
            path.relative_to(folder).as_posix(): path for path in sorted(Path(folder).rglob("*")) if path.is_file()
        }
        strange = [name for name in found if not name.endswith(SUFFIXES)]
        if strange:
            raise ValueError(f"expected JSON and text files only ({', '.join(SUFFIXES)}), got {', '.join(strange)}")
        return {name: path.read_bytes() for name, path in found.items()}


def sums(files: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each file, hexadecimal."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def write(files: Mapping[str, bytes], folder: Path) -> tuple[str, ...]:
    """Write the files into `folder`; their names."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tuple(files)


def read(folder: Path, expected: Mapping[str, str]) -> dict[str, bytes]:
    """The files of `folder` that are `expected`, name -> SHA-256. Raises ValueError if one is missing or another."""
    found = {}
    for name, total in expected.items():
        path = folder / name
        if path.suffix not in SUFFIXES or not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"{name!r} is no name of a tokenizer's or processor's file")
        if not path.is_file():
            raise ValueError(f"{folder.name}/{name} is missing")
        found[name] = path.read_bytes()
        if hashlib.sha256(found[name]).hexdigest() != total:
            raise ValueError(f"{folder.name}/{name} is not the file that was stored with these weights")
    return found

"""How many worker processes `--workers auto` means: what `vla bench scale` found best here, else one a usable core."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from envs.cache import cache_folder, write_atomically
from vla.provenance import machine, usable_cores


def worker_count(asked: int | Literal["auto"] | None) -> int:
    """The number that `asked` stands for; None is `auto`."""
    return auto_workers() if asked is None or asked == "auto" else asked


def auto_workers() -> int:
    """The best number of workers on this machine, as far as it is known."""
    found = _read().get(machine(), {}).get("workers")
    return found if isinstance(found, int) and found > 0 else usable_cores()


def remember(workers: int, **how: Any) -> Path:
    """Keep the best number of this machine (processor and usable cores) in the cache folder; returns the file."""
    known = _read() | {machine(): {"workers": workers, **how}}
    write_atomically(_file(), json.dumps(known, indent=1).encode())
    return _file()


def _file() -> Path:
    return cache_folder("scale") / "workers.json"


def _read() -> dict[str, dict[str, Any]]:
    """What is known, by machine; a file that cannot be read is as good as none."""
    try:
        known = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}

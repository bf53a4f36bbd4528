"""Where a number comes from: package versions, commit, machine, file hashes. Imports none of what it describes."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import re
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

PACKAGES = ("vla-bench", "numpy", "pybullet", "torch", "numba")


@functools.cache
def versions() -> dict[str, str]:
    """Versions of what decides an episode's outcome, and `commit`, the source's git commit ("" outside a checkout)."""
    packages = {name: _version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **packages, "commit": commit()}


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@functools.cache
def commit() -> str:
    """Short commit of the checkout this file is in, with `+` when tracked files differ from it; "" outside git."""
    file = Path(__file__).resolve()
    folder = file.parent
    if not _git(folder, "ls-files", file.name):  # installed, perhaps inside somebody else's checkout
        return ""
    head = _git(folder, "rev-parse", "--short=12", "HEAD")
    return head + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def machine() -> str:
    """The processor, usable cores and system in one line."""
    return f"{_processor()}, {usable_cores()} cores, {platform.system()} {platform.release()}"


def usable_cores() -> int:
    """Cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def now() -> str:
    """The time as ISO 8601 in UTC, to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def command_line() -> str:
    """The command that is running, as one would type it."""
    name, *rest = sys.argv
    return shlex.join([Path(name).name, *rest])


def shareable(text: str) -> str:
    """`text` with only the last two parts of absolute paths, which say nothing on another machine."""
    return re.sub(r"(?<!\S)/\S+", lambda found: "/".join(Path(found[0]).parts[1:][-2:]), text)

"""What `vla doctor` looks at: versions, where packages come from, renderers, threads, cache. Repairs nothing.

Imports the toolkit only inside the checks: a shadowed package has to be reported, not to crash the report.
"""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from envs.scene import SceneSpec

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("vla", "envs", "policies", "experiments")
DISTRIBUTION = "vla-bench"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

Status = Literal["PASS", "FAIL", "INFO"]


@dataclass(frozen=True)
class Line:
    """One line of the report. `seconds` is how long the check took, 0 for a mere look."""

    section: str
    name: str
    status: Status
    detail: str
    seconds: float = 0.0


def check(section: str, name: str, look: Callable[[], str]) -> Line:
    """Run `look`; its return value is the detail of a PASS, its exception the detail of a FAIL."""
    start = time.perf_counter()
    status: Status = "PASS"
    try:
        detail = look()
    except Exception as error:  # noqa: BLE001 - the report says what went wrong, whatever it is
        status, detail = "FAIL", reason(error)
    return Line(section, name, status, detail, round(time.perf_counter() - start, 3))


def reason(error: Exception) -> str:
    """An exception as one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def locations() -> Iterator[Line]:
    """Where each of the four packages is loaded from; FAIL in one sentence when another package shadows it."""
    for name in PACKAGES:
        yield check("packages", name, functools.partial(locate, name))


def locate(name: str, root: Path = ROOT) -> str:
    """Folder that `import name` would load.

    Raises:
        ImportError: It is not importable, or another package of that name comes first.
    """
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise ImportError(f"`{name}` is not importable; run `pip install -e .` in {root}")
    folders = [Path(folder).resolve() for folder in spec.submodule_search_locations or [spec.origin or "?"]]
    if folders != [root / name]:
        raise ImportError(
            f"`{name}` is loaded from {folders[0]} and not from {root / name}: another package of that name "
            f"shadows it; `pip uninstall {name}`, or a virtual environment of its own, puts that right"
        )
    return str(folders[0])


def versions() -> Iterator[Line]:
    """Python, the toolkit, and every package it requires (as installed)."""
    yield Line("versions", "python", "INFO", f"{platform.python_version()} ({sys.executable})")
    for name in [DISTRIBUTION, *requirements()]:
        found = next(iter(importlib.metadata.Distribution.discover(name=name)), None)
        if found is None:
            yield Line("versions", name, "FAIL", "not installed; `make setup` or `pip install -e .`")
        else:
            yield Line("versions", name, "INFO", found.version)


def requirements() -> list[str]:
    """Names of the packages that the installed toolkit requires, for learning too, without those of other extras."""
    try:
        stated = importlib.metadata.requires(DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:
        return []
    names = (
        re.match(r"[\w.-]+", item) for item in stated if "extra ==" not in item or "train" in item.partition(";")[2]
    )
    return sorted(match[0] for match in names if match)


def threads() -> Iterator[Line]:
    """Cores, thread variables, and what torch and numba make of them."""
    import numba
    import torch

    from vla.provenance import machine, usable_cores

    yield Line("threads", "machine", "INFO", machine())
    for name in THREAD_VARIABLES:
        yield Line("threads", name, "INFO", os.environ.get(name, "not set"))
    yield Line("threads", "torch", "INFO", f"{torch.get_num_threads()} of {usable_cores()} usable cores")
    yield Line("threads", "numba", "INFO", f"{numba.get_num_threads()} at most; kernels run on the caller's thread")
    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else "none (the CPU is enough)"
    yield Line("threads", "accelerator", "INFO", accelerator)


def cache() -> Iterator[Line]:
    """The cache folders: where, whether they can be written, how large."""
    from envs.cache import cache_folder

    yield check("cache", "folder", lambda: describe_cache(cache_folder("meshes").parent))


def describe_cache(folder: Path) -> str:
    """What is in `folder`. Raises PermissionError if it cannot be written."""
    if not os.access(folder, os.W_OK):
        raise PermissionError(f"{folder} cannot be written: set XDG_CACHE_HOME to a folder that can")
    files = [entry for entry in folder.rglob("*") if entry.is_file()]
    return f"{folder} ({len(files)} files, {sum(f.stat().st_size for f in files) / 1e6:.1f} MB)"


def renderers() -> Iterator[Line]:
    """Try each renderer on a real scene; only `egl` may be missing, and then it says why."""
    from envs.scenes import make_scene
    from vla.contract import EpisodeRequest

    spec = make_scene(EpisodeRequest("Reach", 0, split="eval"))
    for name in ("raster", "tiny", "egl"):
        line = check("renderers", name, functools.partial(start_renderer, name, spec))
        missing = name == "egl" and line.status == "FAIL"
        yield Line("renderers", name, "INFO", f"not available: {line.detail}", line.seconds) if missing else line


def start_renderer(name: str, spec: SceneSpec) -> str:
    """Draw one frame of `spec`'s objects at rest. Raises what the renderer raises."""
    from envs.frames import EpisodeRenderer
    from envs.poses import pose_rows

    drawer = EpisodeRenderer(spec, renderer=name, size=64)
    try:
        poses = np.zeros((len(pose_rows(spec)), 7), dtype=np.float32)
        poses[:, 6] = 1.0
        drawer.frames(poses, ("front",))
    finally:
        drawer.close()
    return {"raster": "numba rasterizer, the default", "tiny": "PyBullet's TinyRenderer"}.get(name, "PyBullet on EGL")

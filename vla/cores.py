"""Sharing the cores of a machine between training, drawing and worlds.

Threads of torch wait for one another by spinning: with more threads than free cores, training is slower than with one.
So whatever runs at the same time is given cores of its own. What does not is given all of them: frames are drawn into
the cache before training, and worlds of an evaluation run while training stands still. World workers are processes of
one thread each (`vla.processes`).
"""

from __future__ import annotations

import os

from vla.provenance import usable_cores


def processes_here(processes: int) -> int:
    """How many of the `processes` of a run are on this machine; launchers say it in LOCAL_WORLD_SIZE."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", processes))


def torch_threads(processes: int, drawing: int) -> int:
    """Threads of torch's kernels in one of `processes` on this machine, beside `drawing` threads that draw frames."""
    return max(1, usable_cores() // processes - drawing)


def drawing_threads(processes: int) -> int:
    """Threads that fill a process's cache while nothing else runs."""
    return max(1, usable_cores() // processes)

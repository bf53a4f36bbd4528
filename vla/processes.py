"""Child processes that share nothing with this one but a socket. Knows nothing of what they do."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

# One thread a worker: K workers of many threads each would fight for the cores.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM",
)
CLOSE_TIMEOUT_S = 3.0
PARENT_POLL_S = 0.5
_BOOT = (
    "import sys, json, importlib; module, numbers, path = json.loads(sys.argv[1]); sys.path[:] = path; "
    "importlib.import_module(module).main(*numbers)"
)


def start_process(module: str, descriptors: Sequence[int] = ()) -> tuple[subprocess.Popen[bytes], Connection]:
    """Start a fresh interpreter, so that no lock, thread or library of ours is in it.

    Args:
        module: Its `main(socket, parent, *descriptors)` is what the process does.
        descriptors: Open files that the process inherits, under the same numbers.

    Returns:
        The process and our end of the socket, whose other end is `Connection(socket)` over there.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        boot = json.dumps([module, [theirs.fileno(), os.getpid(), *descriptors], sys.path])
        process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, boot],
            pass_fds=[theirs.fileno(), *descriptors],
            stdin=subprocess.DEVNULL,
            stdout=2,  # stderr: stdout is for results
            env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1")},
            start_new_session=True,  # Ctrl-C reaches the caller only, which then stops the workers
        )
    return process, Connection(ours.detach())


def reap(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that was told to end; kill it if it does not."""
    try:
        process.wait(CLOSE_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def how_it_ended(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def die_with(parent: int) -> None:
    """From now on, end this process when `parent` is gone, whatever it is doing: no orphans after kill -9."""
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(PARENT_POLL_S)
    os._exit(1)

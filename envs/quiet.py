"""Silence for C libraries that print: each worker would say it again, and after a command's last line of JSON."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Drop what is written to the process's stdout and stderr meanwhile, by C code and its buffers too."""
    library: Any = ctypes.CDLL(None)
    sys.stdout.flush()
    sys.stderr.flush()
    library.fflush(None)
    kept, nowhere = [os.dup(1), os.dup(2)], os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        yield
    finally:
        library.fflush(None)
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        for handle in (*kept, nowhere):
            os.close(handle)

"""Stopping a long loop in good order: a signal sets a flag that the loop reads."""

from __future__ import annotations

import signal
from types import FrameType
from typing import Any

from typing_extensions import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """While it is entered, SIGINT and SIGTERM only set `asked`.

    Attributes:
        asked: Whether a signal has come.
    """

    def __init__(self) -> None:
        """Nothing has come yet."""
        self.asked = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        """Take the signals; outside the main thread they are the caller's."""
        try:
            self._before = {number: signal.signal(number, self._stop) for number in SIGNALS}
        except ValueError:
            self._before = {}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self.asked = True

"""Whoever runs the episodes of a pool: worker processes, or the calling process itself.

Knows neither policies nor what is to be run: `vla.pool` gives orders and hears events.
"""

from __future__ import annotations

import contextlib
import multiprocessing.connection
import subprocess
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Protocol

from vla.processes import how_it_ended, reap, start_process
from vla.registry import script_entries
from vla.worker import Answer, Done, Event, Job, Lost, Order, Ready, Runner, Start

MAX_STARTS = 3  # of workers that die before they are ready, in a row


class WorkerStartError(RuntimeError):
    """A worker process could not be made ready; the message holds its traceback."""


class Crew(Protocol):
    """Whoever runs episodes: worker processes, or this process."""

    def has_room(self, alone: bool) -> bool:
        """Whether another episode can be started; `alone`: with nothing else in its process."""

    def start(self, order: Start, alone: bool) -> None:
        """Start an episode."""

    def answer(self, order: Answer) -> None:
        """Hand actions to an episode; ignored if its worker has died."""

    def events(self) -> list[Event]:
        """What happened; waits until something has."""

    def close(self) -> None:
        """Stop everything."""


class Here:
    """Runs everything in this process: for debugging, tests and the smallest jobs."""

    def __init__(self, job: Job, slots: int) -> None:
        self._runner = Runner(job)
        self._slots = slots
        self._running: set[int] = set()
        self._events: list[Event] = []

    def has_room(self, alone: bool) -> bool:
        """Whether another episode can be started."""
        return len(self._running) < self._slots

    def start(self, order: Start, alone: bool) -> None:
        """Start an episode."""
        self._running.add(order.ticket)
        self._obey(order)

    def answer(self, order: Answer) -> None:
        """Hand actions to an episode."""
        self._obey(order)

    def events(self) -> list[Event]:
        """What happened since the last call."""
        events, self._events = self._events, []
        # Only now: an episode that has ended makes room for the next one when its result is handed over.
        self._running -= {event.ticket for event in events if isinstance(event, Done)}
        return events

    def close(self) -> None:
        """Stop everything."""
        self._runner.close()

    def _obey(self, order: Order) -> None:
        self._events.append(self._runner.obey(order))


@dataclass
class _Worker:
    """A worker process as the caller sees it."""

    process: subprocess.Popen[bytes]
    connection: Connection
    ready: bool = False
    reserved: bool = False  # for an episode that runs alone
    tickets: set[int] = field(default_factory=set)
    owed: int = 0  # messages that it has to send
    heard: float = 0.0  # when it last owed nothing or said something, by time.monotonic
    hung: str = ""  # why it was killed by us


class Processes:
    """Worker processes, started when there is work for them, and again when they die."""

    def __init__(self, job: Job, workers: int, slots: int, timeout_s: float | None = None) -> None:
        """Start nothing yet; a worker that owes a message for `timeout_s` will be killed and count as dead."""
        import cloudpickle  # by value for what is defined in a script, so that scripts need no main guard

        self._job = cloudpickle.dumps((script_entries(), job))
        self._limit, self._slots, self._timeout_s = workers, slots, timeout_s
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def has_room(self, alone: bool) -> bool:
        """Whether another episode can be started."""
        return self._roomiest(alone) is not None or len(self._workers) < self._limit

    def start(self, order: Start, alone: bool) -> None:
        """Start an episode on the worker with the fewest, or on a new one."""
        worker = self._roomiest(alone)
        if worker is None or (worker.tickets and len(self._workers) < self._limit):
            worker = self._hire()
        worker.tickets.add(order.ticket)
        worker.reserved = alone
        self._send(worker, order)

    def answer(self, order: Answer) -> None:
        """Hand actions to an episode."""
        for worker in self._workers:
            if order.ticket in worker.tickets:
                self._send(worker, order)

    def events(self) -> list[Event]:
        """What happened; waits until a worker says something or dies."""
        by_connection = {worker.connection: worker for worker in self._workers}
        events: list[Event] = []
        for connection in multiprocessing.connection.wait(list(by_connection), self._patience()):
            assert isinstance(connection, Connection)
            events += self._hear(by_connection[connection])
        self._kill_hung()
        return events

    def close(self) -> None:
        """Stop everything."""
        for worker in self._workers:
            worker.connection.close()
            worker.process.terminate()
        for worker in self._workers:
            reap(worker.process)
        self._workers = []

    def _patience(self) -> float | None:
        """Seconds until a worker will have been silent for too long; None for ever."""
        if self._timeout_s is None:
            return None
        heard = min((worker.heard for worker in self._workers if worker.owed), default=time.monotonic())
        return max(heard + self._timeout_s - time.monotonic(), 0.0) + 0.01

    def _kill_hung(self) -> None:
        """Kill workers that have been silent for too long; `events` will see the end of their streams."""
        for worker in self._workers:
            silent = time.monotonic() - worker.heard
            if self._timeout_s is not None and worker.owed and silent > self._timeout_s and not worker.hung:
                worker.hung = f"killed: it said nothing for {silent:.0f} s"
                worker.process.kill()

    def _roomiest(self, alone: bool) -> _Worker | None:
        """The worker with the fewest episodes that can take one more."""
        limit = 1 if alone else self._slots
        able = [w for w in self._workers if len(w.tickets) < limit and not w.reserved]
        return min(able, key=lambda worker: len(worker.tickets), default=None)

    def _hire(self) -> _Worker:
        """Start a process and hand it the job."""
        worker = _Worker(*start_process("vla.worker"))
        self._workers.append(worker)
        with contextlib.suppress(ConnectionError):  # it died at once; `events` will see the end of its stream
            worker.connection.send_bytes(self._job)
        return worker

    def _send(self, worker: _Worker, order: Order) -> None:
        if not worker.owed:
            worker.heard = time.monotonic()
        worker.owed += 1
        with contextlib.suppress(ConnectionError):  # it is dead; `events` will see that and report what is lost
            worker.connection.send(order)

    def _hear(self, worker: _Worker) -> list[Event]:
        """The next message of `worker`, or what its death costs."""
        try:
            message = worker.connection.recv()
        except (EOFError, ConnectionError):
            return self._bury(worker)
        worker.heard = time.monotonic()
        if isinstance(message, Ready):
            if message.error:
                raise WorkerStartError(f"a worker process could not prepare for episodes:\n{message.error}")
            worker.ready, self._failed_starts = True, 0
            return []
        worker.owed -= 1
        if isinstance(message, Done):
            worker.tickets.discard(message.ticket)
            worker.reserved = False
        assert isinstance(message, Event)
        return [message]

    def _bury(self, worker: _Worker) -> list[Event]:
        """Forget a dead worker; a new one is started when there is work for it."""
        self._workers.remove(worker)
        worker.connection.close()
        code = worker.process.wait()
        how = worker.hung or how_it_ended(code)
        self._failed_starts += not worker.ready
        if self._failed_starts >= MAX_STARTS:
            raise WorkerStartError(f"{MAX_STARTS} worker processes in a row died while starting ({how})")
        return [Lost(ticket, how) for ticket in sorted(worker.tickets)]

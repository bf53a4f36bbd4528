"""Runs episodes on worker processes, with inference batched in the calling process. Knows no task and no network.

A policy with `batched = False` lives next to its world in the worker. With `batched = True` workers send observations
over a socket and the caller answers all that wait by one call. What an episode gives does not depend on workers, slots
or order, as long as the policy is pure in its observation.
"""

from __future__ import annotations

import functools
import itertools
import math
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any

import numpy as np

from vla.contract import ACTION_DIM, EpisodeRequest, EpisodeResult, FloatArray, Observation, Policy, World
from vla.crew import Crew, Here, Processes
from vla.episode import Episode
from vla.execution import execution_of
from vla.history import NOW
from vla.rollout import FilterFactory
from vla.teaching import TeacherFactory
from vla.worker import Answer, Ask, Done, Job, Lost, Start

PREFETCH = 2  # episodes of a policy in the worker: one runs, one is next, so that no worker waits for the caller


def run_episodes(
    requests: Iterable[EpisodeRequest | None],
    *,
    world_factory: Callable[..., World],
    policy_factory: Callable[[], Policy],
    workers: int = 1,
    slots_per_worker: int = 1,
    record: bool = False,
    filter_factory: FilterFactory | None = None,
    teacher_factory: TeacherFactory | None = None,
    meta: dict[str, Any] | None = None,
    max_retries: int = 2,
    timeout_s: float | None = 1800.0,
) -> Generator[tuple[EpisodeResult, Episode | None], None, None]:
    """Run `requests` and yield results as episodes end.

    Args:
        requests: Taken one by one as slots fall free. None among them means "nothing now, ask again after the next
            result", so that a caller can decide by the results what to run.
        world_factory: Makes a world, in the worker; called with `image_size=policy.image_size` if the policy has one,
            and with `cameras=policy.cameras` likewise.
        policy_factory: Makes the policy; called here, and in each worker if the policy is not batched.
        workers: Processes; 0 runs everything in this one.
        slots_per_worker: Episodes a worker keeps going at once, for batched policies.
        record: Whether to yield episodes, not only results.
        filter_factory: Makes the action noise of an episode.
        teacher_factory: Makes the teacher of an episode, who labels its states in the policy's place (`vla.teaching`).
        meta: Notes stored with each recorded episode.
        max_retries: How often an episode is run again after its worker died, before it ends as an error.
        timeout_s: Silence, in seconds, after which a worker that runs an episode counts as hung and is killed (with a
            batched policy: from one question to the next); None waits for ever. Means nothing without workers.

    Yields:
        (result, episode or None) in order of completion.

    Raises:
        ValueError: For a negative number of workers or less than one slot.
        WorkerStartError: When workers cannot be started at all.
    """
    if workers < 0 or slots_per_worker < 1:
        raise ValueError(f"expected workers >= 0 and slots_per_worker >= 1, got {workers} and {slots_per_worker}")
    policy = policy_factory()
    wanted = {name: getattr(policy, name, None) for name in ("image_size", "cameras")}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    job = Job(
        world_factory=functools.partial(world_factory, **wanted) if wanted else world_factory,
        policy_factory=None if policy.batched else policy_factory,
        inputs=policy.inputs,
        execution=execution_of(policy),
        record=record,
        filter_factory=filter_factory,
        teacher_factory=teacher_factory,
        meta=meta or {},
        history=getattr(policy, "history", NOW),
    )
    slots = slots_per_worker if policy.batched else PREFETCH if workers else 1

    def hire() -> Crew:
        return Processes(job, workers, slots, timeout_s) if workers else Here(job, slots)

    return _serve(_Queue(requests, max_retries), hire, policy)


def _serve(
    queue: _Queue, hire: Callable[[], Crew], policy: Policy
) -> Generator[tuple[EpisodeResult, Episode | None], None, None]:
    """The loop of `run_episodes`: start what fits, answer what waits, yield what ends."""
    crew = hire()
    waiting: dict[int, Observation] = {}
    try:
        while True:
            while crew.has_room(alone := queue.retrying) and (start := queue.take()) is not None:
                crew.start(start, alone)
            if not queue.running:
                return
            while waiting and len(waiting) >= _enough(policy, len(queue.running)):
                for answer in _answers(policy, waiting):
                    crew.answer(answer)
            for event in crew.events():
                if isinstance(event, Ask):
                    waiting[event.ticket] = event.observation
                    continue
                waiting.pop(event.ticket, None)
                ended = queue.lose(event) if isinstance(event, Lost) else queue.finish(event)
                if ended is not None:
                    yield ended
    finally:
        crew.close()


class _Queue:
    """What is to run, what runs, and what has to run again because its worker died."""

    def __init__(self, requests: Iterable[EpisodeRequest | None], max_retries: int) -> None:
        self._requests = iter(requests)
        self._max_retries = max_retries
        self._tickets = itertools.count()
        self._losses: dict[int, int] = {}
        self._again: deque[Start] = deque()
        self.running: dict[int, EpisodeRequest] = {}

    @property
    def retrying(self) -> bool:
        """Whether the next episode is one that lost its worker: it runs alone, for it may be what killed it."""
        return bool(self._again)

    def take(self) -> Start | None:
        """The next episode; None if there is none now."""
        if self._again:
            start = self._again.popleft()
        else:
            request = next(self._requests, None)
            if request is None:
                return None
            start = Start(next(self._tickets), request)
        self.running[start.ticket] = start.request
        return start

    def finish(self, done: Done) -> tuple[EpisodeResult, Episode | None]:
        """Take `done` off; what to yield."""
        del self.running[done.ticket]
        return done.result, done.episode

    def lose(self, lost: Lost) -> tuple[EpisodeResult, None] | None:
        """Run the episode again, or give it up: the result to yield."""
        request = self.running.pop(lost.ticket)
        losses = self._losses[lost.ticket] = self._losses.get(lost.ticket, 0) + 1
        if losses <= self._max_retries:
            self._again.append(Start(lost.ticket, request))
            return None
        trace = f"the worker process died {losses} times while it ran this episode; last: {lost.how}"
        return EpisodeResult(request, "", "error", "worker_died", 0, 0.0, trace), None


def _enough(policy: Policy, running: int) -> int:
    """How many waiting observations are worth a call: half of the running episodes, so that the others can go on."""
    return min(math.ceil(running / 2), _batch_size(policy) or running)


def _batch_size(policy: Policy) -> int | None:
    """The most observations that the policy wants in one call; None if it does not care."""
    size: int | None = getattr(policy, "batch_size", None)
    return size


def _answers(policy: Policy, waiting: dict[int, Observation]) -> list[Answer]:
    """Answer the longest-waiting observations by one call, and take them off `waiting`."""
    tickets = list(waiting)[: _batch_size(policy)]
    observations = [waiting.pop(ticket) for ticket in tickets]
    try:
        return [Answer(t, chunk) for t, chunk in zip(tickets, _act(policy, observations), strict=True)]
    except Exception:  # noqa: BLE001 - whatever it was, it is reported by the episodes at fault
        return [_answer_one(policy, t, o) for t, o in zip(tickets, observations, strict=True)]


def _answer_one(policy: Policy, ticket: int, observation: Observation) -> Answer:
    """Answer one observation of a batch that failed, so that only the episode at fault ends in an error."""
    try:
        return Answer(ticket, _act(policy, [observation])[0])
    except Exception:  # noqa: BLE001 - an error is an outcome of the episode
        return Answer(ticket, None, traceback.format_exc())


def _act(policy: Policy, observations: list[Observation]) -> FloatArray:
    """Chunks (B, C, A) for B observations. Raises ValueError if the policy returns another shape."""
    chunks = np.asarray(policy.act(observations), dtype=np.float32)
    if chunks.ndim != 3 or len(chunks) != len(observations):
        raise ValueError(f"the policy gave {chunks.shape}, expected ({len(observations)}, chunk, {ACTION_DIM})")
    return chunks

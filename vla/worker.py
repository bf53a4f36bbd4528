"""What a worker process does: build worlds, run episodes, answer by events. Knows nothing of other workers.

`Runner` is the work itself and also runs inside the calling process (`workers=0`); `main` is the process around it.
Nothing here imports torch.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from vla.contract import EpisodeRequest, EpisodeResult, FloatArray, Observation, Policy, World
from vla.episode import Episode
from vla.execution import Execution
from vla.history import NOW, History
from vla.processes import die_with
from vla.registry import install
from vla.rollout import FilterFactory, PolicyFailedError, Recorder, play, rollout
from vla.teaching import TeacherFactory


@dataclass(frozen=True)
class Job:
    """What all workers of one run have in common; travels to them pickled.

    Attributes:
        world_factory: Makes a world.
        policy_factory: Makes the policy that lives next to the world; None if the policy lives in the caller.
        inputs: What the policy wants to see.
        execution: How the policy's chunks become actions.
        history: Which earlier moments a policy in the caller wants to see.
        record: Whether to send back episodes.
        filter_factory: Makes the action noise of an episode.
        teacher_factory: Makes the teacher of an episode.
        meta: Notes stored with each recorded episode.
    """

    world_factory: Callable[[], World]
    policy_factory: Callable[[], Policy] | None
    inputs: frozenset[str]
    execution: Execution
    record: bool = False
    filter_factory: FilterFactory | None = None
    teacher_factory: TeacherFactory | None = None
    meta: dict[str, Any] = field(default_factory=dict)
    history: History = NOW


@dataclass(frozen=True)
class Ask:
    """The episode `ticket` needs a chunk of actions for `observation`."""

    ticket: int
    observation: Observation


@dataclass(frozen=True)
class Done:
    """The episode `ticket` is over; `episode` is None unless recorded."""

    ticket: int
    result: EpisodeResult
    episode: Episode | None


@dataclass(frozen=True)
class Lost:
    """The worker that ran the episode `ticket` died; `how` says of what."""

    ticket: int
    how: str


Event = Ask | Done | Lost


@dataclass(frozen=True)
class Start:
    """Order to a worker: run `request` under the name `ticket`."""

    ticket: int
    request: EpisodeRequest


@dataclass(frozen=True)
class Answer:
    """Order to a worker: the chunk (C, 7) that `ticket` asked for, or the traceback of the policy that failed."""

    ticket: int
    chunk: FloatArray | None
    failure: str = ""


Order = Start | Answer


@dataclass
class _Running:
    game: Generator[Observation, FloatArray, EpisodeResult]
    recorder: Recorder | None
    world: World


class Runner:
    """Runs the episodes of one process; a world is used again by the next episode unless an error left it broken."""

    def __init__(self, job: Job) -> None:
        """Make the first world (and the policy, if it lives here), so that wrong settings show at once."""
        self._job = job
        self._policy = job.policy_factory() if job.policy_factory is not None else None
        self._free: list[World] = [job.world_factory()]
        self._running: dict[int, _Running] = {}

    def obey(self, order: Order) -> Event:
        """Do what `order` says until the episode asks for actions or ends."""
        if isinstance(order, Start):
            return self._start(order.ticket, order.request)
        running = self._running[order.ticket]
        if order.chunk is None:
            return self._advance(order.ticket, lambda: running.game.throw(PolicyFailedError(order.failure)))
        chunk = order.chunk
        return self._advance(order.ticket, lambda: running.game.send(chunk))

    def close(self) -> None:
        """Close all worlds; running episodes are abandoned."""
        for running in self._running.values():
            running.game.close()
        for world in [*self._free, *(running.world for running in self._running.values())]:
            world.close()
        self._free, self._running = [], {}

    def _start(self, ticket: int, request: EpisodeRequest) -> Event:
        job = self._job
        world = self._free.pop() if self._free else job.world_factory()
        recorder = Recorder(job.meta) if job.record else None
        subscribers = (recorder,) if recorder is not None else ()
        noise = job.filter_factory(request) if job.filter_factory is not None else None
        teacher = job.teacher_factory(request) if job.teacher_factory is not None else None
        if self._policy is not None:
            result = rollout(
                world, self._policy, request, subscribers=subscribers, action_filter=noise, teacher=teacher
            )
            return self._done(ticket, world, recorder, result)
        game = play(
            world,
            request,
            inputs=job.inputs,
            execution=job.execution,
            subscribers=subscribers,
            action_filter=noise,
            history=job.history,
            teacher=teacher,
        )
        self._running[ticket] = _Running(game, recorder, world)
        return self._advance(ticket, lambda: next(game))

    def _advance(self, ticket: int, step: Callable[[], Observation]) -> Event:
        try:
            return Ask(ticket, step())
        except StopIteration as end:
            running = self._running.pop(ticket)
            return self._done(ticket, running.world, running.recorder, end.value)

    def _done(self, ticket: int, world: World, recorder: Recorder | None, result: EpisodeResult) -> Done:
        if result.outcome == "error":
            self._discard(world)
        else:
            self._free.append(world)
        return Done(ticket, result, recorder.episode() if recorder is not None else None)

    def _discard(self, world: World) -> None:
        """Close a world after an error; it may be too broken to close, which must not cost other episodes."""
        try:
            world.close()
        except Exception:
            logging.getLogger(__name__).warning("closing a world after an error failed", exc_info=True)


@dataclass(frozen=True)
class Ready:
    """First message of a worker: it is waiting for orders; `error` is a traceback if it could not be built."""

    error: str = ""


def main(descriptor: int, parent: int) -> None:
    """Serve the process `parent` over the socket `descriptor` until it hangs up or dies."""
    die_with(parent)
    connection = Connection(descriptor)
    try:
        runner = _build(connection)
        while runner is not None:
            connection.send(runner.obey(connection.recv()))
    except (EOFError, ConnectionError):  # the caller hung up
        return


def _build(connection: Connection) -> Runner | None:
    """Read the job and prepare for it; None, with the reason sent, when that fails."""
    try:
        import cloudpickle

        entries, job = cloudpickle.loads(connection.recv_bytes())
        install(entries)
        runner = Runner(job)
    except EOFError:
        raise
    except Exception:  # noqa: BLE001 - raised by the caller
        connection.send(Ready(traceback.format_exc()))
        return None
    connection.send(Ready())
    return runner

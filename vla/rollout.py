"""The one loop that steps a world. Recorders, videos and statistics subscribe to it; it knows none of them.

`play` is a generator: it yields an observation whenever it needs a chunk of actions and is sent the chunk, so that the
same loop serves one world and one policy (`rollout`) and many worlds with batched inference (`vla.pool`).
"""

from __future__ import annotations

import json
import time
import traceback as tracebacks
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from vla.contract import (
    ACTION_DIM,
    EpisodeRequest,
    EpisodeResult,
    FloatArray,
    Observation,
    OutcomeName,
    Policy,
    StepResult,
    World,
)
from vla.episode import Episode
from vla.execution import Execution, Executor, execution_of
from vla.history import NOW, History, Memory
from vla.measures import Measures
from vla.seeding import episode_seed
from vla.teaching import Teacher

ActionFilter = Callable[[FloatArray, int], FloatArray]  # (action (7,), step) -> executed action (7,)
SAID: frozenset[str] = frozenset({"instruction"})
FilterFactory = Callable[[EpisodeRequest], ActionFilter]


class Subscriber(Protocol):
    """Hears what the loop does. An exception raised here is an error of the episode."""

    def on_reset(self, world: World, request: EpisodeRequest) -> None:
        """The scene is built, nothing has moved."""

    def on_step(self, world: World, action: FloatArray, executed: FloatArray, step: StepResult) -> None:
        """The world carried out `executed` (7,); `action` (7,) is the label: what policy or teacher had wanted."""

    def on_end(self, result: EpisodeResult) -> None:
        """The episode is over; called once, for errors too. An exception here goes to the caller."""


class PolicyFailedError(RuntimeError):
    """Thrown into `play` for a policy that failed in another process; `remote` is the traceback from there."""

    def __init__(self, remote: str) -> None:
        """Keep the remote traceback."""
        super().__init__(f"the policy failed in the calling process:\n{remote}")
        self.remote = remote


@dataclass
class _Progress:
    """What is known of a running episode, so that an error still reports instruction and length."""

    instruction: str = ""
    steps: int = 0
    parts: int = 1
    done_at: tuple[int, ...] = ()
    said_at: tuple[int, ...] = ()
    measures: Measures | None = None

    def hear(self, said: str) -> None:
        """Add what is said from now on, unless it is what was said last; at first, nothing was."""
        if said != self.instruction.rpartition("\n")[2]:
            self.instruction = f"{self.instruction}\n{said}" if self.said_at else said
            self.said_at = (*self.said_at, self.steps)


def play(
    world: World,
    request: EpisodeRequest,
    *,
    inputs: frozenset[str],
    execution: Execution,
    subscribers: Sequence[Subscriber] = (),
    action_filter: ActionFilter | None = None,
    history: History = NOW,
    teacher: Teacher | None = None,
) -> Generator[Observation, FloatArray, EpisodeResult]:
    """Run one episode.

    Args:
        world: Is reset here; its state before does not matter.
        request: Names the episode.
        inputs: What the policy wants to see; the world computes and renders nothing else.
        execution: How chunks become actions.
        subscribers: Hear of reset, each step and the end, in order.
        action_filter: Maps the policy's action to the one that is executed (noise); the label stays the policy's.
        history: Which earlier moments the policy wants to see too.
        teacher: Labels every state in the policy's place, and may act in its place.

    Yields:
        An observation whenever a chunk (C, 7), C >= execution.least, is needed; send it. Throw an exception instead
        when the policy failed.

    Returns:
        The result. Exceptions of world, policy and subscribers become the outcome `error` with the traceback;
        KeyboardInterrupt passes.
    """
    start = time.perf_counter()
    progress = _Progress()
    outcome: OutcomeName
    try:
        memory = Memory(world, inputs, history)
        last = yield from _steps(world, request, memory, execution, subscribers, action_filter, teacher, progress)
        progress.measures = world.measures()
        outcome, reason, trace = ("success" if last.success else "failure"), last.reason, ""
    except Exception as error:  # noqa: BLE001 - an error is an outcome of the episode
        outcome, reason, trace = "error", type(error).__name__, tracebacks.format_exc()
    wall_s = time.perf_counter() - start
    result = EpisodeResult(
        request=request,
        instruction=progress.instruction,
        outcome=outcome,
        reason=reason,
        steps=progress.steps,
        wall_s=wall_s,
        traceback=trace,
        parts=progress.parts,
        done_at=progress.done_at,
        said_at=progress.said_at,
        measures=progress.measures if outcome != "error" else None,
    )
    for subscriber in subscribers:
        subscriber.on_end(result)
    return result


def _steps(
    world: World,
    request: EpisodeRequest,
    memory: Memory,
    execution: Execution,
    subscribers: Sequence[Subscriber],
    action_filter: ActionFilter | None,
    teacher: Teacher | None,
    progress: _Progress,
) -> Generator[Observation, FloatArray, StepResult]:
    """Reset the world and step it until it is done; the last step's result."""
    world.reset(request)
    progress.hear(world.observe(SAID)["instruction"])
    for subscriber in subscribers:
        subscriber.on_reset(world, request)
    seed, executor = episode_seed(request), Executor(execution)
    while True:
        if executor.needs_chunk:
            observation = memory.observe(progress.steps)
            observation["episode_seed"] = seed
            observation["step"] = progress.steps
            if execution.mode == "realtime":
                observation["planned"] = executor.planned()
            executor.add(checked_chunk((yield observation), execution.least))
        memory.look(progress.steps)
        label = chosen = executor.next()
        if teacher is not None:
            label, chosen = teacher.correct(world.observe(teacher.inputs), chosen)
        given = chosen if action_filter is None else action_filter(chosen, progress.steps)
        step = world.step(given)
        executed = given if step.executed is None else step.executed
        progress.steps += 1
        progress.parts = step.parts
        if step.parts > 1 and step.completed > len(progress.done_at):
            progress.done_at = (*progress.done_at, progress.steps)
        progress.hear(world.observe(SAID)["instruction"])
        for subscriber in subscribers:
            subscriber.on_step(world, label, executed, step)
        if step.done:
            return step


def checked_chunk(chunk: FloatArray, least: int) -> FloatArray:
    """`chunk` as float32 (C, A). Raises ValueError for a wrong shape, fewer than `least` actions or NaN.

    How many entries A an action has is up to the world's control mode: the world refuses what does not fit it.
    """
    chunk = np.asarray(chunk, dtype=np.float32)
    if chunk.ndim != 2 or len(chunk) < least:
        raise ValueError(
            f"the policy gave a chunk of shape {chunk.shape}, expected (at least {least}, {ACTION_DIM}), "
            f"or as many entries as the control mode has"
        )
    if not np.isfinite(chunk).all():
        raise ValueError("the policy gave NaN or infinite actions")
    return chunk


def rollout(
    world: World,
    policy: Policy,
    request: EpisodeRequest,
    *,
    subscribers: Sequence[Subscriber] = (),
    action_filter: ActionFilter | None = None,
    teacher: Teacher | None = None,
) -> EpisodeResult:
    """Run one episode of one policy in one world, in this process. Arguments and result as for `play`."""
    game = play(
        world,
        request,
        inputs=policy.inputs,
        execution=execution_of(policy),
        subscribers=subscribers,
        action_filter=action_filter,
        history=getattr(policy, "history", NOW),
        teacher=teacher,
    )
    return drive(game, policy, request)


def drive(
    game: Generator[Observation, FloatArray, EpisodeResult], policy: Policy, request: EpisodeRequest
) -> EpisodeResult:
    """Answer the observations of `game` by `policy` until it ends."""
    try:
        observation = next(game)
        while True:
            try:
                if observation["step"] == 0:
                    policy.reset(episode_seed(request))
                chunk = policy.act([observation])[0]
            except Exception as error:
                game.throw(error)  # ends the episode: StopIteration with the result
                raise AssertionError("an episode went on after an error") from error
            observation = game.send(chunk)
    except StopIteration as end:
        result: EpisodeResult = end.value
        return result


class Recorder:
    """Subscriber that makes an `Episode` of what happens."""

    def __init__(self, meta: dict[str, Any] | None = None) -> None:
        """Record with the notes `meta`."""
        self._meta = meta or {}
        self._spec: dict[str, Any] | None = None
        self._request: EpisodeRequest | None = None
        self._result: EpisodeResult | None = None
        self._poses: list[FloatArray] = []
        self._agent_pos: list[FloatArray] = []
        self._actions: list[FloatArray] = []
        self._executed: list[FloatArray] = []

    def on_reset(self, world: World, request: EpisodeRequest) -> None:
        """Start a new episode."""
        self._poses, self._agent_pos, self._actions, self._executed = [], [], [], []
        self._request, self._result = request, None
        self._spec = json.loads(json.dumps(world.describe(), allow_nan=False))  # the same data as after a reload
        self._look(world)

    def on_step(self, world: World, action: FloatArray, executed: FloatArray, step: StepResult) -> None:
        """Append one step."""
        self._actions.append(np.array(action, dtype=np.float32))
        self._executed.append(np.array(executed, dtype=np.float32))
        self._look(world)

    def on_end(self, result: EpisodeResult) -> None:
        """Keep the outcome."""
        self._result = result

    def _look(self, world: World) -> None:
        self._poses.append(np.array(world.poses(), dtype=np.float32))
        self._agent_pos.append(np.array(world.agent_pos(), dtype=np.float32))

    def episode(self) -> Episode | None:
        """The recorded episode; None when the scene could not be built or the recording itself failed."""
        complete = len(self._poses) == len(self._agent_pos) == len(self._actions) + 1
        if self._spec is None or self._request is None or self._result is None or not complete:
            return None
        if self._result.request != self._request:  # the last reset failed before it was heard of
            return None
        return Episode(
            request=self._request,
            spec=self._spec,
            poses=np.stack(self._poses),
            agent_pos=np.stack(self._agent_pos),
            action=np.stack(self._actions) if self._actions else np.zeros((0, ACTION_DIM), np.float32),
            executed=np.stack(self._executed) if self._executed else np.zeros((0, ACTION_DIM), np.float32),
            result=self._result,
            meta=dict(self._meta),
        )

"""Several environments of one task, each in a process of its own; what kills one costs one episode.

`gymnasium.make_vec("vla/Lift-v0", num_envs=8)` makes it. Observations lie in shared memory. Knows no task and no
physics: environments are `envs.gym_env.VLAEnv`, one a worker.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from envs.control.checks import checked_action
from envs.gym_env import INDEX_RANGE, Observation, VLAEnv
from envs.shared_arrays import SharedArrays
from envs.vector_worker import Job, Reply
from vla.crew import WorkerStartError
from vla.processes import how_it_ended, reap, start_process
from vla.registry import script_entries

START_TIMEOUT_S = 120.0


@dataclass
class _Member:
    """One environment as the caller sees it."""

    process: subprocess.Popen[bytes]
    connection: Connection
    rng: np.random.Generator  # draws the numbers of the episodes that begin by themselves
    rest: dict[str, Any]  # of its last observation
    over: bool = True  # the next step begins an episode


class VLAVectorEnv(VectorEnv[Observation, NDArray[np.float32], NDArray[Any]]):
    """`num_envs` environments that step at the same time. The same seeds give the same bytes as single ones.

    An environment whose episode is over begins the next one at the next step, whose action it ignores
    (`AutoresetMode.NEXT_STEP`). `reset(seed=k)` gives environment i the seed k + i.

    An exception in one environment, the death of its process, or silence for `timeout_s` ends that episode as an
    error: reward 0, not terminated, truncated, the last observation again, and the traceback in `info["error"][i]`
    (empty for all others). The others go on; the one at fault begins a new episode in a new process or environment.

    Args:
        task: Registered task.
        num_envs: How many.
        copy: Whether observations are copies; if not, they are views that the next step writes over.
        timeout_s: Silence after which an environment counts as hung; None waits for ever.
        **settings: Of `VLAEnv`, the same for all.

    Raises:
        ValueError: What `VLAEnv` raises, or less than one environment.
        WorkerStartError: A process could not make its environment.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - declared so by VectorEnv
        **VLAEnv.metadata,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self, task: str, num_envs: int = 1, *, copy: bool = True, timeout_s: float | None = 300.0, **settings: Any
    ) -> None:
        """See the class."""
        if num_envs < 1:
            raise ValueError(f"a vector environment has at least one environment, got num_envs={num_envs}")
        one = VLAEnv(task, **settings)
        self.single_observation_space, self.single_action_space = one.observation_space, one.action_space
        self.render_mode, self._entries = one.render_mode, one.action_entries
        one.close()
        self.num_envs = num_envs
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._copy, self._timeout_s = copy, timeout_s
        self._arguments = {"task": task, **settings}
        self._memory = SharedArrays(self.single_observation_space, num_envs)  # type: ignore[arg-type]
        self._members: list[_Member] = []
        for row in range(num_envs):
            self._members.append(_Member(*self._start(row), np.random.default_rng(), {}))
        for member in self._members:
            self._await_start(member)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode in every environment.

        Args:
            seed: One number (environment i gets `seed + i`), one for each, or None for episodes drawn at random.
            options: As for `VLAEnv.reset`, the same for all.

        Raises:
            ValueError: As many seeds as there are environments are needed.
        """
        for row, one in enumerate(self._seeds(seed)):
            member = self._members[row]
            if one is not None:
                member.rng, _ = seeding.np_random(one)
            self._send(row, ("reset", (self._drawn(member) if one is None else one, options)))
        replies = [self._reply(row) for row in range(self.num_envs)]
        return self._observation(), self._info(replies)

    def step(
        self, actions: NDArray[np.float32]
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Apply actions (num_envs, n). Raises ValueError, with nothing changed, for a bad one; it says which."""
        checked = self._checked(actions)
        for row, member in enumerate(self._members):
            self._send(row, ("reset", (self._drawn(member), None)) if member.over else ("step", checked[row]))
        replies = [self._reply(row) for row in range(self.num_envs)]
        return (
            self._observation(),
            np.array([reply.reward for reply in replies], np.float64),
            np.array([reply.terminated for reply in replies], np.bool_),
            np.array([reply.truncated for reply in replies], np.bool_),
            self._info(replies),
        )

    def render(self) -> tuple[Any, ...] | None:
        """An overview of every scene for `rgb_array`."""
        return self.call("render") if self.render_mode is not None else None

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """What the method or attribute `name` of every environment gives.

        Raises:
            RuntimeError: It raised in one of them, or its process died.
        """
        for row in range(self.num_envs):
            self._send(row, ("call", (name, args, kwargs)))
        return self._values()

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """The attribute `name` of every environment."""
        return self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute of every environment: to one value, or to one of a list each."""
        several = values if isinstance(values, (list, tuple)) else [values] * self.num_envs
        if len(several) != self.num_envs:
            raise ValueError(f"expected {self.num_envs} values for {name!r}, got {len(several)}")
        for row, value in enumerate(several):
            self._send(row, ("set", (name, value)))
        self._values()

    def close_extras(self, **kwargs: Any) -> None:
        """Stop all processes and free the memory."""
        for member in self._members:
            member.connection.close()
            member.process.terminate()
        for member in self._members:
            reap(member.process)
        self._members = []
        self._memory.close()

    def __del__(self) -> None:
        """Stop the processes of an environment that nobody closed."""
        if getattr(self, "_members", None) and not self.closed:
            self.close()

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, (int, np.integer)):
            return [int(seed) + row for row in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"expected one seed or {self.num_envs}, got {len(seed)}: {list(seed)}")
        return list(seed)

    def _checked(self, actions: NDArray[np.float32]) -> NDArray[np.float64]:
        if len(np.shape(actions)) != 2 or len(actions) != self.num_envs:
            raise ValueError(
                f"actions have shape ({self.num_envs}, {len(self._entries)}) here, got {np.shape(actions)}"
            )
        return np.stack([_checked(row, action, self._entries) for row, action in enumerate(actions)])

    def _drawn(self, member: _Member) -> int:
        """The number of the next episode, as an environment with the same seed would draw it by itself."""
        return int(member.rng.integers(INDEX_RANGE))

    def _observation(self) -> Observation:
        rests = [member.rest for member in self._members]
        return self._memory.read(self.single_observation_space, rests, self._copy)  # type: ignore[arg-type]

    def _info(self, replies: list[Reply]) -> dict[str, Any]:
        infos: dict[str, Any] = {}
        for row, reply in enumerate(replies):
            failed = {"is_success": False, "reason": "error"} if reply.failure else reply.info
            infos = self._add_info(infos, {**failed, "error": reply.failure}, row)
        return infos

    def _start(self, row: int) -> tuple[subprocess.Popen[bytes], Connection]:
        import cloudpickle  # by value for what is defined in a script

        process, connection = start_process("envs.vector_worker", [self._memory.descriptor])
        job = Job(self._arguments, row, self.num_envs)
        with contextlib.suppress(ConnectionError):  # it died at once; whoever waits for it sees that
            connection.send_bytes(cloudpickle.dumps((script_entries(), job)))
        return process, connection

    def _await_start(self, member: _Member) -> None:
        try:
            if not member.connection.poll(START_TIMEOUT_S):
                raise WorkerStartError(f"an environment's process was not ready after {START_TIMEOUT_S:g} s")
            failure = member.connection.recv().failure
        except (EOFError, ConnectionError):
            failure = f"it ended at once ({how_it_ended(member.process.wait())})"
        if failure:
            self.close()
            raise WorkerStartError(f"a process could not make its environment:\n{failure}")

    def _send(self, row: int, order: tuple[str, Any]) -> None:
        with contextlib.suppress(ConnectionError):  # it is dead; `_answer` sees that
            self._members[row].connection.send(order)

    def _reply(self, row: int) -> Reply:
        """What came of the reset or step of environment `row`; an error ends its episode."""
        member, reply = self._members[row], self._answer(row)
        if reply.failure:
            member.over = True
            return Reply(truncated=True, failure=reply.failure)
        member.rest, member.over = reply.rest, reply.terminated or reply.truncated
        return reply

    def _answer(self, row: int) -> Reply:
        """What environment `row` answers; if it died, it has a new process then, and the answer is a failure."""
        member, killed = self._members[row], ""
        try:
            if not member.connection.poll(self._timeout_s):
                killed = f"killed: it said nothing for {self._timeout_s:g} s"
                member.process.kill()
            reply: Reply = member.connection.recv()
            return reply
        except (EOFError, ConnectionError):
            how = killed or how_it_ended(member.process.wait())
            member.process.wait()
            member.connection.close()
            member.process, member.connection = self._start(row)
            member.over = True
            self._await_start(member)
            return Reply(failure=f"the process of environment {row} died ({how})")

    def _values(self) -> tuple[Any, ...]:
        """The values of all answers to a call; an exception in one of them is raised here and ends no episode."""
        replies = [self._answer(row) for row in range(self.num_envs)]
        for row, reply in enumerate(replies):
            if reply.failure:
                raise RuntimeError(f"environment {row} failed:\n{reply.failure}")
        return tuple(reply.value for reply in replies)


def _checked(row: int, action: NDArray[np.float32], entries: Sequence[str]) -> NDArray[np.float64]:
    try:
        return checked_action(action, entries)
    except ValueError as error:
        raise ValueError(f"environment {row}: {error}") from error

"""The process behind one environment of `envs.vector_env`: it obeys, and an exception costs an episode, not itself."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from envs.gym_env import VLAEnv
from envs.shared_arrays import SharedArrays
from vla.processes import die_with
from vla.registry import install


@dataclass(frozen=True)
class Job:
    """What a worker is told first: which environment it makes, and which row of the memory is its own."""

    arguments: dict[str, Any]
    row: int
    count: int


@dataclass(frozen=True)
class Reply:
    """What came of an order. `rest` is what the observation has besides arrays, which are in the memory.

    `failure` is the traceback of an exception; everything else means nothing then.
    """

    rest: dict[str, Any] = field(default_factory=dict)
    reward: float = 0.0
    terminated: bool = False
    truncated: bool = False
    info: dict[str, Any] = field(default_factory=dict)
    value: Any = None
    failure: str = ""


class Server:
    """One environment and its row of the shared memory; a new environment after an exception."""

    def __init__(self, job: Job, descriptor: int) -> None:
        """Make the environment. Raises what it raises."""
        self._job = job
        self._env = VLAEnv(**job.arguments)
        self._memory = SharedArrays(self._env.observation_space, job.count, descriptor)  # type: ignore[arg-type]

    def obey(self, order: tuple[str, Any]) -> Reply:
        """Do what `order` says: its name and its argument."""
        name, argument = order
        try:
            if name == "call":
                function, args, kwargs = argument
                value = getattr(self._env, function)
                return Reply(value=value(*args, **kwargs) if callable(value) else value)
            if name == "set":
                setattr(self._env, *argument)
                return Reply()
            if name == "reset":
                seed, options = argument
                observation, info = self._env.reset(seed=seed, options=options)
                return Reply(self._memory.write(self._job.row, observation), info=info)
            observation, reward, terminated, truncated, info = self._env.step(argument)
            return Reply(self._memory.write(self._job.row, observation), reward, terminated, truncated, info)
        except Exception:  # noqa: BLE001 - whatever it was, it is an error of this episode
            return self._failed(name, traceback.format_exc())

    def _failed(self, order: str, trace: str) -> Reply:
        if order in ("reset", "step"):  # whatever state it is in, the next episode must not depend on it
            old, self._env = self._env, VLAEnv(**self._job.arguments)
            try:
                old.close()
            except Exception:  # noqa: BLE001 - it is broken; why has been said already
                trace += f"\nand closing it failed:\n{traceback.format_exc()}"
        return Reply(failure=trace)


def main(socket: int, parent: int, descriptor: int) -> None:
    """Serve the process `parent` over `socket` until it hangs up; the memory is the file `descriptor`."""
    die_with(parent)
    connection = Connection(socket)
    try:
        import cloudpickle

        entries, job = cloudpickle.loads(connection.recv_bytes())
        try:
            install(entries)
            server = Server(job, descriptor)
        except Exception:  # noqa: BLE001 - raised by the caller
            connection.send(Reply(failure=traceback.format_exc()))
            return
        connection.send(Reply())
        while True:
            connection.send(server.obey(connection.recv()))
    except (EOFError, ConnectionError):  # the caller hung up
        return

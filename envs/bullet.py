"""The only file that imports pybullet: a connection whose functions go to one client. Knows nothing of scenes."""

from __future__ import annotations

import functools
from typing import Any

from envs.quiet import silence

with silence():  # it says when it was built
    import pybullet


BulletError: type[Exception] = pybullet.error  # what PyBullet raises when it cannot load a file


class PhysicsError(RuntimeError):
    """The simulation could not be built or has been closed; the message says which."""


class Client:
    """A PyBullet connection without a window. `call.createMultiBody(...)` and the like go to this client only."""

    def __init__(self) -> None:
        """Connect. Raises PhysicsError if PyBullet gives no client (it has 1024 at most)."""
        self.number = int(pybullet.connect(pybullet.DIRECT))
        if self.number < 0:
            raise PhysicsError("PyBullet gave no client; close worlds that are not used any more (1024 at most)")

    def __getattr__(self, name: str) -> Any:
        """PyBullet's function or constant `name`; functions get this client's number."""
        found = getattr(pybullet, name)
        if not callable(found):
            return found
        if self.number < 0:
            raise PhysicsError("this simulation has been closed")
        bound = functools.partial(found, physicsClientId=self.number)
        self.__dict__[name] = bound
        return bound

    def close(self) -> None:
        """Disconnect; calling it again does nothing."""
        if self.number >= 0:
            pybullet.disconnect(self.number)
            self.number = -1
            for name in [name for name, value in self.__dict__.items() if isinstance(value, functools.partial)]:
                del self.__dict__[name]


def connect() -> Client:
    """A new client, for whoever needs PyBullet without importing it (the TinyRenderer and EGL referees)."""
    return Client()

"""How chunks of actions become actions: the state of one episode between a policy and its world.

It belongs to the loop that steps the world (`vla.rollout.play`), never to the policy, so that one policy serves many
episodes at once and what an episode gives does not depend on what runs beside it. Knows no network.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from vla.contract import FloatArray, Planned, Policy
from vla.registry import nearest

MODES = {
    "receding": "execute the first actions of a chunk, then ask again",
    "ensemble": "ask at every step and average what all chunks say about it",
    "realtime": "ask while the last chunk is being executed and tell the policy what is planned",
}


@dataclass(frozen=True)
class Execution:
    """How a policy wants its chunks executed.

    Attributes:
        mode: `receding` (receding horizon, Chi et al. 2023), `ensemble` (temporal ensembling of ACT, arXiv 2304.13705)
            or `realtime` (real-time chunking, arXiv 2506.07339).
        execute: Control steps from one question to the next; `ensemble` asks at every step.
        decay: m of `ensemble`: the i-th oldest chunk that speaks of a step has weight exp(-m i). With m = 0 all count
            the same; the larger it is, the more the oldest counts.
        delay: Of `realtime`: control steps that inference takes. So many actions of the last chunk are still executed
            after an observation is taken, and as many of the new one are late. An episode's first chunk is waited for.
    """

    mode: str = "receding"
    execute: int = 1
    decay: float = 0.01
    delay: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown mode and numbers that mean nothing in it."""
        if self.mode not in MODES:
            raise nearest("execution", self.mode, list(MODES))
        if self.execute < 1:
            raise ValueError(f"at least 1 action of a chunk is executed, got {self.execute}")
        if not (math.isfinite(self.decay) and self.decay >= 0):
            raise ValueError(f"decay of an ensemble must be 0 or more, got {self.decay}")
        if not 0 <= self.delay <= (self.execute if self.mode == "realtime" else 0):
            raise ValueError(
                f"delay must be 0 up to {self.execute}, the steps between questions, in mode 'realtime', and 0 in the "
                f"others; got {self.delay} in {self.mode!r}"
            )

    @property
    def least(self) -> int:
        """Actions that a chunk must have: in `realtime` those that are late have to be in the last chunk."""
        return {"receding": self.execute, "ensemble": 1, "realtime": self.execute + self.delay}[self.mode]

    @staticmethod
    def parse(text: str) -> Execution:
        """`receding:4`, `ensemble`, `ensemble:0.1` or `realtime:4:2` (execute, delay). Raises ValueError."""
        mode, *numbers = text.split(":")
        if mode not in MODES:
            raise nearest("execution", mode, list(MODES))
        names = {"receding": ("execute",), "ensemble": ("decay",), "realtime": ("execute", "delay")}[mode]
        try:
            given = dict(zip(names, map(float if mode == "ensemble" else int, numbers), strict=False))
        except ValueError:
            given = {}
        if len(given) != len(numbers):
            expected = ":".join((mode, *names))
            raise ValueError(f"expected {expected} with numbers, or fewer of them; got {text!r}")
        return Execution(mode, **given)  # type: ignore[arg-type]


def execution_of(policy: Policy) -> Execution:
    """What a policy says it wants: its `execution`, or receding by its `execute`."""
    wanted: Execution | None = getattr(policy, "execution", None)
    return wanted or Execution(execute=policy.execute)


class Executor:
    """Turns one episode's chunks into its actions. Before each step: if it `needs_chunk`, `add` one; then `next`."""

    def __init__(self, execution: Execution) -> None:
        """An episode begins; nothing is planned."""
        self.execution = execution
        self._chunks: deque[tuple[int, FloatArray]] = deque()  # (step of its first action, actions), oldest first
        self._step = 0
        self._asked = 0

    @property
    def needs_chunk(self) -> bool:
        """Whether a chunk must be added before the next action."""
        every = 1 if self.execution.mode == "ensemble" else self.execution.execute
        return not self._chunks or self._step - self._asked >= every

    def planned(self) -> Planned | None:
        """What the policy is told of the running plan, now that a chunk is needed; None at the start."""
        if not self._chunks:
            return None
        start, chunk = self._chunks[-1]
        rest = chunk[self._step - start :]
        actions = np.concatenate([rest, np.repeat(chunk[-1:], len(chunk) - len(rest), 0)])
        return Planned(actions, soft_mask(len(chunk), self.execution.delay, self._step - start))

    def add(self, chunk: FloatArray) -> None:
        """A chunk (C, A) for the step that comes next, C >= `execution.least`."""
        if self.execution.mode == "realtime" and self._chunks:
            start, last = self._chunks.pop()
            late = self._step - start
            chunk = np.concatenate([last[late : late + self.execution.delay], chunk[self.execution.delay :]])
        elif self.execution.mode != "ensemble":
            self._chunks.clear()
        self._chunks.append((self._step, chunk))
        self._asked = self._step

    def next(self) -> FloatArray:
        """The action (A,) of the next step."""
        while self._chunks[0][0] + len(self._chunks[0][1]) <= self._step:
            self._chunks.popleft()
        said = np.stack([chunk[self._step - start] for start, chunk in self._chunks])
        self._step += 1
        weights = np.exp(-self.execution.decay * np.arange(len(said)))
        return np.asarray(weights @ said / weights.sum(), np.float32)


def soft_mask(chunk: int, delay: int, passed: int) -> FloatArray:
    """How much each action of a new chunk is bound to the running plan, (C,): equation 5 of arXiv 2506.07339.

    Args:
        chunk: Actions C in a chunk.
        delay: The first so many are executed before the new chunk is there: 1.
        passed: Steps since the running plan began; the last so many of the new chunk are not planned: 0.
    """
    i = np.arange(chunk)
    left = (chunk - passed - i) / (chunk - passed - delay + 1)
    between = left * np.expm1(left) / math.expm1(1)
    return np.where(i < delay, 1.0, np.where(i < chunk - passed, between, 0.0)).astype(np.float32)

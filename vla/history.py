"""Which earlier moments a policy sees besides the present one, in training and while it acts. Knows no pixels."""

from __future__ import annotations

from dataclasses import dataclass

from vla.contract import InputName, Observation, World

LOOKED: frozenset[InputName] = frozenset({"pixels", "agent_pos"})  # what there is of earlier moments


@dataclass(frozen=True)
class History:
    """Which earlier moments a policy sees.

    Attributes:
        frames: Earlier moments K; 0 for none.
        stride: Control steps between two of them.
    """

    frames: int = 0
    stride: int = 1

    def __post_init__(self) -> None:
        """Raise ValueError for numbers that mean nothing."""
        if self.frames < 0 or self.stride < 1:
            raise ValueError(f"a history has 0 frames or more, 1 step or more apart; got {self.frames}, {self.stride}")

    def steps(self, step: int) -> tuple[int, ...]:
        """Control steps that are seen at `step`, newest first, 1 + K: the first one again where there was none yet."""
        return tuple(max(step - k * self.stride, 0) for k in range(self.frames + 1))


NOW = History()


class Memory:
    """Keeps what a world showed, so that its policy need not: a policy with a history stays pure in its observation.

    Every control step is looked at, since nobody knows when the policy will be asked next; without a history nothing
    is looked at or kept.

    Args:
        world: What is looked at; it may not be reset while the memory is used.
        inputs: What the policy wants to see.
        history: Which earlier moments it wants.
    """

    def __init__(self, world: World, inputs: frozenset[str], history: History) -> None:
        """Remember nothing yet."""
        self._world, self._inputs, self._history = world, inputs, history
        self._seen: dict[int, Observation] = {}

    def look(self, step: int) -> None:
        """See control step `step`, unless it has been seen; the world must be there."""
        if not self._history.frames or step in self._seen:
            return
        self._seen[step] = self._world.observe(self._inputs & LOOKED)
        self._seen.pop(step - self._history.frames * self._history.stride - 1, None)

    def observe(self, step: int) -> Observation:
        """The observation of control step `step`, at which the world is, with the earlier ones that are wanted."""
        if not self._history.frames:
            return self._world.observe(self._inputs)
        self.look(step)
        observation: Observation = {**self._world.observe(self._inputs - LOOKED), **self._seen[step]}
        observation["earlier"] = tuple(self._seen[then] for then in self._history.steps(step)[1:])
        return observation

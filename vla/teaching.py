"""A teacher beside a student: it says at every state what it would do there, and takes over where the student is lost.

DAgger (Ross, Gordon and Bagnell 2011, arXiv 1011.0686): the student acts, so that the states are those it gets to by
itself, and the teacher labels all of them. Knows no scripted expert: the teacher is any policy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np

from vla.contract import EpisodeRequest, FloatArray, Observation, Policy
from vla.seeding import episode_seed, stream


class Teacher(Protocol):
    """Of one episode."""

    @property
    def inputs(self) -> frozenset[str]:
        """What it wants to see."""

    def correct(self, observation: Observation, action: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The label of this state, and what is to be executed: both (A,); the student wants `action` (A,)."""


TeacherFactory = Callable[[EpisodeRequest], Teacher]


@dataclass(frozen=True)
class Mixture:
    """Who acts when.

    The published mixture lets the teacher act with probability beta, and its parameter-free version has beta 1 in the
    first round and 0 afterwards. Demonstrations are that first round, so that beta is 0 here unless asked for. Pure
    student trajectories have a price in manipulation: a student that is lost circles until the time is up, half of an
    episode's states are then the same one, and what comes after the mistake is never seen. So, as in SafeDAgger (Zhang
    and Cho 2017, arXiv 1605.06450), the teacher takes over where the two have disagreed for a while, for a while: long
    enough to be past the mistake, short enough that the rest is the student's again. Unlike SafeDAgger, which keeps
    only what it intervened in, every state is labelled.

    Attributes:
        beta: Probability that the teacher acts for the next `hold` steps, drawn anew after as many.
        patience: Steps of disagreement, agreement counted off, after which the teacher takes over; 0 for never.
        hold: Steps for which it keeps what it took the first time; each further time it is twice as long, so that an
            episode is finished however bad the student is, and one that erred once goes on by itself.
        far: Distance between two motions, of actions in [-1, 1], from which they disagree: 0.4 is 2 cm a step, half of
            what the scripted experts do; a hand that waits disagrees with one that goes on, hesitation does not.
            Fingers disagree when one opens and the other closes.
    """

    beta: float = 0.0
    patience: int = 6
    hold: int = 10
    far: float = 0.4

    def __post_init__(self) -> None:
        """Raises ValueError for numbers that mean nothing."""
        if not 0.0 <= self.beta <= 1.0:
            raise ValueError(f"beta must be a probability in [0, 1], got {self.beta}")
        if self.patience < 0 or self.hold < 1 or not self.far > 0:
            raise ValueError(f"expected patience >= 0, hold >= 1 and far > 0, got {self}")

    def disagree(self, wanted: FloatArray, right: FloatArray) -> bool:
        """Whether two actions (A,) are not about the same."""
        apart = float(np.linalg.norm(wanted[:-1] - right[:-1]))
        return apart > self.far or bool((wanted[-1] > 0) != (right[-1] > 0))


@dataclass(frozen=True)
class Teaching:
    """Teacher factory; picklable if its policy factory is.

    Attributes:
        policy_factory: Makes the teacher: a policy that gives an action for the present state alone, with
            `batched = False` and `execute = 1`.
        mixture: Who acts when.
        name: The teacher's name, for notes.
    """

    policy_factory: Callable[[], Policy]
    mixture: Mixture = Mixture()
    name: str = "expert"

    def notes(self) -> dict[str, Any]:
        """What an episode's notes say of its teacher."""
        return {"teacher": self.name, **asdict(self.mixture)}

    def __call__(self, request: EpisodeRequest) -> _Beside:
        """The teacher of one episode; what it draws is a function of the request alone."""
        return _Beside(self.policy_factory(), self.mixture, request)


class _Beside:
    """See `Teaching`."""

    def __init__(self, policy: Policy, mixture: Mixture, request: EpisodeRequest) -> None:
        if policy.batched or policy.execute != 1:
            raise ValueError("a teacher has to be a policy that runs beside its world, one action at a time")
        policy.reset(episode_seed(request))
        self.inputs = policy.inputs
        self._policy, self._mixture = policy, mixture
        self._rng = stream(request, "policy", "teacher")
        self._apart = self._taken = self._left = self._times = 0
        self._given = False

    def correct(self, observation: Observation, action: FloatArray) -> tuple[FloatArray, FloatArray]:
        """See `Teacher`."""
        label = np.asarray(self._policy.act([observation])[0][0], np.float32)
        mixture = self._mixture
        if self._left == 0:
            self._left, self._given = mixture.hold, bool(self._rng.random() < mixture.beta)
        self._left -= 1
        self._apart = self._apart + 1 if mixture.disagree(action, label) else max(self._apart - 1, 0)
        if mixture.patience and not self._taken and self._apart >= mixture.patience:
            self._taken, self._times = mixture.hold * 2**self._times, self._times + 1
        if self._taken:
            self._taken, self._apart = self._taken - 1, 0
            return label, label
        return label, label if self._given else action

"""Whether a policy sees what the instruction names: asked at the first look of an episode. Knows no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from vla.contract import EpisodeRequest, EpisodeResult, FloatArray, Observation, Policy, StepResult, World
from vla.history import NOW, Memory
from vla.seeding import episode_seed

LIKELY = 0.5  # from here on it is said to see what is named


class TellsPresence(Protocol):
    """What a policy offers that can say whether it sees what is named."""

    tells_presence: bool

    def confidence(self, observations: Sequence[Observation]) -> FloatArray:
        """The probability that what each instruction names is in sight, (B,) in [0, 1].

        Raises ValueError where `tells_presence` is false.
        """


class FirstLook:
    """Subscriber of `vla.rollout.rollout` that keeps the policy's confidence at the reset.

    Attributes:
        confidence: In [0, 1]; None for a policy that cannot tell, and before an episode has begun.
    """

    def __init__(self, policy: Policy) -> None:
        """Ask `policy`, if it can tell."""
        self._policy = policy
        self.confidence: float | None = None

    def on_reset(self, world: World, request: EpisodeRequest) -> None:
        """Look at the scene as the policy sees it, and ask. Raises ValueError for what is no probability."""
        policy = self._policy
        self.confidence = None
        if not getattr(policy, "tells_presence", False):
            return
        observation = Memory(world, policy.inputs, getattr(policy, "history", NOW)).observe(0)
        observation["episode_seed"], observation["step"] = episode_seed(request), 0
        self.confidence = confidence_of(policy, observation)  # type: ignore[arg-type]

    def on_step(self, world: World, action: FloatArray, executed: FloatArray, step: StepResult) -> None:
        """The first look is the one that counts."""

    def on_end(self, result: EpisodeResult) -> None:
        """Nothing to add."""


def confidence_of(policy: TellsPresence, observation: Observation) -> float:
    """The probability that what the instruction names is in sight. Raises ValueError for what is no probability."""
    given = policy.confidence([observation])
    if given.shape != (1,) or not 0.0 <= given[0] <= 1.0:
        raise ValueError(f"the policy's confidence is {given}; expected one number from 0 to 1")
    return float(given[0])


def confidence_text(confidence: float) -> str:
    """The confidence in a line of output."""
    sees = "it sees it" if confidence >= LIKELY else "it does not see it"
    return f"confidence that what is named is there: {confidence:.2f} - {sees}"

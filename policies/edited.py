"""A learned policy whose observations are edited before it sees them: how a sense is taken away from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from vla.contract import FloatArray, Observation, Policy
from vla.execution import Execution, execution_of
from vla.history import NOW, History

Edit = Callable[[Observation], Observation]


class EditedPolicy:
    """`policy`, seeing `edit(observation)`. Everything else is the policy's own.

    Args:
        policy: What acts.
        edit: Pure: returns a new observation.
    """

    def __init__(self, policy: Policy, edit: Edit) -> None:
        """Take over what the pool asks a policy for."""
        self._policy, self._edit = policy, edit
        self.inputs = policy.inputs
        self.batched = policy.batched
        self.execute = policy.execute
        self.image_size: int | None = getattr(policy, "image_size", None)
        self.cameras: tuple[str, ...] | None = getattr(policy, "cameras", None)
        self.history: History = getattr(policy, "history", NOW)
        self.batch_size: int | None = getattr(policy, "batch_size", None)
        self.robots: tuple[str, ...] = getattr(policy, "robots", ())
        if hasattr(policy, "control"):
            self.control: str = policy.control
        self.fingerprint: str = getattr(policy, "fingerprint", "")
        self.tells_presence: bool = getattr(policy, "tells_presence", False)

    @property
    def execution(self) -> Execution:
        """How the policy's chunks become actions; may be set where the policy lets it."""
        return execution_of(self._policy)

    @execution.setter
    def execution(self, execution: Execution) -> None:
        self._policy.execution = execution  # type: ignore[attr-defined]

    def reset(self, episode_seed: int) -> None:
        """Reset the policy."""
        self._policy.reset(episode_seed)

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """The policy's actions for the edited observations, (B, C, 7)."""
        return self._policy.act([self._edited(observation) for observation in observations])

    def confidence(self, observations: Sequence[Observation]) -> FloatArray:
        """The policy's confidence that it sees what is named, (B,). Raises ValueError for one that cannot tell."""
        if not self.tells_presence:
            raise ValueError("the policy cannot tell whether it sees what is named")
        policy: Any = self._policy
        confidence: FloatArray = policy.confidence([self._edited(observation) for observation in observations])
        return confidence

    def _edited(self, observation: Observation) -> Observation:
        """The observation as the policy gets it: earlier moments are edited like the present one."""
        edited = self._edit(observation)
        if "earlier" in observation:
            edited["earlier"] = tuple(self._edit(then) for then in observation["earlier"])
        return edited

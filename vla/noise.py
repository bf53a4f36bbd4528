"""Noise on the actions of a demonstrator, so that demonstrations show how to come back from where a learner errs.

After DART (Laskey et al. 2017, arXiv 1703.09327): noise is executed, the demonstrator's own action stays the label.
Knows no world: what is safe follows from the demonstrator's actions alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vla.contract import EpisodeRequest, FloatArray
from vla.rollout import ActionFilter
from vla.seeding import stream

LONGEST = 5  # control steps for which a motion persists, at most: half a second
OPEN = 0.0  # a gripper action below it opens


@dataclass(frozen=True)
class ActionNoise:
    """Filter factory: now and then a random motion is executed instead of the policy's.

    In most episodes each random motion lasts one step, a jolt. In persistent ones it lasts 2 to `LONGEST` steps in one
    direction: a drift, which brings the tool to where single jolts, undone one by one, never do, and which is how a
    learner errs. Both have the same share of noisy steps.

    Fingers that are told to open may be closed for a step; closed ones are never opened, for that would drop what they
    hold. Nothing is between fingers that their owner wants open, or it is about to be let go, and then is later.

    Attributes:
        probability: Share of steps whose motion is random, in [0, 1].
        persistent: Share of episodes whose noise persists.
        gripper: Probability that a step closes fingers that are told to open.
        by_task: Families with a `probability` of their own, for those that forgive less.
    """

    probability: float = 0.0
    persistent: float = 0.0
    gripper: float = 0.0
    by_task: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises ValueError for a probability outside [0, 1]."""
        given = {"noise": self.probability, "persistent": self.persistent, "gripper noise": self.gripper}
        for name, value in {**given, **{f"noise of {task}": p for task, p in self.by_task.items()}}.items():
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"{name} must be a probability in [0, 1], got {value}")

    @property
    def any(self) -> bool:
        """Whether there is any noise at all."""
        return bool(self.probability or self.gripper or any(self.by_task.values()))

    def level(self, request: EpisodeRequest) -> float:
        """Share of noisy steps in an episode."""
        return self.by_task.get(request.task, self.probability)

    def persists(self, request: EpisodeRequest) -> bool:
        """Whether the noise of an episode comes in drifts."""
        return bool(stream(request, "policy", "persistent noise").random() < self.persistent)

    def notes(self, request: EpisodeRequest) -> dict[str, Any]:
        """What an episode's notes say of its noise."""
        return {"noise": self.level(request), "persistent": self.persists(request), "gripper_noise": self.gripper}

    def __call__(self, request: EpisodeRequest) -> ActionFilter:
        """The filter of one episode; its draws are a function of the request alone."""
        rng = stream(request, "policy", "action noise")
        fingers = stream(request, "policy", "gripper noise")
        level = self.level(request)
        shortest, longest = (2, LONGEST) if self.persists(request) else (1, 1)
        mean = (shortest + longest) / 2
        # So that `level` of the steps are noisy although none begins while one lasts.
        begin = level / (level + mean * (1 - level)) if level else 0.0
        left, motion = 0, np.zeros(0, np.float32)

        def disturb(action: FloatArray, step: int) -> FloatArray:
            nonlocal left, motion
            begins, drawn = rng.random() < begin, rng.uniform(-1.0, 1.0, len(action) - 1).astype(np.float32)
            if left == 0 and begins:
                left, motion = int(rng.integers(shortest, longest + 1)) if longest > 1 else 1, drawn
            grip = action[-1:]
            if fingers.random() < self.gripper and grip[0] < OPEN:
                grip = np.ones_like(grip)
            if left:
                left -= 1
                return np.concatenate([motion, grip])
            return np.concatenate([action[:-1], grip])

        return disturb

"""A learned policy with the simulator's eyes: `told:CHECKPOINT`.

It is told where what the instruction names is, and decides by itself what to do with it: what it fails at is not a
matter of seeing. Beside the policy's own success this says whether eyes or decisions have to become better
("privileged" perception, as in learning by cheating, arXiv 1912.12294).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from envs.grounding import DemoView
from envs.scene import SceneSpec
from envs.state import WorldState
from policies.learned import LearnedPolicy
from policies.registry import POLICIES
from vla.contract import FloatArray, Observation
from vla.models.compact import CompactVLA


@POLICIES.register("told")
class ToldPolicy(LearnedPolicy):
    """Acts by `CompactVLA.act_told`. Raises ValueError for other networks: nothing in them is a place."""

    batched = False  # states are not sent between processes

    def __init__(self, checkpoint: str | Path) -> None:
        """Load the checkpoint."""
        super().__init__(checkpoint, batch_size=1)
        if not isinstance(self.model, CompactVLA):
            raise ValueError(f"{checkpoint} finds no places, so it cannot be told them: it is no compact network")
        self.inputs = self.inputs | {"state"}
        self._spec: SceneSpec | None = None
        self._view: DemoView | None = None

    def reset(self, episode_seed: int) -> None:
        """Forget the scene."""
        self._spec, self._view = None, None

    @torch.inference_mode()
    def _act(self, observations: Sequence[Observation]) -> FloatArray:
        (observation,) = observations
        assert isinstance(self.model, CompactVLA)  # as checked
        where = torch.from_numpy(self._where(observation["state"])[None]).to(self.device)
        seen = self._seen(observations)
        actions = self.model.act_told(*seen, where, self._noise(observations), self._prefix(observations))
        return self.config.normalizer.unnormalize(actions.cpu().numpy())

    def _where(self, state: WorldState) -> FloatArray:
        """Where the roles are, (R, 7)."""
        if self._view is None or self._spec is not state.spec:
            self._spec, self._view = state.spec, DemoView(state.spec, (), self.image_size)
        return self._view.now(state)

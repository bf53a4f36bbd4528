"""A learned policy with the simulator's eyes: `told:CHECKPOINT`.

It is told where what the instruction names is, and decides by itself what to do with it: what it fails at is not a
matter of seeing. Beside the policy's own success this says whether eyes or decisions have to become better
("privileged" perception, as in learning by cheating, arXiv 1912.12294).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from envs.grounding import DemoView
from envs.scene import SceneSpec
from envs.state import WorldState
from policies.learned import LearnedPolicy
from policies.registry import POLICIES
from vla.contract import FloatArray, Observation
from vla.models.compact import CompactVLA
from vla.models.contract import ROLES
from vla.views import PLACED


@POLICIES.register("told")
class ToldPolicy(LearnedPolicy):
    """Acts by `CompactVLA.act_told`. Raises ValueError for a network that does not decide by places."""

    inputs: frozenset[str] = frozenset({"state", "agent_pos", "instruction"})
    batched = False  # states are not sent between processes

    def __init__(self, checkpoint: str | Path) -> None:
        """Load the checkpoint."""
        super().__init__(checkpoint, batch_size=1)
        if not isinstance(self.model, CompactVLA) or self.model.aim is None:
            raise ValueError(f"{checkpoint} does not decide by places, so it cannot be told them instead of seeing")
        self._spec: SceneSpec | None = None
        self._view: DemoView | None = None

    def reset(self, episode_seed: int) -> None:
        """Forget the scene."""
        self._spec, self._view = None, None

    @torch.inference_mode()
    def _act(self, observations: Sequence[Observation]) -> FloatArray:
        (observation,) = observations
        assert isinstance(self.model, CompactVLA)  # as checked
        tokens, body = self._said(observation)
        where = torch.from_numpy(self._where(observation["state"])[None]).to(self.device)
        actions = self.model.act_told(where, tokens, body, self._noise(observations), self._prefix(observations))
        return self.config.normalizer.unnormalize(actions.cpu().numpy())

    def _said(self, observation: Observation) -> tuple[Tensor, Tensor]:
        """Token ids (1, L) and proprioception (1, S)."""
        words = "" if self.config.without == "words" else observation["instruction"]
        moments = np.stack([moment["agent_pos"] for moment in self._moments(observation)])
        state = self.config.normalizer.state(moments).astype(np.float32).reshape(1, -1)
        ids, body = torch.from_numpy(self.config.vocabulary.encode([words])), torch.from_numpy(state)
        return ids.to(self.device), body.to(self.device)

    def _where(self, state: WorldState) -> FloatArray:
        """Where the roles are, (R, 7); nowhere for a control that was trained blind."""
        if self.config.without == "pixels":
            return np.zeros((ROLES, PLACED), np.float32)
        if self._view is None or self._spec is not state.spec:
            self._spec, self._view = state.spec, DemoView(state.spec, (), 96)
        return self._view.now(state)

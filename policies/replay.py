"""Replays stored episodes: the same seed gives the same actions, open loop. Sees nothing but the seed and the step.

On the world that recorded them it is a test of determinism; with a perturbation it shows what open loop is worth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.scene import DisturbanceSpec, SceneSpec
from policies.registry import POLICIES
from vla.contract import FloatArray, Observation
from vla.episode import request_from_key
from vla.seeding import episode_seed as seed_of
from vla.store import EpisodeStore


@POLICIES.register("replay")
class ReplayPolicy:
    """Gives the world what it was given in the stored episode of the same seed; holds still after its end.

    That is what was executed, noise of demonstrations included; where the scene itself disturbed the actions, which it
    will do again, it is what the policy wanted.
    Where several episodes of a folder have one seed (perturbed twins), the least perturbed one is replayed.
    """

    inputs: frozenset[str] = frozenset()
    batched = False
    execute = 1

    def __init__(self, folder: str) -> None:
        """Index the episodes of `folder`. Raises ValueError if there is no such folder."""
        self._store = EpisodeStore(folder, create=False)
        requests = [request_from_key(key) for key in self._store.keys()]  # noqa: SIM118 - not a dict
        requests.sort(key=lambda request: len(request.perturbations), reverse=True)
        self._keys = {seed_of(request): request.key for request in requests}
        self._actions: FloatArray | None = None

    def reset(self, episode_seed: int) -> None:
        """Load the episode of this seed. Raises ValueError if there is none."""
        key = self._keys.get(episode_seed)
        if key is None:
            raise ValueError(f"{self._store.folder} has no episode with the seed {episode_seed} to replay")
        episode = self._store.load(key)
        disturbed = SceneSpec.from_dict(episode.spec).disturbance != DisturbanceSpec()
        self._actions = episode.action if disturbed else episode.executed

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """Return the stored action of each step, (B, 1, 7)."""
        assert self._actions is not None, "act before reset"
        return np.stack([self._at(observation["step"]) for observation in observations])[:, None]

    def _at(self, step: int) -> FloatArray:
        assert self._actions is not None
        action = np.array(self._actions[min(step, len(self._actions) - 1)])
        if step >= len(self._actions):
            action[:-1] = 0.0  # the gripper keeps its last command
        return action

"""A toy for networks: a red and a green dot; the instruction says which one the action must point at."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from vla.batches import Demonstrations
from vla.contract import ByteArray, EpisodeRequest, EpisodeResult, FloatArray
from vla.episode import Episode
from vla.models.contract import ROLES
from vla.text import Vocabulary
from vla.views import Drawn

WORDS = Vocabulary.build(["touch the red dot", "touch the green dot"], buckets=4, max_words=6)
SIDE = 32


class Dots:
    """Two dots on grey; `target` is 0 (red) or 1 (green)."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spots, self.target = np.array(spec["spots"]), int(spec["target"])

    def draw(self, poses: FloatArray, steps: NDArray[np.int64]) -> Drawn:
        points = np.zeros((len(steps), 1, ROLES, 3), np.float32)
        points[:, 0, 0] = [*self.spots[self.target], 1]
        pixels = np.stack([self.picture()] * len(steps))
        return Drawn(pixels, points, self.where(poses, steps))

    def where(self, poses: FloatArray, steps: NDArray[np.int64]) -> FloatArray:
        """Nowhere: dots are in no world. Only their number, so that what is told can be told apart."""
        positions = np.zeros((len(steps), ROLES, 7), np.float32)
        positions[:, 0, :2] = self.spots[self.target]
        return positions

    def picture(self) -> ByteArray:
        image = np.full((1, SIDE, SIDE, 3), 128, np.uint8)
        for channel, (u, v) in enumerate(self.spots):
            x, y = int(u * SIDE), int(v * SIDE)
            image[0, max(0, y - 1) : y + 3, max(0, x - 1) : x + 3] = np.eye(3)[channel] * 255
        return image


def episode(index: int, steps: int = 4) -> Episode:
    rng = np.random.default_rng(index)
    spots, target = rng.uniform(0.15, 0.85, (2, 2)), int(rng.integers(2))
    request = EpisodeRequest("Dots", index)
    action = np.zeros((steps, 7), np.float32)
    action[:, :2] = spots[target] * 2 - 1
    result = EpisodeResult(
        request, f"touch the {('red', 'green')[target]} dot", "success", "success", steps, 0.0, said_at=(0,)
    )
    spec = {"spots": spots.tolist(), "target": target}
    poses = np.zeros((steps + 1, 1, 7), np.float32)
    return Episode(request, spec, poses, np.zeros((steps + 1, 8), np.float32), action, action, result)


def demonstrations(count: int = 8, steps: int = 4) -> Demonstrations:
    return Demonstrations([episode(i, steps) for i in range(count)], Dots, chunk=2)

"""What draws an episode for training: the border between data path and renderer, which do not know each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vla.contract import ByteArray, FloatArray

PLACED = 7  # entries of a role's position: x, y, z, valid, and of its turn: cosine, sine, valid
Samples = NDArray[np.int64]  # numbers of samples, or of control steps


class Drawn(NamedTuple):
    """Moments as rendered: pixels (B, V, H, W, 3), points (B, V, R, 3), positions (B, R, 7), as in `Batch`."""

    pixels: ByteArray
    points: FloatArray
    positions: FloatArray

    def like(self, count: int) -> Drawn:
        """Arrays of the same kind for `count` moments, to be filled by `put`."""
        return Drawn(*(np.empty((count, *array.shape[1:]), array.dtype) for array in self))

    def put(self, rows: Samples | slice, part: Drawn) -> None:
        """Write `part` into `rows`, in place."""
        self.pixels[rows], self.points[rows], self.positions[rows] = part


class SceneView(Protocol):
    """Draws one episode's scene at the policy's resolution."""

    def draw(self, poses: FloatArray, steps: Samples) -> Drawn:
        """What all cameras show at control steps (S,) of the episode with `poses` (T + 1, N, 7), and where the goal is.

        V counts cameras here: earlier moments are put beside one another by `vla.batches.Demonstrations`.
        """

    def where(self, poses: FloatArray, steps: Samples) -> FloatArray:
        """Where the goal is then, positions (S, R, 7) as `draw` gives them, without drawing anything."""


class Exchange(Protocol):
    """Lets a demonstration be of other things, by words of its instruction, so that what was done stays right."""

    def draw(self, rng: np.random.Generator) -> Mapping[str, str]:
        """For each word that is exchanged the one in its place."""

    def scene(self, spec: dict[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
        """The scene, as it is stored, after the exchange."""


ViewFactory = Callable[[Any], SceneView]  # of a scene description, as stored or as an augmentation leaves it
Augmentation = Callable[[dict[str, Any], FloatArray, np.random.Generator], Any]  # (spec, poses, rng) -> spec

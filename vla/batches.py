"""Training batches from stored poses: episodes in memory, frames rendered by whoever is passed in.

A batch is a pure function of (seed, step): stopping and resuming changes nothing, nor does the number of threads.
Knows no renderer: `ViewFactory` turns a scene description into something that draws poses and says where the goal is.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from vla.contract import ByteArray, FloatArray
from vla.episode import Episode
from vla.models.contract import Batch
from vla.normalize import Normalizer
from vla.text import IdArray, TextCoder


class SceneView(Protocol):
    """Draws one episode's scene at the policy's resolution."""

    def pixels(self, poses: FloatArray, step: int) -> ByteArray:
        """Frames of all cameras, (V, H, W, 3), at a control step of the episode with `poses` (T + 1, N, 7)."""

    def labels(self, poses: FloatArray, step: int) -> tuple[FloatArray, FloatArray]:
        """Where target and place of the goal are then: points (V, R, 3), positions (R, 4), as in `Batch`."""


VIEWS_KEPT = 256
ViewFactory = Callable[[dict[str, Any]], SceneView]


@dataclass(frozen=True)
class Corruption:
    """Modality dropout and word noise.

    Attributes:
        no_words: Share of samples whose instruction is dropped, so that a policy without words is an honest control and
            not an input it has never seen.
        no_pixels: Share of samples whose images are black, likewise.
        unknown_word: Chance that a word is replaced by a hash bucket, so that unknown words carry no meaning; text
            coders without buckets leave it alone.
    """

    no_words: float = 0.05
    no_pixels: float = 0.03
    unknown_word: float = 0.05


class Drawn(NamedTuple):
    """Samples as rendered: pixels (B, V, H, W, 3), points (B, V, R, 3), positions (B, R, 4)."""

    pixels: ByteArray
    points: FloatArray
    positions: FloatArray


class Demonstrations:
    """Episodes as training samples; sample i is one control step of one episode.

    Args:
        episodes: At least one; all steps but the last pose become samples.
        view: Makes the drawer of a scene.
        chunk: Actions per sample.
    """

    def __init__(self, episodes: Sequence[Episode], view: ViewFactory, *, chunk: int) -> None:
        """Index the samples. Raises ValueError if there are none."""
        self.episodes = [episode for episode in episodes if len(episode)]
        if not self.episodes:
            raise ValueError(f"no training samples: {len(episodes)} episodes were given and none has a step")
        self.chunk, self._make_view = chunk, view
        lengths = np.array([len(episode) for episode in self.episodes])
        self.first = np.concatenate([[0], np.cumsum(lengths)])
        self._views: OrderedDict[int, SceneView] = OrderedDict()
        self._lock = threading.Lock()
        self._cache: Drawn | None = None

    def __len__(self) -> int:
        """Number of samples."""
        return int(self.first[-1])

    def normalizer(self, mode: str = "mean_std") -> Normalizer:
        """Statistics of these demonstrations; `mode` as for `Normalizer`."""
        return Normalizer.fit([e.agent_pos[:-1] for e in self.episodes], [e.action for e in self.episodes], mode)

    def locate(self, sample: int) -> tuple[int, int]:
        """(episode number, step) of a sample."""
        number = int(np.searchsorted(self.first, sample, side="right")) - 1
        return number, sample - int(self.first[number])

    def draw_all(self, threads: int, advance: Callable[[int], None]) -> None:
        """Render every frame once and keep it in memory (2 x 96 x 96 costs 55 kB a step).

        `advance` is told the number of samples after each episode.
        """
        one = self.draw(np.zeros(1, np.int64))
        pixels = np.empty((len(self), *one.pixels.shape[1:]), np.uint8)
        points = np.empty((len(self), *one.points.shape[1:]), np.float32)
        cache = Drawn(pixels, points, np.empty((len(self), *one.positions.shape[1:]), np.float32))

        def fill(number: int) -> int:
            view, episode, first = (
                self._make_view(self.episodes[number].spec),
                self.episodes[number],
                self.first[number],
            )
            for step in range(len(episode)):
                cache.pixels[first + step] = view.pixels(episode.poses, step)
                cache.points[first + step], cache.positions[first + step] = view.labels(episode.poses, step)
            return len(episode)

        with ThreadPoolExecutor(max(1, threads)) as pool:
            for count in pool.map(fill, range(len(self.episodes))):
                advance(count)
        self._cache = cache
        self._views.clear()

    def draw(self, samples: NDArray[np.int64]) -> Drawn:
        """Frames and grounding labels of `samples` (B,): from memory after `draw_all`, else rendered now."""
        if self._cache is not None:
            cache = self._cache
            return Drawn(cache.pixels[samples], cache.points[samples], cache.positions[samples])
        drawn = []
        for number, step in map(self.locate, samples.tolist()):
            view, poses = self._view(number), self.episodes[number].poses
            drawn.append((view.pixels(poses, step), *view.labels(poses, step)))
        return Drawn(*map(np.stack, zip(*drawn, strict=True)))

    def _view(self, number: int) -> SceneView:
        """The drawer of an episode; the last few hundred are kept, for they cost a millisecond and a megabyte each."""
        with self._lock:
            view = self._views.pop(number, None)
        view = view or self._make_view(self.episodes[number].spec)
        with self._lock:
            self._views[number] = view
            if len(self._views) > VIEWS_KEPT:
                self._views.popitem(last=False)
        return view

    def actions(self, sample: int) -> tuple[FloatArray, FloatArray]:
        """The next `chunk` actions (C, 7), the last repeated past the end, and their validity (C,)."""
        number, step = self.locate(sample)
        action = self.episodes[number].action
        index = step + np.arange(self.chunk)
        return action[np.minimum(index, len(action) - 1)], (index < len(action)).astype(np.float32)

    def chunks(self, most: int) -> FloatArray:
        """Chunks of actions (N, C, 7), N <= `most`, evenly spread over the samples."""
        samples = np.linspace(0, len(self) - 1, min(most, len(self))).astype(int)
        return np.stack([self.actions(sample)[0] for sample in samples.tolist()])


@dataclass(frozen=True)
class BatchSource:
    """Batch number `step`, for any step, in any order."""

    data: Demonstrations
    normalizer: Normalizer
    vocabulary: TextCoder
    batch_size: int
    seed: int
    corruption: Corruption = Corruption()

    def samples(self, step: int) -> NDArray[np.int64]:
        """Sample numbers of a batch: each epoch is a permutation drawn from (seed, epoch); the rest is dropped."""
        size = min(self.batch_size, len(self.data))
        per_epoch = len(self.data) // size
        epoch, offset = divmod(step, per_epoch)
        order = np.random.default_rng((self.seed, 1, epoch)).permutation(len(self.data))
        return order[offset * size : (offset + 1) * size]

    def corrupted(self, texts: list[str], pixels: ByteArray, rng: np.random.Generator) -> IdArray:
        """Token ids of `texts`, with modality dropout and word noise; `pixels` are blacked out in place."""
        silent = rng.random(len(texts)) < self.corruption.no_words
        pixels[rng.random(len(pixels)) < self.corruption.no_pixels] = 0
        ids = self.vocabulary.encode(["" if mute else text for text, mute in zip(texts, silent, strict=True)])
        return self.vocabulary.noised(ids, self.corruption.unknown_word, rng)

    def batch(self, step: int) -> Batch:
        """Build batch `step`; float32, int64 and uint8 tensors in main memory."""
        samples = self.samples(step)
        drawn = self.data.draw(samples)
        where = [self.data.locate(sample) for sample in samples.tolist()]
        episodes = self.data.episodes
        said = [episodes[number].said(at) for number, at in where]
        tokens = self.corrupted(said, drawn.pixels, np.random.default_rng((self.seed, 2, step)))
        state = np.stack([episodes[number].agent_pos[at] for number, at in where])
        chunks = [self.data.actions(sample) for sample in samples.tolist()]
        actions, valid = map(np.stack, zip(*chunks, strict=True))
        arrays = (drawn.pixels, tokens, self.normalizer.state(state), self.normalizer.actions(actions), valid)
        return Batch(*map(torch.from_numpy, (*arrays, drawn.points, drawn.positions)))

"""Training batches from stored poses: episodes in memory, frames rendered by whoever is passed in.

A batch is a pure function of (seed, step): stopping and resuming changes nothing, nor does the number of threads.
Knows no renderer: a `vla.views.ViewFactory` turns a scene description into something that draws poses and says where
the goal is.
"""

from __future__ import annotations

import functools
import itertools
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vla.absent import AbsentThings, Naming
from vla.contract import ByteArray, FloatArray
from vla.episode import Episode
from vla.history import NOW, History
from vla.models.contract import Batch
from vla.normalize import Normalizer
from vla.sampling import EVERYTHING, Sampling, epoch_order, idle_steps, sample_shares
from vla.text import IdArray, TextCoder
from vla.views import Augmentation, Drawn, Exchange, Samples, ViewFactory


@dataclass(frozen=True)
class Corruption:
    """Modality dropout and word noise.

    Attributes:
        no_words: Share of samples whose instruction is dropped, so that a policy without words is an honest control and
            not an input it has never seen.
        no_pixels: Share of samples whose images are black, likewise.
        unknown_word: Chance that a word is replaced by a hash bucket, so that unknown words carry no meaning; text
            coders without buckets leave it alone.
        absent: Share of samples that are told of something that is not in their scene: they teach a network to say so,
            and no action. Demonstrations have to know what is in a scene (`Demonstrations.absent`).
        lost_word: Chance that a word is left out, as unknown ones are where they are dropped (`Vocabulary.drop`); text
            coders whose ids are not those of words leave it alone.
    """

    no_words: float = 0.05
    no_pixels: float = 0.03
    unknown_word: float = 0.05
    absent: float = 0.0
    lost_word: float = 0.0

    def without(self, sense: str) -> Corruption:
        """The same, with a sense taken away from every sample: `words`, `pixels`, or "" for none."""
        gone = {"": {}, "words": {"no_words": 1.0}, "pixels": {"no_pixels": 1.0}}
        return replace(self, **gone[sense])

    def heard(self, coder: TextCoder, ids: IdArray, rng: np.random.Generator) -> IdArray:
        """Ids (B, L) of instructions with some words unknown and some left out."""
        ids = coder.noised(ids, self.unknown_word, rng)
        return coder.thinned(ids, self.lost_word, rng) if self.lost_word else ids


class Epoch(NamedTuple):
    """One pass over the demonstrations: what is drawn in it, and how its scenes are augmented, is up to it alone."""

    seed: int
    number: int
    order: Samples  # (M,) sample numbers
    seen: NDArray[np.bool_]  # (N,) which samples there are in `order`
    window: int


class Demonstrations:
    """Episodes as training samples; sample i is one control step of one episode.

    Args:
        episodes: At least one; all steps but the last pose become samples.
        view: Makes the drawer of a scene.
        chunk: Actions per sample.
        history: Which earlier moments a sample shows.
        augment: Changes how a scene looks, once an epoch and episode; None draws them as they were.
        exchange: Lets an episode be of other things, once an epoch; None leaves them as they were.
        naming: Says of a scene which things it has, and which one its instruction names; needed by `absent`.
    """

    def __init__(
        self,
        episodes: Sequence[Episode],
        view: ViewFactory,
        *,
        chunk: int,
        history: History = NOW,
        augment: Augmentation | None = None,
        exchange: Exchange | None = None,
        naming: Naming | None = None,
    ) -> None:
        """Index the samples. Raises ValueError if there are none."""
        self.episodes = [episode for episode in episodes if len(episode)]
        if not self.episodes:
            raise ValueError(f"no training samples: {len(episodes)} episodes were given and none has a step")
        self.chunk, self.history, self.augment, self.make_view = chunk, history, augment, view
        self.exchange = exchange
        self.lengths = [len(episode) for episode in self.episodes]
        self.first = np.concatenate([[0], np.cumsum(self.lengths)])
        self._agent_pos = np.concatenate([episode.agent_pos[:-1] for episode in self.episodes])
        self._action = np.concatenate([episode.action for episode in self.episodes])
        said = [episode.said(step) for episode in self.episodes for step in range(len(episode))]
        self.texts = tuple(dict.fromkeys(said))
        self._numbers = {text: i for i, text in enumerate(self.texts)}
        self.text = np.array([self._numbers[text] for text in said])
        self._absent = naming and AbsentThings(self.episodes, naming)
        self._drawn = _Kept()
        self._cache: Drawn | None = None

    def __len__(self) -> int:
        """Number of samples."""
        return int(self.first[-1])

    def normalizer(self, mode: str = "mean_std") -> Normalizer:
        """Statistics of these demonstrations; `mode` as for `Normalizer`."""
        return Normalizer.fit([e.agent_pos[:-1] for e in self.episodes], [e.action for e in self.episodes], mode)

    def episode_of(self, samples: Samples) -> Samples:
        """Number of each sample's episode."""
        return np.searchsorted(self.first, samples, side="right") - 1

    def locate(self, sample: int) -> tuple[int, int]:
        """(episode number, step) of a sample."""
        number = int(self.episode_of(np.array(sample)))
        return number, sample - int(self.first[number])

    def draw_all(self, threads: int, advance: Callable[[int], None]) -> None:
        """Render every frame once, as it was, and keep it in memory (2 x 96 x 96 costs 55 kB a step).

        `advance` is told the number of samples after each episode.
        """

        def drawn(number: int) -> Drawn:
            episode = self.episodes[number]
            return self.make_view(episode.spec).draw(episode.poses, np.arange(len(episode)))

        cache: Drawn | None = None
        with ThreadPoolExecutor(max(1, threads)) as pool:
            for number, found in enumerate(pool.map(drawn, range(len(self.episodes)))):
                cache = cache or found.like(len(self))
                cache.put(slice(self.first[number], self.first[number + 1]), found)
                advance(len(self.episodes[number]))
        self._cache = cache

    def draw(self, samples: Samples, epoch: Epoch | None = None) -> Drawn:
        """Frames and grounding labels of `samples` (B,).

        They come from memory after `draw_all`; in an epoch everything of an episode that it needs is drawn at once and
        kept for its shuffling window; else they are drawn now, as they were.
        """
        numbers = self.episode_of(samples)
        offsets = self.history.stride * np.arange(self.history.frames + 1)
        steps = np.maximum((samples - self.first[numbers])[:, None] - offsets, 0)  # (B, 1 + K), as History.steps
        if self._cache is not None:
            return _beside(self._cache, self.first[numbers][:, None] + steps)
        order = np.argsort(numbers, kind="stable")
        borders = np.flatnonzero(np.diff(numbers[order], prepend=-1, append=-1))
        out: Drawn | None = None
        for begin, end in itertools.pairwise(borders.tolist()):
            rows = order[begin:end]
            number = int(numbers[rows[0]])
            frames, row = self._frames(number, np.unique(steps[rows]), epoch)
            part = _beside(frames, row[steps[rows]])
            out = out or part.like(len(samples))
            out.put(rows, part)
        assert out is not None
        return out

    def _frames(self, number: int, steps: Samples, epoch: Epoch | None) -> tuple[Drawn, Samples]:
        """Frames of an episode, those of `steps` at least, and the row (T,) of each step among them."""
        if epoch is None:
            return self._draw_steps(number, steps, None)
        seen = np.flatnonzero(epoch.seen[self.first[number] : self.first[number + 1]])
        offsets = self.history.stride * np.arange(self.history.frames + 1)
        needed = np.unique(np.maximum(seen[:, None] - offsets, 0))
        key, kept = (epoch.seed, epoch.number, number), epoch.window + epoch.window // 2 + max(self.lengths)
        return self._drawn.get(key, len(needed), kept, lambda: self._draw_steps(number, needed, epoch))

    def _draw_steps(self, number: int, steps: Samples, epoch: Epoch | None) -> tuple[Drawn, Samples]:
        episode = self.episodes[number]
        spec: Any = episode.spec
        if epoch is not None and self.exchange is not None:
            spec = self.exchange.scene(spec, self._exchanged(number, epoch))
        if epoch is not None and self.augment is not None:
            rng = np.random.default_rng((epoch.seed, 4, epoch.number, number))
            spec = self.augment(spec, episode.poses, rng)
        row = np.full(len(episode), -1)
        row[steps] = np.arange(len(steps))
        return self.make_view(spec).draw(episode.poses, steps), row

    def _exchanged(self, number: int, epoch: Epoch) -> Mapping[str, str]:
        """Which words of an episode are exchanged in an epoch."""
        assert self.exchange is not None
        return self.exchange.draw(np.random.default_rng((epoch.seed, 7, epoch.number, number)))

    def reworded(self, texts: Sequence[str], samples: Samples, epoch: Epoch) -> list[str]:
        """What is said of samples (B,) after the exchange of their episodes, whose pictures are drawn alike."""
        numbers = self.episode_of(samples).tolist()
        words = {number: self._exchanged(number, epoch) for number in set(numbers)}
        return [
            " ".join(words[number].get(word, word) for word in text.split())
            for text, number in zip(texts, numbers, strict=True)
        ]

    def where(self) -> FloatArray:
        """Where the goal is in every sample, positions (N, R, 7) as in `Batch`."""
        each = zip(self.episodes, self.lengths, strict=True)
        return np.concatenate([self.make_view(e.spec).where(e.poses, np.arange(length)) for e, length in each])

    def states(self, samples: Samples) -> FloatArray:
        """Proprioception (B, 1 + K, 8), newest first."""
        first = self.first[self.episode_of(samples)]
        offsets = self.history.stride * np.arange(self.history.frames + 1)
        earlier: FloatArray = self._agent_pos[np.maximum(samples[:, None] - offsets, first[:, None])]
        return earlier

    def actions(self, samples: Samples) -> tuple[FloatArray, FloatArray]:
        """The next `chunk` actions (B, C, 7), the last repeated past the end, and their validity (B, C)."""
        index = samples[:, None] + np.arange(self.chunk)
        end = self.first[self.episode_of(samples) + 1][:, None]
        return self._action[np.minimum(index, end - 1)], (index < end).astype(np.float32)

    def absent(self, samples: Samples, rng: np.random.Generator) -> IdArray:
        """For each sample (B,) a text about something that its scene has not, as its number in `texts`; -1 for none.

        Raises ValueError if the demonstrations were made without `naming`.
        """
        if self._absent is None:
            raise ValueError("these demonstrations do not know what is in a scene: make them with `naming`")
        texts = self._absent.texts(self.episode_of(samples), rng)
        return np.array([self._numbers.get(text, -1) for text in texts], np.int64)

    def chunks(self, most: int) -> FloatArray:
        """Chunks of actions (N, C, 7), N <= `most`, evenly spread over the samples."""
        return self.actions(np.linspace(0, len(self) - 1, min(most, len(self))).astype(np.int64))[0]

    def shares(self, sampling: Sampling) -> NDArray[np.float64]:
        """How often an epoch shows each sample on average, (N,). Raises ValueError if none is left."""
        kept = np.ones(len(self), np.bool_)
        if sampling.skip_idle:
            relative = ["delta" in episode.spec["robot"]["control"] for episode in self.episodes]
            idle = [idle_steps(e.action, relative=r) for e, r in zip(self.episodes, relative, strict=True)]
            kept = ~np.concatenate(idle)
        if not kept.any():
            raise ValueError(f"no training samples: nothing is done in any of the {len(self)} steps")
        groups = [(episode.request.task, episode.instruction) for episode in self.episodes]
        return sampling.passes * sample_shares(self.lengths, groups, kept, balance=sampling.balance)


def _beside(frames: Drawn, rows: Samples) -> Drawn:
    """Moments `rows` (B, 1 + K) of `frames`: the views of earlier ones after those of the newest."""
    pixels, points = frames.pixels[rows], frames.points[rows]
    return Drawn(
        pixels.reshape(len(rows), -1, *pixels.shape[3:]),
        points.reshape(len(rows), -1, *points.shape[3:]),
        frames.positions[rows[:, 0]],
    )


class _Kept:
    """What has been drawn of the last episodes, for threads that want the same ones."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._found: OrderedDict[tuple[int, ...], tuple[int, Future[tuple[Drawn, Samples]]]] = OrderedDict()
        self._lock = threading.Lock()
        self._size = 0

    def get(
        self, key: tuple[int, ...], size: int, most: int, draw: Callable[[], tuple[Drawn, Samples]]
    ) -> tuple[Drawn, Samples]:
        """What `draw` makes, by the first who asks for `key`; the others wait. The last `most` frames are kept."""
        with self._lock:
            known = self._found.get(key)
            future = Future[tuple[Drawn, Samples]]() if known is None else known[1]
            if known is None:
                self._found[key] = (size, future)
                self._size += size
            while self._size > most and len(self._found) > 1:
                self._size -= self._found.popitem(last=False)[1][0]
        if known is None:
            try:
                future.set_result(draw())
            except BaseException as error:
                future.set_exception(error)
                raise
        return future.result()


@dataclass(frozen=True)
class BatchSource:
    """Batch number `step`, for any step, in any order."""

    data: Demonstrations
    normalizer: Normalizer
    vocabulary: TextCoder
    batch_size: int
    seed: int
    corruption: Corruption = Corruption()
    sampling: Sampling = EVERYTHING

    @functools.cached_property
    def _shares(self) -> NDArray[np.float64]:
        return self.data.shares(self.sampling)

    @functools.cached_property
    def _ids(self) -> IdArray:
        """Ids of every text of the demonstrations, and of no text at the end."""
        return self.vocabulary.encode([*self.data.texts, ""])

    @functools.cached_property
    def _epochs(self) -> Callable[[int], Epoch]:
        """The plan of an epoch; the last two are kept, for threads are in both where one ends."""

        @functools.lru_cache(maxsize=2)
        def plan(number: int) -> Epoch:
            window = self.sampling.window
            order = epoch_order(self.data.lengths, self._shares, self.seed, number, window)
            seen = np.zeros(len(self.data), np.bool_)
            seen[order] = True
            return Epoch(self.seed, number, order, seen, window)

        return plan

    def samples(self, step: int) -> tuple[Samples, Epoch]:
        """Sample numbers of a batch, and their epoch; what does not fill a batch at an epoch's end is dropped."""
        whole = round(self._shares.sum())
        size = min(self.batch_size, whole)
        number, offset = divmod(step, whole // size)
        epoch = self._epochs(number)
        return epoch.order[offset * size : (offset + 1) * size], epoch

    def corrupted(
        self, samples: Samples, epoch: Epoch, pixels: ByteArray, rng: np.random.Generator
    ) -> tuple[IdArray, IdArray]:
        """Numbers of the texts that are said (B,), and token ids; `pixels` are blacked out in place.

        Modality dropout and word noise; a text is that of the sample, none (the last number), or about something that
        is not there.
        """
        silent = rng.random(len(samples)) < self.corruption.no_words
        pixels[rng.random(len(pixels)) < self.corruption.no_pixels] = 0
        said = np.where(silent, len(self._ids) - 1, self.data.text[samples])
        if self.corruption.absent:
            wrong = np.flatnonzero(rng.random(len(samples)) < self.corruption.absent)
            other = self.data.absent(samples[wrong], rng)
            said[wrong] = np.where(other < 0, said[wrong], other)
        ids = self._ids[said]
        if self.data.exchange is not None:
            known = self.data.texts
            texts = [known[number] if number < len(known) else "" for number in said.tolist()]
            ids = self.vocabulary.encode(self.data.reworded(texts, samples, epoch))
        return said, self.corruption.heard(self.vocabulary, ids, rng)

    def _lost(self, said: IdArray, samples: Samples) -> NDArray[np.bool_]:
        """Which samples (B,) are told of something that is not there, by the numbers of what is said."""
        return np.asarray((said != self.data.text[samples]) & (said != len(self._ids) - 1))

    def batch(self, step: int) -> Batch:
        """Build batch `step`; float32, int64 and uint8 tensors in main memory.

        Samples about something that is not there have no action, no points and no positions that count.
        """
        samples, epoch = self.samples(step)
        drawn = self.data.draw(samples, epoch)
        said, tokens = self.corrupted(samples, epoch, drawn.pixels, np.random.default_rng((self.seed, 2, step)))
        state = self.normalizer.state(self.data.states(samples)).reshape(len(samples), -1)
        actions, valid = self.data.actions(samples)
        lost, silent = self._lost(said, samples), said == len(self._ids) - 1
        for flags in (valid, drawn.points[..., 2], drawn.positions[..., 3], drawn.positions[..., 6]):
            flags[lost] = 0
        seen = drawn.points[:, :, 0, 2].any(1) & drawn.pixels.any((1, 2, 3, 4)) & ~silent
        present = np.select([lost, seen], [0.0, 1.0], -1.0).astype(np.float32)
        arrays = (drawn.pixels, tokens, state, self.normalizer.actions(actions), valid)
        return Batch(*map(torch.from_numpy, (*arrays, drawn.points, drawn.positions, present)))

"""Which samples a training run sees, and in which order: pure functions of what was collected and of (seed, epoch).

Knows no pixels and no files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla.contract import FloatArray

STILL = 1e-4  # length of a motion, in shares of full scale, below which it is none


@dataclass(frozen=True)
class Sampling:
    """How the samples of an epoch are chosen and shuffled.

    Attributes:
        balance: Every family is seen as often as every other, and every instruction as often as the others of its
            family, however many demonstrations there are of each; an epoch is as long as without.
        skip_idle: Leave out steps at which nothing is done (`idle_steps`).
        passes: How often an epoch shows each sample on average; its picture is drawn once an epoch, so more passes
            are cheaper, and an augmented picture is seen so often.
        window: Samples that are shuffled among each other. Episodes are shuffled over the whole epoch, and those of
            one episode are then spread over so many samples: its scene is prepared once, and its pictures are drawn
            together and kept for that long.
    """

    balance: bool = False
    skip_idle: bool = False
    passes: int = 1
    window: int = 2048

    def __post_init__(self) -> None:
        """Raise ValueError for a window that holds nothing, and for no pass."""
        if self.passes < 1:
            raise ValueError(f"an epoch shows each sample at least once, got {self.passes} passes")
        if self.window < 1:
            raise ValueError(f"a shuffling window holds at least 1 sample, got {self.window}")


EVERYTHING = Sampling()


def idle_steps(actions: FloatArray, *, relative: bool = True) -> NDArray[np.bool_]:
    """Steps at which a demonstrator does nothing: before it begins, while it waits, after it is done.

    The rule is that of OpenVLA (`experiments/robot/libero/regenerate_libero_dataset.py`, `is_noop`): the motion is
    shorter than 1e-4 and the gripper is told the same as one step before (the first step: there is none before, so the
    motion alone counts). A policy that has learnt such steps may stand still for ever. They are left out as samples;
    in the chunk of a sample before them they stay, for to wait until the fingers have closed is part of the skill.

    Args:
        actions: (T, A) as demonstrated: motion, then gripper.
        relative: Whether motions are changes (delta control modes); where they are targets, a target like that of the
            step before is no motion, and the first step always is one.

    Returns:
        (T,) True where idle.
    """
    before = np.concatenate([actions[:1], actions[:-1]])
    motion = actions[:, :-1] if relative else actions[:, :-1] - before[:, :-1]
    idle = (np.linalg.norm(motion, axis=1) < STILL) & (actions[:, -1] == before[:, -1])
    if not relative:
        idle[:1] = False
    return np.asarray(idle, np.bool_)


def sample_shares(
    lengths: Sequence[int], groups: Sequence[tuple[Hashable, Hashable]], kept: NDArray[np.bool_], *, balance: bool
) -> NDArray[np.float64]:
    """How often an epoch shows each sample on average; the sum is the number of samples that are kept.

    Args:
        lengths: Samples of each episode, their sum is N.
        groups: Family and instruction of each episode.
        kept: (N,) samples that are seen at all; in episode order.
        balance: Give every family the same share, and every instruction within its family.

    Returns:
        (N,) float64, 1 for each kept sample without `balance`.
    """
    if not balance:
        return kept.astype(np.float64)
    episode = np.repeat(np.arange(len(lengths)), lengths)
    usable = np.bincount(episode[kept], minlength=len(lengths)) > 0
    found = dict.fromkeys(group for group, usable_one in zip(groups, usable, strict=True) if usable_one)
    instructions = Counter(family for family, _ in found)
    number = {group: i for i, group in enumerate(found)}
    of_episode = np.array([number.get(group, 0) for group in groups])
    samples = np.bincount(of_episode[episode[kept]], minlength=len(found))
    share = np.array([1 / (len(instructions) * instructions[family]) for family, _ in found]) / samples
    return np.where(kept, share[of_episode[episode]] * kept.sum(), 0.0)


def epoch_order(
    lengths: Sequence[int], shares: NDArray[np.float64], seed: int, epoch: int, window: int
) -> NDArray[np.int64]:
    """Sample numbers of an epoch in the order in which they are seen: a function of the arguments alone.

    How often a sample is seen differs from its share by less than one (systematic resampling). An epoch that fits into
    the window is shuffled evenly.

    Args:
        lengths: Samples of each episode, their sum is N.
        shares: (N,) from `sample_shares`.
        seed: Of the run.
        epoch: Number of the epoch.
        window: `Sampling.window`.

    Returns:
        As many numbers below N as the shares add up to.
    """
    rng = np.random.default_rng((seed, 1, epoch))
    passed = np.cumsum(shares)
    passed[-1] = round(passed[-1])
    counts = np.diff(np.floor(np.concatenate([[0.0], passed]) + rng.random())).astype(np.int64)
    rank = rng.permutation(len(lengths))
    together = np.argsort(np.repeat(rank, lengths), kind="stable")
    samples = np.repeat(together, counts[together])
    if window >= len(samples):
        return np.asarray(rng.permutation(samples))
    return samples[np.argsort(np.arange(len(samples)) + rng.random(len(samples)) * window, kind="stable")]

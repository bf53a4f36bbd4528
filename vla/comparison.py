"""Policies compared on the same episodes: who is better, on which axes, how sure, how many more would tell.

Episodes are paired by their key. Those on one scene (family and index) are dependent whatever axes are on, so the scene
is the unit: it goes to one policy or the other as a whole. Knows records; no file and no world.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from vla.multiple import holm, letters
from vla.paired import paired_drop, probability_more, sign_flip
from vla.power import pairs_needed
from vla.resampling import estimate, weighted_sums
from vla.results import Record
from vla.sequential import Sequential, frozen_order, sequential
from vla.stats import UNKNOWN, Estimate, Rate, chance, percent, points
from vla.suites import Cell

ALPHA = 0.05
POWER = 0.8
WORTH = 0.05  # a difference that is worth to be told, where none is seen
Pairs = Mapping[str, list[tuple[bool, bool]]]  # scene -> (first succeeded, second succeeded) of each of its episodes


@dataclass(frozen=True)
class Contrast:
    """Two policies on a part of the suite.

    Attributes:
        first: Success of the first, over the pairs.
        second: Success of the second.
        wins: Pairs in which only the first succeeds.
        losses: Pairs in which only the second does.
        scenes: Independent ones among the pairs.
        difference: First minus second, in [-1, 1].
        p: Of the exact test: McNemar's, or, where a scene has several episodes, its form for scenes (`sign_flip`).
        better: Probability that the first is better (`probability_more`).
        effect: Design effect of the scenes: so many pairs are worth one independent pair, at least 1.
    """

    first: Rate
    second: Rate
    wins: int
    losses: int
    scenes: int
    difference: Estimate
    p: float
    better: float
    effect: float

    @property
    def seen(self) -> float:
        """The difference that `more` is about: the one that was seen, or, where none was, one that is worth telling."""
        return max(abs(self.wins - self.losses) / self.first.n, 0.01) if self.wins != self.losses else WORTH

    @property
    def more(self) -> int | None:
        """Further episodes of each policy, on scenes like these, after which the difference is found with `POWER`.

        None where it has been found, or there is no pair.
        """
        if self.p <= ALPHA or not self.first.n:
            return None
        differing = min(1.0, max(self.seen, (self.wins + self.losses + 1) / (self.first.n + 2)))
        return max(1, round(pairs_needed(self.seen, differing, POWER, ALPHA) * self.effect) - self.first.n)

    @property
    def text(self) -> str:
        """Effect, test and verdict in one line."""
        if not self.first.n:
            return "no pairs"
        low, high = points(self.difference.low), points(self.difference.high)
        effect = f"{points(self.difference.value)} pt [{low}, {high}], {chance(self.p)}, P(better) = {self.better:.3f}"
        return f"{effect}, {self.first.n} pairs"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {
            "pairs": self.first.n,
            "scenes": self.scenes,
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "wins": self.wins,
            "losses": self.losses,
            "difference": self.difference.to_dict(),
            "p": self.p,
            "better": self.better,
        }


@dataclass(frozen=True)
class Comparison:
    """Two policies on one suite.

    Attributes:
        names: First and second.
        overall: All episodes but those of controls, where success is no merit.
        axes: Each axis over all its levels; `none` is the suite without perturbation.
        adjusted: p-values of the axes after Holm's correction.
        errors: Pairs that were left out because either ended in an error.
        missing: Episodes that only one of them has.
        early: What a test with optional stopping finds, scene by scene in the frozen order.
        early_episodes: Episodes of each policy that were needed until it could stop; None if it could not.
    """

    names: tuple[str, str]
    overall: Contrast
    axes: Mapping[str, Contrast]
    adjusted: Mapping[str, float]
    errors: int
    missing: int
    early: Sequential
    early_episodes: int | None

    @property
    def differ(self) -> list[str]:
        """Axes that differ after correction."""
        return [axis for axis, p in self.adjusted.items() if p <= ALPHA]

    @property
    def verdict(self) -> str:
        """Who is better, or how many more episodes would tell."""
        (one, two), found = self.names, self.overall
        if not found.first.n:
            return f"cannot tell: {one} and {two} have no episode in common that both finished"
        if found.p <= ALPHA:
            better, worse = (one, two) if found.difference.value > 0 else (two, one)
            size = percent(abs(found.difference.value))
            return f"{better} is better than {worse} by {size} points ({chance(found.p)})"
        why = f"{percent(found.seen)} points, the difference that was seen"
        if abs(found.difference.value) < found.seen:
            why = f"a difference of {percent(found.seen)} points"
        return f"cannot tell yet, about {found.more} more episodes would (for {why}, with power {POWER:g})"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return {
            "first": self.names[0],
            "second": self.names[1],
            "verdict": self.verdict,
            "overall": self.overall.to_dict() | {"more": self.overall.more},
            "axes": {axis: {**c.to_dict(), "p_holm": self.adjusted[axis]} for axis, c in self.axes.items()},
            "differ": self.differ,
            "errors": self.errors,
            "missing": self.missing,
            "sequential": self.early.to_dict() | {"episodes": self.early_episodes},
        }


def compare_two(
    names: tuple[str, str],
    first: Sequence[Record],
    second: Sequence[Record],
    controls: Collection[str] = (),
    salt: str = "",
) -> Comparison:
    """Compare two policies on the episodes that both finished.

    Args:
        names: For people.
        first: Records of the first policy.
        second: Records of the second.
        controls: Axes that count nowhere.
        salt: The suite's hash: fixes the order in which the sequential test reads the scenes.
    """
    one, two = ({r.key: r for r in _counted(rows, controls)} for rows in (first, second))
    common = [(r, two[key]) for key, r in one.items() if key in two]
    finished = [(a, b) for a, b in common if "error" not in (a.outcome, b.outcome)]
    by_axis: dict[str, dict[str, list[tuple[bool, bool]]]] = defaultdict(lambda: defaultdict(list))
    scenes: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for a, b in finished:
        pair = a.outcome == "success", b.outcome == "success"
        by_axis[a.cell.axis][a.request.twin.key].append(pair)
        scenes[a.request.twin.key].append(pair)
    axes = {axis: contrast(pairs) for axis, pairs in sorted(by_axis.items(), key=_unperturbed_first)}
    order = frozen_order(scenes, salt)
    early = sequential([sum(a - b for a, b in scenes[scene]) for scene in order], ALPHA)
    read = sum(len(scenes[scene]) for scene in order[: early.stopped]) if early.stopped else None
    missing = len(one) + len(two) - 2 * len(common)
    adjusted = holm({axis: found.p for axis, found in axes.items()})
    return Comparison(names, contrast(scenes), axes, adjusted, len(common) - len(finished), missing, early, read)


def _counted(records: Sequence[Record], controls: Collection[str]) -> list[Record]:
    """Those without a control among their axes."""
    return [r for r in records if not any(change.axis in controls for change in r.request.perturbations)]


def _unperturbed_first(item: tuple[str, Any]) -> tuple[bool, str]:
    return item[0] != Cell("").axis, item[0]


def contrast(scenes: Pairs, seed: int = 0) -> Contrast:
    """Compare two policies on the pairs of some scenes.

    The interval is Newcombe's where every scene has one pair, else the scenes are weighted at random
    (`vla.resampling.weighted_sums`). Dependent pairs count for fewer: the probability that the first is better and the
    number of episodes that are missing take wins and losses divided by the design effect, by which the scenes widen
    the variance under the null hypothesis.
    """
    pairs = [pair for found in scenes.values() for pair in found]
    n, wins = len(pairs), sum(a and not b for a, b in pairs)
    losses = sum(b and not a for a, b in pairs)
    first, second = Rate(sum(a for a, _ in pairs), n), Rate(sum(b for _, b in pairs), n)
    if not n:
        return Contrast(first, second, 0, 0, 0, UNKNOWN, 1.0, 0.5, 1.0)
    nets = np.array([sum(a - b for a, b in found) for found in scenes.values()])
    effect = max(1.0, float(np.sum(nets**2)) / (wins + losses)) if wins + losses else 1.0
    p = sign_flip(nets.tolist())
    better = probability_more(wins / effect, losses / effect)
    return Contrast(first, second, wins, losses, len(scenes), _difference(scenes, nets, seed), p, better, effect)


def _difference(scenes: Pairs, nets: np.ndarray[Any, Any], seed: int) -> Estimate:
    sizes = np.array([len(found) for found in scenes.values()])
    if sizes.max() == 1:
        drop = paired_drop([pair for found in scenes.values() for pair in found])
        return Estimate(drop.value, drop.low, drop.high)
    typical = float(sizes.mean())
    drawn = weighted_sums(np.stack([nets, sizes], 1).astype(float), typical * np.array([[1.0, 1], [-1, 1]]), seed)
    return estimate(float(nets.sum() / sizes.sum()), drawn[:, 0] / drawn[:, 1])


def compare_all(
    policies: Mapping[str, Sequence[Record]], controls: Collection[str] = (), salt: str = ""
) -> list[Comparison]:
    """All pairs of policies, in the order of the mapping."""
    return [
        compare_two((one, two), policies[one], policies[two], controls, salt)
        for one, two in itertools.combinations(policies, 2)
    ]


@dataclass(frozen=True)
class Standing:
    """One policy among several: its success, and letters; two that share a letter cannot be told apart."""

    name: str
    rate: Rate
    letters: str


def standings(
    policies: Mapping[str, Sequence[Record]], comparisons: Sequence[Comparison], controls: Collection[str] = ()
) -> list[Standing]:
    """Policies from best to worst, with a compact letter display of all pairs after Holm's correction."""
    adjusted = holm({comparison.names: comparison.overall.p for comparison in comparisons})
    rates = {name: _rate(_counted(rows, controls)) for name, rows in policies.items()}
    order = sorted(rates, key=lambda name: (-(rates[name].value if rates[name].n else 0.0), name))
    shared = letters(order, {pair: p <= ALPHA for pair, p in adjusted.items()})
    return [Standing(name, rates[name], shared[name]) for name in order]


def _rate(rows: Sequence[Record]) -> Rate:
    errors = sum(r.outcome == "error" for r in rows)
    return Rate(sum(r.outcome == "success" for r in rows), len(rows) - errors, errors)

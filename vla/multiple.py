"""Many tests at once: Holm's correction, and letters for policies that cannot be told apart. Knows names only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_lowercase
from typing import TypeVar

import numpy as np

Name = TypeVar("Name")


def holm(p_values: Mapping[Name, float]) -> dict[Name, float]:
    """Holm's adjusted p-values: where those below alpha are rejected, any false rejection has at most that chance.

    The tests may depend on each other in any way. scipy has only the corrections of the false discovery rate.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979) 65-70.
    """
    names = list(p_values)
    p = np.array([p_values[name] for name in names])
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"expected p-values in [0, 1], got {p.tolist()}")
    order = np.argsort(p, kind="stable")
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)))
    return dict(zip(names, adjusted.tolist(), strict=True))


def letters(names: Sequence[Name], different: Mapping[tuple[Name, Name], bool]) -> dict[Name, str]:
    """Compact letter display: two names share a letter if and only if they do not differ.

    Args:
        names: Best first; the best one has an `a`.
        different: By pair, in either order; a pair that is missing does not differ.

    Returns:
        Letters by name. Each letter is a largest possible group of names of which no two differ.

    Source: H.-P. Piepho, "An algorithm for a letter-based representation of all-pairwise comparisons", Journal of
    Computational and Graphical Statistics 13 (2004) 456-466. The groups are found by
    the algorithm of Bron and Kerbosch.
    """
    alike = {
        one: {two for two in names if two != one and not (different.get((one, two)) or different.get((two, one)))}
        for one in names
    }
    groups: list[set[Name]] = []

    def grow(group: set[Name], candidates: set[Name], done: set[Name]) -> None:
        if not candidates and not done:
            groups.append(group)
        for name in [name for name in names if name in candidates]:
            grow(group | {name}, candidates & alike[name], done & alike[name])
            candidates = candidates - {name}
            done = done | {name}

    grow(set(), set(names), set())
    rank = {name: number for number, name in enumerate(names)}
    groups.sort(key=lambda group: sorted(rank[name] for name in group))
    return {name: "".join(_letter(i) for i, group in enumerate(groups) if name in group) for name in names}


def _letter(number: int) -> str:
    again, rest = divmod(number, len(ascii_lowercase))
    return ascii_lowercase[rest] + (str(again) if again else "")

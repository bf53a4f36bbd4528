"""Instructions about things that a scene has not: from other demonstrations, so that they are said as ever.

Knows no scene: what a scene has, and what an instruction names, is told by whoever passes `Naming` in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from vla.episode import Episode
from vla.views import Samples

TRIES = 8


class Named(NamedTuple):
    """What a scene has, and what its instruction is about; None if that cannot be said without looking."""

    things: frozenset[Hashable]
    target: Hashable | None


Naming = Callable[[dict[str, Any], str], Named]  # of a scene as it is stored, and its instruction


class AbsentThings:
    """For an episode, what is said in others about things that it has not.

    Args:
        episodes: All episodes.
        naming: Names their things.
    """

    def __init__(self, episodes: Sequence[Episode], naming: Naming) -> None:
        """Name everything once."""
        found = [naming(episode.spec, episode.instruction) for episode in episodes]
        self._things = [one.things for one in found]
        self._families = [episode.request.task for episode in episodes]
        said = {
            (family, episode.instruction): one.target
            for family, episode, one in zip(self._families, episodes, found, strict=True)
            if one.target is not None
        }
        self._all = [(text, target) for (_, text), target in said.items()]
        self._of_family: dict[str, list[tuple[str, Hashable]]] = defaultdict(list)
        for (family, text), target in said.items():
            self._of_family[family].append((text, target))

    def texts(self, numbers: Samples, rng: np.random.Generator) -> list[str]:
        """One text for each episode number; "" where none was found in a few tries.

        Half of them are of the episode's own family: what is not there then differs from what is by its name alone.
        """
        return [self._one(int(number), rng) for number in numbers]

    def _one(self, number: int, rng: np.random.Generator) -> str:
        own = self._of_family.get(self._families[number]) if rng.random() < 0.5 else None
        pool = own or self._all
        for _ in range(TRIES if pool else 0):
            text, target = pool[int(rng.integers(len(pool)))]
            if target not in self._things[number]:
                return text
        return ""

"""What the best and the worst do in a cell: the expert's ceiling and the random floor: an unsolvable one shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from vla.results import Record
from vla.stats import Rate
from vla.suites import Cell
from vla.summary import summarize

FAIR = 0.85  # success of the expert below which, beyond chance, a cell asks for what cannot be done


@dataclass(frozen=True)
class Bounds:
    """The ceiling and the floor of one cell.

    Attributes:
        ceiling: Of the expert, which sees the simulator's state; 0 of 0 where it was not run.
        floor: Of a policy that acts at random.
    """

    ceiling: Rate
    floor: Rate

    @property
    def solvable(self) -> bool:
        """False where even the expert fails beyond chance: its interval is below `FAIR`."""
        return self.ceiling.interval[1] >= FAIR

    @property
    def telling(self) -> bool:
        """Whether the intervals of expert and random are apart: else the cell cannot tell a good policy from none."""
        return self.ceiling.interval[0] > self.floor.interval[1]

    def normalized(self, rate: Rate) -> float:
        """Success on the scale from floor (0) to ceiling (1), NaN where they are the same or missing."""
        span = self.ceiling.value - self.floor.value
        return (rate.value - self.floor.value) / span if span > 0 else float("nan")


def bounds(expert: Iterable[Record], random: Iterable[Record]) -> Mapping[Cell, Bounds]:
    """Ceiling and floor of each cell that either was run in."""
    high, low = summarize(expert).cells, summarize(random).cells
    none = Rate(0, 0)
    return {cell: Bounds(high.get(cell, none), low.get(cell, none)) for cell in sorted({*high, *low})}

"""Partial success of goals with several parts, counted as CALVIN counts it: parts done in a row, from the first on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vla.results import Record
from vla.stats import Rate


@dataclass(frozen=True)
class InARow:
    """Episodes whose goals have several parts (Mees et al. 2022); errors are left out.

    Attributes:
        rates: Of at least 1, 2, 3 ... parts done, each over the episodes that have so many.
        average: Mean number of parts done before the first that was not; NaN without episodes.
        episodes: Finished episodes.
    """

    rates: tuple[Rate, ...]
    average: float
    episodes: int

    @property
    def text(self) -> str:
        """For tables, for example `2.35 in a row; 1: 18/20, 2: 15/20, 3: 14/20`."""
        counts = ", ".join(f"{number}: {rate.k}/{rate.n}" for number, rate in enumerate(self.rates, 1))
        return f"{self.average:.2f} in a row; {counts}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: `average`, `episodes` and the rate of each number of parts."""
        average = None if math.isnan(self.average) else self.average
        rates = {str(number): rate.to_dict() for number, rate in enumerate(self.rates, 1)}
        return {"average": average, "episodes": self.episodes, "rates": rates}


def in_a_row(records: Iterable[Record]) -> InARow | None:
    """Count the parts; None if no record is of a goal with several."""
    several = [record for record in records if record.parts > 1]
    if not several:
        return None
    finished = [record for record in several if record.outcome != "error"]
    longest = max(record.parts for record in several)
    rates = []
    for number in range(1, longest + 1):
        able = [record for record in finished if record.parts >= number]
        rates.append(Rate(sum(record.completed >= number for record in able), len(able)))
    average = sum(record.completed for record in finished) / len(finished) if finished else math.nan
    return InARow(tuple(rates), average, len(finished))

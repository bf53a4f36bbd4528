"""Records that were never run, for statistics."""

from __future__ import annotations

from typing import Any

from vla.contract import EpisodeRequest, OutcomeName, Perturbation
from vla.measures import Measures
from vla.results import Record
from vla.suites import TOGETHER, UNPERTURBED


def record(
    outcome: OutcomeName | bool,
    index: int = 0,
    axis: str = UNPERTURBED,
    level: int = 1,
    task: str = "Lift",
    **measured: Any,
) -> Record:
    axes = () if axis == UNPERTURBED else axis.split(TOGETHER)
    request = EpisodeRequest(task, index, 0, "eval", tuple(Perturbation(name, level) for name in axes))
    if isinstance(outcome, bool):
        outcome = "success" if outcome else "failure"
    measures = None if outcome == "error" else Measures(**measured)
    return Record(request, "lift it", outcome, outcome, 10, 0.1, "toy", measures=measures)

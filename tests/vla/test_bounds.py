"""The expert's ceiling and the random floor of a cell."""

from __future__ import annotations

import math

import pytest

from tests.vla.made import record
from vla.bounds import Bounds, bounds
from vla.stats import Rate
from vla.suites import Cell


def test_an_unsolvable_cell_shows() -> None:
    expert = [record(True, i) for i in range(10)] + [record(i < 3, i, "fog", 5) for i in range(10)]
    random = [record(i < 1, i) for i in range(10)] + [record(i < 1, i, "fog", 5) for i in range(10)]
    found = bounds(expert, [*random, record(False, 0, "blur", 1)])
    assert list(found) == [Cell("Lift", "blur", 1), Cell("Lift", "fog", 5), Cell("Lift")]
    base, fog, blur = found[Cell("Lift")], found[Cell("Lift", "fog", 5)], found[Cell("Lift", "blur", 1)]
    assert (base.solvable, base.telling) == (True, True)
    assert (fog.solvable, fog.telling) == (False, False)
    assert (blur.solvable, blur.telling) == (True, False)  # the expert was not run: nothing speaks against it


def test_normalized_runs_from_floor_to_ceiling() -> None:
    cell = Bounds(Rate(9, 10), Rate(1, 10))
    assert cell.normalized(Rate(5, 10)) == pytest.approx(0.5)
    assert cell.normalized(Rate(9, 10)) == pytest.approx(1.0)
    assert math.isnan(Bounds(Rate(1, 10), Rate(1, 10)).normalized(Rate(1, 10)))
    assert math.isnan(Bounds(Rate(0, 0), Rate(1, 10)).normalized(Rate(1, 10)))

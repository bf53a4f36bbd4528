"""Sums over families: each counts the same; errors, controls and episodes without a twin count nowhere."""

from __future__ import annotations

import pytest

from tests.vla.made import record
from vla.families import over_families
from vla.paired import paired_drop
from vla.stats import Estimate


def test_families_count_the_same() -> None:
    records = [record(True, i, task="A") for i in range(4)] + [record(i < 1, i, task="B") for i in range(10)]
    records += [record(False, i, "fog", task="A") for i in range(4)] + [record("error", 4, "fog", task="A")]
    records += [record(i < 1, i, "fog", task="B") for i in range(10)] + [record(False, 99, "fog", task="B")]
    records += [record(False, i, "blank", task="A") for i in range(4)]
    found = over_families(records, controls={"blank"})
    assert found.families == 2
    assert found.mean.value == pytest.approx((1.0 + 0.1) / 2)
    assert found.drop.value == pytest.approx(0.5)
    assert found.to_dict()["iqm"]["value"] == pytest.approx(0.55)
    assert found.mean.low <= 0.1  # two families that differ so much say next to nothing of others
    assert found.mean.high >= 0.9


def test_without_axes_there_is_no_drop() -> None:
    found = over_families([record(True, i, task=task) for task in "ABC" for i in range(5)])
    assert not found.drop.known
    assert found.to_dict()["drop"] == {"value": None, "low": None, "high": None}
    both = [record(True, i, axis, task=task) for task in "ABC" for i in range(5) for axis in ("none", "fog")]
    twins = paired_drop([(True, True)] * 15)
    assert over_families(both).drop == Estimate(0.0, twins.low, twins.high)

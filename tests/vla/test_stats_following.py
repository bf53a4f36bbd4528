"""The language-following index: 0 for the deaf, 1 for the obedient, with intervals that cover and never close."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vla.made import record
from vla.following import confusion, control_drops, following, following_by_family, index_of, restraint
from vla.measures import FirstGoal

RUNS = 150
LISTENS = {"deaf": 0.0, "obedient": 1.0, "mixed": 0.6}  # in which share of scenes: the true index
WORDS: dict[int, FirstGoal] = {1: "told", -1: "contrast", 0: ""}
Pairs = list[tuple[FirstGoal, FirstGoal]]


def pairs(rng: np.random.Generator, kind: str, n: int, skill: float) -> Pairs:
    """Twins of a policy: what they share is the scene, which is too hard for both or for neither, mostly."""
    able = rng.random((n, 1)) < skill
    able = able & (rng.random((n, 2)) < 0.85)
    hears = rng.random(n) < LISTENS[kind]
    prefers = np.where(rng.random(n) < 0.8, 1, -1)  # what the deaf do, whatever is said
    arms = np.where(hears[:, None], 1, np.stack([prefers, -prefers], 1)) * able
    return [(WORDS[int(a)], WORDS[int(b)]) for a, b in arms]


@pytest.mark.parametrize(("kind", "true"), [*LISTENS.items()])
@pytest.mark.parametrize(("n", "skill"), [(8, 0.9), (40, 0.3), (40, 0.9)])
def test_index_covers_and_never_closes(kind: str, true: float, n: int, skill: float) -> None:
    rng = np.random.default_rng(0)
    hits = 0
    for run in range(RUNS):
        index = index_of(pairs(rng, kind, n, skill), run).index
        hits += index.low <= true <= index.high
        assert index.low < index.high
        assert -1 <= index.low <= index.high <= 1
    assert hits / RUNS >= 0.9


def test_index_does_not_depend_on_skill() -> None:
    rng = np.random.default_rng(1)
    for kind, true in LISTENS.items():
        clumsy, able = (index_of(pairs(rng, kind, 5000, skill)) for skill in (0.1, 0.95))
        assert clumsy.index.value == pytest.approx(true, abs=0.08)
        assert able.index.value == pytest.approx(true, abs=0.03)
        assert clumsy.evidence < able.evidence


def test_index_known_values() -> None:
    found = index_of([("told", "told"), ("told", "contrast"), ("", "told"), ("", "")])
    assert (found.pairs, found.told, found.untold, found.evidence) == (4, 4, 1, 5)
    assert found.index.value == pytest.approx(3 / 5)
    contrary = index_of([("contrast", "contrast")] * 9)
    assert (contrary.index.value, contrary.index.low) == (-1.0, -1.0)
    nothing = index_of([("", "")] * 3)
    assert (nothing.index.low, nothing.index.high) == (-1.0, 1.0)
    assert nothing.text == "cannot tell (0 of 6 episodes)"
    assert nothing.to_dict()["value"] is None
    assert not index_of([]).index.known


def test_index_of_records_pairs_twins_by_scene() -> None:
    records = [record(True, i, first_goal="told") for i in range(5)]
    records += [record(False, i, "swapped", first_goal="told") for i in range(4)]
    records += [record("error", 4, "swapped"), record(False, 9, "swapped", first_goal="told")]  # no twin
    records += [record(True, i, task="Push", first_goal="told") for i in range(3)]
    records += [record(True, i, "swapped", task="Push", first_goal="contrast") for i in range(3)]
    assert (following(records).pairs, following(records).told, following(records).untold) == (7, 11, 3)
    families = following_by_family(records)
    assert list(families) == ["Lift", "Push"]
    assert families["Lift"].index.value == 1.0
    assert families["Push"].index.value == 0.0
    assert families["Push"].index.low < 0 < families["Push"].index.high


def test_confusion_counts_named_against_touched() -> None:
    records = [record(True, i, told="red block", touched="red block") for i in range(3)]
    records += [record(False, 3, told="blue ball", touched="red block"), record(False, 4, told="blue ball")]
    records += [record(False, 5, told="blue ball", touched="green cup"), record(True, 6, told=""), record("error", 7)]
    records += [record(True, 8, "fog", told="red block", touched="blue ball")]  # another axis
    found = confusion(records)
    assert found.named == ("blue ball", "red block")
    assert found.touched == ("blue ball", "red block", "green cup", "nothing")
    assert found.counts == ((0, 1, 1, 1), (0, 3, 0, 0))
    assert sum(map(sum, confusion(records, ("fog",)).counts)) == 1


def test_restraint_and_drops_of_controls() -> None:
    records = [record(True, i) for i in range(4)]
    records += [record(i < 3, i, "absent") for i in range(4)]
    records += [record("error", 4, "absent")]
    records += [record(False, i, "blank") for i in range(4)]
    rate = restraint(records)
    assert (rate.k, rate.n, rate.errors) == (3, 4, 1)
    drops = control_drops(records)
    assert list(drops) == ["blank"]
    assert (drops["blank"].pairs, drops["blank"].value) == (4, 1.0)

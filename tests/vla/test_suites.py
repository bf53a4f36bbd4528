"""Suites: which episodes they ask for, their hash, and keys read back."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from vla.contract import EpisodeRequest, Perturbation
from vla.suites import Cell, Suite, cell_of, request_of

SUITE = Suite("s", ("A", "B"), axes=("light",), levels=(1, 2), controls=("blank",), episodes=3)


def test_requests_are_cells_times_episodes_in_the_eval_split() -> None:
    requests = SUITE.requests()
    assert len(requests) == len(set(requests)) == 2 * (1 + 2 + 1) * 3
    assert {request.split for request in requests} == {"eval"}
    assert {cell_of(request) for request in requests} == set(SUITE.cells())
    twins = {request.twin.key for request in requests}
    assert twins == {request.key for request in requests if not request.perturbations}


def test_more_episodes_in_distribution() -> None:
    suite = Suite("s", ("A",), axes=("light",), levels=(1,), episodes=2, base=5)
    counts = [cell_of(request).axis for request in suite.requests()]
    assert (counts.count("none"), counts.count("light")) == (5, 2)
    assert suite.narrowed(episodes=3).count("none") == 3


def test_every_axis_has_scenes_of_its_own_with_a_twin() -> None:
    suite = Suite("s", ("A",), axes=("one", "two", "three"), levels=(1, 3), episodes=2, base=20)
    indices = {cell: [r.index for r in suite.requests() if cell_of(r) == cell] for cell in suite.cells()}
    assert indices[Cell("A")] == list(range(20))
    for axis in suite.axes:
        assert indices[Cell("A", axis, 1)] == indices[Cell("A", axis, 3)]
        assert len(indices[Cell("A", axis, 1)]) == 2
        assert set(indices[Cell("A", axis, 1)]) <= set(range(20))
    assert len({tuple(indices[Cell("A", axis, 1)]) for axis in suite.axes}) > 1
    alone = suite.narrowed(axes=["two"])
    assert [r for r in suite.requests() if cell_of(r).axis == "two"] == [
        r for r in alone.requests() if cell_of(r).axis == "two"
    ]


def test_combinations_and_what_means_nothing() -> None:
    suite = replace(SUITE, combinations=(("light", "start"), ("random_2",)), without=(("B", "start"), ("A", "blank")))
    cells = set(suite.cells())
    assert {Cell("A", "light+start", 2), Cell("B", "random_2", 1), Cell("B", "blank", 1)} <= cells
    assert not {Cell("B", "light+start", 2), Cell("A", "blank", 1)} & cells
    assert Suite.from_dict(json.loads(json.dumps(suite.to_dict()))) == suite
    (both,) = {r.perturbations for r in suite.requests() if cell_of(r) == Cell("A", "light+start", 2)}
    assert both == (Perturbation("light", 2), Perturbation("start", 2))
    assert suite.narrowed(axes=["light+start"]).combinations == (("light", "start"),)


def test_the_first_of_every_cell_wherever_its_scenes_begin() -> None:
    suite = Suite("s", ("A", "B"), axes=("one", "two"), levels=(1, 3), controls=("blank",), episodes=3, base=20)
    counts = Counter(cell_of(request) for request in suite.first(2))
    assert set(counts) == set(suite.cells())
    assert set(counts.values()) == {2}
    assert suite.first(None) == set(suite.requests())


def test_shards_are_disjoint_and_all() -> None:
    parts = [SUITE.shard(number, 5) for number in range(1, 6)]
    assert sorted(r.key for part in parts for r in part) == sorted(r.key for r in SUITE.requests())


def test_hash_changes_with_what_is_asked_for_only() -> None:
    assert SUITE.hash == replace(SUITE, name="other").hash != replace(SUITE, version=2).hash
    others = [SUITE.narrowed(["A"]), SUITE.narrowed(axes=["light"]), SUITE.narrowed(episodes=4), SUITE.narrowed(seed=1)]
    assert len({SUITE.hash, *(suite.hash for suite in others)}) == 5


def test_narrowed_names_the_nearest() -> None:
    assert SUITE.narrowed(axes=["none"]).axes == ()
    with pytest.raises(ValueError, match=r"unknown axis of suite 's' 'ligth'\. Did you mean 'light'"):
        SUITE.narrowed(axes=["ligth"])
    with pytest.raises(ValueError, match="unknown task of suite"):
        SUITE.narrowed(["C"])


def test_suites_that_cannot_be_run() -> None:
    with pytest.raises(ValueError, match="has no task"):
        Suite("s", ())
    with pytest.raises(ValueError, match="at least 1 episode"):
        Suite("s", ("A",), episodes=0)
    with pytest.raises(ValueError, match="levels start at 1"):
        Suite("s", ("A",), levels=(0, 1))


def test_json_round_trip() -> None:
    assert Suite.from_dict(json.loads(json.dumps(SUITE.to_dict()))) == SUITE


def test_keys_are_read_back() -> None:
    several = EpisodeRequest("Lift", 7, 3, "eval", (Perturbation("light", 3), Perturbation("robot-pose", 1)))
    for request in (*SUITE.requests(), EpisodeRequest("Lift", 123456), several):
        assert request_of(request.key) == request
    assert cell_of(several) == Cell("Lift", "light+robot-pose", 3)
    for key in ("eval-0-Lift-light.3", "test-0-Lift-none.0-00000", "eval-0-Lift-light.x-00001", ""):
        with pytest.raises(ValueError, match="is not an episode key"):
            request_of(key)

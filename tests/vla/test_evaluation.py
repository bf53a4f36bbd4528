"""Evaluation: the same results however the work is spread, stopped or resumed; errors are counted apart."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.vla.toy import FailingPolicy, ToyPolicy, ToyWorld
from vla.contract import Policy
from vla.evaluation import EPISODES, MANIFEST, Evaluation, Subject, evaluate
from vla.results import RESULTS, Record, ResultLog, digest, read_results
from vla.store import EpisodeStore
from vla.suites import Cell, Suite
from vla.summary import compare, reason
from vla.tables import evaluation_tables

SUITE = Suite("toy", ("Toy", "Fail", "Break"), axes=("light",), levels=(1, 2), controls=("blank",), episodes=2)


def run(folder: Path, suite: Suite = SUITE, factory: Callable[[], Policy] = ToyPolicy, **options: Any) -> Evaluation:
    subject = Subject("toy", factory, "toy", options.pop("checkpoint", ""))
    return evaluate(suite, subject, folder, world_factory=ToyWorld, progress=False, **options)


def facts(records: list[Record]) -> list[Record]:
    return [dataclasses.replace(record, wall_s=0.0) for record in records]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return run(tmp_path_factory.mktemp("whole"))


def test_every_outcome_is_counted_for_what_it_is(whole: Evaluation) -> None:
    summary = whole.summary
    assert [record.key for record in whole.records] == [request.key for request in SUITE.requests()]
    assert (summary.task("Toy").k, summary.task("Toy").n) == (2, 2)
    assert (summary.task("Fail").k, summary.task("Fail").n) == (0, 2)
    assert (summary.task("Break").n, summary.task("Break").errors) == (0, 2)
    assert (summary.errors, summary.episodes) == (8, 24)
    assert summary.reasons == {"error: RuntimeError": 8, "far": 8}
    broken = [record for record in whole.records if record.outcome == "error"]
    assert all("the gear box broke" in record.traceback for record in broken)
    assert summary.drops["light", 2].pairs == 4  # pairs with an error on either side are left out
    assert summary.drops["light", 2].value == 0
    assert compare(whole.records, whole.records).value == 0


def test_lines_carry_what_the_reader_needs(whole: Evaluation) -> None:
    line = json.loads((whole.folder / RESULTS).read_text(encoding="utf-8").splitlines()[0])
    wanted = {"key", "seed", "task", "instruction", "axis", "level", "outcome", "reason", "steps", "wall_s"}
    assert wanted | {"versions", "checkpoint", "policy"} <= line.keys()
    manifest = json.loads((whole.folder / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["suite_hash"] == SUITE.hash
    assert Suite.from_dict(manifest["suite"]) == SUITE
    data = json.loads(json.dumps(whole.to_dict()))
    assert data["success"]["Toy"]["k"] == 2
    assert data["axes"]["light"]["2"]["change"]["pairs"] == 4
    assert data["digest"] == digest(reversed(whole.records))


@pytest.mark.parametrize("batched", [False, True])
def test_results_do_not_depend_on_workers_and_slots(whole: Evaluation, tmp_path: Path, batched: bool) -> None:
    for number, (workers, slots) in enumerate([(0, 1), (1, 3), (2, 2)]):
        factory = partial(ToyPolicy, batched)
        spread = run(tmp_path / str(number), factory=factory, workers=workers, slots_per_worker=slots)
        assert digest(spread.records) == digest(whole.records)
        assert [record.instruction for record in spread.records] == [record.instruction for record in whole.records]


def test_a_crash_at_any_byte_loses_nothing_that_was_finished(whole: Evaluation, tmp_path: Path) -> None:
    data = (whole.folder / RESULTS).read_bytes()
    lines = data.splitlines(keepends=True)
    five = sum(map(len, lines[:5]))
    for cut in (0, 1, five, five + 1, five + len(lines[5]) - 1, len(data)):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / MANIFEST).write_bytes((whole.folder / MANIFEST).read_bytes())
        (folder / RESULTS).write_bytes(data[:cut])
        resumed = run(folder)
        assert resumed.ran == len(lines) - data[:cut].count(b"\n")
        assert facts(resumed.records) == facts(whole.records)
        assert facts(read_results(folder / RESULTS)) == facts(read_results(whole.folder / RESULTS))
        assert (folder / RESULTS).read_bytes().startswith(b"".join(lines[: data[:cut].count(b"\n")]))


def test_zeros_at_the_end_are_a_crash_and_damage_before_it_is_an_error(whole: Evaluation, tmp_path: Path) -> None:
    data = (whole.folder / RESULTS).read_bytes()
    (tmp_path / RESULTS).write_bytes(data + b"\0" * 30 + b"\n")
    assert len(read_results(tmp_path / RESULTS)) == 24
    (tmp_path / RESULTS).write_bytes(data.replace(b'"outcome"', b'"outcom"', 1))
    with pytest.raises(ValueError, match=r"results.jsonl: line 1 is not an episode result"):
        read_results(tmp_path / RESULTS)


def test_another_suite_policy_or_checkpoint_is_refused(tmp_path: Path) -> None:
    small = SUITE.narrowed(["Toy"], ["none"], 1)
    assert run(tmp_path, small).ran == 1
    assert run(tmp_path, small).ran == 0
    with pytest.raises(ValueError, match="holds results of another suite hash"):
        run(tmp_path, SUITE)
    with pytest.raises(ValueError, match=r"another checkpoint .*--overwrite"):
        run(tmp_path, small, checkpoint="abc")
    assert run(tmp_path, small, checkpoint="abc", overwrite=True).ran == 1


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    with ResultLog(tmp_path / RESULTS), pytest.raises(ValueError, match="being written by another evaluation"):
        ResultLog(tmp_path / RESULTS)
    ResultLog(tmp_path / RESULTS).__exit__(None, None, None)


def test_errors_are_run_again_on_request(tmp_path: Path) -> None:
    suite = Suite("toy", ("Toy",), episodes=6)
    failed = run(tmp_path, suite, partial(FailingPolicy, True))
    errors = failed.summary.errors
    assert 0 < errors < 6
    assert run(tmp_path, suite).ran == 0
    again = run(tmp_path, suite, partial(ToyPolicy, True), retry_errors=True)
    assert (again.ran, again.summary.errors) == (errors, 0)
    assert len(read_results(tmp_path / RESULTS)) == 6


def test_chosen_episodes_are_stored_with_their_results(tmp_path: Path) -> None:
    done = run(tmp_path, SUITE.narrowed(["Toy"]), keep=lambda request: request.index == 0)
    store = EpisodeStore(tmp_path / EPISODES, create=False)
    assert store.keys() == sorted(record.key for record in done.records if record.request.index == 0)
    record = next(record for record in done.records if record.key in store)
    assert store.load(record.key).result.steps == record.steps


def test_tables_show_intervals_controls_and_errors(whole: Evaluation) -> None:
    from rich.console import Console

    console = Console(width=140, record=True, file=io.StringIO())
    console.print(evaluation_tables(whole))
    text = console.export_text()
    for expected in ("2/2 100 % [34, 100]", "light", "blank", "no episode +2 err", "RuntimeError", "(4 pairs)"):
        assert expected in text


def test_reasons_without_names() -> None:
    request = SUITE.requests()[0]
    texts = {"time_limit:wrong_object:red_block": "wrong_object", "did_spoken_goal": "did_spoken_goal", "far": "far"}
    for given, expected in texts.items():
        assert reason(Record(request, "", "failure", given, 1, 0.0)) == expected
    assert Record(request, "", "failure", "far", 1, 0.0).cell == Cell("Toy")

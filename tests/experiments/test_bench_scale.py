"""`vla bench scale`, and what `--workers auto` makes of it."""

import json
from pathlib import Path

import pytest

from experiments import bench_scale, workers
from experiments.cli import main
from vla.provenance import usable_cores


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(workers, "_file", lambda: tmp_path / "workers.json")


def test_bench_scale_finds_a_number_and_keeps_it(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--workers", "1", "2", "--seconds", "0.3", "--rounds", "1", "--json"]
    assert main(["bench", "scale", *options]) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["best"] in (1, 2)
    assert set(answer["steps_per_s"]) == set(answer["speedup"]) == {"1", "2"}
    assert all(speed > 0 for speed in answer["steps_per_s"].values())
    assert workers.auto_workers() == answer["best"]


def test_auto_is_what_was_found_best_else_one_a_core() -> None:
    assert workers.worker_count("auto") == workers.worker_count(None) == usable_cores()
    workers.remember(7, why="a test")
    assert workers.worker_count("auto") == 7
    assert workers.worker_count(3) == 3
    assert workers.worker_count(0) == 0
    workers._file().write_text("{ not json")
    assert workers.worker_count("auto") == usable_cores()


@pytest.mark.parametrize(("cores", "counts"), [(1, (1,)), (2, (1, 2)), (6, (1, 2, 4, 6)), (8, (1, 2, 4, 8))])
def test_numbers_of_workers_to_try(cores: int, counts: tuple[int, ...]) -> None:
    assert bench_scale.worker_counts(cores) == counts


def test_no_workers_cannot_be_measured() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        bench_scale.measure(bench_scale.Args(workers=(0,)))

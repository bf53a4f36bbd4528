"""The comparison of baselines, from demonstrations to the table, on a tiny preset; again it has nothing to do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.baselines import ARMS, PRESETS, Baselines, report
from experiments.bench_baselines import Args, main
from vla import checkpoint
from vla.suites import Suite

TINY = replace(PRESETS["tiny"], suite=Suite("b", ("Reach",), controls=("swapped",), episodes=1), episodes=2, cpu_s=0.1)


def test_arms_differ_in_what_they_say_they_do(tmp_path: Path) -> None:
    jobs = {arm: Baselines(tmp_path, TINY, tuple(ARMS), 0).job(arm) for arm in ARMS}
    assert {arm: job.without for arm, job in jobs.items() if job.without} == {"deaf": "words", "blind": "pixels"}
    assert jobs["deaf"].model == jobs["blind"].model == jobs["ours"].model
    assert {job.data for job in jobs.values()} == {(tmp_path / "data",)}
    plain = {replace(job.train, lr=0.0) for job in jobs.values()}
    assert len(plain) == 1


@pytest.mark.slow
def test_from_demonstrations_to_the_table_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = Baselines(tmp_path, TINY, tuple(ARMS), 0).run()
    weights = {arm: checkpoint.find(tmp_path / f"{arm}-0") for arm in ARMS}
    stamps = {arm: (folder / "model.safetensors").stat().st_mtime_ns for arm, folder in weights.items()}
    again = Baselines(tmp_path, TINY, tuple(ARMS), 0).run()
    assert stamps == {arm: (folder / "model.safetensors").stat().st_mtime_ns for arm, folder in weights.items()}
    timeless = ("says", "parameters", "steps", "success", "by_seed", "by_family", "swapped")
    for arm, row in first["arms"].items():
        assert {name: row[name] for name in timeless} == {name: again["arms"][arm][name] for name in timeless}
        assert row["steps"] == max(1, round(TINY.cpu_s / first["costs"][arm]))
        assert checkpoint.load_config(weights[arm]).without == ARMS[arm].without
    assert first["costs"]["deaf"] == first["costs"]["ours"]
    json.dumps(first)
    text = report(first)
    assert all(f"| {arm} | {ARMS[arm].says} |" in text for arm in ARMS)
    with pytest.raises(ValueError, match="other settings"):
        Baselines(tmp_path, replace(TINY, cpu_s=1.0), ("ours",), 0)


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Did you mean 'act'"):
        main(Args(tmp_path, preset="tiny", arms=("acd",)))
    with pytest.raises(ValueError, match="preset"):
        main(Args(tmp_path, preset="huge"))

"""`vla bench data` on two short families: every promised number is there and plausible."""

from __future__ import annotations

import json

import pytest

from experiments import bench_data
from experiments.cli import run


@pytest.mark.slow
def test_bench_data_prints_one_json_object_last(capfd: pytest.CaptureFixture[str]) -> None:
    options = ["data", "--tasks", "Reach", "Lift", "--episodes", "2", "--size", "32", "--seconds", "0.1", "--json"]
    assert run("bench", options) == 0
    answer = json.loads(capfd.readouterr().out.strip().splitlines()[-1])
    for name in (*bench_data.OURS, *bench_data.PEERS):
        assert answer[f"{name}_samples_per_s"] > 0, name
        assert answer[f"{name}_samples_per_wall_s"] > 0, name
    assert answer["cache_to_mp4"] > 1
    assert answer["bytes_per_sample"]["poses"] < answer["bytes_per_sample"]["mp4"]

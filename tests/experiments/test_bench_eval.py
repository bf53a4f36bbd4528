"""The benchmark of evaluations, on a sample of seconds."""

from __future__ import annotations

import json

import pytest

from experiments import bench_eval
from experiments.bench_eval import Args, spread
from experiments.suites import get_suite


def test_it_measures_a_sample(capsys: pytest.CaptureFixture[str]) -> None:
    args = Args(suite="in-distribution", episodes=3, tiny=0, workers=1, slots=2, json=True)
    assert bench_eval.main(args) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert answer["episodes"] == 3
    assert answer["episodes_per_s"] > 0
    assert answer["suite_minutes"] == pytest.approx(400 / answer["episodes_per_s"] / 60)
    assert answer["worker_peak_mb"] > 50
    with pytest.raises(ValueError, match="expected episodes >= 1 and 0 <= tiny <= episodes"):
        bench_eval.measure(Args(episodes=2, tiny=3))


def test_the_sample_is_spread_over_the_suite() -> None:
    requests = get_suite("in-distribution").requests()
    sample = spread(requests, 40)
    assert len(set(sample)) == 40
    assert {request.task for request in sample} == {request.task for request in requests}
    assert spread(requests, 10_000) == list(requests)

"""The benchmarks of training and of policies, on samples of seconds."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from experiments import bench_policy, bench_train
from experiments.presets import SIZES
from experiments.untrained import configuration
from vla.models.contract import HEADS, make_model


def test_training_is_compared_with_a_matrix_product(capsys: pytest.CaptureFixture[str]) -> None:
    args = bench_train.Args(size=("small",), head="l1", batch_size=4, threads=1, steps=2, json=True)
    assert bench_train.main(args) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    found = answer["sizes"]["small"]
    assert found["parameters"] == sum(
        p.numel() for p in make_model(configuration(replace(SIZES["small"], head="l1"))).parameters()
    )
    assert 0.15 < found["gflop_per_sample"] < 0.3  # three times what the forward pass of its convolutions takes
    parts = sum(found[f"{part}_ms"] for part in ("forward", "backward", "update"))
    assert found["samples_per_s"] == pytest.approx(4000 / parts, rel=0.5)  # medians of each, not of their sums
    assert 0 < found["peak_fraction"] < 1
    with pytest.raises(ValueError, match="--clock cpu measures one thread, got 2"):
        bench_train.measure(bench_train.Args(clock="cpu", threads=2))
    with pytest.raises(ValueError, match="expected steps >= 1"):
        bench_train.measure(bench_train.Args(steps=0))


def test_policies_are_timed_with_every_head(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_policy.main(bench_policy.Args(size=("small",), chunks=2, json=True)) == 0
    answer = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [policy["head"] for policy in answer["policies"]] == list(HEADS)
    assert all(policy["chunk_ms_p95"] >= policy["chunk_ms"] > 0 for policy in answer["policies"])
    assert answer["chunk_ms"].keys() == {f"small, {head}" for head in HEADS}
    with pytest.raises(ValueError, match="unknown size 'smal'"):
        bench_policy.measure(bench_policy.Args(size=("smal",)))

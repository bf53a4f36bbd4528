"""`vla bench render` on one tiny size: every promised number is there and plausible."""

from __future__ import annotations

import json

import pytest

from experiments import bench_render
from experiments.cli import run


@pytest.mark.slow
def test_bench_render_prints_one_json_object_last(capfd: pytest.CaptureFixture[str]) -> None:
    assert run("bench", ["render", "--sizes", "32", "--seconds", "0.1", "--json"]) == 0
    answer = json.loads(capfd.readouterr().out.strip().splitlines()[-1])
    for name in ("raster_fps", "tiny_fps", "ratio", "tiny_noshadow_fps", "ratio_noshadow", "raster_ms", "pair_ms"):
        assert answer[name]["32"] > 0, name
    assert answer["ratio"]["32"] > 5
    assert set(answer["variants"]) >= set(bench_render.VARIANTS[:-1])

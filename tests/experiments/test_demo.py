"""The demo with tiny settings: every stage, what it leaves behind, and that it goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from experiments.demo import DEMO, PRESETS, SUMMARY, TINY, Demo
from experiments.demo_table import demo_table
from experiments.stages import Ledger, Stage, as_settings, duration, run_stages

POLICIES = {"trained", "expert", "random", "blind", "deaf"}


def test_the_tiny_demo_runs_and_goes_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = Demo(tmp_path / "run", TINY, workers=0)
    monkeypatch.setattr(demo, "record", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        demo.run(install_s=1.5)
    assert set(demo.ledger.seconds) == {"install", "collect", "train", "evaluate"}
    capsys.readouterr()

    again = Demo(tmp_path / "run", TINY, workers=0)
    summary = again.run()
    shown = capsys.readouterr().out
    assert "[2/5] train" in shown
    assert shown.count("done before") == 3
    assert summary == json.loads((tmp_path / "run" / SUMMARY).read_text(encoding="utf-8"))
    assert set(summary["success"]) == POLICIES
    assert set(summary["success"]["trained"]) == {"Reach", "Lift"}
    assert summary["success"]["expert"] == {"Reach": 1.0, "Lift": 1.0}
    assert list(summary["stages"]) == ["install", "collect", "train", "evaluate", "record", "report"]
    assert summary["wall_s"] == pytest.approx(sum(summary["stages"].values()))
    assert summary["resumed"] == ["record"]
    assert summary["errors"] == dict.fromkeys(POLICIES, 0)
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
    assert list((tmp_path / "run" / "videos").glob("*.mp4"))


def test_the_evaluated_seeds_are_not_the_trained_ones(tmp_path: Path) -> None:
    demo = Demo(tmp_path, TINY, workers=0)
    demo.collect()
    demo.check_seeds()
    eval_key = TINY.suite.requests()[0].key
    episode = next(demo.data.glob("*.parquet"))
    episode.with_name(f"{eval_key}.parquet").write_bytes(episode.read_bytes())
    with pytest.raises(AssertionError, match="unknown seeds"):
        demo.check_seeds()


def test_a_run_with_other_settings_is_not_mixed(tmp_path: Path) -> None:
    Demo(tmp_path, TINY, workers=0).ledger.note("collect", 1.0)
    with pytest.raises(ValueError, match="begun with other settings \\(noise\\)"):
        Demo(tmp_path, replace(TINY, noise=0.5), workers=0)
    with pytest.raises(ValueError, match="--fresh"):
        Demo(tmp_path, DEMO, workers=0)


def test_a_stage_that_fails_is_done_again(tmp_path: Path) -> None:
    ledger, done = Ledger(tmp_path, {}), []

    def fail() -> None:
        raise RuntimeError("disk full")

    stages = [Stage("one", "says", 1, lambda: done.append("one")), Stage("two", "says", 1, fail)]
    with pytest.raises(RuntimeError, match="disk full"):
        run_stages(stages, ledger, say=lambda _: None)
    stages[1] = Stage("two", "says", 1, lambda: done.append("two"))
    run_stages(stages, Ledger(tmp_path, {}), say=lambda _: None)
    assert done == ["one", "two"]
    assert Ledger(tmp_path, {}).resumed == ["two"]


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (45.4, "45 s"), (89, "89 s"), (200, "3 min 20 s")])
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_settings_survive_json(name: str) -> None:
    settings = as_settings(PRESETS[name])
    assert json.loads(json.dumps(settings)) == settings


def test_the_table_shows_every_policy_with_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    rate = {"k": 19, "n": 20, "errors": 1}
    summary = {
        "intervals": {"trained": {"Lift": rate}},
        "mean_success": {"trained": 0.95},
        "stages": {"collect": 12.0},
        "wall_s": 12.0,
        "resumed": ["train"],
        "report": "runs/demo/report.html",
    }
    demo_table(summary, Console(width=100))
    shown = capsys.readouterr().out
    assert "95 % +1 err" in shown
    assert "76 to 99" in shown
    assert "gone on with: train" in shown
    assert "runs/demo/report.html" in shown

"""The demos with tiny settings: every stage, what it leaves behind, and that it goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from experiments.api import collect
from experiments.commands import demo as command
from experiments.demo import SUMMARY, Demo, in_distribution, load_base
from experiments.demo_films import film_pairs, pairs
from experiments.demo_presets import FROM_NOTHING, PRESETS, TINY, TINY_LEARNING, DemoPreset, demo_preset
from experiments.demo_table import demo_table
from experiments.stages import Ledger, Stage, as_settings, duration, run_stages
from experiments.training import TrainJob, train
from vla import checkpoint
from vla.report_data import load_run

CONTROLS = {"expert", "random", "blind", "deaf"}
ALL_PRESETS = [*PRESETS.values(), *FROM_NOTHING.values()]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that has seen Lift and nothing else."""
    folder = tmp_path_factory.mktemp("base")
    collect(folder / "data", ["Lift"], episodes=2, workers=0)
    return train(TrainJob((folder / "data",), folder / "train", TINY.model, TINY.train))


def test_the_tiny_demo_from_nothing_runs_and_goes_on_where_it_stopped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = Demo(tmp_path / "run", TINY_LEARNING, workers=0)
    monkeypatch.setattr(demo, "record", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        demo.run(install_s=1.5)
    assert set(demo.ledger.seconds) == {"install", "collect", "train", "evaluate"}
    capsys.readouterr()

    again = Demo(tmp_path / "run", TINY_LEARNING, workers=0)
    summary = again.run()
    shown = capsys.readouterr().out
    assert "[2/5] train" in shown
    assert shown.count("done before") == 3
    assert summary == json.loads((tmp_path / "run" / SUMMARY).read_text(encoding="utf-8"))
    assert set(summary["success"]) == {"trained"} | CONTROLS
    assert set(summary["success"]["trained"]) == {"Reach", "Lift"}
    assert summary["success"]["expert"] == {"Reach": 1.0, "Lift": 1.0}
    assert list(summary["stages"]) == ["install", "collect", "train", "evaluate", "record", "report"]
    assert summary["wall_s"] == pytest.approx(sum(summary["stages"].values()))
    assert summary["resumed"] == ["record"]
    assert summary["errors"] == dict.fromkeys({"trained"} | CONTROLS, 0)
    assert (summary["base"], summary["unseen"]) == ({}, [])
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
    assert list((tmp_path / "run" / "videos").glob("*.mp4"))


def test_the_tiny_demo_fine_tunes_a_base_and_goes_on_where_it_stopped(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    preset = replace(TINY, base=str(base))
    demo = Demo(tmp_path / "run", preset, workers=0)
    monkeypatch.setattr(demo, "train", lambda: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        demo.run()
    assert set(demo.ledger.seconds) == {"collect", "before"}
    assert "it has not seen Unstack (about" in capsys.readouterr().out

    again = Demo(tmp_path / "run", preset, workers=0)
    summary = again.run()
    shown = capsys.readouterr().out
    assert "[2/6] before" in shown
    assert shown.count("done before") == 2
    demo_table(summary, Console(width=100))
    assert "Unstack, new" in capsys.readouterr().out
    assert list(summary["stages"]) == ["collect", "before", "train", "evaluate", "record", "report"]
    assert list(summary["success"])[:2] == ["before", "after"]
    assert set(summary["success"]) == {"before", "after"} | CONTROLS
    assert summary["unseen"] == ["Unstack"]
    assert summary["base"] == {"policy": str(base), "weights": load_base(str(base)).fingerprint}
    assert summary["errors"] == dict.fromkeys({"before", "after"} | CONTROLS, 0)
    assert set(summary["axes"]) == {"light_intensity"}
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000

    tuned = checkpoint.load_config(checkpoint.find(again.checkpoint))
    assert tuned.trained_on["tasks"] == ["Lift", "Unstack"]
    assert tuned.trained_on["before"]["tasks"] == ["Lift"]
    run = load_run(tmp_path / "run")
    assert run.main.name == "after"
    found = {policy.name: policy for policy in run.policies}
    films = {path.stem for path in (tmp_path / "run" / "videos").glob("before-*.mp4")}
    assert films == {
        f"before-{was.outcome}-after-{now.outcome}-{now.key}" for was, now in pairs(found["before"], found["after"])
    }
    assert found["before"].checkpoint == summary["base"]["weights"]


def test_films_show_the_same_episode_before_and_after(tmp_path: Path) -> None:
    demo = Demo(tmp_path, TINY_LEARNING, workers=0)
    for name in ("random", "expert"):  # as if one had become the other
        demo.evaluate_one(name, in_distribution(TINY_LEARNING.suite))
    found = {policy.name: policy for policy in load_run(tmp_path).policies}
    chosen = pairs(found["random"], found["expert"])
    assert all(was.key == now.key for was, now in chosen)
    assert [(now.cell.task, was.outcome, now.outcome) for was, now in chosen] == [
        ("Reach", "failure", "success"),
        ("Lift", "failure", "success"),
    ]
    film_pairs(found["random"], found["expert"], tmp_path / "videos", 96)
    films = sorted(path.name for path in (tmp_path / "videos").iterdir())
    assert films == sorted(f"before-failure-after-success-{now.key}.mp4" for _, now in chosen)


def test_the_evaluated_seeds_are_not_the_trained_ones(tmp_path: Path) -> None:
    demo = Demo(tmp_path, TINY_LEARNING, workers=0)
    demo.collect()
    demo.check_seeds()
    eval_key = TINY_LEARNING.suite.requests()[0].key
    episode = next(demo.data.glob("*.parquet"))
    episode.with_name(f"{eval_key}.parquet").write_bytes(episode.read_bytes())
    with pytest.raises(AssertionError, match="unknown seeds"):
        demo.check_seeds()


def test_a_run_with_other_settings_is_not_mixed(base: Path, tmp_path: Path) -> None:
    Demo(tmp_path, TINY_LEARNING, workers=0).ledger.note("collect", 1.0)
    with pytest.raises(ValueError, match="begun with other settings \\(noise\\)"):
        Demo(tmp_path, replace(TINY_LEARNING, noise=0.5), workers=0)
    with pytest.raises(ValueError, match="--fresh"):
        Demo(tmp_path, FROM_NOTHING["demo"], workers=0)
    with pytest.raises(ValueError, match="other settings \\(base, weights\\)"):
        Demo(tmp_path, replace(TINY_LEARNING, base=str(base)), workers=0)


def test_a_base_must_be_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no weights to fine-tune"):
        Demo(tmp_path, replace(TINY, base="expert"), workers=0)
    with pytest.raises(ValueError, match="no checkpoint at"):
        Demo(tmp_path, replace(TINY, base=str(tmp_path / "none")), workers=0)
    assert not any(tmp_path.iterdir())


def test_presets_are_chosen_by_name() -> None:
    assert demo_preset("demo").base == "base"
    assert demo_preset("demo", base="runs/mine") == replace(PRESETS["demo"], base="runs/mine")
    assert demo_preset("tiny", from_nothing=True) is TINY_LEARNING
    with pytest.raises(ValueError, match="'tiny'"):
        demo_preset("tinny")
    with pytest.raises(ValueError, match="leave one of them out"):
        command.main(command.Args(from_nothing=True, base="runs/mine"))


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


@pytest.mark.parametrize("preset", ALL_PRESETS)
def test_settings_survive_json(preset: DemoPreset) -> None:
    settings = as_settings(preset)
    assert json.loads(json.dumps(settings)) == settings


def test_the_table_shows_every_policy_with_intervals(capsys: pytest.CaptureFixture[str]) -> None:
    rate = {"k": 19, "n": 20, "errors": 1}
    summary = {
        "intervals": {"trained": {"Lift": rate}},
        "mean_success": {"trained": 0.95},
        "stages": {"collect": 12.0},
        "wall_s": 12.0,
        "resumed": ["train"],
        "unseen": [],
        "report": "runs/demo/report.html",
    }
    demo_table(summary, Console(width=100))
    shown = capsys.readouterr().out
    assert "95 % +1 err" in shown
    assert "76 to 99" in shown
    assert "gone on with: train" in shown
    assert "runs/demo/report.html" in shown

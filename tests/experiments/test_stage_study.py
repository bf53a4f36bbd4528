"""The ablation of stages: equal compute, resumable, tables that say what the intervals allow."""

from __future__ import annotations

import xml.dom.minidom
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from experiments.curricula import phases
from experiments.stage_study import ARMS, FULL, TINY, StageStudy
from experiments.stage_tables import Run, markdown, plot, table
from experiments.suites import SUITES
from vla.contract import EpisodeRequest, Perturbation
from vla.results import Record, read_json

COSTS = {"language": 0.1, "grounding": 0.3, "action": 0.2}
ABOUT: dict[str, Any] = {
    "settings": {
        "demonstrations": {"Lift": 3},
        "noise": 0.1,
        "seeds": 3,
        "labels": True,
        "train": {"steps": 10, "batch_size": 8},
    },
    "suite": {"name": "toy", "hash": "0", "episodes": 40},
    "cpu_seconds_a_step": COSTS,
}


def test_all_arms_cost_the_same() -> None:
    spent = []
    for plans in ARMS.values():
        found = phases(plans, FULL.train, COSTS)
        spent.append(sum(phase.count(name) * COSTS[name] for phase in found for name in phase.mix))
    assert spent == pytest.approx([FULL.train.steps * COSTS["action"]] * len(ARMS), rel=1e-3)
    assert list(ARMS) == ["action", "grounding-action", "mixture", "all"]
    assert [plan.name for plan in ARMS["all"]] == ["language", "grounding", "action"]


def test_the_suite_is_one_of_its_own_kind_with_the_scenes_of_others() -> None:
    cells = set(FULL.suite.cells())
    assert cells < set(SUITES["demo"].cells())
    assert FULL.seeds == 3


def record(index: int, good: bool, axis: str = "") -> Record:
    changes = (Perturbation(axis, 3),) if axis else ()
    request = EpisodeRequest("Lift", index, split="eval", perturbations=changes)
    return Record(request, "lift it", "success" if good else "failure", "", 10, 0.1)


def runs(rates: dict[str, float]) -> list[Run]:
    return [
        Run(
            arm,
            seed,
            [record(i, (i * 7 + seed) % 20 < 20 * rate, axis) for axis in ("", "light_intensity") for i in range(20)],
            {"action": 10},
            {"grounding_answered": 0.5, "language_answered": 0.25, "grounding_ground": 3.0},
        )
        for arm, rate in rates.items()
        for seed in range(3)
    ]


def test_tables_say_what_the_intervals_allow() -> None:
    data = table(runs({"action": 0.2, "grounding-action": 0.9, "mixture": 0.2}), ABOUT)
    assert data["arms"]["grounding-action"]["rates"]["none"]["value"] == pytest.approx(0.9)
    gain = data["arms"]["grounding-action"]["gains"]["none"]
    assert gain["value"] == pytest.approx(0.7)
    assert 0 < gain["low"] < 0.7 < gain["high"]
    assert data["arms"]["action"]["gains"] == {}
    text = markdown(data)
    assert "grounding-action is better than action: +70" in text
    assert "mixture is not told apart from action: +0" in text
    assert "| light_intensity |" in text


def test_the_plot_has_a_mark_for_every_arm_and_row() -> None:
    svg = plot(table(runs({"action": 0.2, "all": 0.6}), ABOUT))
    xml.dom.minidom.parseString(svg)
    assert svg.count("<circle") == 2 + 2 * 2  # legend, then arms by rows


def test_other_settings_are_another_study(tmp_path: Path) -> None:
    StageStudy(tmp_path, TINY, 0).ledger.begin("collect")
    with pytest.raises(ValueError, match=r"other settings \(labels"):
        StageStudy(tmp_path, replace(TINY, labels=False), 0)


@pytest.mark.slow
def test_a_tiny_study_runs_and_goes_on_where_it_stopped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from experiments.commands.ablate import Args, main

    args = Args("stages", tmp_path / "run", "tiny", seeds=1, workers=0, results=tmp_path / "results")
    assert main(replace(args, plan=True)) == 0
    assert "10 steps left" in capsys.readouterr().out
    assert main(args) == 0
    data = read_json(tmp_path / "results" / "stages.json")
    assert list(data["arms"]) == list(ARMS)
    assert {"grounding", "language", "action"} == set(data["arms"]["all"]["steps"]) == set(data["cpu_seconds_a_step"])
    assert all(found["cpu_s"] > 0 for found in data["arms"].values())
    before = (tmp_path / "run" / "train" / "all-s0" / "checkpoints" / "last").resolve().stat().st_mtime
    assert main(args) == 0
    assert "done before" in capsys.readouterr().out
    assert (tmp_path / "run" / "train" / "all-s0" / "checkpoints" / "last").resolve().stat().st_mtime == before
    again = read_json(tmp_path / "results" / "stages.json")
    assert again["arms"] == data["arms"]

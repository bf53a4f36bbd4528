"""Stages from the command line to a trained, tiny policy."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

from experiments.api import collect
from experiments.curricula import ACTION, GROUNDING, LANGUAGE, SCENES, TOLD, StagePlan, _write_once, phases, read_stages
from experiments.presets import ModelSize
from experiments.training import TrainJob, train
from vla import checkpoint
from vla.registry import UnknownNameError
from vla.results import read_json
from vla.training_config import TrainConfig
from vla.trainlog import read_metrics

TINY = ModelSize(image_size=32, channels=16, blocks=2, keypoints=4, hidden=64)
CONFIG = TrainConfig(steps=12, batch_size=8, warmup=1, threads=0, torch_threads=1, precision="no", log_every=1)
COSTS = {LANGUAGE: 0.5, GROUNDING: 2.0, ACTION: 1.0}


def test_stages_are_read() -> None:
    assert [(plan.name, plan.share) for plan in read_stages(["language", "grounding:0.3", "action:1"])] == [
        ("language", 0.05),
        ("grounding", 0.3),
        ("action", 1.0),
    ]
    assert read_stages(["action"], ["grounding:0.25"])[0].mix == {ACTION: 0.75, GROUNDING: 0.25}
    assert read_stages(["action"], ["told:0.25", "scenes:0.5"])[0].mix == {ACTION: 0.25, TOLD: 0.25, SCENES: 0.5}
    assert read_stages([], ["told:0.25"]) == read_stages(["action"], ["told:0.25"])
    assert set(read_stages(["mixture"])[0].mix) == {LANGUAGE, GROUNDING, ACTION}
    assert read_stages([]) == ()
    with pytest.raises(UnknownNameError, match="Did you mean 'grounding'"):
        read_stages(["groundin"])
    for bad in ("action:0", "action:x", "action:-1"):
        with pytest.raises(ValueError, match="expected a stage and its share"):
            read_stages([bad])
    for mix, message in ((["told:1"], "less than 1"), (["told:-0.1"], "expected a"), (["action:0.1"], "source to mix")):
        with pytest.raises(ValueError, match=message):
            read_stages(["action"], mix)
    with pytest.raises(ValueError, match="not among the stages"):
        read_stages(["mixture"], ["told:0.2"])


@pytest.mark.parametrize(
    "stages", [["action"], ["grounding:0.3", "action:0.7"], ["mixture"], ["language", "grounding", "action"]]
)
@pytest.mark.parametrize("mix", [[], ["grounding:0.25"]])
def test_every_curriculum_costs_the_same(stages: list[str], mix: list[str]) -> None:
    config = dataclasses.replace(CONFIG, steps=3000)
    found = phases(read_stages(stages, mix if "mixture" not in stages else []), config, COSTS)
    cost = sum(phase.count(name) * COSTS[name] for phase in found for name in phase.mix)
    assert cost == pytest.approx(3000, rel=2e-3)
    if stages == ["language", "grounding", "action"]:
        assert found[0].steps == pytest.approx(0.05 * 3000 / 0.5, abs=1)


def test_shares_within_a_stage_are_of_its_compute() -> None:
    plan = StagePlan("both", 1.0, {GROUNDING: 0.5, ACTION: 0.5})
    (phase,) = phases([plan], dataclasses.replace(CONFIG, steps=300), COSTS)
    assert (phase.count(GROUNDING), phase.count(ACTION)) == (75, 150)


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demos")
    collect(folder, ["Reach", "Lift"], 1, workers=0)
    return folder


def test_all_stages_train_a_policy_that_is_the_same_after_a_stop(demos: Path, tmp_path: Path) -> None:
    job = TrainJob(
        (demos,),
        tmp_path / "whole",
        TINY,
        CONFIG,
        stages=read_stages(["language", "grounding", "action"], ["grounding:0.2", "scenes:0.2"]),
    )
    whole = train(job)
    costs = read_json(tmp_path / "whole" / "costs.json")
    assert set(costs) == {LANGUAGE, GROUNDING, SCENES, ACTION}
    rows = read_metrics(tmp_path / "whole" / "metrics.jsonl")
    assert "action" not in rows[0]
    assert any("box" in row for row in rows)
    assert "action" in rows[-1]
    config = checkpoint.load_config(whole)
    assert config.vocabulary.encode(["what color is the block"]).max() < config.vocabulary.first_bucket  # type: ignore[attr-defined]

    parts = dataclasses.replace(job, run=tmp_path / "parts", costs=tmp_path / "whole")
    early = dataclasses.replace(parts, train=dataclasses.replace(CONFIG, save_every=2, keep=100))
    folder = train(early)
    middle = folder.parent / "000002"
    for saved in folder.parent.glob("0*"):
        if saved.name > middle.name:
            checkpoint.remove(saved)
    (folder.parent / "last").unlink()
    (folder.parent / "last").symlink_to(middle.name)
    again = train(parts, resume=True)
    assert (again / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_the_first_measurement_counts(tmp_path: Path) -> None:
    _write_once(tmp_path / "costs.json", COSTS)
    _write_once(tmp_path / "costs.json", {ACTION: 9.0})
    assert read_json(tmp_path / "costs.json") == COSTS
    assert [path.name for path in tmp_path.iterdir()] == ["costs.json"]


def test_the_command_line_refuses_unknown_stages(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "experiments.cli", "train", "--data", str(tmp_path), "--stages", "acton"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Did you mean 'action'" in done.stderr


@pytest.mark.parametrize("stage", ["grounding", "told"])
def test_baselines_take_no_lessons(demos: Path, tmp_path: Path, stage: str) -> None:
    stages = read_stages([stage, "action"])
    job = TrainJob((demos,), tmp_path, ModelSize(backbone="act", image_size=32), CONFIG, stages=stages)
    with pytest.raises(ValueError, match="not 'act'"):
        train(job)

"""`vla tasks` and the measurement of the experts."""

import json
from pathlib import Path
from typing import Any

import pytest

from envs.tasks.base import TASKS
from experiments import bench_experts
from experiments.commands import tasks
from vla.registry import UnknownNameError


def last_json(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


def test_tasks_lists_every_task_with_an_instruction(capsys: pytest.CaptureFixture[str]) -> None:
    assert tasks.main(tasks.Args(json=True)) == 0
    rows = last_json(capsys)["tasks"]
    assert [row["task"] for row in rows] == list(TASKS)
    assert all(row["instruction"] and row["train_instructions"] and row["held_out_instructions"] for row in rows)
    assert tasks.main(tasks.Args()) == 0
    printed = capsys.readouterr().out
    assert all(row["instruction"].splitlines()[0] in printed for row in rows)


def test_experts_are_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "experts.md"
    args = bench_experts.Args(tasks=("Reach",), episodes=2, noise=0.12, workers=2, out=out, json=True)
    assert bench_experts.main(args) == 0
    said = last_json(capsys)
    assert said["mean"] == said["families"]["Reach"]["success"] == 1
    cells = said["cells"]
    assert [(cell["task"], cell["noise"], cell["episodes"]) for cell in cells] == [
        ("Reach", 0.0, 2),
        ("Reach", 0.12, 2),
    ]
    assert cells[0]["successes"] == 2
    text = out.read_text()
    assert "| Reach | - | 2/2 | 100.0% [34.2%, 100.0%] |" in text
    assert "commit: " in text
    assert "command: `vla bench experts --tasks Reach --episodes 2" in text


def test_an_unknown_task_is_refused_before_anything_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UnknownNameError, match="'Lift'"):
        bench_experts.main(bench_experts.Args(tasks=("Lyft",)))

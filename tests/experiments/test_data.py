"""`vla data` on a small real dataset."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest

from experiments.cli import main
from vla.store import EpisodeStore


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "set"
    code = main(
        ["collect", "--out", str(folder), "--task", "Reach", "--task", "Lift", "--episodes", "2", "--workers", "0"]
    )
    assert code == 0
    return folder


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any], str]:
    capsys.readouterr()
    code = main([*arguments, "--json"])
    out = capsys.readouterr().out
    return code, json.loads(out.splitlines()[-1]), out


def test_info_counts(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer, out = run(capsys, "data", "info", str(dataset))
    assert code == 0
    assert answer["episodes"] == 4
    assert {task: row["episodes"] for task, row in answer["tasks"].items()} == {"Reach": 2, "Lift": 2}
    assert answer["dataset"]["control"] == "pd_ee_delta_pose"
    assert 300 < answer["bytes_per_step"] < 1500  # short episodes: the scene description weighs as much as the steps
    assert "Lift" in out


def test_view_draws_a_contact_sheet_and_a_video(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet, video = tmp_path / "sheet.png", tmp_path / "video.mp4"
    key = EpisodeStore(dataset).keys()[-1]
    code, answer, _ = run(capsys, "data", "view", str(dataset), "--out", str(sheet), "--size", "48", "--episode", key)
    assert (code, answer["episode"]) == (0, key)
    picture = cv2.imread(str(sheet))
    assert picture is not None
    assert picture.shape[0] > 2 * 48
    assert picture.shape[1] > 5 * 48
    code, _, _ = run(capsys, "data", "view", str(dataset), "--out", str(video), "--size", "48")
    assert video.stat().st_size > 1000


def test_view_explains_wrong_keys_and_cameras(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "view", str(dataset), "--episode", "train-0-Lift-none.0-0001"]) == 2
    assert "Did you mean 'train-0-Lift-none.0-00001'" in capsys.readouterr().err
    assert main(["data", "view", str(dataset), "--camera", "frnt"]) == 2
    assert "Did you mean 'front'" in capsys.readouterr().err


def test_verify_names_damage(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer, _ = run(capsys, "data", "verify", str(dataset))
    assert (code, answer["damaged"]) == (0, [])
    store = EpisodeStore(dataset)
    path = store.path(store.keys()[0])
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    try:
        code, answer, out = run(capsys, "data", "verify", str(dataset))
    finally:
        path.write_bytes(whole)
    assert code == 1
    assert [entry["file"] for entry in answer["damaged"]] == [str(path)]
    assert path.name in out

"""`vla gallery`: a sheet with a tile a family, a page with a film of each."""

import json
from pathlib import Path

import cv2
import pytest

from experiments.commands import gallery as command
from experiments.gallery import LABEL, TILE
from vla.registry import UnknownNameError


def test_sheet_and_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(command.Args(tmp_path, task=("Reach", "Lift"), json=True)) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(said["families"]) == {"Reach", "Lift"}
    picture = cv2.imread(said["sheet"])
    assert picture is not None
    assert picture.shape == (TILE[1] + LABEL, 2 * TILE[0], 3)
    page = Path(said["page"]).read_text()
    assert page.count("<video") == 2
    assert "http" not in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index.html", "sheet.jpg"]


def test_unknown_names_are_told_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'Reach'"):
        command.main(command.Args(tmp_path, task=("Reech",)))
    with pytest.raises(UnknownNameError, match="'panda'"):
        command.main(command.Args(tmp_path, robot="pandaa"))
    assert not list(tmp_path.iterdir())

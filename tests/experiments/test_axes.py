"""`vla axes`: the list, the contact sheets, and the document that is written from the registry."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from envs.tasks.base import TASKS
from envs.variations import AXES, CHANGES
from experiments.axes_sheet import LABEL, LEVELS, TILE, sheet
from experiments.axes_table import DOC, in_order, pages, rewritten
from experiments.commands import axes
from vla.contract import ByteArray
from vla.registry import UnknownNameError


def test_json_is_one_list_of_every_axis(capsys: pytest.CaptureFixture[str]) -> None:
    assert axes.main(axes.Args(json=True)) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sorted(row["name"] for row in rows) == sorted(AXES)
    for row in rows:
        assert {"name", "family", "kind", "unit", "levels", "peers", "summary"} <= set(row)
        assert row["family"] in CHANGES
        assert set(row["not_for"]) < set(TASKS)
    assert {row["kind"] for row in rows} == {"axis", "control"}
    assert next(row for row in rows if row["name"] == "blur")["levels"] == [1, 3, 5.5, 8, 12]


def test_the_listing_names_every_axis_and_unit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "240")
    assert axes.main(axes.Args()) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in AXES)
    assert all(family in printed for family in CHANGES)


def test_an_unknown_axis_or_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'jpeg'"):
        axes.main(axes.Args(axis=("jpg",)))
    with pytest.raises(ValueError, match=r"use a name that ends in .jpg or .png"):
        axes.main(axes.Args(axis=("jpeg",), sheet=tmp_path / "sheet.gif"))


def tile(picture: ByteArray, level: int, height: int = TILE) -> ByteArray:
    """One picture of the first row."""
    return picture[23 : 23 + height, LABEL + level * TILE : LABEL + (level + 1) * TILE]


def test_the_sheet_shows_what_levels_do(tmp_path: Path) -> None:
    out = tmp_path / "new" / "sheet.png"
    assert axes.main(axes.Args(axis=("contrast",), sheet=out, task="Lift")) == 0
    picture = cv2.imread(str(out))
    assert picture is not None
    assert picture.shape[1] == LABEL + LEVELS * TILE
    spreads = [float(tile(np.asarray(picture, np.uint8), level).std()) for level in range(LEVELS)]
    assert spreads == sorted(spreads, reverse=True)


@pytest.mark.parametrize("name", ["dropped_frames", "start", "blank", "position"])
def test_every_kind_of_axis_can_be_drawn(name: str) -> None:
    picture = sheet([AXES[name]], "Lift")
    rows = picture[23:, LABEL:]
    assert rows.shape[0] > 25
    assert rows.std() > 3


def test_pages_hold_every_axis_once() -> None:
    found = pages(in_order())
    assert [axis for page in found.values() for axis in page] == in_order()
    assert max(map(len, found.values())) <= 12


def test_the_document_is_what_the_registry_says() -> None:
    text = DOC.read_text(encoding="utf-8")
    assert rewritten(text) == text, "run `vla axes --doc`"
    for name in pages(in_order()):
        path = DOC.parent / "images" / f"axes_{name}.jpg"
        assert path.is_file(), "run `vla axes --sheet docs/images/axes.jpg`, and look at the pictures"
        assert path.stat().st_size < 600_000

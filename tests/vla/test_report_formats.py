"""The numbers of a run as text, and many runs on one leaderboard."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.vla import synthetic
from vla.leaderboard import entries, leaderboard_page, leaderboard_rows
from vla.report_data import Run, load_run
from vla.report_formats import cells_csv, headline, latex, latex_table, markdown, markdown_table
from vla.report_summary import summary


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    return load_run(synthetic.write_run(folder, synthetic.SMALL, ("trained", "expert")))


@pytest.fixture(scope="module")
def data(run: Run) -> dict[str, Any]:
    return summary(run, synthetic.notes())


def test_the_summary_survives_json_and_stays_small(run: Run, data: dict[str, Any]) -> None:
    text = json.dumps(data, allow_nan=False)
    assert json.loads(text) == data
    assert len(text) < 30_000
    trained = data["policies"][0]
    base = trained["success"]["trained"]
    rate = run.main.summary.overall
    assert (base["k"], base["n"]) == (rate.k, rate.n)
    assert base["low"] < base["value"] < base["high"]
    assert set(trained["axes"]) == set(synthetic.SMALL.axes)
    assert sum(trained["success"][family]["n"] for family in synthetic.NAMES) == trained["success"]["perturbed"]["n"]


def test_markdown_says_it_in_words_first(data: dict[str, Any]) -> None:
    text = markdown(data)
    words = headline(data["policies"][0])
    worst = data["policies"][0]["verdict"]["breaks"][0][0]
    assert f"Breaks first on: {worst}" in words
    assert text.index("# trained on synthetic-small") < text.index(words) < text.index("| axis | family |")
    assert "Breaks first" not in headline(data["policies"][1])
    assert markdown_table([["a|b"], ["c"]]) == "| a\\|b |\n|---|\n| c |"


def test_csv_has_every_cell(run: Run) -> None:
    rows = list(csv.DictReader(io.StringIO(cells_csv(run))))
    cells = [row for row in rows if row["task"] != "*"]
    assert len(cells) == sum(len(policy.summary.cells) for policy in run.policies)
    assert sum(int(row["episodes"]) + int(row["errors"]) for row in cells) == sum(len(p.records) for p in run.policies)
    pooled = [row for row in rows if row["task"] == "*" and row["axis"] != "none"]
    assert all(float(row["change_low"]) <= float(row["change"]) <= float(row["change_high"]) for row in pooled)


def test_latex_is_escaped(data: dict[str, Any]) -> None:
    text = latex(data)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 3
    assert latex_table([["x"], ["50 % of a_b & {c}"]]).splitlines()[4] == r"50 \% of a\_b \& \{c\} \\"


def test_the_leaderboard_keeps_suites_apart(data: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no report summary .* --format json"):
        entries(tmp_path)
    other = json.loads(json.dumps(data))
    for policy in other["policies"]:
        policy["suite"]["hash"] = "another"
    for name, content in (("one", data), ("two", other), ("speed", {"kind": "something else"})):
        (tmp_path / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    found = entries(tmp_path)
    assert [each["policy"] for each in found] == ["expert", "expert", "trained", "trained"]
    boards = leaderboard_rows(found)
    assert len(boards) == 2
    for rows in boards.values():
        assert [row[0] for row in rows] == ["policy", "expert", "trained"]
        assert rows[2][-2:] == ["abc1234", "0123abcd"]
    assert "synthetic-small" in leaderboard_page(found)

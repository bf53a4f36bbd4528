"""The report: what is on the page, for real results, missing parts and hostile text."""

from __future__ import annotations

import html
import json
import re
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.vla.test_video import draw
from tests.vla.toy import ToyPolicy, ToyWorld
from vla.contract import FloatArray, Observation
from vla.episode import Episode
from vla.evaluation import RUNS, Subject, evaluate
from vla.paired import paired_drop
from vla.report import Gallery, write_report
from vla.report_charts import Change, Curve, Scale, Series, curve_panel, forest, level_panel, thin
from vla.report_data import Run, gallery, load_run
from vla.report_parts import AxisNote
from vla.results import read_json
from vla.stats import Rate
from vla.suites import Suite
from vla.video import FrameSource, Look

SUITE = Suite("toy", ("Toy", "Fail"), axes=("light",), levels=(1, 2), controls=("blank", "swapped"), episodes=2)
NOTES = {"light": AxisNote("Another <light>.", "lx", (1.0, 2.0))}
VOID = {"meta", "link", "br", "circle", "path"}


class LostPolicy(ToyPolicy):
    def _one(self, observation: Observation) -> FloatArray:
        return np.zeros((4, 7), np.float32)


def source(episode: Episode) -> FrameSource:
    return draw


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    policies = {"trained": (ToyPolicy, "abc"), "random": (LostPolicy, ""), "deaf": (LostPolicy, "abc")}
    for name, (factory, checkpoint) in policies.items():
        path = "deaf:runs/x" if name == "deaf" else name
        suite = SUITE if name == "trained" else SUITE.narrowed(["Toy", "Fail", "Toy"], ["none"])
        subject = Subject(name, partial(factory), path, checkpoint)
        evaluate(suite, subject, folder / RUNS / name, world_factory=ToyWorld, keep=lambda r: True, progress=False)
    (folder / "train").mkdir()
    rows = [{"step": s, "loss": 1 / s, "action": 0.5 / s, "samples_per_s": 100.0, "seconds": s} for s in (1, 10, 90)]
    checks = [{"step": 50, "success": {"Toy": 0.5}, "seconds": 55.0}]
    text = "".join(json.dumps(row) + "\n" for row in (*rows, *checks))
    (folder / "train" / "metrics.jsonl").write_text(text + '{"step": 91, "lo', encoding="utf-8")
    (folder / "train" / "config.json").write_text('{"lr": 0.1}', encoding="utf-8")
    return folder


def write(folder: Path, out: Path, clips: Gallery | None = None) -> tuple[Run, str]:
    small = clips or Gallery(2, 2, 1, Look(hold_s=0.1, quality=30))
    run = write_report(folder, out, source, axes=NOTES, clips=small)
    return run, out.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(folder, tmp_path_factory.mktemp("page") / "report.html")[1]


class Tags(HTMLParser):
    """Checks that every element is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_nothing_else(page: str) -> None:
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    assert tags.count["video"] == tags.count["figure"] == 6
    assert not re.search(r'(?:src|href)="(?!data:)', page)
    assert "http" not in page.replace("http-equiv", "")
    assert len(page) < 2_000_000


def test_all_sections_are_there(page: str) -> None:
    for name in ("tasks", "axes", "controls", "training", "gallery", "reasons", "reproduce"):
        assert f'<section id="{name}">' in page
    assert "did what was said instead" in page
    assert "Another &lt;light&gt;." in page
    assert "1.5 minutes, 100 samples/s" in page


def test_every_rate_has_its_counts_interval_and_command(page: str) -> None:
    cells = re.findall(r'<td class="rate[^>]*>.*?</td>', page)
    assert len(cells) > 20
    for cell in cells:
        assert re.search(r"<small>\d+/\d+ \[[\d.]+, [\d.]+\]", cell)
        command = html.unescape(re.findall(r'data-cmd="([^"]+)"', cell)[0])
        assert command.startswith("vla eval --policy ")
        assert "--seed 0" in command


def test_numbers_for_programs(page: str) -> None:
    data = json.loads(re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)[0])
    assert list(data) == ["trained", "random", "deaf"]
    assert data["trained"]["success"]["Toy"]["k"] == 2
    assert data["trained"]["axes"]["light"]["1"]["n"] == 4


def test_only_results_are_needed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / RUNS / "random").mkdir(parents=True)
    for name in ("evaluation.json", "results.jsonl"):
        (tmp_path / RUNS / "random" / name).write_bytes((folder / RUNS / "random" / name).read_bytes())
    run, text = write(tmp_path, tmp_path / "report.html")
    assert (run.main.name, run.training, len(run.policies)) == ("random", [], 1)
    for name in ("axes", "controls", "training", "gallery"):
        assert f'<section id="{name}">' not in text


def test_hostile_text_stays_text(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / RUNS / "evil"
    target.mkdir(parents=True)
    evil = "</script><img src=x onerror=alert(1)>"
    for name in ("evaluation.json", "results.jsonl"):
        text = (folder / RUNS / "random" / name).read_text(encoding="utf-8").replace('"random"', json.dumps(evil))
        (target / name).write_text(text.replace("time_limit:far", evil), encoding="utf-8")
    _, text = write(tmp_path, tmp_path / "report.html")
    assert "<img" not in text
    assert text.count("</script>") == 2


def test_an_unfinished_evaluation_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / RUNS / "trained"
    target.mkdir(parents=True)
    (target / "evaluation.json").write_bytes((folder / RUNS / "trained" / "evaluation.json").read_bytes())
    with pytest.raises(ValueError, match=r"no results in .*which `vla eval` writes"):
        load_run(tmp_path)
    lines = (folder / RUNS / "trained" / "results.jsonl").read_bytes().splitlines(keepends=True)
    (target / "results.jsonl").write_bytes(b"".join(lines[:5]))
    _, text = write(tmp_path, tmp_path / "report.html")
    assert "15 not run yet" in text


def test_the_gallery_is_spread_and_the_same_each_time(folder: Path) -> None:
    main = load_run(folder).main
    chosen = gallery(main, 3, 4)
    assert [record.outcome for record in chosen] == ["failure"] * 3 + ["success"] * 4
    assert len({record.cell.axis for record in chosen[:3]}) == 3
    assert chosen == gallery(main, 3, 4)
    assert read_json(main.folder / "evaluation.json")["policy"] == "trained"


def test_charts_take_what_they_are_given() -> None:
    rates = [(0, Rate(9, 10)), (1, Rate(0, 0, 3)), (2, Rate(1, 10))]
    panel = level_panel([Series("a<b", 0, rates)], (0, 1, 2), "x")
    assert panel.count("<circle") == 2
    assert "a&lt;b, level 2: 1/10 10 % [2, 40]" in panel
    lost = paired_drop([(True, False)] * 9 + [(True, True)])
    rows = forest([Change("light", "", lost, "cmd"), Change("dark", "", paired_drop([]), "")])
    assert rows.count('class="row bad"') == 1
    assert "no pairs" in rows
    assert curve_panel([], "nothing") == ""
    assert "nan" not in curve_panel([Curve("loss", 0, [(0, 1.0), (1, float("nan")), (2, 5.0)])], "loss")


def test_scales_have_a_few_round_ticks() -> None:
    for low, high in ((0.001, 0.9), (3.0, 4.0), (1e-6, 2e3), (0.0, 0.0), (5.0, 60.0)):
        scale = Scale.fitting([low, high])
        assert 1 <= len(scale.ticks()) <= 7
        assert 0 <= scale.share(low) <= scale.share(high) <= 1
    assert Scale.fitting([]).low == 0.0


def test_curves_are_thinned() -> None:
    points = [(float(i), 2.0) for i in range(1000)]
    assert len(thin(points, 300)) <= 300
    assert thin(points[:3], 300) == points[:3]
    assert thin([], 5) == []

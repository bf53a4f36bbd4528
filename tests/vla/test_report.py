"""The report: what its data say, for real results, missing parts and hostile text."""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.vla import synthetic
from tests.vla.toy import ToyPolicy, ToyWorld
from vla.contract import FloatArray, Observation
from vla.episode import Episode
from vla.evaluation import RUNS, Subject, evaluate
from vla.report import Artist, write_report
from vla.report_clips import Gallery
from vla.report_data import AxisNote, Run, gallery, load_run
from vla.report_poses import MeshShelf, Solid, Stage, pack_mesh, pack_poses, unpack_poses
from vla.report_statistics import axis_drops, comparisons, statistics
from vla.report_training import thin
from vla.results import read_json
from vla.suites import Suite
from vla.video import FrameSource, Look

SUITE = Suite("toy", ("Toy", "Fail"), axes=("light",), levels=(1, 2), controls=("blank", "swapped"), episodes=2)
NOTES = {"light": AxisNote("Another <light>.", "lx", (1.0, 2.0), "visual")}


class LostPolicy(ToyPolicy):
    def _one(self, observation: Observation) -> FloatArray:
        return np.zeros((4, 7), np.float32)


def source(episode: Episode) -> FrameSource:
    return lambda step: {"front": np.full((64, 64, 3), min(255, 100 + step), np.uint8)}


def solid(faces: int = 2) -> Solid:
    rng = np.random.default_rng(0)
    vertices = rng.uniform(-1, 1, (4, 3)).astype(np.float32)
    corners = rng.integers(0, 4, (faces, 3)).astype(np.int32)
    colors = rng.random((faces, 3)).astype(np.float32)
    still, red = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0), (1.0, 0.0, 0.0)
    return Solid(
        vertices, corners, np.eye(4, 3, dtype=np.float32), colors, -1, still, red, red, "plain", 0.1, 0.2, True
    )


def stage(episode: Episode) -> Stage:
    up, grey = (0.0, 0.0, 1.0), (0.5, 0.5, 0.5)
    return Stage((solid(100), solid()), (1.0, 0.0, 0.5), (0.4, 0.0, 0.0), 45.0, up, grey, grey, True, 0.0, 10.0)


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


def write(folder: Path, out: Path) -> tuple[Run, str, Any]:
    """The run, the page and its data."""
    clips = Gallery(2, 2, 1, look=Look(cameras=("front",), hold_s=0.1, quality=30))
    run = write_report(folder, out, Artist(source, stage), axes=NOTES, clips=clips)
    text = (out if out.suffix else out / "index.html").read_text(encoding="utf-8")
    found = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    return run, text, json.loads(found[0])


@pytest.fixture(scope="module")
def page(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, str, Any]:
    return write(folder, tmp_path_factory.mktemp("page") / "report.html")


def test_the_file_needs_nothing_else(page: tuple[Run, str, Any]) -> None:
    _, text, data = page
    outside = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert not re.search(r'(?:src|href)="(?!data:)', outside)
    assert "https://" not in text
    assert len(data["clips"]) == 6
    assert all(clip["video"].startswith("data:video/mp4;base64,") for clip in data["clips"])
    assert {f"{clip['policy']}/{clip['key']}" for clip in data["clips"]} <= set(data["poses"])
    assert len(text) < 2_000_000


def test_every_number_has_its_counts_and_its_interval(page: tuple[Run, str, Any]) -> None:
    _, _, data = page
    for policy in data["policies"]:
        assert policy["command"].startswith("vla eval --policy ")
        assert "--seed 0" in policy["command"]
        for *_, k, n, errors in policy["cells"]:
            low, high = data["wilson"][f"{k}/{n}"]
            assert 0 <= low <= k / n <= high <= 1
            assert errors == 0
        assert len({len(column) for column in policy["episodes"].values()}) == 1
    trained = data["policies"][0]
    assert trained["stats"]["pooled"]["light/1"][:2] == [2, 4]
    assert trained["stats"]["base"]["n"] == 4
    assert data["training"]["said"] == "90 steps in 1.5 minutes, 100 samples/s (median)."
    assert [axis["kind"] for axis in data["axes"]] == ["base", "axis", "control", "control"]


def test_only_results_are_needed(folder: Path, tmp_path: Path) -> None:
    (tmp_path / RUNS / "random").mkdir(parents=True)
    for name in ("evaluation.json", "results.jsonl"):
        (tmp_path / RUNS / "random" / name).write_bytes((folder / RUNS / "random" / name).read_bytes())
    run, _, data = write(tmp_path, tmp_path / "report.html")
    assert (run.main.name, data["training"], data["clips"], data["comparisons"]["pairs"]) == ("random", None, [], [])


def test_hostile_text_stays_text(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / RUNS / "evil"
    target.mkdir(parents=True)
    evil = "</script><img src=x onerror=alert(1)>"
    for name in ("evaluation.json", "results.jsonl"):
        text = (folder / RUNS / "random" / name).read_text(encoding="utf-8").replace('"random"', json.dumps(evil))
        (target / name).write_text(text.replace("time_limit:far", evil), encoding="utf-8")
    _, text, data = write(tmp_path, tmp_path / "report.html")
    assert data["policies"][0]["name"] == evil
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
    assert write(tmp_path, tmp_path / "report.html")[2]["policies"][0]["missing"] == 15


def test_a_folder_has_a_file_for_each_stored_episode(folder: Path, tmp_path: Path) -> None:
    run, _, data = write(folder, tmp_path / "page")
    for policy in run.policies:
        files = {path.stem for path in (tmp_path / "page" / "poses" / policy.name).iterdir()}
        assert files == policy.stored() != set()
    text = next((tmp_path / "page" / "poses" / "trained").iterdir()).read_text(encoding="utf-8")
    episode = json.loads(text[text.index(",") + 1 : -2])
    big, small = (node["mesh"] for node in episode["nodes"])
    assert (tmp_path / "page" / "meshes" / f"{big}.js").is_file()
    assert small["f"] == 2
    assert all((tmp_path / "page" / clip["video"]).is_file() for clip in data["clips"])


def test_the_gallery_is_spread_and_the_same_each_time(folder: Path) -> None:
    main = load_run(folder).main
    chosen = gallery(main, 3, 4)
    assert [record.outcome for record in chosen] == ["failure"] * 3 + ["success"] * 4
    assert len({record.cell.axis for record in chosen[:3]}) == 3
    assert chosen == gallery(main, 3, 4)
    assert read_json(main.folder / "evaluation.json")["policy"] == "trained"


def test_a_film_that_cannot_be_made_is_told(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no stored episode 'eval-0-Toy-none\.0-00009'"):
        write_report(folder, tmp_path / "x.html", Artist(source), clips=Gallery(film=("eval-0-Toy-none.0-00009",)))


def test_the_verdict_is_honest(tmp_path: Path) -> None:
    run = load_run(synthetic.write_run(tmp_path, synthetic.SMALL, ("trained", "expert")))
    trained, expert = (statistics(policy)["verdict"] for policy in run.policies)
    axes = len(synthetic.SMALL.axes)
    for verdict in (trained, expert):
        assert verdict["axes"] == sum(len(verdict[kind]) for kind in ("breaks", "keeps", "unclear")) == axes
    assert not expert["breaks"]
    proved = {each.axis for each in axis_drops(run.main) if each.hardest and each.adjusted and each.adjusted < 0.05}
    assert {axis for axis, *_ in trained["breaks"]} == proved
    (found,) = comparisons(run, synthetic.CONTROLS)["pairs"]
    assert (found["first"], found["second"], found["differ"] == []) == ("trained", "expert", False)
    assert found["said"].startswith("expert is better than trained")
    assert found["high"] < 0


def test_poses_and_meshes_survive_packing() -> None:
    rng = np.random.default_rng(1)
    poses = np.concatenate([rng.uniform(-2, 2, (9, 5, 3)), rng.uniform(-1, 1, (9, 5, 4))], axis=-1).astype(np.float32)
    assert np.abs(unpack_poses(pack_poses(poses), 5) - poses).max() < 1e-4
    still = np.repeat(poses[:1], 100, axis=0)
    assert len(pack_poses(still)) < 300
    shelf = MeshShelf()
    first = shelf.put(solid(100))
    assert shelf.put(solid(100)) == first
    assert len(shelf.found) == 1
    assert pack_mesh(solid())["tinted"]


def test_curves_are_thinned() -> None:
    points = [(float(i), 2.0) for i in range(1000)]
    assert len(thin(points, 300)) <= 300
    assert thin(points[:3], 300) == points[:3]
    assert thin([], 5) == []

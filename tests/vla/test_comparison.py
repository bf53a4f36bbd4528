"""Comparing policies: paired by seed, scenes as units, controls and errors left out, honest about what is not known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from experiments import cli
from tests.vla.made import record
from tests.vla.toy import ToyPolicy, ToyWorld
from vla.comparison import compare_all, compare_two, contrast, standings
from vla.evaluated import check_same_suite, find
from vla.evaluation import MANIFEST, RUNS, Subject, evaluate
from vla.paired import mcnemar, paired_drop, probability_more
from vla.results import RESULTS, Record
from vla.suites import Suite

SUITE = Suite("toy", ("Toy", "Fail"), axes=("light",), levels=(1, 2), controls=("blank",), episodes=3)
NAMES = ("A", "B")


def policy(good: set[int], axis: str = "none", n: int = 40) -> list[Record]:
    return [record(i in good, i, axis) for i in range(n)]


def test_one_episode_a_scene_is_mcnemar_and_newcombe() -> None:
    a, b = policy(set(range(30))), policy(set(range(14)) | {35})
    found = compare_two(NAMES, a, b).overall
    assert (found.wins, found.losses, found.scenes) == (16, 1, 40)
    assert found.p == pytest.approx(mcnemar(16, 1))
    assert found.better == pytest.approx(probability_more(16, 1))
    drop = paired_drop([(i < 30, i < 14 or i == 35) for i in range(40)])
    assert (found.difference.value, found.difference.low) == (drop.value, drop.low)
    assert found.more is None


def test_controls_errors_and_unpaired_episodes_do_not_count() -> None:
    a = [*policy(set(range(10)), n=10), *policy(set(), "blank", 10), *policy({0}, "fog", 3), record("error", 9, "fog")]
    b = [*policy(set(), n=10), *policy(set(range(10)), "blank", 10), *policy({0}, "fog", 3), record(True, 9, "fog")]
    found = compare_two(NAMES, a, [*b, record(True, 20)], controls={"blank"})
    assert list(found.axes) == ["none", "fog"]
    assert (found.overall.first.n, found.errors, found.missing) == (13, 1, 1)
    assert found.differ == ["none"]
    assert found.adjusted["none"] == pytest.approx(2 * found.axes["none"].p)
    assert found.verdict.startswith("A is better than B by 77 points (p = 0.002)")


def test_cannot_tell_says_how_many_more() -> None:
    close = compare_two(NAMES, policy(set(range(22))), policy(set(range(20))))
    assert close.overall.more is not None
    assert "cannot tell yet, about" in close.verdict
    assert "5 points, the difference that was seen" in close.verdict
    same = compare_two(NAMES, policy({1, 2}), policy({1, 2}))
    assert "for a difference of 5 points" in same.verdict
    assert "no episode in common" in compare_two(NAMES, policy({1}), []).verdict


def test_as_many_more_as_was_said_do_tell() -> None:
    """Where the policies are as far apart as was seen, that many more episodes find it in about 80 % of cases."""
    seen = compare_two(NAMES, policy(set(range(30)), n=50), policy(set(range(6, 32)), n=50)).overall
    assert seen.more is not None
    rng, total = np.random.default_rng(0), 50 + seen.more
    kinds = np.array([seen.wins, seen.losses, 50 - seen.wins - seen.losses]) / 50
    found = [mcnemar(wins, losses) <= 0.05 for wins, losses, _ in rng.multinomial(total, kinds, 500).tolist()]
    assert float(np.mean(found)) == pytest.approx(0.8, abs=0.08)


@pytest.mark.parametrize("tie", [0.0, 0.6])
def test_scenes_with_many_episodes_keep_the_error_rate_and_cover(tie: float) -> None:
    """Two equal policies, six dependent episodes a scene: rejected in at most 5 %, and the interval holds 0."""
    rng = np.random.default_rng(1)
    rejected = covered = 0
    for run in range(200):
        winner = rng.integers(0, 2, 25)
        scenes = {}
        for scene, first in enumerate(winner):
            apart = rng.random(6) > tie
            scenes[str(scene)] = [(bool(x and first), bool(x and not first)) for x in apart]
        found = contrast(scenes, run)
        rejected += found.p <= 0.05
        covered += found.difference.low <= 0 <= found.difference.high
    assert rejected / 200 <= 0.07
    assert covered / 200 >= 0.9


def test_the_sequential_test_reads_scene_by_scene() -> None:
    """Two episodes a scene are one toss of the coin, and both are counted as run."""
    a, b = ([record(good, i, axis) for i in range(12) for axis in ("none", "fog")] for good in (True, False))
    found = compare_two(NAMES, a, b, salt="suite")
    assert (found.early.n, found.early.wins, found.early.stopped, found.early_episodes) == (12, 12, 7, 14)
    assert found.overall.effect == pytest.approx(2.0)
    assert found.overall.better == pytest.approx(probability_more(12, 0))


def test_standings_of_several_policies() -> None:
    policies = {
        "bad": policy({1}),
        "good": policy(set(range(35))),
        "fine": policy(set(range(33))),
        "none": policy(set()),
    }
    comparisons = compare_all(policies)
    assert len(comparisons) == 6
    ranks = standings(policies, comparisons)
    assert [(rank.name, rank.letters) for rank in ranks] == [("good", "a"), ("fine", "a"), ("bad", "b"), ("none", "b")]


def run(folder: Path, name: str, suite: Suite = SUITE) -> Path:
    subject = Subject(name, ToyPolicy, name)
    return evaluate(suite, subject, folder / RUNS / name, world_factory=ToyWorld, progress=False).folder


def test_command_reads_runs_folders_and_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, two = run(tmp_path, "one"), run(tmp_path, "two")
    run(tmp_path, "three")
    assert cli.main(["compare", str(one), str(two / RESULTS), "--sequential", "--json"]) == 0
    *shown, line = capsys.readouterr().out.strip().split("\n")
    data = json.loads(line)
    assert data["suite_hash"] == SUITE.hash
    (comparison,) = data["comparisons"]
    assert (comparison["overall"]["pairs"], comparison["overall"]["difference"]["value"]) == (18, 0.0)
    assert set(comparison["axes"]) == {"none", "light"}
    assert any("Sequential test: not decided" in text for text in shown)
    assert cli.main(["compare", str(tmp_path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out.strip().split("\n")[-1])
    assert {rank["letters"] for rank in data["standings"]} == {"a"}
    assert len(data["comparisons"]) == 3


def test_what_cannot_be_compared_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = run(tmp_path, "one"), run(tmp_path, "other", Suite("others", ("Toy",), episodes=2))
    assert cli.main(["compare", str(one), str(other)]) == 2
    error = capsys.readouterr().err
    assert f"toy ({SUITE.hash}" in error
    assert "others (" in error
    other = run(tmp_path, "changed")
    manifest = json.loads((other / MANIFEST).read_text())
    (other / MANIFEST).write_text(json.dumps(manifest | {"worlds": "0123"}))
    assert cli.main(["compare", str(one), str(other)]) == 2
    assert "different worlds" in capsys.readouterr().err
    assert cli.main(["compare", str(one)]) == 2
    assert "two policies or more, found one" in capsys.readouterr().err
    assert cli.main(["compare", str(one), str(tmp_path / RUNS / "chnged")]) == 2
    assert "Did you mean 'changed'" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="no results in"):
        find([tmp_path / "empty"])


def test_equal_names_are_told_apart_by_path_and_files_without_manifest_by_their_episodes(tmp_path: Path) -> None:
    folders = [run(tmp_path / "x", "one"), run(tmp_path / "y", "one")]
    assert [each.name for each in find(folders)] == [str(folder) for folder in folders]
    for folder in folders:
        (folder / MANIFEST).unlink()
    found = find(folders)
    assert found[0].suite_hash == found[1].suite_hash
    check_same_suite(found)


def test_plan(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["plan", "--detect", "0.05", "--power", "0.8", "--json"]) == 0
    *shown, line = capsys.readouterr().out.strip().split("\n")
    data = json.loads(line)
    assert data["needed"] == data["apart"] == 1094
    assert any("1094 episodes of each on scenes of their own" in text for text in shown)
    assert data["half_widths"]["100"] == pytest.approx(0.078, abs=0.001)
    assert data["suites"]["demo"]["difference"] > 0.05
    assert cli.main(["plan", "--paired", "--differing", "0.1", "--axes", "10", "--json"]) == 0
    paired = json.loads(capsys.readouterr().out.strip().split("\n")[-1])
    assert paired["needed"] == paired["pairs"] < 1094
    assert cli.main(["plan", "--detect", "1.5"]) == 2
    assert "a difference of 1.5 from 0.8" in capsys.readouterr().err

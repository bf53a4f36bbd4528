"""Shards put together: the same as one run, and nothing mixed, missing or twice."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.vla.toy import ToyPolicy, ToyWorld
from vla.evaluation import EPISODES, MANIFEST, Evaluation, Subject, evaluate
from vla.merging import merge
from vla.results import RESULTS, digest, read_results
from vla.store import EpisodeStore
from vla.suites import Suite

SUITE = Suite("s", ("A", "B"), axes=("light",), levels=(1, 2), controls=("blank",), episodes=2, base=4)


def run(folder: Path, shard: tuple[int, int] = (1, 1)) -> Evaluation:
    subject = Subject("toy", ToyPolicy, "toy")
    return evaluate(SUITE, subject, folder, world_factory=ToyWorld, shard=shard, progress=False, keep=lambda _: True)


def shards(folder: Path, of: int = 3) -> list[Path]:
    return [run(folder / f"{number}", (number, of)).folder for number in range(1, of + 1)]


@pytest.mark.parametrize("of", [1, 2, 5, 40])
def test_merged_shards_are_the_whole(tmp_path: Path, of: int) -> None:
    whole = run(tmp_path / "whole")
    folder = merge(shards(tmp_path / "parts", of), tmp_path / "out")
    records = read_results(folder / RESULTS)
    assert digest(records) == digest(whole.records)
    assert [record.key for record in records] == [request.key for request in SUITE.requests()]
    assert EpisodeStore(folder / EPISODES, create=False).keys() == sorted(record.key for record in records)
    assert json.loads((folder / MANIFEST).read_text())["merged"] == [
        f"{i}/{of}" if of > 1 else "" for i in range(1, of + 1)
    ]


def test_gaps_are_refused(tmp_path: Path) -> None:
    parts = shards(tmp_path)
    with pytest.raises(ValueError, match=r"\d+ of 20 episodes of suite 's' are in no shard, .*shards given: 1/3, 3/3"):
        merge([parts[0], parts[2]], tmp_path / "out")
    (parts[1] / RESULTS).unlink()
    with pytest.raises(ValueError, match="are in no shard"):
        merge(parts, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_overlaps_are_refused(tmp_path: Path) -> None:
    parts = shards(tmp_path)
    shutil.copytree(parts[0], tmp_path / "again")
    with pytest.raises(ValueError, match=r"shards overlap: eval-0-A-none\.0-00000 is in"):
        merge([*parts, tmp_path / "again"], tmp_path / "out")


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("suite_hash", "0", "suite hash differs"),
        ("policy", "other", "policy differs"),
        ("checkpoint", "abc", "checkpoint differs"),
        ("worlds", "0", "worlds differs"),
        ("pictures", {"renderer": "tiny"}, "pictures differs"),
        ("versions", {"numpy": "0.1"}, "versions differs .*numpy"),
    ],
)
def test_mixed_shards_are_refused(tmp_path: Path, field: str, value: object, told: str) -> None:
    parts = shards(tmp_path)
    manifest = json.loads((parts[1] / MANIFEST).read_text())
    (parts[1] / MANIFEST).write_text(json.dumps({**manifest, field: value}))
    with pytest.raises(ValueError, match=told):
        merge(parts, tmp_path / "out")


def test_a_shard_that_was_resumed_with_other_versions_is_refused(tmp_path: Path) -> None:
    parts = shards(tmp_path)
    file = parts[2] / RESULTS
    lines = file.read_text().splitlines()
    other = json.loads(lines[-1])
    other["versions"]["numpy"] = "0.1"
    file.write_text("\n".join([*lines[:-1], json.dumps(other)]) + "\n")
    with pytest.raises(ValueError, match=r"mixes versions: .*numpy"):
        merge(parts, tmp_path / "out")


def test_what_is_no_shard_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no shard to merge"):
        merge([], tmp_path)
    with pytest.raises(ValueError, match="is no evaluation"):
        merge([tmp_path], tmp_path / "out")
    parts = shards(tmp_path)
    merge(parts, tmp_path / "out")
    with pytest.raises(ValueError, match="holds results already"):
        merge(parts, tmp_path / "out")
    with pytest.raises(ValueError, match="expected a shard of 1/3 to 3/3, got 4/3"):
        run(tmp_path / "four", (4, 3))
    with pytest.raises(ValueError, match="holds results of another shard"):
        run(parts[0], (2, 3))

"""`vla eval` and `vla record` on the real world: killed and resumed, and the same results however it is run."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import av
import pytest
import torch

from envs.tasks.base import TASKS as REGISTERED_TASKS
from envs.variations import AXES as REGISTERED_AXES
from experiments import cli
from experiments.commands import eval as eval_command
from experiments.commands import record as record_command
from experiments.suites import SUITES, TASKS, get_suite
from vla import checkpoint
from vla.checkpoint import PolicyConfig
from vla.evaluation import EPISODES, RUNS
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.normalize import Normalizer
from vla.report_data import load_run
from vla.results import RESULTS, Record, digest, read_results
from vla.store import EpisodeStore
from vla.text import Vocabulary

SUITE = ("--suite", "tiny", "--episodes", "3", "--policy", "expert")


def run(capsys: pytest.CaptureFixture[str], out: Path, **options: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"policy": "expert", "suite": "tiny", "episodes": 1, "workers": 0, "json": True} | options
    assert eval_command.main(eval_command.Args(out=out, **given)) == 0
    data: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return data


def vla(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "experiments.cli", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def facts(records: list[Record]) -> list[tuple[object, ...]]:
    return sorted((r.key, r.instruction, r.outcome, r.reason, r.steps) for r in records)


def test_suites_name_what_exists() -> None:
    axes = {name: REGISTERED_AXES[name].kind for name in REGISTERED_AXES}
    for suite in SUITES.values():
        assert all(task in REGISTERED_TASKS for task in suite.tasks)
        assert all(
            axes[name] == "axis" and max(suite.levels) <= len(REGISTERED_AXES[name].levels) for name in suite.axes
        )
        assert all(axes[name] == "control" for name in suite.controls)
    assert set(TASKS) <= set(REGISTERED_TASKS)
    with pytest.raises(ValueError, match=r"unknown suite 'standrd'\. Did you mean 'standard'"):
        get_suite("standrd")
    with pytest.raises(FileNotFoundError):
        get_suite("nowhere/evaluation.json")


def test_killed_and_resumed_gives_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = Path(run(capsys, tmp_path / "whole", episodes=3)["results"]).parent
    file = tmp_path / "killed" / RUNS / "expert" / RESULTS
    arguments = ("eval", *SUITE, "--workers", "1", "--out", str(tmp_path / "killed"))
    process = vla(*arguments, start_new_session=True)
    deadline = time.monotonic() + 60
    while not (file.exists() and file.read_bytes().count(b"\n") >= 3):
        assert time.monotonic() < deadline, "no results"
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    before = file.read_bytes()
    assert 3 <= before.count(b"\n") < 18
    with file.open("ab") as stream:
        stream.write(b'{"key": "eval-0-Li')  # as if the kill had come in the middle of a line
    assert vla(*arguments).wait(120) == 0
    assert file.read_bytes().startswith(before)
    assert facts(read_results(file)) == facts(read_results(whole / RESULTS))
    stored, expected = (EpisodeStore(f / EPISODES, create=False) for f in (file.parent, whole))
    assert stored.keys() == expected.keys() == sorted(record.key for record in read_results(file))
    key = stored.keys()[5]
    assert stored.load(key).content_hash() == expected.load(key).content_hash()


@pytest.mark.parametrize("policy", ["expert", "deaf"])
def test_real_worlds_give_the_same_in_any_number_of_workers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], policy: str
) -> None:
    here = run(capsys, tmp_path / "here", policy=policy)
    there = run(capsys, tmp_path / "there", policy=policy, workers=2)
    assert here["digest"] == there["digest"]
    assert here["episodes"] == 6
    again = run(capsys, tmp_path / "here", policy=policy)
    assert (again["ran"], again["digest"]) == (0, here["digest"])
    assert again["digest"] == digest(read_results(Path(again["results"])))


def test_the_commands_of_a_report_give_its_numbers_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(capsys, Path("run"), task=("Reach",))
    for named in ((), SUITES):
        (policy,) = load_run(Path("run"), named).policies
        for axis in ("none", "light_intensity"):
            command = shlex.split(f"{policy.command} --task Reach --axis {axis}")
            assert command[0] == "vla"
            assert cli.main([*command[1:], "--workers", "0", "--overwrite"]) == 0
            (again,) = load_run(Path("runs/again")).policies
            level = int(axis == "light_intensity")
            assert again.summary.pooled[axis, level] == policy.summary.pooled[axis, level]
    key = policy.records[-1].key
    assert cli.main(shlex.split(f"{policy.record_command} --key {key} --out {key}.mp4 --size 16")[1:]) == 0
    assert Path(f"{key}.mp4").exists()
    assert done["policy"] == policy.name


@pytest.fixture
def checkpoint_folder(tmp_path: Path) -> Path:
    """A network that has learned nothing, so that its actions change with every pixel that it sees."""
    words = Vocabulary.build(["lift the red block"], max_words=8)
    size = CompactConfig(vocab_size=words.size, max_words=8, image_size=32, channels=16, blocks=1, hidden=32)
    torch.manual_seed(0)
    normalizer = Normalizer((0.0,) * 8, (1.0,) * 8, (0.0,) * 7, (0.5,) * 7)
    return checkpoint.save(tmp_path / "net", PolicyConfig(size, words, normalizer), CompactVLA(size).state_dict(), {})


@pytest.mark.parametrize("execution", ["", "ensemble:0.1", "realtime:3:2"])
def test_a_network_gives_the_same_whatever_the_workers_and_batches(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], checkpoint_folder: Path, execution: str
) -> None:
    hashes = []
    for number, (workers, slots) in enumerate([(0, 1), (0, 4), (2, 2)]):
        options = {"policy": str(checkpoint_folder), "task": ("Lift",), "workers": workers, "slots": slots}
        done = run(capsys, tmp_path / str(number), name="net", execution=execution, **options)
        weights = checkpoint.fingerprint(checkpoint_folder)
        assert done["checkpoint"] == (f"{weights}@{execution}" if execution else weights)
        store = EpisodeStore(Path(done["results"]).parent / EPISODES, create=False)
        hashes.append({episode.key: episode.content_hash() for episode in store})
    assert len(hashes[0]) == 3
    assert hashes[0] == hashes[1] == hashes[2]


def test_wrong_names_are_answered_before_anything_runs(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"policy": "expret"}, "Did you mean 'expert'"),
        ({"policy": "expert", "suite": "smok"}, "Did you mean 'smoke'"),
        ({"policy": "expert", "execution": "ensembl"}, "Did you mean 'ensemble'"),
        ({"policy": "expert", "execution": "ensemble"}, "'expert' gives no chunks"),
        ({"policy": "expert", "suite": "tiny", "task": ("Lft",)}, "Did you mean 'Lift'"),
    ]
    for options, message in cases:
        with pytest.raises(ValueError, match=message):
            eval_command.main(eval_command.Args(out=tmp_path / "x", **options))
    assert not (tmp_path / "x").exists()


def record(capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    assert record_command.main(record_command.Args(json=True, **options)) == 0
    data: dict[str, Any] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return data


def test_a_stored_episode_and_the_same_one_played_again_look_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run(capsys, tmp_path, task=("Reach",), axis=("shadows",))
    folder = Path(done["results"]).parent / EPISODES
    key = "eval-0-Reach-shadows.1-00000"
    stored = record(capsys, out=tmp_path / "a.mp4", episodes=folder, key=key, size=64)
    played = record(capsys, out=tmp_path / "b.mp4", policy="expert", key=key, size=64)
    asked = record(capsys, out=tmp_path / "c.mp4", policy="expert", task="Reach", axis="shadows", level=1, size=64)
    assert stored["key"] == played["key"] == asked["key"] == key
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes() == (tmp_path / "c.mp4").read_bytes()
    with av.open(str(tmp_path / "a.mp4")) as container:
        (width, height), rate = (container.streams.video[0].width, container.streams.video[0].height), 10
        assert width == 2 * 64 + 2
        assert height > 64
        assert container.streams.video[0].average_rate == rate


def test_record_says_what_is_wrong(tmp_path: Path) -> None:
    out = tmp_path / "x.mp4"
    (tmp_path / "empty").mkdir()
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "either --episodes FOLDER"),
        ({"policy": "expert", "episodes": tmp_path}, "either --episodes FOLDER"),
        ({"policy": "expert", "size": 3}, "at least 16 pixels"),
        ({"policy": "expert", "key": "nonsense"}, "is not an episode key"),
        ({"policy": "expert", "task": "Lfit"}, "Did you mean 'Lift'"),
        ({"policy": "expert", "cameras": ("fornt",), "size": 32}, "Did you mean 'front'"),
        ({"episodes": tmp_path / "none"}, "no episode folder"),
        ({"episodes": tmp_path / "empty"}, "no episodes in"),
    ]
    for options, message in cases:
        with pytest.raises(ValueError, match=message):
            record_command.main(record_command.Args(out=out, **options))
    assert not out.exists()

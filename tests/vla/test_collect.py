"""Collection: the N successes of lowest index, whatever the workers, the kills and the errors."""

from __future__ import annotations

import functools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from experiments.cli import main
from tests.vla.toy import ToyPolicy, ToyWorld
from vla.collect import FAILED, LOCK, Collection, CollectSettings, collect
from vla.contract import EpisodeRequest
from vla.noise import ActionNoise
from vla.store import EpisodeStore


class UnluckyWorld(ToyWorld):
    """Every third episode fails; those of `errors` raise."""

    def __init__(self, errors: tuple[int, ...] = ()) -> None:
        super().__init__()
        self.errors = errors

    def reset(self, request: EpisodeRequest) -> None:
        super().reset(request)
        if request.index in self.errors:
            raise RuntimeError("unlucky number")
        if request.index % 3 == 2:
            self.goal = self.goal + 100


def run(folder: Path, tasks: tuple[str, ...] = ("A", "B"), episodes: int = 5, **options: Any) -> Collection:
    settings = CollectSettings(tasks, episodes, noise=ActionNoise(0.1), max_attempts=options.pop("max_attempts", 0))
    chosen: dict[str, Any] = {"world_factory": UnluckyWorld, "policy_factory": ToyPolicy, "workers": 0} | options
    return collect(folder, settings, **chosen)


def hashes(folder: Path) -> dict[str, str]:
    return {episode.key: episode.content_hash() for episode in EpisodeStore(folder)}


def test_exactly_the_successes_of_lowest_index_are_stored(tmp_path: Path) -> None:
    collection = run(tmp_path / "here")
    stored = [episode.request.index for episode in EpisodeStore(tmp_path / "here")]
    assert stored == [0, 1, 3, 4, 6] * 2
    assert collection.complete
    assert [t.attempts for t in collection.tallies] == [7, 7]
    assert [t.failures for t in collection.tallies] == [{"time_limit:far": 2}] * 2
    assert len(EpisodeStore(tmp_path / "here" / FAILED)) == 4
    for workers in (1, 2):
        run(tmp_path / f"{workers}", workers=workers)
        assert hashes(tmp_path / f"{workers}") == hashes(tmp_path / "here")
        assert hashes(tmp_path / f"{workers}" / FAILED) == hashes(tmp_path / "here" / FAILED)


def test_a_second_run_adds_what_is_missing(tmp_path: Path) -> None:
    run(tmp_path / "two", episodes=2)
    again = run(tmp_path / "two")
    assert [t.there_before for t in again.tallies] == [2, 2]
    assert again.ran == 6
    whole = run(tmp_path / "one")
    assert hashes(tmp_path / "two") == hashes(tmp_path / "one")
    assert [t.failures for t in again.tallies] == [t.failures for t in whole.tallies]
    nothing = run(tmp_path / "two")
    assert (nothing.ran, nothing.complete) == (0, True)
    assert len(EpisodeStore(tmp_path / "two").info()["runs"]) == 3


def test_damaged_and_half_written_files_are_replaced(tmp_path: Path) -> None:
    run(tmp_path)
    expected = hashes(tmp_path)
    store = EpisodeStore(tmp_path)
    path = store.path(store.keys()[3])
    path.write_bytes(path.read_bytes()[:500])
    (tmp_path / ".x.parquet.abc.tmp").write_bytes(b"half")
    assert run(tmp_path).ran == 1
    assert hashes(tmp_path) == expected
    assert not list(tmp_path.glob(".*.tmp"))


def test_errors_are_counted_and_tried_again(tmp_path: Path) -> None:
    broken = run(tmp_path, world_factory=functools.partial(UnluckyWorld, (1, 3)))
    assert [len(t.errors) for t in broken.tallies] == [2, 2]
    assert "unlucky number" in broken.tallies[0].errors[0].traceback
    assert broken.complete
    assert run(tmp_path).ran == 4  # both errors of each task went well this time


def test_collection_that_cannot_succeed_ends(tmp_path: Path) -> None:
    never = run(tmp_path / "failures", tasks=("Fail",), max_attempts=6)
    assert (never.complete, never.tallies[0].attempts) == (False, 6)
    errors = run(tmp_path / "errors", tasks=("Unbuildable",), episodes=100)
    assert (errors.complete, errors.tallies[0].stored) == (False, 0)
    assert 10 < errors.tallies[0].attempts < 20


def test_another_policy_or_collector_is_refused(tmp_path: Path) -> None:
    import fcntl

    run(tmp_path, episodes=1)
    with pytest.raises(ValueError, match=r"was collected with noise 0\.1, not 0\.0"):
        collect(tmp_path, CollectSettings(("A",), 1), world_factory=ToyWorld, policy_factory=ToyPolicy)
    with open(tmp_path / LOCK, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ValueError, match="another process is collecting"):
            run(tmp_path, episodes=1)


@pytest.mark.parametrize(
    ("tasks", "episodes", "noise"), [((), 1, 0.0), (("A", "A"), 1, 0), (("A",), 0, 0), (("A",), 1, 2)]
)
def test_settings_that_make_no_sense_are_refused(tasks: tuple[str, ...], episodes: int, noise: float) -> None:
    with pytest.raises(ValueError):
        CollectSettings(tasks, episodes, noise=ActionNoise(noise))


def command(folder: Path, *options: str) -> list[str]:
    return [
        sys.executable,
        "-m",
        "experiments.cli",
        "collect",
        "--task",
        "Lift",
        "Push",
        "--out",
        str(folder),
        *options,
    ]


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    """The whole command on the real world: killed and run again, it stores what one that is left alone stores."""
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    options = ["--episodes", "8", "--json"]
    with subprocess.Popen(command(killed, *options, "--workers", "2"), stdout=-3, stderr=-3) as collector:
        while len(list(killed.glob("train-*"))) < 5:
            assert collector.poll() is None
            time.sleep(0.01)
        collector.send_signal(signal.SIGKILL)
    assert all(error is None for _, error in EpisodeStore(killed).verify())
    there = set(hashes(killed).items())
    assert 5 <= len(there) < 16
    done = subprocess.run(command(killed, *options, "--workers", "2"), capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout.splitlines()[-1])
    assert answer["complete"]
    assert answer["stored_now"] == 16 - len(there)
    assert main([*command(whole, *options, "--workers", "0")[3:]]) == 0
    assert there < set(hashes(killed).items())
    assert hashes(killed) == hashes(whole)
    assert hashes(killed / FAILED) == hashes(whole / FAILED)
    assert not [name for name in os.listdir(killed) if name.endswith(".tmp")]

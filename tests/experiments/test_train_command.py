"""`vla train` on real demonstrations: killed with -9 and resumed, it ends where an uninterrupted run ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envs.world import World
from experiments.commands import train as train_command
from policies.expert import ExpertPolicy
from vla.contract import EpisodeRequest
from vla.pool import run_episodes
from vla.store import EpisodeStore
from vla.trainlog import read_metrics

STEPS = 24


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demos")
    store = EpisodeStore(folder)
    requests = [EpisodeRequest("Reach", i) for i in range(4)]
    for _, episode in run_episodes(requests, world_factory=World, policy_factory=ExpertPolicy, workers=0, record=True):
        assert episode is not None
        store.save(episode)
    return folder


def start(demos: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "experiments.cli", "train", "--data", str(demos), "--out", str(out)]
    command += ["--steps", str(STEPS), "--batch-size", "16", "--save-every", "4", "--image-size", "32", *more]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[str]) -> str:
    text, _ = process.communicate(timeout=300)
    assert process.returncode == 0, text
    return text


@pytest.mark.slow
def test_kill_9_and_resume_changes_nothing(demos: Path, tmp_path: Path) -> None:
    finish(start(demos, tmp_path / "whole"))
    killed = start(demos, tmp_path / "parts")
    while not (tmp_path / "parts" / "checkpoints" / "last").exists():
        assert killed.poll() is None, killed.communicate()[0]
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "parts" / "checkpoints" / f"{STEPS:06d}").exists()
    text = finish(start(demos, tmp_path / "parts", "--resume", "--json"))
    assert f'"step": {STEPS}' in text.splitlines()[-1]
    weights = [tmp_path / run / "checkpoints" / "last" / "model.safetensors" for run in ("whole", "parts")]
    assert weights[0].read_bytes() == weights[1].read_bytes()
    losses = [
        [(row["step"], row["loss"]) for row in read_metrics(tmp_path / run / "metrics.jsonl")]
        for run in ("whole", "parts")
    ]
    assert losses[0] == losses[1]


def test_no_demonstrations_is_one_clear_line(tmp_path: Path) -> None:
    process = start(tmp_path / "nothing", tmp_path / "run")
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "vla collect" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"head": "fats"}, "unknown action head 'fats'. Did you mean 'fast'"),
        ({"normalize": "quantiles"}, "unknown normalisation 'quantiles'. Did you mean 'quantile'"),
    ],
)
def test_unknown_names_are_told_before_data_is_read(tmp_path: Path, option: dict[str, str], message: str) -> None:
    args = train_command.Args((tmp_path / "nothing",), tmp_path / "run", **option)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=re.escape(message)):
        train_command.main(args)

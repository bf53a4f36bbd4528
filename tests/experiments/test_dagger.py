"""DAgger on the real world with a tiny network: rounds, stops, workers; perturbed starts; twins without a sense."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import experiments.dagger
from envs.robots import ROBOTS
from envs.scenes import LARGEST_START
from envs.variations import AXES
from envs.world import World
from experiments.cli import main
from experiments.commands import collect as collect_command
from experiments.dagger import Dagger, Rounds
from experiments.presets import ModelSize
from experiments.training import TrainJob, train
from policies.learned import LearnedPolicy
from vla import checkpoint
from vla.contract import EpisodeRequest
from vla.store import EpisodeStore
from vla.training_config import TrainConfig

TINY = ModelSize(image_size=32, channels=16, blocks=1, keypoints=4, hidden=32, text_dim=16)
QUICK = TrainConfig(steps=3, batch_size=8, warmup=1, precision="no", threads=0, torch_threads=1, log_every=1)
ROUNDS = Rounds(2, episodes=2, steps=2, patience=2)


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demos") / "data"
    args = collect_command.Args(folder, episodes=2, workers=0, starts=0.08, persistent=0.5)
    assert collect_command.run(folder, ["Reach"], args).complete
    return folder


def job(demos: Path, run: Path) -> TrainJob:
    return TrainJob((demos,), run, TINY, QUICK)


def hashes(run: Path) -> dict[str, str]:
    folders = sorted(run.glob("round-*/data/*"))
    return {f"{folder.parts[-3]} {e.key}": e.content_hash() for folder in folders for e in EpisodeStore(folder)}


def weights(run: Path) -> bytes:
    return (checkpoint.find(run) / "model.safetensors").read_bytes()


def test_rounds_are_the_same_however_often_stopped_and_however_many_work(
    demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Dagger(job(demos, tmp_path / "whole"), ROUNDS, workers=0)
    assert whole.run(lambda _: None) == whole.checkpoint(2)
    made = hashes(tmp_path / "whole")
    assert [key.split("-none")[0] for key in made] == ["round-01 train-1001-Reach"] * 2 + [
        "round-02 train-1002-Reach"
    ] * 2
    trained = checkpoint.load_config(whole.checkpoint(2)).trained_on
    assert (trained["episodes"], trained["seeds"]) == (6, [0, 1001, 1002])
    assert (
        checkpoint.load_config(whole.checkpoint(2)).normalizer == checkpoint.load_config(whole.checkpoint(0)).normalizer
    )

    parts = tmp_path / "parts"
    broken = Dagger(job(demos, parts), ROUNDS, workers=1)
    calls: list[Path] = []

    def dies_once(job: TrainJob, *, resume: bool) -> Path:
        calls.append(job.run)
        if len(calls) == 2:
            raise MemoryError("as if killed before the training of round 1")
        return train(job, resume=resume)

    with monkeypatch.context() as patch:
        patch.setattr(experiments.dagger, "train", dies_once)
        with pytest.raises(MemoryError):
            broken.run(lambda _: None)
    with pytest.raises(FileExistsError, match="--resume"):
        Dagger(job(demos, parts), ROUNDS)
    with pytest.raises(ValueError, match="other settings"):
        Dagger(job(demos, parts), Rounds(3), resume=True)
    lost = next((parts / "round-01" / "data" / "panda").glob("train-*"))
    lost.unlink()  # an episode that was being written when it was killed ...
    (parts / "stages.json").write_text((parts / "stages.json").read_text().replace('"collect-01"', '"collect-0x"'))
    Dagger(job(demos, parts), ROUNDS, workers=1, resume=True).run(lambda _: None)  # ... is made again
    assert hashes(parts) == made
    assert weights(parts) == weights(tmp_path / "whole")


def test_episodes_say_who_acted_and_who_labelled(demos: Path, tmp_path: Path) -> None:
    folder = train(job(demos, tmp_path / "run"))
    out = tmp_path / "out"
    options = ["--task", "Reach", "--episodes", "1", "--workers", "0", "--student", str(folder), "--patience", "2"]
    assert main(["collect", "--out", str(out), *options]) == 0
    episode = next(iter(EpisodeStore(out)))
    student = f"student:{LearnedPolicy(folder).fingerprint}"
    assert (episode.meta["policy"], episode.meta["teacher"], episode.meta["noise"]) == (student, "expert", 0.0)
    assert (episode.action != episode.executed).any()
    assert main(["collect", "--out", str(out), *options, "--beta", "0.5"]) == 2  # another mixture, another folder


def test_recovery_is_in_the_notes_of_every_episode(demos: Path) -> None:
    for episode in EpisodeStore(demos):
        assert episode.meta["starts"] == 0.08
        assert {"noise", "persistent", "gripper_noise"} <= set(episode.meta)
    info = EpisodeStore(demos).info()
    assert (info["starts"], info["recovery"]) == (0.08, {"persistent": 0.5})


def test_starts_differ_but_are_never_those_of_the_axis() -> None:
    assert AXES["start"].levels[0] > LARGEST_START
    for robot in ("panda", "xarm6", "kuka"):
        home, far = np.array(ROBOTS[robot]().home), []
        world = World(starts=LARGEST_START, robot=robot)
        for index in range(12):
            world.reset(EpisodeRequest("Reach", index))
            far.append(np.linalg.norm(np.array(world.spec.robot.joints) - home))
        world.close()
        assert max(far) <= LARGEST_START + 1e-4
        assert max(far) > 0.05
    with pytest.raises(ValueError, match="may be 0 to"):
        World(starts=0.1).reset(EpisodeRequest("Reach", 0))


@pytest.mark.parametrize("sense", ["words", "pixels"])
def test_a_twin_never_gets_the_sense_it_lacks(demos: Path, tmp_path: Path, sense: str) -> None:
    folder = train(replace(job(demos, tmp_path / "twin"), without=sense))
    policy = LearnedPolicy(folder)
    world = World(image_size=32)
    world.reset(EpisodeRequest("Reach", 0))
    seen = world.observe(policy.inputs)
    other = seen.copy()
    if sense == "words":
        other["instruction"] = "do something else"
    else:
        other["pixels"] = {camera: 255 - picture for camera, picture in seen["pixels"].items()}
    world.close()
    assert (policy.act([seen]) == policy.act([other])).all()
    full = LearnedPolicy(train(job(demos, tmp_path / "full")))
    assert (full.act([seen]) != full.act([other])).any()


def test_several_training_processes_are_refused(demos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="one process"):
        Dagger(job(demos, tmp_path), ROUNDS)


def test_an_unknown_sense_is_refused(demos: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown sense 'word'\. Did you mean 'words'"):
        train(replace(job(demos, tmp_path / "twin"), without="word"))


def command(demos: Path, out: Path, *more: str) -> list[str]:
    size = ["--image-size", "32", "--batch-size", "8", "--steps", "3", "--head", "l1"]
    rounds = ["--dagger", "1", "--dagger-episodes", "6", "--dagger-steps", "2"]
    run = [sys.executable, "-m", "experiments.cli", "train", "--data", str(demos), "--out", str(out)]
    return [*run, *size, *rounds, *more]


@pytest.mark.slow
def test_kill_9_in_a_round_loses_nothing(demos: Path, tmp_path: Path) -> None:
    parts, whole = tmp_path / "parts", tmp_path / "whole"
    episodes = parts / "round-01" / "data" / "panda"
    with subprocess.Popen(command(demos, parts, "--workers", "2"), stdout=-3, stderr=-3) as job:
        while not list(episodes.glob("train-*")):
            assert job.poll() is None
            time.sleep(0.01)
        job.send_signal(signal.SIGKILL)
    there = set(hashes(parts).items())
    assert 1 <= len(there) < 6
    subprocess.run(command(demos, parts, "--workers", "1", "--resume"), check=True, capture_output=True)
    subprocess.run(command(demos, whole, "--workers", "0"), check=True, capture_output=True)
    assert there < set(hashes(parts).items())
    assert hashes(parts) == hashes(whole)
    assert weights(parts) == weights(whole)

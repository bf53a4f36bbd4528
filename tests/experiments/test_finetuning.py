"""`vla train --init`: weights, words and statistics of a checkpoint are kept unless new statistics are asked for."""

from __future__ import annotations

import functools
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from envs.world import World
from experiments import training
from experiments.commands import train as command
from experiments.presets import ModelSize
from experiments.training import TrainJob
from policies.expert import ExpertPolicy
from vla import checkpoint
from vla.checkpoint import CheckpointError
from vla.contract import EpisodeRequest
from vla.pool import run_episodes
from vla.registry import UnknownNameError
from vla.store import EpisodeStore
from vla.text import Vocabulary, words_of
from vla.training_config import TrainConfig

TINY = ModelSize(image_size=32, channels=16, blocks=1, hidden=32, head="l1")
CONFIG = TrainConfig(steps=2, batch_size=8, warmup=1, precision="no", threads=0, torch_threads=1, lr=1e-3)


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    found = {}
    for robot, task in (("panda", "Reach"), ("xarm6", "Lift")):
        found[robot] = tmp_path_factory.mktemp(robot)
        store = EpisodeStore(found[robot])
        world = functools.partial(World, robot=robot)
        asked = [EpisodeRequest(task, 0)]
        for _, episode in run_episodes(asked, world_factory=world, policy_factory=ExpertPolicy, workers=0, record=True):
            assert episode is not None
            store.save(episode)
    return found


@pytest.fixture(scope="module")
def base(demos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return training.train(TrainJob((demos["panda"],), tmp_path_factory.mktemp("base"), TINY, CONFIG))


def job(demos: dict[str, Path], base: Path, out: Path, refit: str = "") -> TrainJob:
    still = replace(CONFIG, steps=1, lr=1e-12, ema=1.0)
    return TrainJob((demos["xarm6"],), out, ModelSize(), still, start=base, refit=refit)


def test_a_checkpoint_goes_on_with_its_words_and_statistics(demos: dict[str, Path], base: Path, tmp_path: Path) -> None:
    before = checkpoint.load_config(base)
    assert before.robots == ("panda",)
    later = training.train(job(demos, base, tmp_path))
    after = checkpoint.load_config(later)
    assert (after.model, after.vocabulary, after.normalizer) == (before.model, before.vocabulary, before.normalizer)
    assert after.robots == ("panda", "xarm6")
    assert after.trained_on["tasks"] == ["Lift"]
    assert after.trained_on["before"]["tasks"] == ["Reach"]
    a, b = (checkpoint.read_tensors(folder / "model.safetensors") for folder in (base, later))
    assert all(torch.allclose(a[name], b[name], atol=1e-6) for name in a)


def test_statistics_are_new_if_that_is_wanted(demos: dict[str, Path], base: Path, tmp_path: Path) -> None:
    before = checkpoint.load_config(base)
    after = checkpoint.load_config(training.train(job(demos, base, tmp_path, refit="quantile")))
    assert after.normalizer.mode == "quantile"
    assert getattr(after.model, "ee_mean", ()) == after.normalizer.state_offset[:6]
    assert after.vocabulary == before.vocabulary


def test_a_new_head_keeps_the_other_weights(demos: dict[str, Path], base: Path, tmp_path: Path) -> None:
    later = training.train(replace(job(demos, base, tmp_path), new_head="bins"))
    head = checkpoint.load_config(later).model.head
    assert (head.name, head.chunk) == ("bins", checkpoint.load_config(base).model.chunk)
    assert head.fitted
    a, b = (checkpoint.read_tensors(folder / "model.safetensors") for folder in (base, later))
    kept = [name for name in b if not name.startswith("head.")]
    assert kept == [name for name in a if not name.startswith("head.")]
    assert all(torch.allclose(a[name], b[name], atol=1e-6) for name in kept)
    checkpoint.load_model(later, checkpoint.load_config(later))


def test_an_unknown_new_head_is_refused_before_anything_is_read(demos: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="flow"):
        TrainJob((demos["panda"],), tmp_path, start=tmp_path / "none", new_head="flo")


def test_unknown_words_are_told(demos: dict[str, Path], base: Path, tmp_path: Path) -> None:
    config, asked = checkpoint.load_config(base), job(demos, base, tmp_path)
    assert isinstance(config.vocabulary, Vocabulary)
    data = training.demonstrations(asked, training.load(asked), config.model)
    said = words_of(data.texts[0])[0]
    words = tuple("xyzzy" if word == said else word for word in config.vocabulary.words)
    with pytest.warns(UserWarning, match=f"does not know the words {said}"):
        training.continued(replace(config, vocabulary=replace(config.vocabulary, words=words)), data)


def test_nothing_to_go_on_from_is_told(demos: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        training.train(job(demos, tmp_path / "none", tmp_path / "run"))
    with pytest.raises(ValueError, match="give --init"):
        command.main(command.Args((demos["panda"],), tmp_path / "run", refit="mean_std"))
    with pytest.raises(ValueError, match="give --init"):
        command.main(command.Args((demos["panda"],), tmp_path / "run", new_head="flow"))

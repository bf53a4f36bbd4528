"""One camera or three, with and without earlier moments: from demonstrations over training to acting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from envs.world import World
from experiments.commands import collect as collect_command
from experiments.presets import ModelSize
from experiments.training import TrainJob, train
from policies.learned import LearnedPolicy
from vla.contract import EpisodeRequest
from vla.history import History
from vla.pool import run_episodes
from vla.sampling import Sampling
from vla.training_config import TrainConfig

TINY = ModelSize(image_size=32, channels=16, blocks=1, keypoints=4, hidden=32, text_dim=16)
QUICK = TrainConfig(
    steps=2,
    batch_size=8,
    warmup=1,
    precision="no",
    threads=1,
    torch_threads=1,
    log_every=1,
    augment="full",
    sampling=Sampling(balance=True, skip_idle=True, window=16),
)
REQUESTS = [EpisodeRequest("Reach", index, split="eval") for index in range(3)]


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demos") / "data"
    args = collect_command.Args(folder, episodes=2, workers=0)
    assert collect_command.run(folder, ["Reach", "Lift"], args).complete
    return folder


def played(folder: Path, workers: int, slots: int) -> dict[EpisodeRequest, str]:
    """Content of the episodes that the checkpoint plays, all in the same sized batches."""
    results = run_episodes(
        REQUESTS,
        world_factory=World,
        policy_factory=lambda: LearnedPolicy(folder, batch_size=4),
        workers=workers,
        slots_per_worker=slots,
        record=True,
    )
    found = {}
    for result, episode in results:
        assert result.outcome != "error", result.traceback
        assert episode is not None
        found[result.request] = episode.content_hash()
    return found


@pytest.mark.parametrize(
    ("cameras", "history", "context"),
    [(("front",), 0, 0), (("side", "wrist", "top"), 1, 1), (("wrist", "front", "overview", "top"), 0, 0)],
)
def test_any_cameras_and_any_history(
    demos: Path, tmp_path: Path, cameras: tuple[str, ...], history: int, context: int
) -> None:
    side = 48 if context else 32  # a multiple of what words look at
    size = replace(TINY, image_size=side, history=history, stride=3, context_layers=context)
    folder = train(TrainJob((demos,), tmp_path, size, QUICK, cameras=cameras))
    policy = LearnedPolicy(folder)
    assert (policy.cameras, policy.history) == (cameras, History(history, 3))
    alone = played(folder, workers=0, slots=1)
    assert alone == played(folder, workers=0, slots=3)
    if history:
        assert alone == played(folder, workers=2, slots=2)


def test_an_unknown_camera_is_named(demos: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="front"):
        train(TrainJob((demos,), tmp_path, TINY, QUICK, cameras=("fornt",)))

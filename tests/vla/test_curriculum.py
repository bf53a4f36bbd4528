"""Stages of a run, on the toy scene of the trainer's tests: two dots, one of which is named."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.vla.dots import SIDE, Dots, demonstrations, episode
from tests.vla.test_trainer import SMALL, policy_config, weights
from vla import checkpoint
from vla.checkpoint import PolicyConfig
from vla.curriculum import Curriculum, Phase, split
from vla.models.compact_config import CompactConfig
from vla.models.contract import ROLES, AnyBatch, Lessons
from vla.models.lessons import box_loss, generalized_iou
from vla.registry import UnknownNameError
from vla.trainer import Trainer
from vla.trainlog import read_metrics

ANSWERS = ("red", "green")
GROUNDING = {"answer": 1.0, "ground": 1.0, "box": 0.2}
WEIGHTS = {"action": {"action": 1.0, "ground": 0.2}, "dots": GROUNDING, "words": {"answer": 1.0}}


class Questions:
    """Which dot is named: its colour is to be answered and it is to be boxed; or the same in words alone."""

    def __init__(self, config: PolicyConfig, *, blind: bool = False) -> None:
        self.config, self.blind = config, blind
        self.asked: list[int] = []

    def batch(self, step: int) -> Lessons:
        self.asked.append(step)
        items = [episode(1000 + 4 * step + i) for i in range(4)]
        views = [Dots(item.spec) for item in items]
        drawn = [view.draw(items[0].poses, np.zeros(1, np.int64)) for view in views]
        pixels, points = np.concatenate([one.pixels for one in drawn]), np.concatenate([one.points for one in drawn])
        seen = 0 if self.blind else 1
        boxes = np.concatenate([points[:, :, 0, :2] - 0.06, points[:, :, 0, :2] + 0.06, points[:, :, 0, 2:]], -1)
        return Lessons(
            torch.from_numpy(pixels[:, :seen]),
            torch.from_numpy(self.config.vocabulary.encode([item.instruction for item in items])),
            torch.zeros(4, 8),
            torch.from_numpy(points[:, :seen]),
            torch.from_numpy(boxes[:, :seen].astype(np.float32)),
            torch.zeros(4, ROLES, 7),
            torch.tensor([view.target for view in views]),
        )


def taught(head: str = "l1") -> PolicyConfig:
    config = policy_config(demonstrations(), head)
    assert isinstance(config.model, CompactConfig)
    return dataclasses.replace(config, model=dataclasses.replace(config.model, answers=ANSWERS))


PHASES = (
    Phase("language", 2, {"words": 1.0}, {"words": {"answer": 1.0}}, lr=1e-3, warmup=1),
    Phase("grounding", 3, {"dots": 1.0}, WEIGHTS, lr=1e-3, warmup=1),
    Phase("action", 5, {"action": 0.75, "dots": 0.25}, WEIGHTS, lr=1e-3, warmup=1),
)


def trainer(folder: Path, phases: tuple[Phase, ...] = PHASES, resume: bool = False) -> Trainer:
    config = taught()
    sources = {"words": Questions(config, blind=True), "dots": Questions(config)}
    return Trainer(folder, SMALL, config, demonstrations(), resume=resume, phases=phases, sources=sources)


def test_each_step_has_its_stage_source_and_rate() -> None:
    config = taught()
    dots = Questions(config)
    curriculum = Curriculum(PHASES, {"words": dots, "dots": dots, "action": dots})
    assert curriculum.steps == 10
    turns = [curriculum.turn(step) for step in range(10)]
    assert [turn.phase.name for turn in turns] == ["language"] * 2 + ["grounding"] * 3 + ["action"] * 5
    assert [turn.source for turn in turns] == ["words"] * 2 + ["dots"] * 3 + ["action"] * 2 + ["dots"] + ["action"] * 2
    assert [turn.number for turn in turns] == [0, 1, 0, 1, 2, 0, 1, 3, 2, 3]  # a source goes on where it was
    assert turns[0].lr == turns[2].lr == turns[5].lr == 1e-3
    assert turns[9].lr < 5e-4
    with pytest.raises(IndexError):
        curriculum.turn(10)


def test_batches_do_not_depend_on_threads() -> None:
    dots = Questions(taught())
    curriculum = Curriculum(PHASES, {"words": dots, "dots": dots, "action": dots})
    for a, b in zip(curriculum.stream(1, 9, 0), curriculum.stream(1, 9, 2), strict=True):
        assert all(torch.equal(x, y) for x, y in zip(*a, *b, strict=True))


def test_a_mix_keeps_its_shares_everywhere() -> None:
    phase = Phase("all", 400, {"a": 0.5, "b": 0.3, "c": 0.2}, {name: {"x": 1.0} for name in "abc"}, lr=1.0)
    for start in (0, 123, 300):
        window = [name for name, _ in phase.order[start : start + 100]]
        assert [abs(window.count(name) - count) <= 1 for name, count in (("a", 50), ("b", 30), ("c", 20))] == [True] * 3
    assert phase.count("a") == 200


def test_bad_stages_are_refused() -> None:
    with pytest.raises(ValueError, match="positive shares"):
        Phase("a", 1, {"words": 0.0}, WEIGHTS, lr=1.0)
    with pytest.raises(ValueError, match="no loss with a weight"):
        Phase("a", 1, {"words": 1.0}, {"words": {"answer": 0.0}}, lr=1.0)
    with pytest.raises(ValueError, match="no two of one name"):
        Curriculum((PHASES[0], PHASES[0]), {"words": Questions(taught())})
    with pytest.raises(UnknownNameError, match="Did you mean 'words'"):
        Curriculum((Phase("a", 1, {"word": 1.0}, {"word": {"answer": 1.0}}, lr=1.0),), {"words": Questions(taught())})
    assert split(10, [1, 1, 1]) == [4, 3, 3]
    assert split(7, [0.0, 0.25, 0.75]) == [0, 2, 5]
    with pytest.raises(ValueError, match="one of them positive"):
        split(3, [0.0])


@pytest.mark.parametrize("stop", [1, 2, 4, 5, 7])
def test_resuming_at_and_across_stage_borders_changes_nothing(tmp_path: Path, stop: int) -> None:
    whole = trainer(tmp_path / "whole").train()
    first = trainer(tmp_path / "parts")
    step = first._step

    def step_then_stop(batches: Sequence[AnyBatch]) -> dict[str, torch.Tensor]:
        first._stop.asked = first.step + 1 == stop
        return step(batches)

    first._step = step_then_stop  # type: ignore[method-assign]
    assert first.train().name == f"{stop:06d}"
    parts = trainer(tmp_path / "parts", resume=True).train()
    a, b = weights(whole), weights(parts)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)
    rows = [read_metrics(tmp_path / name / "metrics.jsonl") for name in ("whole", "parts")]
    assert [(row["step"], row["loss"]) for row in rows[0]] == [(row["step"], row["loss"]) for row in rows[1]]
    assert "answered" in rows[0][0]
    assert "box" not in rows[0][0]
    assert "box" in rows[0][2]


def test_other_stages_are_another_run(tmp_path: Path) -> None:
    trainer(tmp_path).train()
    other = (*PHASES[:2], dataclasses.replace(PHASES[2], mix={"action": 1.0}))
    with pytest.raises(ValueError, match="begun with other stages"):
        trainer(tmp_path, other, resume=True)


def test_a_stage_without_a_fitting_loss_says_so(tmp_path: Path) -> None:
    phases = (Phase("language", 1, {"words": 1.0}, {"words": {"action": 1.0}}, lr=1e-3),)
    with pytest.raises(
        ValueError, match=r"weighs \['action'\] of 'words', but a batch of it has \['answer', 'answered'\]"
    ):
        trainer(tmp_path, phases).train()


def test_lessons_need_a_network_with_answers() -> None:
    from vla.models.contract import make_model

    config = policy_config(demonstrations())
    with pytest.raises(ValueError, match="names no answers"):
        make_model(config.model)(Questions(config).batch(0), torch.zeros(4, 2, 7), torch.zeros(4))


def test_lessons_are_learnt(tmp_path: Path) -> None:
    """The named dot is pointed at, boxed and answered in scenes never seen, and the words say it too."""
    config = taught()
    sources = {"words": Questions(config, blind=True), "dots": Questions(config)}
    phases = (Phase("all", 300, {"dots": 0.9, "words": 0.1}, WEIGHTS, lr=3e-3),)
    data = demonstrations()
    folder = Trainer(tmp_path, dataclasses.replace(SMALL, save_every=300), config, data, phases=phases, sources=sources)
    loaded = checkpoint.find(folder.train())
    model = checkpoint.load_model(loaded, checkpoint.load_config(loaded))
    with torch.inference_mode():
        unseen = Questions(config)
        losses = [model(unseen.batch(5000 + i), torch.zeros(4, 2, 7), torch.zeros(4)) for i in range(20)]
    assert np.mean([loss["answered"].item() for loss in losses]) > 0.95
    assert np.mean([loss["box"].item() for loss in losses]) < 2.0
    assert model.config.image_size == SIDE


def test_boxes_overlap_as_they_should() -> None:
    a = torch.tensor([0.0, 0.0, 0.5, 0.5])
    assert generalized_iou(a, a).item() == pytest.approx(1.0)
    apart = torch.tensor([0.5, 0.5, 1.0, 1.0])
    assert generalized_iou(a, apart).item() == pytest.approx(-0.5)
    boxes = torch.tensor([[[0.0, 0.0, 0.5, 0.5, 1.0]], [[0.0, 0.0, 0.0, 0.0, 0.0]]])
    assert box_loss(torch.stack([a, apart])[:, None], boxes).item() == pytest.approx(0.0, abs=1e-6)

"""`vla record --task "any sentence"`: what was understood, and how sure the policy is that what is named is there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.tasks.base import TASKS
from experiments.commands.record import Args, main
from policies.deaf import without_words
from policies.edited import EditedPolicy
from policies.registry import POLICIES
from vla.contract import FloatArray, Observation
from vla.presence import confidence_of

RED = "lift the red block"


class Looker:
    """Stands still; says that it sees what is named if the word `red` is in the instruction."""

    inputs = frozenset({"pixels", "instruction"})
    batched = True
    execute = 1
    image_size = 32
    cameras = ("front",)
    tells_presence = True

    def reset(self, episode_seed: int) -> None:
        """Nothing to forget."""

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        return np.zeros((len(observations), 1, 7), np.float32)

    def confidence(self, observations: Sequence[Observation]) -> FloatArray:
        assert all(o["pixels"]["front"].shape == (32, 32, 3) and o["step"] == 0 for o in observations)
        return np.asarray([0.875 if "red" in o["instruction"] else 0.03 for o in observations], np.float32)


@pytest.fixture(autouse=True)
def looker() -> Iterator[None]:
    POLICIES.register("looker")(Looker)
    yield
    POLICIES._entries.pop("looker")


def recorded(capsys: pytest.CaptureFixture[str], out: Path, **options: Any) -> tuple[list[str], dict[str, Any]]:
    given: dict[str, Any] = {"policy": "looker", "size": 16, "cameras": ("front",), "json": True} | options
    assert main(Args(out=out, **given)) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    return lines, json.loads(last)


def test_it_says_what_it_understood_and_what_the_policy_sees(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines, told = recorded(capsys, tmp_path / "a.mp4", task=RED)
    assert lines[1:] == [
        "understood as Lift: red block",
        "confidence that what is named is there: 0.88 - it sees it",
    ]
    assert told["instruction"] == RED
    assert told["confidence"] == 0.875
    assert told["understood"] == {
        "task": "Lift",
        "things": ["red block"],
        "relation": "",
        "read": True,
        "unknown": [],
        "absent": False,
    }
    assert (tmp_path / "a.mp4").stat().st_size > 0


def test_what_is_not_there_is_said_to_be_missing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    lines, told = recorded(capsys, tmp_path / "a.mp4", task="touch the pink banana", scene="Reach")
    assert lines[2] == "confidence that what is named is there: 0.03 - it does not see it"
    assert told["understood"]["absent"]
    assert told["understood"]["unknown"] == ["banana"]
    assert (told["outcome"], told["key"]) == ("success", "eval-0-Reach-none.0-00000")  # it touched nothing


def test_an_episode_of_a_task_has_a_confidence_too_if_the_policy_does(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lines, told = recorded(capsys, tmp_path / "a.mp4", task="Reach")
    assert (len(lines), told["understood"]) == (2, None)
    assert told["confidence"] in (0.875, np.float32(0.03))
    lines, told = recorded(capsys, tmp_path / "a.mp4", task=RED, policy="expert")
    assert len(lines) == 2
    assert told["confidence"] is None
    assert told["outcome"] == "success"


def test_a_sense_that_is_taken_away_is_gone_here_too() -> None:
    observation: Observation = {
        "pixels": {"front": np.zeros((32, 32, 3), np.uint8)},
        "instruction": RED,
        "step": 0,
    }
    assert confidence_of(Looker(), observation) == 0.875
    assert confidence_of(EditedPolicy(Looker(), without_words), observation) == pytest.approx(0.03)
    still = Looker()
    still.tells_presence = False
    with pytest.raises(ValueError, match="cannot tell whether it sees"):
        EditedPolicy(still, without_words).confidence([observation])


def test_options_that_do_not_go_together_are_said(tmp_path: Path) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("--scene FAMILY goes with a sentence", {"task": "Lift", "scene": "Reach"}),
        ("--axis and --split are for scenes of a task", {"task": RED, "axis": "shadows"}),
        ("0 or more; got -1", {"task": RED, "index": -1}),
        ("unknown task 'Lfit'. Did you mean 'Lift'", {"task": "Lfit"}),
        ("unknown task 'Raech'. Did you mean 'Reach'", {"task": RED, "scene": "Raech"}),
    ]
    for message, options in wrong:
        with pytest.raises(ValueError) as error:
            main(Args(out=tmp_path / "x.mp4", policy="looker", **options))
        assert message in str(error.value)
    assert "Lift" in TASKS

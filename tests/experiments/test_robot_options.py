"""`--robot` and `--control` of the commands that play episodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.commands import collect, record
from experiments.commands.eval import chosen_subject
from vla.contract import EpisodeRequest
from vla.store import EpisodeStore


def test_demonstrations_say_robot_and_mode_and_do_not_mix(tmp_path: Path) -> None:
    args = collect.Args(
        tmp_path / "set", (("Lift",),), episodes=1, workers=0, noise=0.0, robot="kuka", control="pd_joint_delta_pos"
    )
    assert collect.main(args) == 0
    (episode,) = EpisodeStore(tmp_path / "set")
    assert episode.spec["robot"]["name"] == "kuka"
    assert episode.action.shape[1] == 8
    with pytest.raises(ValueError, match="collected with robot 'kuka', not 'xarm6'"):
        collect.main(collect.Args(tmp_path / "set", (("Lift",),), episodes=2, workers=0, noise=0.0, robot="xarm6"))
    with pytest.raises(ValueError, match="Did you mean 'kuka'"):
        collect.main(collect.Args(tmp_path / "other", (("Lift",),), episodes=1, workers=0, robot="kukka"))


def test_results_of_another_robot_have_a_name_of_their_own() -> None:
    assert chosen_subject("expert").name == "expert"
    assert chosen_subject("expert", body=("kuka", "pd_ee_delta_pose")).name == "expert-kuka"
    assert chosen_subject("expert", body=("xarm6", "pd_joint_pos")).name == "expert-xarm6-pd_joint_pos"


def test_a_video_is_played_with_the_robot_that_was_asked_for(tmp_path: Path) -> None:
    args = record.Args(tmp_path / "it.mp4", policy="expert", robot="xarm6")
    episode, confidence = record.played(args, EpisodeRequest("Lift", 0))
    assert confidence is None
    assert episode.spec["robot"]["name"] == "xarm6"
    assert episode.result.outcome == "success"

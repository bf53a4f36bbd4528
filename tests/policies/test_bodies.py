"""A policy on a robot, or in a control mode, that it was not trained on."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from experiments.commands.eval import chosen_subject
from experiments.presets import ModelSize
from experiments.untrained import untrained
from policies.bodies import check_body
from policies.learned import LearnedPolicy
from policies.registry import make_policy
from vla import checkpoint

SMALL = ModelSize(image_size=32, channels=16, blocks=1, hidden=32, head="l1")
DELTA = "pd_ee_delta_pose"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return untrained(tmp_path, SMALL)


def test_another_robot_is_warned_of_in_one_sentence(folder: Path) -> None:
    with pytest.warns(UserWarning, match="trained on panda and has never moved 'xarm6'") as told:
        chosen_subject(str(folder), body=("xarm6", DELTA))
    assert len(told) == 1
    with pytest.warns(UserWarning, match="has never moved 'kuka'"):
        check_body(make_policy(f"deaf:{folder}"), "kuka", DELTA)


def test_actions_of_another_control_mode_are_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match="pass --control pd_ee_delta_pose"):
        chosen_subject(str(folder), body=("panda", "pd_joint_pos"))


def test_robots_that_it_knows_and_scripted_policies_are_fine(folder: Path) -> None:
    config = replace(checkpoint.load_config(folder), robots=("kuka", "xarm6"))
    weights = checkpoint.read_tensors(folder / "model.safetensors")
    both = LearnedPolicy(checkpoint.save(folder, config, weights, {}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for robot in both.robots:
            check_body(both, robot, DELTA)
        check_body(make_policy("expert"), "xarm6", "pd_joint_pos")

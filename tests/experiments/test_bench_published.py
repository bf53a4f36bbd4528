"""The numbers of a model card, on a policy that has learnt nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.bench_published import Args, main, numbers
from experiments.presets import ModelSize
from experiments.untrained import untrained

TINY = ModelSize(image_size=32, channels=16, blocks=1, keypoints=4, hidden=32, text_dim=16, head="l1")


def test_the_tables_hold_what_was_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy = str(untrained(tmp_path / "policy", TINY))
    args = Args(policy, tmp_path / "run", ("Reach",), episodes=2, others=1, per_axis=1, level=3, workers=0)
    found = numbers(args)
    assert found["families"]["panda"]["Reach"]["n"] == 2
    assert {rates["Reach"]["n"] for rates in found["controls"].values()} == {1}
    assert len(found["axes"]) > 60
    assert all(rate["n"] + rate["errors"] == 1 for rate in found["axes"].values())
    assert main(args) == 0  # nothing is run again
    text = (tmp_path / "run" / "published.md").read_text()
    assert "| Reach |" in text
    assert f"Mean of {len(found['axes'])} axes" in text
    assert "camera_position" in capsys.readouterr().out


def test_a_policy_that_names_no_family_needs_one(tmp_path: Path) -> None:
    policy = str(untrained(tmp_path / "policy", TINY))
    with pytest.raises(ValueError, match="give --task"):
        numbers(Args(policy, tmp_path / "run"))

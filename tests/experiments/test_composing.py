"""Suites on the command line: composed, sharded, merged; what results depend on is recorded and compared."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import pytest

from envs.golden import golden_frame, pictures
from envs.scenes import make_scene, perturbations
from envs.variations import AXES
from experiments import cli, identity
from experiments.commands.eval import Args, chosen_shard, chosen_suite
from experiments.composing import applicable, compose
from experiments.suites import get_suite
from vla.contract import EpisodeRequest, Perturbation
from vla.results import read_json
from vla.suites import Suite, cell_of

BASE = Suite("base", ("Lift", "Reach"), axes=("position",), levels=(1,), controls=("blank",), episodes=2, base=4)


def test_a_suite_is_composed_of_anything_registered() -> None:
    made = compose(BASE, ("Stack",), ("start", "position+distractors", "random_3", "swapped"), (1, 3), 3)
    assert made.name == "composed-from-base"
    cells = {(cell.task, cell.axis, cell.level) for cell in made.cells()}
    assert cells == {
        ("Stack", "none", 0),
        *(("Stack", axis, level) for axis in ("start", "position+distractors", "random_3") for level in (1, 3)),
        ("Stack", "swapped", 1),
    }
    for request in made.requests():
        make_scene(request)


def test_what_a_suite_has_is_a_part_of_it() -> None:
    assert compose(BASE) == BASE
    assert compose(BASE, axes=["blank"], episodes=1).name == "base"
    assert compose(replace(BASE, levels=(1, 3)), levels=(3,)).levels == (3,)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"axes": ["postion"]}, r"unknown axis 'postion'. Did you mean 'position'"),
        ({"axes": ["position+strat"]}, r"unknown axis 'strat'. Did you mean 'start'"),
        ({"axes": ["random_x"]}, "unknown axis 'random_x'"),
        ({"tasks": ["Lfit"]}, r"unknown task 'Lfit'. Did you mean 'Lift'"),
        ({"levels": [6]}, r"axis 'position' has levels 1 to 5; got 6"),
    ],
)
def test_unknown_names_and_levels_are_told(options: dict[str, list[str]], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        compose(BASE, **options)  # type: ignore[arg-type]


def test_cells_that_mean_nothing_are_left_out() -> None:
    for name in AXES:
        suite = applicable(Suite("s", ("Reach", "Push", "OpenDrawer", "Chain"), axes=(name,), levels=(1,), episodes=1))
        for request in suite.requests():
            make_scene(request)


def test_random_axes_are_drawn_by_the_episode() -> None:
    drawn = [perturbations(EpisodeRequest("Lift", i, 0, "eval", (Perturbation("random_3", 2),))) for i in range(6)]
    assert all(len({change.axis for change in each}) == 3 and {c.level for c in each} == {2} for each in drawn)
    assert len(set(drawn)) > 1
    request = EpisodeRequest("Lift", 0, 0, "eval", (Perturbation("random_3", 2),))
    assert cell_of(request).axis == "random_3"
    assert make_scene(request) == make_scene(EpisodeRequest("Lift", 0, 0, "eval", drawn[0]))
    with pytest.raises(ValueError, match="more axes than Lift has"):
        perturbations(EpisodeRequest("Lift", 0, 0, "eval", (Perturbation("random_999", 1),)))
    with pytest.raises(ValueError, match="more than once: start"):
        perturbations(EpisodeRequest("Lift", 0, 0, "eval", (Perturbation("start", 1), Perturbation("start", 2))))


@pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_shards_that_do_not_exist(text: str) -> None:
    with pytest.raises(ValueError, match="expected --shard I/N"):
        chosen_shard(text)


def test_shards_by_command_are_the_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["eval", "--policy", "expert", "--task", "Reach", "--axis", "start", "--level", "1", "--episodes", "2"]
    assert cli.main([*command, "--workers", "0", "--out", str(tmp_path / "whole"), "--json"]) == 0
    whole = json.loads(capsys.readouterr().out.splitlines()[-1])
    for shard in ("1/2", "2/2"):
        assert cli.main([*command, "--workers", "0", "--out", str(tmp_path / "parts"), "--shard", shard]) == 0
    capsys.readouterr()
    assert cli.main(["eval", "merge", str(tmp_path / "parts"), "--json"]) == 0
    merged = json.loads(capsys.readouterr().out.splitlines()[-1])["policies"]["expert"]
    assert (merged["episodes"], merged["digest"]) == (whole["episodes"], whole["digest"])
    assert cli.main(["eval", "merge", str(tmp_path)]) == 2
    assert "no shards in" in capsys.readouterr().err


def test_the_worlds_of_a_suite_are_known_by_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    before = identity.worlds_hash(BASE)
    assert before == identity.worlds_hash(replace(BASE, name="other"))
    monkeypatch.setitem(AXES._entries, "position", replace(AXES["position"], levels=(0.012, 0.02, 0.03, 0.04, 0.05)))
    assert identity.worlds_hash(BASE) != before


def test_results_say_which_pictures_were_seen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = Args("random", suite="demo", task=("Reach",), axis=("none",), episodes=1, workers=0, out=tmp_path)
    assert chosen_suite(arguments).name == "demo"
    command = ["eval", "--policy", "random", "--task", "Reach", "--axis", "none", "--episodes", "1", "--workers", "0"]
    assert cli.main([*command, "--out", str(tmp_path)]) == 0
    manifest = read_json(tmp_path / "eval" / "random" / "evaluation.json")
    assert manifest["pictures"] == {"renderer": "raster", "golden_frame": golden_frame()}
    assert manifest["worlds"] == identity.worlds_hash(get_suite("demo").narrowed(["Reach"], ["none"], 1))
    capsys.readouterr()
    assert cli.main([*command, "--out", str(tmp_path), "--renderer", "tiny"]) == 2
    assert "holds results of another pictures" in capsys.readouterr().err


def test_a_policy_trained_on_other_pictures_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"trained_on": pictures()}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        identity.identity(BASE.narrowed(["Reach"], ["none"], 1), "raster", str(tmp_path))
    (tmp_path / "config.json").write_text(json.dumps({"trained_on": {**pictures(), "golden_frame": "0"}}))
    with pytest.warns(UserWarning, match="was trained on pictures of another renderer"):
        identity.identity(BASE.narrowed(["Reach"], ["none"], 1), "raster", f"deaf:{tmp_path}")


def test_a_renderer_is_known_by_a_picture() -> None:
    assert len({golden_frame("raster"), golden_frame("tiny")}) == 2
    assert golden_frame("raster") == golden_frame("raster")

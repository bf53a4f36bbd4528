"""The named suites: complete, frozen, and the hold-out really held out."""

from __future__ import annotations

import itertools
import json

import pytest

from envs.scenes import make_scene
from envs.tasks.base import TASKS
from envs.variations import AXES
from experiments import identity
from experiments.commands import suites as command
from experiments.demo_presets import FROM_NOTHING, PRESETS
from experiments.suites import AXES as SUITE_AXES
from experiments.suites import CONTROLS, FAMILIES, FROZEN, PUBLISHED, SUITES
from vla.contract import EpisodeRequest
from vla.seeding import episode_seed


def test_standard_has_every_family_axis_and_control_at_its_levels() -> None:
    for name in ("standard", "full", "holdout"):
        suite = SUITES[name]
        assert (len(set(suite.tasks)), len(set(suite.axes)), set(suite.controls)) == (
            33,
            len(SUITE_AXES),
            set(CONTROLS),
        )
        there = {(cell.task, cell.axis) for cell in suite.cells()}
        for task, axis in itertools.product(suite.tasks, (*suite.axes, *suite.controls)):
            assert ((task, axis) in there) == AXES[axis].applies(TASKS[task])
    assert SUITES["standard"].levels == (1, 3, 5)
    assert 9_000 <= len(SUITES["standard"].requests()) <= 11_000
    kinds = {kind: {axis for axis in AXES if AXES[axis].kind == kind} for kind in ("axis", "control")}
    assert set(SUITE_AXES) <= kinds["axis"]  # yours too can be registered: it comes into the next version
    assert set(CONTROLS) <= kinds["control"]
    assert set(FAMILIES) <= set(TASKS)


def test_every_perturbed_episode_has_its_twin() -> None:
    for suite in SUITES.values():
        keys = {request.key for request in suite.requests()}
        assert len(keys) == len(suite.requests())
        assert all(request.twin.key in keys for request in suite.requests())


def test_published_suites_are_frozen() -> None:
    changed = command.changes_in_words(command.changes())
    assert not changed, f"raise the version and run `vla suites --freeze`: {changed}"


def test_a_changed_scene_changes_a_frozen_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TASKS["Lift"], "max_steps", 51)
    suite = SUITES["demo"]
    frozen = json.loads(FROZEN.read_text())["demo"]
    assert identity.worlds_hash(suite) != frozen["worlds"]
    with pytest.warns(UserWarning, match="are not the published ones"):
        identity.identity(suite, "raster", "expert")


def test_the_holdout_shares_nothing_with_training() -> None:
    holdout = SUITES["holdout"]
    trained = {
        episode_seed(EpisodeRequest(task, index, preset.data_seed))
        for preset in (*PRESETS.values(), *FROM_NOTHING.values())
        for task in TASKS
        for index in range(2 * max(preset.demonstrations.values()))
    }
    held_out = {episode_seed(request) for request in holdout.requests()}
    assert not trained & held_out
    others = [suite for name, suite in SUITES.items() if name != "holdout"]
    assert not held_out & {episode_seed(request) for suite in others for request in suite.requests()}
    assert {request.split for request in holdout.requests()} == {"eval"}
    for axis in holdout.axes:  # training presets perturb nothing: their only magnitude is that of level 0
        values = {AXES[axis].levels[level - 1] for level in holdout.levels}
        assert 0 not in values
        assert not values & {AXES[axis].levels[level - 1] for level in SUITES["standard"].levels}


def test_the_holdout_has_other_scenes_than_training() -> None:
    def layouts(split: str, seed: int) -> set[object]:
        requests = (EpisodeRequest(task, i, seed, split) for task in TASKS for i in range(12))  # type: ignore[arg-type]
        return {(spec.goal, spec.objects) for spec in map(make_scene, requests)}

    assert not layouts("train", 0) & layouts("eval", SUITES["holdout"].seed)


def test_the_command_lists_and_checks(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(command.Args(json=True)) == 0
    data = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(data["suites"]) == set(SUITES)
    assert data["suites"]["standard"]["hash"] == SUITES["standard"].hash
    assert set(PUBLISHED) <= set(data["suites"])

"""The scripted experts as teachers: they finish what somebody else has begun, in every family."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from envs.tasks.base import TASKS
from envs.world import World
from experiments.bench_takeover import Args, Cell, Drifter, main, measure
from policies.deaf import DeafExpert
from policies.expert import ExpertPolicy


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
def test_every_expert_takes_over_from_random_motions(world: World, task: str) -> None:
    cell = measure(world, Drifter(), Cell(task, "random"), Args(episodes=4))
    assert cell.rate.k >= 2, cell


def test_after_itself_it_is_as_good_as_ever(world: World) -> None:
    """The one who acts first is the expert: it is taken over from in the middle, and nothing changes."""
    cell = measure(world, ExpertPolicy(), Cell("PlaceInto", "expert"), Args(episodes=3, steps=8))
    assert (cell.wins, cell.ended) == (3, 0)
    over = measure(world, ExpertPolicy(), Cell("Reach", "expert"), Args(episodes=3, steps=60))
    assert over.ended == 3


def test_stacks_that_another_took_apart_are_built_up_again(world: World) -> None:
    cell = measure(world, DeafExpert(), Cell("Unstack", "another goal"), Args(episodes=3))
    assert (cell.wins, cell.ended) == (3, 0)


def test_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "takeover.md"
    assert main(Args(tasks=("Lift", "Push"), episodes=2, out=out, json=True)) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [(cell["task"], cell["first"]) for cell in found["cells"]] == [
        (task, first) for task in ("Lift", "Push") for first in ("random", "another goal")
    ]
    assert json.loads(out.with_suffix(".json").read_text()) == found
    assert "| Lift | " in out.read_text()
    with pytest.raises(ValueError, match="Lift"):
        main(Args(tasks=("Lifd",)))

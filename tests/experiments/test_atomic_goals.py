"""How many atomic goals each family has: what `vla tasks --json` counts."""

import json

import pytest

from envs.tasks.base import TASKS
from experiments.commands import tasks

# After a change of a family: `python tests/experiments/test_atomic_goals.py` prints this table anew.
FAMILIES = {
    "Chain": 24,
    "ChainStepwise": 24,
    "CloseDrawer": 30,
    "Collect": 162,
    "Cover": 108,
    "FindHidden": 18,
    "FlipLever": 50,
    "InsertPeg": 144,
    "Lift": 18,
    "LineUp": 240,
    "OpenDrawer": 30,
    "PlaceBetween": 1518,
    "PlaceInto": 144,
    "PlaceOn": 750,
    "PlaceRelative": 2880,
    "PressButton": 30,
    "Push": 72,
    "PushDirection": 48,
    "PushTogether": 66,
    "PutIn": 432,
    "PutInDrawer": 108,
    "Reach": 18,
    "Refer": 603,
    "Rotate": 180,
    "SlideDoor": 40,
    "Sort": 180,
    "Stack": 132,
    "Swap": 276,
    "Sweep": 108,
    "Tower": 660,
    "TurnKnob": 40,
    "Unstack": 132,
    "Upright": 18,
}


def counted() -> dict[str, int]:
    return {name: sum(1 for _ in TASKS[name]().atomic_goals()) for name in TASKS}


def test_counts_of_atomic_goals_are_pinned() -> None:
    found = counted()
    assert {name: found[name] for name in FAMILIES} == FAMILIES
    assert set(found) - set(FAMILIES) == set(), "families without a pinned count"


@pytest.mark.parametrize("name", TASKS)
def test_atomic_goals_are_different(name: str) -> None:
    goals = list(TASKS[name]().atomic_goals())
    assert len(goals) == len(set(goals))


def test_the_command_prints_families_and_total(capsys: pytest.CaptureFixture[str]) -> None:
    assert tasks.main(tasks.Args(json=True)) == 0
    printed = capsys.readouterr().out.splitlines()
    told = json.loads(printed[-1])
    assert told["families"] == counted()
    assert told["total"] == sum(told["families"].values())
    assert printed[-2] == f"{len(TASKS)} families, {told['total']} atomic goals"
    assert [row["goals"] for row in told["tasks"]] == list(told["families"].values())


if __name__ == "__main__":
    rows = "\n".join(f'    "{name}": {count},' for name, count in counted().items())
    print(f"FAMILIES = {{\n{rows}\n}}")

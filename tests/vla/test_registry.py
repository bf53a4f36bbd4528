"""Registries: nearest names, pickling by name, entries of a script in worker processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from envs.tasks.base import TASKS
from vla.registry import Registry, UnknownNameError

SCRIPT = """
from envs.tasks.base import TASKS
from envs.tasks.reach import Reach
from envs.world import World
from policies.expert import ExpertPolicy
from vla.contract import EpisodeRequest
from vla.pool import run_episodes

@TASKS.register("Mine")
class Mine(Reach):
    name = "Mine"

results = run_episodes([EpisodeRequest("Mine", 0)], world_factory=World, policy_factory=ExpertPolicy, workers=1)
print([result.outcome + result.traceback for result, _ in results])
"""


def test_the_nearest_name_is_given() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown task 'lfit'\. Did you mean 'Lift'\?"):
        TASKS["lfit"]


def test_a_registry_pickles_as_its_name() -> None:
    assert pickle.loads(pickle.dumps(TASKS)) is TASKS


def test_a_name_is_taken_once() -> None:
    things: Registry[type] = Registry("thing of a test")
    things.register("a")(int)
    things.register("a")(int)
    with pytest.raises(ValueError, match="registered twice"):
        things.register("a")(str)


def test_a_task_of_a_script_runs_in_workers(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "['success']", done.stdout + done.stderr

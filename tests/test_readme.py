"""The README's examples run as they stand and are short; its commands exist, with the options that are shown."""

from __future__ import annotations

import importlib
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import tyro

from experiments.cli import command_files

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
SHELL = "\n".join(re.findall(r"^```bash\n(.*?)^```", README, re.MULTILINE | re.DOTALL))
COMMANDS = [line.strip() for line in SHELL.splitlines() if line.startswith("vla ")]
MOST_LINES = 20


def length(code: str) -> int:
    """Lines that are not blank."""
    return sum(bool(line.strip()) for line in code.splitlines())


def test_the_examples_are_short() -> None:
    assert len(PYTHON) == 5
    assert all(length(code) < MOST_LINES for code in PYTHON), [length(code) for code in PYTHON]


def test_the_examples_run_in_the_order_of_the_text(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    shown = []
    for number, code in enumerate(PYTHON):
        script = tmp_path / f"example{number}.py"
        script.write_text(code, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(script)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{code}\n{done.stderr}"
        shown.append(done.stdout)
    gymnasium, trained, evaluated, servo, task = shown
    assert "(224, 224, 3) (8,)" in gymnasium
    assert "checkpoints/000020" in trained
    assert "in distribution:" in evaluated
    assert "camera_position 3" in evaluated
    successes, episodes = map(int, re.findall(r"(\d+)/(\d+)", servo)[0])
    assert episodes == 5
    assert successes >= 3, servo
    assert task == ""


def test_the_task_of_the_readme_is_solved_by_its_expert(tmp_path: Path) -> None:
    code = next(code for code in PYTHON if "class HoldOver" in code)
    code += (
        "from experiments.api import evaluate\nfrom vla.suites import Suite\n"
        "suite = Suite('mine', ('HoldOver',), axes=('light_intensity',), levels=(1,), episodes=3)\n"
        "print(evaluate('expert', suite, 'runs', workers=0).summary.to_dict(suite)['success']['HoldOver']['k'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "3", done.stderr


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_parse(line: str) -> None:
    _, name, *options = shlex.split(line, comments=True)
    module = importlib.import_module(f"experiments.commands.{command_files()[name].stem}")
    tyro.cli(module.Args, args=options)


def test_the_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target

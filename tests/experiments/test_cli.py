"""The `vla` command: help without imports, errors in one line, commands found by file."""

from __future__ import annotations

import dataclasses
import importlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments import cli

HEAVY = ("torch", "numba", "pybullet", "numpy", "tyro", "pyarrow")


def test_help_lists_every_command_with_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, path in cli.command_files().items():
        assert f"  {name.replace('-', ' ')} " in shown
        assert cli.summary(path) in shown


def test_help_is_fast_and_imports_nothing_heavy() -> None:
    code = "import sys; from experiments import cli; cli.main(['--help']); print('LOADED', *sys.modules)"
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert time.perf_counter() - start < 1.0
    loaded = done.stdout.rpartition("LOADED")[2].split()
    assert not set(HEAVY) & set(loaded)


def test_no_command_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 2
    assert "usage:" in capsys.readouterr().out


def test_unknown_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["docter"]) == 2
    error = capsys.readouterr().err
    assert "Did you mean 'doctor'" in error
    assert error.count("\n") == 1


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("vla ")


@pytest.mark.parametrize("name", sorted(cli.command_files()))
def test_command_module_is_well_formed(name: str) -> None:
    path = cli.command_files()[name]
    module = importlib.import_module(f"experiments.commands.{path.stem}")
    assert cli.summary(path).endswith("."), f"{path.name}: the first docstring line is the help, a sentence"
    assert len(cli.summary(path)) <= 110
    assert dataclasses.is_dataclass(module.Args)
    assert vars(module.Args)["__dataclass_params__"].frozen
    assert callable(module.main)


@pytest.mark.parametrize("name", sorted(cli.command_files()))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        cli.main([*name.split("-"), "--help"])
    assert stop.value.code == 0
    assert f"usage: vla {name.replace('-', ' ')}" in capsys.readouterr().out


@pytest.fixture
def failing_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A command that fails as a user's mistake does."""
    source = (
        '"""Fails."""\nfrom dataclasses import dataclass\n@dataclass(frozen=True)\nclass Args:\n    """None."""\n'
        "def main(args: Args) -> int:\n    raise ValueError('episodes is -1; expected at least 1')\n"
    )
    (tmp_path / "failing.py").write_text(source, encoding="utf-8")
    package = importlib.import_module("experiments.commands")
    monkeypatch.setattr(cli, "COMMANDS", tmp_path)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "experiments.commands.failing", raising=False)
    return "failing"


def test_value_error_is_one_line(
    failing_command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VLA_DEBUG", raising=False)
    assert cli.main([failing_command]) == 2
    error = capsys.readouterr().err
    assert "vla failing: episodes is -1; expected at least 1" in error
    assert error.count("\n") == 1


def test_debug_shows_the_traceback(failing_command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLA_DEBUG", "1")
    with pytest.raises(ValueError, match="episodes is -1"):
        cli.main([failing_command])

"""`vla doctor`: says what is wrong in one sentence, and passes on this machine."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from experiments import cli, doctor


def test_doctor_passes_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["doctor", "--json"]) == 0
    shown = capsys.readouterr().out
    report = json.loads(shown.splitlines()[-1])
    assert report["ok"]
    assert report["failed"] == []
    sections = [line["section"] for line in report["checks"]]
    assert list(dict.fromkeys(sections)) == ["packages", "versions", "threads", "cache", "renderers", "self-test"]
    selftest = [line for line in report["checks"] if line["section"] == "self-test"]
    assert {line["status"] for line in selftest} == {"PASS"}
    assert sum(line["seconds"] for line in selftest) < 20


def test_a_shadowed_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "envs"
    other.mkdir()
    (other / "__init__.py").write_text("", encoding="utf-8")
    monkeypatch.delitem(sys.modules, "envs", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ImportError, match="another package of that name shadows it") as caught:
        doctor.locate("envs")
    assert str(other) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImportError, match="`no_such_package` is not importable"):
        doctor.locate("no_such_package")


def test_a_shadowed_package_ends_the_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("vla", "json"))
    assert cli.main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "FAIL  json" in shown
    assert "self-test" not in shown


def test_check_turns_an_exception_into_a_fail() -> None:
    def broken() -> str:
        raise OSError("disk\n is full")

    line = doctor.check("cache", "folder", broken)
    assert (line.status, line.detail) == ("FAIL", "OSError: disk is full")


def test_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="XDG_CACHE_HOME"):
        doctor.describe_cache(tmp_path / "missing")


def test_requirements_are_read_from_the_installed_package() -> None:
    assert {"torch", "pybullet", "numba"} <= set(doctor.requirements())
    assert "pytest" not in doctor.requirements()

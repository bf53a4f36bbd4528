"""The architecture, as far as a machine can see it: one-way imports, one file per engine, small files and functions."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("vla", "envs", "policies", "experiments")  # each may import itself and those before it
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 80
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:home|root|Users|work|mnt)/\w+")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every absolute module name that `path` imports anywhere, lazily too, and the line."""
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{relative(path)}:{node.lineno}: relative import"
            yield node.module or "", node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_imports_point_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    later = set(PACKAGES[PACKAGES.index(package) + 1 :]) | {"tests"}
    wrong = [f"{relative(path)}:{line} imports {name}" for name, line in imported(path) if name.split(".")[0] in later]
    assert not wrong, f"imports point one way, {' <- '.join(PACKAGES)}: {wrong}"


def test_pybullet_is_imported_in_one_file() -> None:
    users = {relative(path) for path in SOURCES for name, _ in imported(path) if name.split(".")[0] == "pybullet"}
    assert users == {"envs/bullet.py"}


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=relative)
def test_files_and_functions_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE_LINES
    functions = [node for node in ast.walk(parse(path)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    long = [
        f"{relative(path)}:{node.lineno} {node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for node in functions
        if (node.end_lineno or 0) - node.lineno + 1 > MAX_FUNCTION_LINES
    ]
    assert not long


def test_half_of_the_functions_are_short() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(parse(path))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    )
    assert lengths[len(lengths) // 2] <= 15
    assert lengths[len(lengths) * 9 // 10] <= 35


@pytest.mark.parametrize("path", SOURCES + TESTS, ids=relative)
def test_no_machine_paths(path: Path) -> None:
    if path == Path(__file__):
        return
    lines = path.read_text(encoding="utf-8").splitlines()
    assert not [f"{relative(path)}:{i}: {line.strip()}" for i, line in enumerate(lines, 1) if MACHINE_PATH.search(line)]


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(parse(path)), f"{relative(path)} has no docstring"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_no_exception_is_swallowed(path: Path) -> None:
    silent = [
        f"{relative(path)}:{node.lineno}"
        for node in ast.walk(parse(path))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}))
        and all(isinstance(statement, (ast.Pass, ast.Continue)) for statement in node.body)
    ]
    assert not silent


def test_every_package_is_listed_for_installation() -> None:
    stated = re.search(
        r"^packages = (\[.*?\])$", (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert stated
    listed = set(ast.literal_eval(stated[1]))
    present = {relative(path.parent).replace("/", ".") for path in SOURCES if path.name == "__init__.py"}
    assert listed == present


@pytest.mark.parametrize("module", ["envs.world", "envs.gym_env", "envs.scenes", "vla.pool", "policies.registry"])
def test_a_worker_never_imports_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit(' '.join(sorted({{'torch', 'transformers'}} & set(sys.modules))) or 0)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"importing {module} imports {done.stderr}"


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()

"""The `vla` command. Knows no command: each is a module of `experiments.commands`, imported only when it is called.

A command module has a docstring (its first line is the help text, read without importing), a frozen dataclass `Args`
whose field docstrings are the help of the options, and `main(args) -> int`, the exit code. `VLA_DEBUG=1` shows
tracebacks.
"""

from __future__ import annotations

import ast
import functools
import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path

COMMANDS = Path(__file__).parent / "commands"
DISTRIBUTION = "vla-bench"
TRAIN_EXTRA = {"accelerate", "safetensors", "tensorboard", "torch"}


def command_files() -> dict[str, Path]:
    """Command name (`data-export` for `data_export.py`) to its module's file, sorted by name."""
    files = (path for path in sorted(COMMANDS.glob("*.py")) if not path.stem.startswith("_"))
    return {path.stem.replace("_", "-"): path for path in files}


def summary(path: Path) -> str:
    """First line of a module's docstring, without running the module."""
    documentation = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return documentation.partition("\n")[0]


def usage() -> str:
    """The text of `vla --help`."""
    commands = command_files()
    width = max(map(len, commands), default=0)
    lines = [f"  {name.replace('-', ' '):<{width}}  {summary(path)}" for name, path in commands.items()]
    return "\n".join(
        [
            "usage: vla COMMAND [OPTIONS]",
            "",
            "Simulate, collect, train and evaluate vision-language-action policies.",
            "",
            "commands:",
            *lines,
            "",
            "`vla COMMAND --help` lists the options of one; `vla --version`. VLA_DEBUG=1 shows tracebacks of errors.",
        ]
    )


def version() -> str:
    """The installed version, or the one of the checkout when it is not installed."""
    import importlib.metadata

    try:
        return importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return "unknown (not installed)"


def run(name: str, arguments: Sequence[str]) -> int:
    """Import a command, parse its arguments and run it.

    An unknown `name` is answered with the nearest one and exit code 2.
    """
    path = command_files().get(name.replace("_", "-"))
    if path is None:
        from vla.registry import nearest

        print(f"vla: {nearest('command', name, list(command_files()))}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"experiments.commands.{path.stem}")
    import tyro

    args = tyro.cli(module.Args, prog=f"vla {name.replace('-', ' ')}", description=module.__doc__, args=list(arguments))
    code: int = module.main(args)
    return code


def explain(error: Exception, name: str) -> str:
    """An error of the user's making in one line."""
    message = " ".join(str(error).split()) or type(error).__name__
    return f"vla {name}: {message} (VLA_DEBUG=1 shows where)"


def _warn(command: str, message: Warning | str, *_: object, **__: object) -> None:
    """A warning in one line, without the place in the source that gave it."""
    print(f"vla {command.replace('-', ' ')}: warning: {message}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point of the console script: 0 done, 1 the command found a failure, 2 wrong use, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        print(usage())
        return 0 if arguments else 2
    if arguments[0] in {"-V", "--version"}:
        print(f"vla {version()}")
        return 0
    name, *rest = arguments
    if rest and f"{name}-{rest[0]}" in command_files():  # `vla eval merge` is experiments/commands/eval_merge.py
        name, rest = f"{name}-{rest[0]}", rest[1:]
    try:
        with warnings.catch_warnings():
            warnings.showwarning = functools.partial(_warn, name)
            return run(name, rest)
    except (ValueError, FileNotFoundError, FileExistsError) as error:
        if os.environ.get("VLA_DEBUG"):
            raise
        print(explain(error, name), file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name not in TRAIN_EXTRA or os.environ.get("VLA_DEBUG"):
            raise
        print(
            f"vla {name}: {error.name} is not installed; learning needs the extra: {DISTRIBUTION}[train]",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:
        print(f"\nvla {name}: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `vla tasks | head`: the reader has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())

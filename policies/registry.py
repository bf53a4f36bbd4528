"""Policies by name: `expert`, `replay:FOLDER`, a published one, or the path of a checkpoint. Imports when one is made.

A policy is one file of this package with `@POLICIES.register("name")` over a class or function. Modules are found by
reading their text, so that naming the expert in a worker process imports no torch.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path

from policies.published import PUBLISHED, located, published, published_names
from vla.contract import Policy
from vla.execution import MODES, Execution
from vla.registry import Registry, nearest

POLICIES: Registry[Callable[..., Policy]] = Registry("policy")
_REGISTRATION = re.compile(r'^@POLICIES\.register\("([^"]+)"\)', re.MULTILINE)


def policy_names(folder: Path = PUBLISHED) -> list[str]:
    """Names that `make_policy` knows without a path, sorted: those registered, and those published in `folder`."""
    return sorted({*_modules(), *POLICIES, *published_names(folder)})


def make_policy(name: str, folder: Path = PUBLISHED) -> Policy:
    """Make a policy.

    Args:
        name: A registered name, with an argument after a colon where the policy takes one (`replay:FOLDER`), the name
            of a published policy, or the path of a checkpoint or a run. `NAME@EXECUTION` executes its chunks otherwise
            than it was saved for, for example `runs/train@ensemble:0.01` (`vla.execution.Execution.parse`).
        folder: Where published policies are.

    Raises:
        ValueError: Unknown name (the nearest one is given), missing or needless argument, no such path, a published
            policy without weights.
    """
    plain, execution = split_execution(name)
    policy = _named(plain, folder)
    if execution is not None:
        if not hasattr(policy, "execution"):
            raise ValueError(f"policy {plain!r} gives no chunks that could be executed otherwise; a checkpoint does")
        policy.execution = execution
    return policy


def split_execution(name: str) -> tuple[str, Execution | None]:
    """`NAME@EXECUTION` as its two parts; a path may have an @ of its own."""
    plain, _, wanted = name.rpartition("@")
    return (plain, Execution.parse(wanted)) if plain and wanted.partition(":")[0] in MODES else (name, None)


def _named(name: str, folder: Path) -> Policy:
    """The policy called `name`."""
    head, colon, argument = name.partition(":")
    if head in _modules() or head in POLICIES:
        return _make(head, argument, folder, given=bool(colon))
    if head in published_names(folder) and colon:
        raise ValueError(f"policy {head!r} takes no argument")
    path = published(name, folder) if name in published_names(folder) else Path(name)
    if path.exists():
        from policies.learned import LearnedPolicy

        return LearnedPolicy(path)
    names = policy_names(folder)
    if "/" in name or "." in name:
        raise ValueError(f"no checkpoint at {name!r}: the path does not exist. Names: {', '.join(names)}.")
    error = nearest("policy", head, names)
    raise ValueError(f"{error} A checkpoint of that path does not exist either.")


def _make(name: str, argument: str, folder: Path, given: bool) -> Policy:
    """Make the registered policy `name`, checking that it wants an argument exactly if one is given.

    An argument that is called `checkpoint` may be a published policy.
    """
    if name not in POLICIES:
        importlib.import_module(_modules()[name])
    maker = POLICIES[name]
    if _wanted(maker) == "CHECKPOINT":
        argument = located(argument, folder)
    arguments = (argument,) if given else ()
    try:
        inspect.signature(maker).bind(*arguments)
    except TypeError:
        problem = "takes no argument" if given else f"needs an argument: {name}:{_wanted(maker)}"
        raise ValueError(f"policy {name!r} {problem}") from None
    return maker(*arguments)


def _wanted(maker: Callable[..., Policy]) -> str:
    return "".join(parameter.upper() for parameter in list(inspect.signature(maker).parameters)[:1])


@functools.cache
def _modules() -> dict[str, str]:
    """Registered name to module, for the modules of this package."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("*.py")):
        for name in _REGISTRATION.findall(path.read_text(encoding="utf-8")):
            found[name] = f"{__package__}.{path.stem}"
    return found

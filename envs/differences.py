"""How two scene descriptions differ, field by field: what an axis has changed. Knows no axis."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from envs.scene import SceneSpec

NAMED = ("objects", "cameras")  # sequences whose entries are told apart by their names


class Difference(NamedTuple):
    """One field that is not the same.

    Attributes:
        path: From the SceneSpec down, with the names of objects and cameras: `objects.red_block.mass`.
        field: The same without those names: `objects.mass`.
        old: JSON-ready value; None for an object or a camera that was not there.
        new: The same after the change; None for one that is gone.
    """

    path: str
    field: str
    old: Any
    new: Any


def differences(old: SceneSpec, new: SceneSpec) -> list[Difference]:
    """Every field in which `new` differs from `old`; an object or camera that is there in one of them only is one."""
    return list(_differences(old.to_dict(), new.to_dict(), "", ""))


def _differences(old: Any, new: Any, path: str, field: str) -> Iterator[Difference]:
    if old == new:
        return
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield Difference(path, field, old, new)
        return
    for key in dict.fromkeys((*old, *new)):
        deeper, named = f"{path}.{key}".lstrip("."), f"{field}.{key}".lstrip(".")
        one, other = old.get(key), new.get(key)
        if key in NAMED:
            ones, others = ({entry["name"]: entry for entry in entries} for entries in (one or (), other or ()))
            for name in dict.fromkeys((*ones, *others)):
                yield from _differences(ones.get(name), others.get(name), f"{deeper}.{name}", named)
        else:
            yield from _differences(one, other, deeper, named)


def within(field: str, fields: tuple[str, ...]) -> bool:
    """Whether a field is one of `fields` or a part of one."""
    return any(field == whole or field.startswith(f"{whole}.") for whole in fields)

"""Evaluations on disk, found by what was typed: a run, a policy's folder, or a results file. Runs nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from vla.evaluation import MANIFEST, RUNS
from vla.registry import nearest
from vla.results import RESULTS, Record, read_json, read_results


@dataclass(frozen=True)
class Evaluated:
    """What one policy did on one suite.

    Attributes:
        name: Display name, unique among those that were asked for.
        suite: Name of the suite, "" for a results file without its `evaluation.json`.
        suite_hash: Its hash; without the manifest one over the episodes that there are.
        worlds: Hash over what the scenes are made of; "" where the evaluation did not keep it.
        controls: Controls of the suite.
        records: One per episode that was run.
        file: Where they are.
    """

    name: str
    suite: str
    suite_hash: str
    worlds: str
    controls: tuple[str, ...]
    records: tuple[Record, ...]
    file: Path


def find(paths: Sequence[Path]) -> list[Evaluated]:
    """Every evaluation that `paths` mean, in their order; a run folder means all its policies, sorted by name.

    Policies of one name are called by their paths. Raises ValueError for a path with nothing in it; one that does not
    exist is answered with the nearest that does.
    """
    files = list(dict.fromkeys(file for path in paths for file in _files(path)))
    found = [_read(file) for file in files]
    names = [each.name for each in found]
    return [
        each if names.count(each.name) == 1 else Evaluated(**{**vars(each), "name": str(each.file.parent)})
        for each in found
    ]


def check_same_suite(found: Iterable[Evaluated]) -> None:
    """Raise ValueError naming both suites if two evaluations are not of the same one."""
    first, *others = found
    for other in others:
        if other.suite_hash != first.suite_hash or other.worlds != first.worlds:
            what = "suites" if other.suite_hash != first.suite_hash else "worlds"
            raise ValueError(
                f"{first.name} and {other.name} cannot be compared: they ran different {what}, "
                f"{_called(first, what)} and {_called(other, what)}"
            )


def _called(each: Evaluated, what: str) -> str:
    code = each.suite_hash if what == "suites" else each.worlds
    return f"{each.suite or 'one without a name'} ({code or 'unknown'}, {each.file})"


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if (path / RESULTS).is_file():
        return [path / RESULTS]
    files = sorted(path.glob(f"{RUNS}/*/{RESULTS}")) or sorted(path.glob(f"*/{RESULTS}"))
    if files:
        return files
    if not path.exists() and path.parent.is_dir():
        raise nearest(f"evaluation in {path.parent}", path.name, sorted(each.name for each in path.parent.iterdir()))
    raise ValueError(
        f"no results in {path}: expected a run folder, a policy's folder or its {RESULTS}, which `vla eval` writes"
    )


def _read(file: Path) -> Evaluated:
    records = tuple(read_results(file))
    if not records:
        raise ValueError(f"{file} holds no episode")
    manifest = file.parent / MANIFEST
    if file.name != RESULTS or not manifest.exists():
        keys = "\n".join(sorted(record.key for record in records))
        code = hashlib.sha256(keys.encode()).hexdigest()[:16]
        return Evaluated(records[0].policy or file.stem, "", code, "", (), records, file)
    data = read_json(manifest)
    suite = data["suite"]
    return Evaluated(
        data["policy"],
        suite["name"],
        data["suite_hash"],
        str(data.get("worlds", "")),
        tuple(suite["controls"]),
        records,
        file,
    )

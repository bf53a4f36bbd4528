"""Puts the shards of one evaluation together: all of it, nothing twice, nothing mixed. Knows not how they were run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vla.evaluation import EPISODES, MANIFEST
from vla.provenance import command_line, now
from vla.results import RESULTS, Record, read_json, read_results, write_json
from vla.store import EpisodeStore, write_durably
from vla.suites import Suite

SAME = ("suite_hash", "worlds", "policy", "checkpoint", "source", "pictures", "versions")  # in all shards


def merge(folders: Sequence[Path], out: Path) -> Path:
    """Merge shards into `out`/POLICY, as if they had been one evaluation.

    Args:
        folders: Of the shards: each holds `evaluation.json`, `results.jsonl` and perhaps `episodes/`.
        out: Folder that gets the policy's folder.

    Returns:
        The policy's folder.

    Raises:
        ValueError: Shards of different suites, policies, checkpoints or versions; an episode that two of them have; an
            episode of the suite that none has; a folder without results, or one that is there already.
    """
    if not folders:
        raise ValueError("no shard to merge: give the folders of all shards")
    manifests = {folder: _manifest(folder) for folder in folders}
    _check_same(manifests)
    first = manifests[folders[0]]
    suite = Suite.from_dict(first["suite"])
    records = _records(folders, manifests)
    _check_whole(suite, records, manifests)
    target = out / str(first["policy"])
    if (target / RESULTS).exists():
        raise ValueError(f"{target} holds results already: give another --out")
    _copy_episodes(folders, target / EPISODES)
    lines = "".join(records[request.key].to_json() + "\n" for request in suite.requests())
    target.mkdir(parents=True, exist_ok=True)
    write_durably(target / RESULTS, lines.encode())
    shards = [str(manifests[folder].get("shard", "")) for folder in folders]
    whole = {key: value for key, value in first.items() if key != "shard"}
    write_json(target / MANIFEST, {**whole, "merged": shards, "command": command_line(), "started": now()})
    return target


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    if not path.exists():
        raise ValueError(f"{folder} is no evaluation: it has no {MANIFEST}, which `vla eval` writes")
    data = read_json(path)
    assert isinstance(data, dict)
    return data


def _check_same(manifests: Mapping[Path, Mapping[str, Any]]) -> None:
    (first, wanted), *others = manifests.items()
    for folder, manifest in others:
        for name in SAME:
            if manifest.get(name) != wanted.get(name):
                what = name.replace("_", " ")
                raise ValueError(
                    f"cannot merge {first} and {folder}: their {what} differs "
                    f"({_short(wanted.get(name), manifest.get(name))})"
                )


def _short(one: Any, other: Any) -> str:
    """What differs, without what is equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
        return ", ".join(f"{name} {one.get(name)!r} and {other.get(name)!r}" for name in names)
    return f"{one!r} and {other!r}"


def _records(folders: Sequence[Path], manifests: Mapping[Path, Mapping[str, Any]]) -> dict[str, Record]:
    """All records by key. Raises ValueError for an episode that two shards have, or mixed versions."""
    records: dict[str, Record] = {}
    owner: dict[str, Path] = {}
    for folder in folders:
        versions = manifests[folder].get("versions")
        for record in read_results(folder / RESULTS) if (folder / RESULTS).exists() else []:
            if record.key in records:
                raise ValueError(f"shards overlap: {record.key} is in {owner[record.key]} and in {folder}")
            if dict(record.versions) != versions:
                raise ValueError(
                    f"{folder} mixes versions: {record.key} was run with other ones "
                    f"({_short(versions, dict(record.versions))})"
                )
            records[record.key], owner[record.key] = record, folder
    return records


def _check_whole(suite: Suite, records: Mapping[str, Record], manifests: Mapping[Path, Mapping[str, Any]]) -> None:
    keys = [request.key for request in suite.requests()]
    foreign = records.keys() - set(keys)
    if foreign:
        raise ValueError(f"{len(foreign)} episodes are not of suite {suite.name!r}, for example {min(foreign)}")
    missing = [key for key in keys if key not in records]
    if missing:
        there = ", ".join(str(manifest.get("shard", "without number")) for manifest in manifests.values())
        raise ValueError(
            f"{len(missing)} of {len(keys)} episodes of suite {suite.name!r} are in no shard, for example "
            f"{missing[0]}; shards given: {there}"
        )


def _copy_episodes(folders: Sequence[Path], target: Path) -> None:
    """Copy stored episodes; whole files appear or none, since their names come last."""
    for folder in folders:
        if not (folder / EPISODES).is_dir():
            continue
        source, store = EpisodeStore(folder / EPISODES, create=False), EpisodeStore(target)
        for key in source.keys():  # noqa: SIM118 - not a dict
            partial = store.path(key).with_name(f".{store.path(key).name}.merge")
            shutil.copyfile(source.path(key), partial)
            partial.replace(store.path(key))

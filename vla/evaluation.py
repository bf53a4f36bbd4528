"""Run a policy over a suite: durable, resumable, the same results however many workers. Knows no world and no task."""

from __future__ import annotations

import contextlib
import functools
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from vla.contract import EpisodeRequest, OutcomeName, Policy, World
from vla.families import OverFamilies, over_families
from vla.following import Following, following
from vla.pool import run_episodes
from vla.provenance import command_line, machine, now, versions
from vla.results import RESULTS, Record, ResultLog, digest, read_json, write_json
from vla.severity import Severity, severities
from vla.store import EpisodeStore
from vla.suites import Suite
from vla.summary import Summary, summarize

MANIFEST = "evaluation.json"
EPISODES = "episodes"
RUNS = "eval"  # folder of a run that holds one folder per policy


@dataclass(frozen=True)
class Evaluation:
    """A finished evaluation.

    Attributes:
        suite: What was asked for.
        policy: Display name.
        checkpoint: Hash of the weights, "" without weights.
        records: One per episode of the suite (or of the shard), in the suite's order.
        folder: Where the results are.
        ran: Episodes run by this call; the others were there already.
        wall_s: Seconds of this call.
    """

    suite: Suite
    policy: str
    checkpoint: str
    records: list[Record]
    folder: Path
    ran: int
    wall_s: float

    @property
    def summary(self) -> Summary:
        """Rates and drops."""
        return summarize(self.records)

    @functools.cached_property
    def severities(self) -> dict[str, Severity]:
        """What each axis does to success over its levels."""
        found = severities(self.records)
        return {axis: each for axis, each in found.items() if axis not in self.suite.controls}

    @functools.cached_property
    def families(self) -> OverFamilies:
        """Means over families."""
        return over_families(self.records, self.suite.controls)

    @functools.cached_property
    def following(self) -> Following:
        """The language-following index; it says nothing where the suite has no swapped twins."""
        return following(self.records)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: what `vla eval --json` prints."""
        return {
            "policy": self.policy,
            "checkpoint": self.checkpoint,
            "suite": self.suite.name,
            "suite_hash": self.suite.hash,
            "seed": self.suite.seed,
            "digest": digest(self.records),
            **self.summary.to_dict(self.suite),
            "families": self.families.to_dict(),
            "severity": {axis: each.to_dict() for axis, each in self.severities.items()},
            "following": self.following.to_dict(),
            "ran": self.ran,
            "wall_s": round(self.wall_s, 2),
            "results": str(self.folder / RESULTS),
        }


@dataclass(frozen=True)
class Subject:
    """The policy that is evaluated.

    Attributes:
        name: Display name, also the name of its folder.
        factory: Picklable; makes an instance.
        source: What the user typed: a registered name or a checkpoint.
        checkpoint: Hash of the weights, "" without weights.
    """

    name: str
    factory: Callable[[], Policy]
    source: str
    checkpoint: str = ""


def evaluate(
    suite: Suite,
    subject: Subject,
    folder: Path,
    *,
    world_factory: Callable[[], World],
    workers: int = 0,
    slots_per_worker: int = 1,
    keep: Callable[[EpisodeRequest], bool] | None = None,
    retry_errors: bool = False,
    overwrite: bool = False,
    progress: bool = True,
    shard: tuple[int, int] = (1, 1),
    identity: Mapping[str, Any] | None = None,
) -> Evaluation:
    """Run what of `suite` is not in `folder` yet.

    Args:
        suite: The episodes.
        subject: The policy.
        folder: For `results.jsonl`, `evaluation.json` and `episodes/`.
        world_factory: Picklable; makes a world in a worker.
        workers: Worker processes; 0 runs in this process. Results do not depend on it.
        slots_per_worker: Worlds a worker runs at a time. Results do not depend on it.
        keep: Which episodes are stored (as poses) for videos; None stores none.
        retry_errors: Run episodes again that ended in an error.
        overwrite: Delete what the folder has instead of resuming.
        progress: Show a progress bar on stderr.
        shard: (number, of how many): run only that part of the suite; `vla.merging.merge` puts the parts together.
        identity: What else the results depend on (a hash of the worlds, of a drawn picture), JSON-ready: stored, and
            results with another one are not gone on with.

    Raises:
        ValueError: If the folder holds results of another suite, policy or checkpoint, or is in use; for a shard that
            does not exist.
    """
    requests = suite.shard(*shard)
    whole = {**(identity or {}), "shard": "" if shard == (1, 1) else f"{shard[0]}/{shard[1]}"}
    start = time.perf_counter()
    if overwrite:
        shutil.rmtree(folder, ignore_errors=True)
    with ResultLog(folder / RESULTS) as log:
        _check_manifest(suite, subject, folder, whole, started=not log.records)
        records = {r.key: r for r in log.records if not (retry_errors and r.outcome == "error")}
        missing = [request for request in requests if request.key not in records]
        store = EpisodeStore(folder / EPISODES) if keep is not None else None
        results = run_episodes(
            missing,
            world_factory=world_factory,
            policy_factory=subject.factory,
            workers=workers,
            slots_per_worker=slots_per_worker,
            record=store is not None,
        )
        with (
            _bar(f"{subject.name} on {suite.name}", len(missing), progress and bool(missing)) as tick,
            contextlib.closing(results),
        ):
            for result, episode in results:
                # Episode before line: a line in the results promises that its episode is stored.
                if store is not None and keep is not None and episode is not None and keep(result.request):
                    store.save(episode)
                record = Record.of(result, subject.name, subject.checkpoint, versions())
                log.append(record)
                records[record.key] = record
                tick(record.outcome)
    ordered = [records[request.key] for request in requests]
    wall_s = time.perf_counter() - start
    return Evaluation(suite, subject.name, subject.checkpoint, ordered, folder, len(missing), wall_s)


def _check_manifest(suite: Suite, subject: Subject, folder: Path, more: Mapping[str, Any], started: bool) -> None:
    """Write the manifest of a new evaluation; raise ValueError if the one that is there differs."""
    path = folder / MANIFEST
    identity = {"suite_hash": suite.hash, "policy": subject.name, "checkpoint": subject.checkpoint, **more}
    if path.exists() and not started:
        old = read_json(path)
        for name, value in identity.items():
            if old.get(name) != value:
                raise ValueError(
                    f"{folder} holds results of another {name.replace('_', ' ')} ({old.get(name)!r}, now {value!r}): "
                    "give another --out, or --overwrite to delete them"
                )
        return
    manifest = {**identity, "source": subject.source, "suite": suite.to_dict(), "command": command_line()}
    write_json(path, {**manifest, "machine": machine(), "versions": versions(), "started": now()})


@contextlib.contextmanager
def _bar(title: str, total: int, enabled: bool) -> Iterator[Callable[[OutcomeName], None]]:
    """A progress bar with successes so far, rate and remaining time; yields what to call after each episode."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    start = time.perf_counter()
    counts = {"success": 0, "failure": 0, "error": 0}
    with Progress(*columns, console=Console(stderr=True), disable=not enabled) as bar:
        task = bar.add_task(title, total=total, note="")

        def tick(outcome: OutcomeName) -> None:
            counts[outcome] += 1
            done = sum(counts.values())
            errors = f"[red]{counts['error']} errors[/red] " if counts["error"] else ""
            rate = done / (time.perf_counter() - start)
            bar.update(task, advance=1, note=f"{counts['success']}/{done} ok {errors}{rate:.1f} episodes/s")

        yield tick

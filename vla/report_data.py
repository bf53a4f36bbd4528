"""What a report is made of: a run folder read into memory. Knows no HTML and no pixels.

RUN/eval/POLICY/{evaluation.json, results.jsonl, episodes/}    RUN/train/{metrics.jsonl, config.json}
"""

from __future__ import annotations

import functools
import json
import shlex
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vla.evaluation import EPISODES, MANIFEST, RUNS
from vla.results import RESULTS, Record, digest, read_json, read_results
from vla.store import EpisodeStore
from vla.suites import Suite
from vla.summary import Summary, summarize


@dataclass(frozen=True)
class AxisNote:
    """What an axis changes and by how much: shown with its numbers.

    Attributes:
        summary: One sentence.
        unit: Of the levels.
        levels: Magnitude of level 1, 2, 3 ...
        family: visual, semantic, object or robot; empty for one that is not known here.
        kind: `axis` or `control`.
        peers: Benchmarks that test it.
    """

    summary: str = ""
    unit: str = ""
    levels: tuple[float, ...] = ()
    family: str = ""
    kind: str = "axis"
    peers: tuple[str, ...] = ()

    def magnitude(self, level: int) -> str:
        """The magnitude of a level with its unit; empty where it is not known."""
        return f"{self.levels[level - 1]:g} {self.unit}".strip() if 0 < level <= len(self.levels) else ""


@dataclass(frozen=True)
class PolicyRun:
    """One policy's evaluation.

    Attributes:
        name: Display name.
        folder: Its folder.
        manifest: `evaluation.json`.
        suite: What was asked for.
        records: What there is, in the order of the suite.
        missing: Episodes of the suite without a record.
        named: Whether the suite's name means it to `vla eval`; otherwise its manifest does.
    """

    name: str
    folder: Path
    manifest: Mapping[str, Any]
    suite: Suite
    records: Sequence[Record]
    missing: int
    named: bool

    @functools.cached_property
    def summary(self) -> Summary:
        """Rates and drops."""
        return summarize(self.records)

    @property
    def checkpoint(self) -> str:
        """Hash of the weights, "" without weights."""
        return str(self.manifest["checkpoint"])

    @property
    def learned(self) -> bool:
        """Whether it is a network with all its senses."""
        return bool(self.checkpoint) and not str(self.manifest["source"]).startswith(("blind:", "deaf:"))

    @property
    def digest(self) -> str:
        """Hash of what happened, to compare with a repetition."""
        return digest(self.records)

    @property
    def command(self) -> str:
        """What gives numbers again, with the options `--task` and `--axis` still to be added."""
        name = self.suite.name if self.named else str(self.folder / MANIFEST)
        words = ["vla", "eval", "--policy", str(self.manifest["source"]), "--suite", name, "--name", self.name]
        if (
            max(self.suite.base, self.suite.per_control) <= self.suite.episodes
        ):  # perhaps not the named suite's own number
            words += ["--episodes", str(self.suite.episodes)]
        return shlex.join([*words, "--seed", str(self.suite.seed), "--out", "runs/again"])

    @property
    def record_command(self) -> str:
        """What runs one episode again and films it, with the options `--key` and `--out` still to be added."""
        return shlex.join(["vla", "record", "--policy", str(self.manifest["source"])])

    def stored(self) -> frozenset[str]:
        """Keys of the episodes that can be drawn."""
        folder = self.folder / EPISODES
        return frozenset(EpisodeStore(folder, create=False).keys()) if folder.is_dir() else frozenset()


@dataclass(frozen=True)
class Run:
    """Everything in a run folder. The first policy is the one that the report is about."""

    folder: Path
    policies: Sequence[PolicyRun]
    training: Sequence[Mapping[str, Any]]
    training_config: Mapping[str, Any]

    @property
    def main(self) -> PolicyRun:
        """The policy that the report is about: the first that was learned, else the first."""
        return self.policies[0]


def load_run(folder: Path, suites: Collection[str] = ()) -> Run:
    """Read a run; `suites` are the names that `vla eval --suite` knows.

    Raises ValueError if there is no evaluation in it, or a file is damaged.
    """
    found = [_policy(path.parent, suites) for path in sorted((folder / RUNS).glob(f"*/{MANIFEST}"))]
    policies = [policy for policy in found if policy.records]
    if not policies:
        raise ValueError(f"no results in {folder}: expected {folder}/{RUNS}/POLICY/{RESULTS}, which `vla eval` writes")
    order = ("expert", "random", "blind", "deaf")
    rank = {name: number for number, name in enumerate(order)}
    policies.sort(key=lambda p: (not p.learned, rank.get(p.name.partition("-")[0], len(order)), p.name))
    config = folder / "train" / "config.json"
    return Run(
        folder, policies, _metrics(folder / "train" / "metrics.jsonl"), read_json(config) if config.exists() else {}
    )


def _policy(folder: Path, suites: Collection[str]) -> PolicyRun:
    manifest = read_json(folder / MANIFEST)
    suite = Suite.from_dict(manifest["suite"])
    file = folder / RESULTS
    records = {record.key: record for record in read_results(file)} if file.exists() else {}
    ordered = [records[request.key] for request in suite.requests() if request.key in records]
    missing = len(suite.requests()) - len(ordered)
    return PolicyRun(manifest["policy"], folder, manifest, suite, ordered, missing, suite.name in suites)


def _metrics(path: Path) -> list[dict[str, Any]]:
    """Rows of a training log; a last line cut by a crash is left out."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines[:-1] if line]


def gallery(policy: PolicyRun, failures: int, successes: int) -> list[Record]:
    """Stored episodes worth seeing: failures (and errors) spread over axes, successes over tasks and axes.

    The choice depends on the results alone, not on luck: the first of each cell, hardest level first for failures.
    """
    stored = policy.stored()
    shown = [record for record in policy.records if record.key in stored]
    bad = [record for record in shown if record.outcome != "success"]
    good = [record for record in shown if record.outcome == "success"]
    bad.sort(key=lambda r: -r.cell.level)
    return _spread(bad, failures) + _spread(good, successes)


def _spread(records: Sequence[Record], most: int) -> list[Record]:
    """Take in turn what is rarest among those chosen: its axis, then its task, then its scene."""
    chosen: list[Record] = []
    seen: Counter[str | int] = Counter()
    left = list(records)
    while left and len(chosen) < most:
        best = min(left, key=lambda r: (seen[r.cell.axis], seen[r.cell.task], seen[r.request.index]))
        left.remove(best)
        chosen.append(best)
        seen.update((best.cell.axis, best.cell.task, best.request.index))
    return chosen

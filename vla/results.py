"""Results of an evaluation on disk: one JSON line an episode, durable, resumable. Knows not how episodes are run."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from typing_extensions import Self

from vla.contract import EpisodeRequest, EpisodeResult, OutcomeName, Perturbation
from vla.measures import Measures
from vla.store import write_durably
from vla.suites import Cell, cell_of

RESULTS = "results.jsonl"


@dataclass(frozen=True)
class Record:
    """One line of `results.jsonl`.

    Attributes:
        request: The episode.
        instruction: What was said to the policy.
        outcome: `success`, `failure` or `error`.
        reason: `success`, or why not.
        steps: Control steps.
        wall_s: Seconds; the only field that differs between two runs.
        policy: Name of the policy.
        checkpoint: Hash of its weights, "" without weights.
        versions: Of the packages and the commit.
        traceback: Of an error.
        completed: Parts of the goal that were done, in their order.
        parts: Parts of the goal; 1 for most.
        measures: What was measured in the episode; None for an error.
    """

    request: EpisodeRequest
    instruction: str
    outcome: OutcomeName
    reason: str
    steps: int
    wall_s: float
    policy: str = ""
    checkpoint: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    traceback: str = ""
    completed: int = 0
    parts: int = 1
    measures: Measures | None = None

    @staticmethod
    def of(result: EpisodeResult, policy: str, checkpoint: str, versions: Mapping[str, str]) -> Record:
        """What the pool gave, with where it came from."""
        return Record(
            request=result.request,
            instruction=result.instruction,
            outcome=result.outcome,
            reason=result.reason,
            steps=result.steps,
            wall_s=round(result.wall_s, 4),
            policy=policy,
            checkpoint=checkpoint,
            versions=versions,
            traceback=result.traceback,
            completed=result.completed,
            parts=result.parts,
            measures=result.measures,
        )

    @property
    def key(self) -> str:
        """Key of the request."""
        return self.request.key

    @property
    def cell(self) -> Cell:
        """Task, axis and level."""
        return cell_of(self.request)

    def to_json(self) -> str:
        """One line, without its newline."""
        request, cell = self.request, self.cell
        data: dict[str, Any] = {
            "key": self.key,
            "task": request.task,
            "axis": cell.axis,
            "level": cell.level,
            "index": request.index,
            "seed": request.seed,
            "split": request.split,
            "perturbations": [[p.axis, p.level] for p in request.perturbations],
            "instruction": self.instruction,
            "outcome": self.outcome,
            "reason": self.reason,
            "steps": self.steps,
            "wall_s": self.wall_s,
            "policy": self.policy,
            "checkpoint": self.checkpoint,
            "versions": dict(self.versions),
        }
        if self.parts > 1:
            data |= {"completed": self.completed, "parts": self.parts}
        if self.measures is not None:
            data["measures"] = self.measures.to_dict()
        if self.traceback:
            data["traceback"] = self.traceback
        return json.dumps(data, ensure_ascii=False)

    @staticmethod
    def from_json(line: str) -> Record:
        """Read what `to_json` wrote. Raises ValueError or KeyError if it is something else."""
        data = json.loads(line)
        request = EpisodeRequest(
            data["task"],
            data["index"],
            data["seed"],
            data["split"],
            tuple(Perturbation(axis, level) for axis, level in data["perturbations"]),
        )
        if request.key != data["key"]:
            raise ValueError(f"key {data['key']!r} does not fit the request {request.key!r}")
        names = ("instruction", "outcome", "reason", "steps", "wall_s", "policy", "checkpoint", "versions")
        completed = data.get("completed", int(data["outcome"] == "success"))
        measures = Measures.from_dict(data["measures"]) if "measures" in data else None
        return Record(
            request=request,
            traceback=data.get("traceback", ""),
            completed=completed,
            parts=data.get("parts", 1),
            measures=measures,
            **{name: data[name] for name in names},
        )


def read_results(path: Path) -> list[Record]:
    """All records, in file order; of several with one key the last counts. A half-written last line is left out.

    Raises ValueError naming file and line if any other line is damaged.
    """
    records: dict[str, Record] = {}
    for record in _parse(path, path.read_bytes())[0]:
        records.pop(record.key, None)
        records[record.key] = record
    return list(records.values())


def _parse(path: Path, data: bytes) -> tuple[list[Record], int]:
    """Records and how many leading bytes of the file are whole lines."""
    lines = data.split(b"\n")
    whole = len(data) - len(lines.pop())  # what follows the last newline was cut by a crash
    records = []
    for number, line in enumerate(lines, start=1):
        record = _parse_line(line)
        if isinstance(record, Record):
            records.append(record)
        elif number == len(lines):
            whole -= len(line) + 1  # a power cut may leave a last line of zeros
        else:
            raise ValueError(f"{path}: line {number} is not an episode result ({record})")
    return records, whole


def _parse_line(line: bytes) -> Record | Exception:
    try:
        return Record.from_json(line.decode())
    except (ValueError, KeyError, TypeError) as error:
        return error


def digest(records: Iterable[Record]) -> str:
    """16 hex digits over what happened (key, outcome, reason, steps), independent of order, time and machine."""
    rows = sorted((r.key, r.outcome, r.reason, r.steps) for r in records)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


class ResultLog:
    """Appends records so that each one survives a crash as soon as `append` returns. One writer at a time.

    Use as a context manager. `records` holds what the file already had when it was opened.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`, drop a half-written last line. Raises ValueError if another process is writing it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise ValueError(f"{path} is being written by another evaluation") from error
        self._file.seek(0)
        _, whole = _parse(path, self._file.read())
        self._file.truncate(whole)
        self._sync()
        _sync_folder(path.parent)
        self.records = read_results(path)

    def append(self, record: Record) -> None:
        """Write one line; it is on disk when this returns."""
        self._file.write(record.to_json().encode() + b"\n")
        self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def write_json(path: Path, data: Any) -> None:
    """Write JSON so that the file is always whole and on disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, (json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """What `write_json` wrote. Raises ValueError naming the file when it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Stages of a long job: each is announced, timed, and not repeated once it is finished. Knows nothing of what they do.

RUN/stages.json is rewritten whole after every stage; a job that was killed goes on with the stage that it was in.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vla.results import read_json, write_json

FILE = "stages.json"


@dataclass(frozen=True)
class Stage:
    """One step of the job.

    Attributes:
        name: Short name, the key in the ledger.
        says: What it does, in one line.
        expected_s: How long it takes on two free cores, seconds.
        run: Does it; may be called again after an interruption.
    """

    name: str
    says: str
    expected_s: float
    run: Callable[[], None]


class Ledger:
    """Which stages of a run are finished, how long each took, and how often it was begun.

    Args:
        folder: The run.
        settings: What the run depends on, JSON-ready; a run made with others is not gone on with.

    Raises:
        ValueError: The folder holds a run with other settings.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        """Read what there is."""
        self.path = folder / FILE
        self.settings = settings
        self.seconds: dict[str, float] = {}
        self.begun: dict[str, int] = {}
        if self.path.exists():
            before = read_json(self.path)
            if before["settings"] != settings:
                changed = ", ".join(_differences(before["settings"], settings))
                raise ValueError(
                    f"{folder} was begun with other settings ({changed}): give another --out, or --fresh to delete it"
                )
            self.seconds, self.begun = before["seconds"], before["begun"]

    @property
    def resumed(self) -> list[str]:
        """Stages that were begun more than once: what they took before the last time is not in `seconds`."""
        return [name for name, times in self.begun.items() if times > 1]

    def begin(self, name: str) -> None:
        """A stage is begun; durable when this returns."""
        self.begun[name] = self.begun.get(name, 0) + 1
        self._write()

    def note(self, name: str, seconds: float) -> None:
        """A stage is finished; durable when this returns."""
        self.seconds[name] = round(seconds, 2)
        self._write()

    def _write(self) -> None:
        write_json(self.path, {"settings": self.settings, "seconds": self.seconds, "begun": self.begun})


def run_stages(stages: Sequence[Stage], ledger: Ledger, say: Callable[[str], None] = print) -> None:
    """Run what is not finished, in order. An exception leaves the stage to be done again."""
    for number, stage in enumerate(stages, start=1):
        title = f"[{number}/{len(stages)}] {stage.name}: {stage.says}"
        if stage.name in ledger.seconds:
            say(f"{title}: done before, in {duration(ledger.seconds[stage.name])}")
            continue
        say(f"{title} (about {duration(stage.expected_s)})")
        ledger.begin(stage.name)
        start = time.perf_counter()
        stage.run()
        ledger.note(stage.name, time.perf_counter() - start)
        say(f"      {stage.name} took {duration(ledger.seconds[stage.name])}\n")


def duration(seconds: float) -> str:
    """Seconds for people: `8 s`, `3 min 20 s`."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 90 else f"{whole // 60} min {whole % 60:02d} s"


def as_settings(preset: Any) -> dict[str, Any]:
    """A frozen dataclass as the data that JSON gives back for it."""
    plain = _plain(dataclasses.asdict(preset))
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))

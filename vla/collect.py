"""Collect demonstrations: exactly N successes a task, the same ones however many workers and however often killed.

The rule: episodes are asked for in order of their index; one is started only if the successes before it, with those
still running counted as such, are less than N. So what is stored in the end are the N successes of lowest index,
nothing is computed in vain, and a resumed run goes through the same indices, taking what is stored as its result.
Failed episodes are stored too, in the folder `failed`: a resumed run need not repeat them, and one can look at them.
Errors are counted and shown, never stored, and tried again by a resumed run.

Knows no world, task or policy: they are arguments.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from vla.contract import EpisodeRequest, EpisodeResult, Policy, World
from vla.episode import Episode
from vla.noise import ActionNoise
from vla.pool import run_episodes
from vla.provenance import command_line, machine, now, versions
from vla.store import EpisodeStore
from vla.teaching import TeacherFactory

FAILED = "failed"
LOCK = ".lock"
SPARE_ERRORS = 10


@dataclass(frozen=True)
class CollectSettings:
    """What is collected.

    Attributes:
        tasks: Task names.
        episodes: Successes to store of each task.
        policy: Name of the policy, noted with each episode.
        seed: Seed of the training split.
        noise: What disturbs the demonstrator; labels stay its own.
        notes: What else decides how episodes are made, JSON-ready: noted with each of them.
        max_attempts: Episodes run of each task at most; 0 for three times `episodes` and twenty.
    """

    tasks: tuple[str, ...]
    episodes: int
    policy: str = "expert"
    seed: int = 0
    noise: ActionNoise = field(default_factory=ActionNoise)
    notes: Mapping[str, Any] = field(default_factory=dict)
    max_attempts: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError for settings that ask for nothing or the impossible."""
        if not self.tasks or len(set(self.tasks)) != len(self.tasks):
            raise ValueError(f"expected different tasks, got {list(self.tasks)}")
        if self.episodes < 1 or self.max_attempts < 0:
            raise ValueError(f"expected at least one episode, got {self.episodes}")

    @property
    def fixed(self) -> dict[str, Any]:
        """What is the same for all episodes of a folder, JSON-ready."""
        noise = {name: value for name, value in asdict(self.noise).items() if value}
        plain = {"policy": self.policy, "noise": noise.pop("probability", 0.0), **self.notes}
        return {**plain, "recovery": noise} if noise else plain

    @property
    def attempts_limit(self) -> int:
        """Episodes run of each task at most."""
        return self.max_attempts or 3 * self.episodes + 20


@dataclass
class TaskTally:
    """How far one task is.

    Attributes:
        task: Its name.
        wanted: Successes wanted.
        limit: Attempts at most.
        seed: Seed of the requests.
        known: Index to reason of failure, "" for a success: what earlier runs stored.
        stored: Successes that are on disk, of those asked for.
        there_before: Those of them that earlier runs had stored.
        attempts: Episodes asked for: indices 0 to `attempts - 1`.
        steps: Control steps of the successes that this run stored.
        failures: Count by reason, those of earlier runs included.
        errors: What went wrong, in order.
    """

    task: str
    wanted: int
    limit: int
    seed: int
    known: dict[int, str] = field(default_factory=dict, repr=False)
    stored: int = 0
    there_before: int = 0
    attempts: int = 0
    steps: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    errors: list[EpisodeResult] = field(default_factory=list, repr=False)
    running: int = 0

    @property
    def complete(self) -> bool:
        """Whether all wanted successes are stored."""
        return self.stored >= self.wanted

    def next(self) -> EpisodeRequest | None:
        """The next episode to run; None if there is none now."""
        while self.stored + self.running < self.wanted and self.attempts < self.limit and not self._hopeless():
            index, self.attempts = self.attempts, self.attempts + 1
            if index not in self.known:
                self.running += 1
                return EpisodeRequest(self.task, index, self.seed)
            if reason := self.known[index]:
                self.failures[reason] += 1
            else:
                self.stored += 1
                self.there_before += 1
        return None

    def note(self, result: EpisodeResult) -> None:
        """Count a finished episode."""
        self.running -= 1
        if result.outcome == "success":
            self.stored += 1
            self.steps += result.steps
        elif result.outcome == "failure":
            self.failures[result.reason] += 1
        else:
            self.errors.append(result)

    def _hopeless(self) -> bool:
        """Whether errors are the rule: then more episodes would only show more of them."""
        return len(self.errors) > SPARE_ERRORS + self.attempts // 10

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready summary."""
        return {
            "wanted": self.wanted,
            "stored": self.stored,
            "there_before": self.there_before,
            "attempts": self.attempts,
            "failures": dict(self.failures.most_common()),
            "errors": len(self.errors),
        }


@dataclass(frozen=True)
class Collection:
    """What a run of `collect` did.

    Attributes:
        tallies: One per task.
        wall_s: Seconds it took.
    """

    tallies: tuple[TaskTally, ...]
    wall_s: float

    @property
    def complete(self) -> bool:
        """Whether every task has what was wanted."""
        return all(tally.complete for tally in self.tallies)

    @property
    def ran(self) -> int:
        """Episodes that this run stored."""
        return sum(tally.stored - tally.there_before for tally in self.tallies)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready summary."""
        steps = sum(tally.steps for tally in self.tallies)
        return {
            "complete": self.complete,
            "tasks": {tally.task: tally.to_dict() for tally in self.tallies},
            "stored_now": self.ran,
            "wall_s": round(self.wall_s, 3),
            "episodes_per_s": round(self.ran / self.wall_s, 2),
            "steps_per_s": round(steps / self.wall_s, 1),
        }


def collect(
    folder: Path,
    settings: CollectSettings,
    *,
    world_factory: Callable[..., World],
    policy_factory: Callable[[], Policy],
    workers: int = 1,
    slots: int = 1,
    teacher_factory: TeacherFactory | None = None,
    info: dict[str, Any] | None = None,
    notes: dict[str, Any] | None = None,
    on_progress: Callable[[TaskTally], None] = lambda _: None,
) -> Collection:
    """Collect into `folder` what of `settings` is not there yet; each episode is durable once it is counted.

    Args:
        folder: The dataset; made if it is not there.
        settings: What to collect.
        world_factory: Picklable; makes a world in a worker.
        policy_factory: Picklable; makes the policy.
        workers: Worker processes; 0 runs in this one. What is stored does not depend on it.
        slots: Episodes that a worker keeps running, for a policy that answers many at once.
        teacher_factory: Makes the teacher who labels, and may save, what the policy does (`vla.teaching`).
        info: Further notes for `dataset.json`, the same for all that is collected into one folder.
        notes: Further notes on this run alone.
        on_progress: Called with a task's tally at the start and whenever one of its episodes has ended.

    Raises:
        ValueError: The folder holds episodes of another policy or noise, or another process collects into it.
        WorkerStartError: Workers cannot be started.
    """
    start = time.perf_counter()
    store, failed = EpisodeStore(folder), EpisodeStore(folder / FAILED)
    with _only_writer(folder):
        store.clean()
        failed.clean()
        _write_info(store, settings, info or {}, notes or {})
        tallies = _tallies(store, failed, settings)
        by_task = {tally.task: tally for tally in tallies}
        episodes = run_episodes(
            _requests(tallies, on_progress),
            world_factory=world_factory,
            policy_factory=policy_factory,
            workers=workers,
            record=True,
            slots_per_worker=slots,
            filter_factory=settings.noise if settings.noise.any else None,
            teacher_factory=teacher_factory,
        )
        with contextlib.closing(episodes):
            for result, episode in episodes:
                _keep(store, failed, episode, settings)
                tally = by_task[result.request.task]
                tally.note(result)
                on_progress(tally)
    return Collection(tuple(tallies), time.perf_counter() - start)


def _keep(store: EpisodeStore, failed: EpisodeStore, episode: Episode | None, settings: CollectSettings) -> None:
    """Store a success or a failure, with how it was made; an error is no episode to learn from."""
    if episode is not None and episode.result.outcome != "error":
        noise = settings.noise.notes(episode.request)
        episode = dataclasses.replace(episode, meta={"policy": settings.policy, **noise, **settings.notes})
        (store if episode.result.outcome == "success" else failed).save(episode)


def _tallies(store: EpisodeStore, failed: EpisodeStore, settings: CollectSettings) -> list[TaskTally]:
    """One tally per task, with what earlier runs stored; damaged files are taken as not there, and so replaced."""
    stored, lost = set(store.keys()), set(failed.keys())
    tallies = []
    for task in settings.tasks:
        tally = TaskTally(task, settings.episodes, settings.attempts_limit, settings.seed)
        for index in range(tally.limit):
            key = EpisodeRequest(task, index, settings.seed).key
            for folder, there in ((failed, key in lost), (store, key in stored)):
                if there and (episode := folder.load_if_sound(key)) is not None:
                    tally.known[index] = "" if folder is store else episode.result.reason
        tallies.append(tally)
    return tallies


def _requests(
    tallies: Sequence[TaskTally], on_progress: Callable[[TaskTally], None]
) -> Iterator[EpisodeRequest | None]:
    """Episodes of all tasks in turn; None while only results can tell what is needed next."""
    first = True
    while True:
        asked = False
        for tally in tallies:
            request = tally.next()
            if first:
                on_progress(tally)
            if request is not None:
                asked = True
                yield request
        first = False
        if not asked:
            if not any(tally.running for tally in tallies):
                return
            yield None


def _write_info(store: EpisodeStore, settings: CollectSettings, info: dict[str, Any], notes: dict[str, Any]) -> None:
    """Write or extend `dataset.json`. Raises ValueError if the folder was collected otherwise."""
    fixed = {**info, **settings.fixed}
    old = store.info()
    for name, value in fixed.items():
        if name in old and old[name] != value:
            raise ValueError(
                f"{store.folder} was collected with {name} {old[name]!r}, not {value!r}; choose another folder"
            )
    run = {"command": command_line(), "date": now(), "machine": machine(), "versions": versions()}
    run |= {**notes, "settings": asdict(settings)}
    store.write_info({**fixed, "runs": [*old.get("runs", []), run]})


@contextlib.contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which a killed process lets go by itself. Raises ValueError if it is taken."""
    with open(folder / LOCK, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(f"another process is collecting into {folder}") from None
        yield

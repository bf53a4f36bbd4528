"""A suite: which episodes an evaluation is made of. Knows no task and no axis, only their names."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vla.contract import EpisodeRequest, Perturbation
from vla.registry import nearest

UNPERTURBED = "none"  # axis name of the cell without perturbation, level 0
TOGETHER = "+"  # between the names of axes that are turned on at once


@dataclass(frozen=True, order=True)
class Cell:
    """The unit that a rate is given for."""

    task: str
    axis: str = UNPERTURBED
    level: int = 0


@dataclass(frozen=True)
class Suite:
    """Tasks x (in distribution + axes x levels + controls) x episodes, all in the `eval` split.

    Attributes:
        name: For people.
        tasks: Registered task names.
        axes: Axes of generalization, each run at every level.
        levels: Levels of the axes; level 0 is the in-distribution cell, which is always run.
        controls: Axes that must break a policy which does what it claims (blank or swapped instruction); at level 1.
        episodes: Episodes a cell. All levels of an axis have the same scenes.
        base: Episodes of the in-distribution cells where that is more than `episodes`: the rate that all others are
            compared with deserves the narrowest interval. Each axis has other ones of these scenes, so every perturbed
            episode has its twin.
        per_control: Episodes of the cells of controls where that is more than `episodes`.
        seed: Suite seed.
        combinations: Axes that are turned on together, each combination run at every level.
        without: Pairs (task, axis) that are left out, because the axis means nothing for the task.
        version: Raised when the meaning of the suite changes.
    """

    name: str
    tasks: tuple[str, ...]
    axes: tuple[str, ...] = ()
    levels: tuple[int, ...] = (1, 2, 3)
    controls: tuple[str, ...] = ()
    episodes: int = 20
    base: int = 0
    seed: int = 0
    version: int = 1
    combinations: tuple[tuple[str, ...], ...] = ()
    without: tuple[tuple[str, str], ...] = ()
    per_control: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for what cannot be run."""
        if not self.tasks:
            raise ValueError(f"suite {self.name!r} has no task")
        if self.episodes < 1:
            raise ValueError(f"suite {self.name!r}: expected at least 1 episode a cell, got {self.episodes}")
        if any(level < 1 for level in self.levels):
            raise ValueError(f"suite {self.name!r}: levels start at 1 (0 is always run), got {self.levels}")

    def cells(self) -> Iterator[Cell]:
        """Every cell once, task by task: in distribution, axes in order, combinations, controls."""
        without = set(self.without)
        for task in self.tasks:
            yield Cell(task)
            for axes in (*((axis,) for axis in self.axes), *self.combinations):
                if not any((task, axis) in without for axis in axes):
                    yield from (Cell(task, TOGETHER.join(axes), level) for level in self.levels)
            yield from (Cell(task, control, 1) for control in self.controls if (task, control) not in without)

    def requests(self) -> tuple[EpisodeRequest, ...]:
        """Every episode once, in the order of `cells`."""
        return tuple(
            self._request(cell, self._first(cell.axis) + number)
            for cell in self.cells()
            for number in range(self.count(cell.axis))
        )

    def count(self, axis: str) -> int:
        """Episodes of each cell of an axis."""
        if axis in self.controls:
            return max(self.episodes, self.per_control)
        return max(self.episodes, self.base) if axis == UNPERTURBED else self.episodes

    def _first(self, axis: str) -> int:
        """Index of an axis' first episode; it does not depend on which other axes there are."""
        spare = self.count(UNPERTURBED) - self.count(axis)
        return zlib.crc32(axis.encode()) % (spare + 1) if spare > 0 else 0

    def _request(self, cell: Cell, index: int) -> EpisodeRequest:
        axes = () if cell.axis == UNPERTURBED else cell.axis.split(TOGETHER)
        changes = tuple(Perturbation(axis, cell.level) for axis in axes)
        return EpisodeRequest(cell.task, index, self.seed, "eval", changes)

    def first(self, each: int | None) -> frozenset[EpisodeRequest]:
        """The first `each` requests of every cell; None means all."""
        if each is None:
            return frozenset(self.requests())
        taken: Counter[Cell] = Counter()
        found = []
        for request in self.requests():
            taken[cell_of(request)] += 1
            if taken[cell_of(request)] <= each:
                found.append(request)
        return frozenset(found)

    def shard(self, number: int, of: int) -> tuple[EpisodeRequest, ...]:
        """Every `of`-th request, from the `number`-th on, 1 to `of`: a fair mix of everything.

        Raises ValueError for a number that is not in 1 to `of`.
        """
        if not 1 <= number <= of:
            raise ValueError(f"expected a shard of 1/{of} to {of}/{of}, got {number}/{of}")
        return self.requests()[number - 1 :: of]

    @property
    def hash(self) -> str:
        """16 hex digits over the version and the keys of all requests: equal hashes ask for equal episodes."""
        text = "\n".join([str(self.version), *(request.key for request in self.requests())])
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def narrowed(
        self,
        tasks: Sequence[str] = (),
        axes: Sequence[str] = (),
        episodes: int | None = None,
        seed: int | None = None,
    ) -> Suite:
        """The part of the suite with these tasks and axes (controls count as axes); empty and None mean its own.

        Raises UnknownNameError for what the suite does not have.
        """
        together = tuple(TOGETHER.join(axes) for axes in self.combinations)
        for kind, asked, known in (("task", tasks, self.tasks), ("axis", axes, self.axes + together + self.controls)):
            for name in asked:
                if name not in known and name != UNPERTURBED:
                    raise nearest(f"{kind} of suite {self.name!r}", name, list(known))
        return dataclasses.replace(
            self,
            tasks=tuple(task for task in self.tasks if not tasks or task in tasks),
            axes=tuple(axis for axis in self.axes if not axes or axis in axes),
            combinations=tuple(each for each in self.combinations if not axes or TOGETHER.join(each) in axes),
            controls=tuple(axis for axis in self.controls if not axes or axis in axes),
            episodes=self.episodes if episodes is None else episodes,
            base=self.base if episodes is None else 0,
            per_control=self.per_control if episodes is None else 0,
            seed=self.seed if seed is None else seed,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready fields."""
        return dataclasses.asdict(self)

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> Suite:
        """Read what `to_dict` wrote, also after a trip through JSON."""
        return Suite(**{name: _tuples(value) for name, value in data.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, (list, tuple)) else value


def request_of(key: str) -> EpisodeRequest:
    """The request whose `key` this is. Raises ValueError if it is none."""
    match = _KEY.fullmatch(key)
    try:
        if match is None:
            raise ValueError("expected SPLIT-SEED-TASK-AXIS.LEVEL-INDEX")
        split, seed, task, axes, index = match.groups()
        pairs = [change.rsplit(".", 1) for change in axes.split("+")]
        changes = tuple(Perturbation(axis, int(level)) for axis, level in pairs if axis != UNPERTURBED)
        request = EpisodeRequest(task, int(index), int(seed), "eval" if split == "eval" else "train", changes)
        if request.key != key:
            raise ValueError(f"it would be {request.key!r}")
    except ValueError as error:
        raise ValueError(f"{key!r} is not an episode key, for example eval-0-Lift-light.3-00012: {error}") from error
    return request


_KEY = re.compile(r"(train|eval)-(-?\d+)-([^-]+)-(.+)-(\d{5,})")


def cell_of(request: EpisodeRequest) -> Cell:
    """The cell a request belongs to; several perturbations at once are one axis called `a+b`."""
    if not request.perturbations:
        return Cell(request.task)
    axis = TOGETHER.join(change.axis for change in request.perturbations)
    return Cell(request.task, axis, max(change.level for change in request.perturbations))

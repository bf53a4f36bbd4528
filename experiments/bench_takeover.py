"""Whether the scripted experts are good teachers: do they bring to an end what somebody else has begun?

DAgger's teacher has to label states that it would never get to by itself. Here somebody else acts first, the expert
takes over, and has as much time as it has from the start. Verb `takeover` of `vla bench`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from envs.tasks.base import TASKS
from envs.world import World
from policies.deaf import DeafExpert
from policies.expert import ExpertPolicy
from policies.registry import make_policy
from vla.contract import EpisodeRequest, FloatArray, Policy
from vla.execution import execution_of
from vla.provenance import commit, machine, now
from vla.results import write_json
from vla.seeding import episode_seed
from vla.stats import Rate

DRIFT = 5  # steps for which a random motion lasts
RANDOM, OTHER = "random", "another goal"


@dataclass(frozen=True)
class Args:
    """Options of `vla bench takeover`."""

    tasks: tuple[str, ...] = ()
    """Only these families; default all."""
    episodes: int = 20
    """Episodes of each family and each who acts first."""
    steps: int = 15
    """Steps that somebody else acts."""
    student: str = ""
    """A checkpoint that acts first in a third measurement."""
    seed: int = 0
    """Suite seed (split `eval`)."""
    robot: str = "panda"
    """Registered robot."""
    out: Path | None = None
    """Write the table to this Markdown file, and the numbers beside it as JSON."""
    json: bool = False
    """Print one JSON object as the last line."""


class Drifter:
    """Random motions of all seven entries, each for `DRIFT` steps: fingers open and close anywhere."""

    inputs: frozenset[str] = frozenset()
    batched = False
    execute = DRIFT

    def reset(self, episode_seed: int) -> None:
        """Start the episode's stream."""
        self._rng = np.random.default_rng([episode_seed, 3])

    def act(self, observations: Any) -> FloatArray:
        """Actions (1, DRIFT, 7)."""
        return np.repeat(self._rng.uniform(-1.0, 1.0, (1, 1, 7)), DRIFT, 1).astype(np.float32)


@dataclass
class Cell:
    """How the expert of a family did after somebody else.

    Attributes:
        task: The family.
        first: Who acted first.
        ended: Episodes that were over, won or lost, before the expert's turn; not counted.
        wins: Episodes that the expert brought to success.
        reasons: Count of reasons of the others.
    """

    task: str
    first: str
    ended: int = 0
    wins: int = 0
    reasons: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> Rate:
        """Success among the episodes that the expert took over."""
        return Rate(self.wins, self.wins + sum(self.reasons.values()))


def measure(world: World, first: Policy, cell: Cell, args: Args) -> Cell:
    """Play the episodes of a family."""
    for index in range(args.episodes):
        request = EpisodeRequest(cell.task, index, args.seed, "eval")
        reason = play(world, request, first, args.steps)
        if not reason:
            cell.ended += 1
        elif reason == "success":
            cell.wins += 1
        else:
            cell.reasons[reason] = cell.reasons.get(reason, 0) + 1
    return cell


def play(world: World, request: EpisodeRequest, first: Policy, steps: int) -> str:
    """One episode: `first` for so many steps, then the expert. How it ended; "" if it was over before."""
    world.reset(request)
    world.load(replace(world.spec, max_steps=world.spec.max_steps + steps))
    seed, execute = episode_seed(request), execution_of(first).execute
    first.reset(seed)
    expert = ExpertPolicy()
    expert.reset(seed)
    chunk: list[FloatArray] = []
    while True:
        done = world.steps
        if done < steps:
            if not chunk:
                observation = world.observe(first.inputs)
                observation["episode_seed"], observation["step"] = seed, done
                chunk = list(first.act([observation])[0][:execute])
            result = world.step(chunk.pop(0))
        else:
            result = world.step(expert.act([world.observe(expert.inputs)])[0, 0])
        if result.done:
            return result.reason if world.steps > steps else ""


def starters(args: Args) -> dict[str, Callable[[], Policy]]:
    """Who acts first, by name."""
    found: dict[str, Callable[[], Policy]] = {RANDOM: Drifter, OTHER: DeafExpert}
    if args.student:
        found["student"] = lambda: make_policy(args.student)
    return found


def main(args: Args) -> int:
    """Measure, print a row a family, and write `args.out`. Returns the exit code."""
    tasks = args.tasks or tuple(TASKS)
    for task in tasks:
        TASKS[task]  # an unknown name fails before anything is measured
    commit()  # remembered from here on
    cells: dict[str, list[Cell]] = {}
    for name, make in starters(args).items():
        first = make()
        size: Any = getattr(first, "image_size", None)
        world = World(robot=args.robot, image_size=size)
        for task in tasks:
            cells.setdefault(task, []).append(measure(world, first, Cell(task, name), args))
            print(f"{name}: {task} {cells[task][-1].rate.text}", flush=True)
        world.close()
    found = summary(cells, args)
    if args.out is not None:
        args.out.write_text(report(cells, found, args), encoding="utf-8")
        write_json(args.out.with_suffix(".json"), found)
    if args.json:
        print(json.dumps(found))
    return 0


def summary(cells: dict[str, list[Cell]], args: Args) -> dict[str, Any]:
    """Numbers of all families, JSON-ready."""
    about = {"machine": machine(), "commit": commit(), "date": now(), "steps": args.steps, "episodes": args.episodes}
    return {**about, "seed": args.seed, "cells": [asdict(cell) for row in cells.values() for cell in row]}


def report(cells: dict[str, list[Cell]], found: dict[str, Any], args: Args) -> str:
    """The Markdown file."""
    names = list(starters(args))
    lines = [
        "# The expert takes over\n",
        f"Success of the scripted expert after {args.steps} steps of somebody else, in the time that it has from the",
        f"start; split `eval`, seed {args.seed}, {args.episodes} episodes a cell; those over before are left out.",
        "`random`: random motions and fingers, each for five steps. `another goal`: the expert of another goal.\n",
        f"- machine: {found['machine']}\n- date: {found['date']}\n- commit: {found['commit']}",
        f"- command: `vla bench takeover --episodes {args.episodes} --steps {args.steps}`\n",
        f"| family | {' | '.join(names)} | reasons of failures |",
        "|---|" + "---|" * (len(names) + 1),
    ]
    for task, row in cells.items():
        reasons = sum((Counter(cell.reasons) for cell in row), Counter[str]())
        told = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common(3)) or "-"
        lines.append(f"| {task} | {' | '.join(cell.rate.text for cell in row)} | {told} |")
    together = []
    for number in range(len(names)):
        column = [row[number].rate for row in cells.values()]
        together.append(Rate(sum(rate.k for rate in column), sum(rate.n for rate in column)).text)
    lines.append(f"| **all** | {' | '.join(together)} | |")
    return "\n".join(lines) + "\n"

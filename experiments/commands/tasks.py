"""List the tasks: families, how many atomic goals each has, an example instruction, time limit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypedDict

from envs.grammar import HELD_OUT_LEVELS
from envs.scenes import make_scene
from envs.tasks.base import TASKS
from vla.contract import EpisodeRequest


@dataclass(frozen=True)
class Args:
    """Options of `vla tasks`."""

    json: bool = False
    """Print one JSON object as the last line."""


class TaskRow(TypedDict):
    """What is listed of one family.

    `goals` counts atomic goals (family x what it is about: objects, colours, places, relation), `held_out_instructions`
    those of all held-out levels; instruction and goals in the scene are those of its first training episode.
    """

    task: str
    environment: str
    instruction: str
    goals: int
    train_instructions: int
    held_out_instructions: int
    goals_per_scene: int
    max_steps: int


def describe(name: str) -> TaskRow:
    """The row of a family."""
    task = TASKS[name]()
    spec = make_scene(EpisodeRequest(name, 0))
    return TaskRow(
        task=name,
        environment=f"vla/{name}-v0",
        instruction=spec.instruction,
        goals=sum(1 for _ in task.atomic_goals()),
        train_instructions=task.grammar.count(0),
        held_out_instructions=sum(task.grammar.count(level) for level in HELD_OUT_LEVELS),
        goals_per_scene=1 + len(spec.alternatives),
        max_steps=task.max_steps,
    )


def main(args: Args) -> int:
    """Print the table and, if asked, the JSON line."""
    rows = [describe(name) for name in TASKS]
    families = {row["task"]: row["goals"] for row in rows}
    total = sum(families.values())
    width = max(len(name) for name in families)
    print(f"{'family':<{width}} {'atomic goals':>12} {'goals/scene':>11} {'max steps':>9}  instruction (example)")
    for row in rows:
        said = row["instruction"].replace("\n", " / ")
        numbers = f"{row['goals']:>12} {row['goals_per_scene']:>11} {row['max_steps']:>9}"
        print(f"{row['task']:<{width}} {numbers}  {said}")
    print(f"{len(families)} families, {total} atomic goals")
    if args.json:
        print(json.dumps({"families": families, "total": total, "tasks": rows}))
    return 0

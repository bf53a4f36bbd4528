"""List the tasks: an example instruction, number of instructions, time limit."""

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
    """What is listed of one task; `held_out` counts instructions of all held-out levels."""

    task: str
    environment: str
    instruction: str
    train_instructions: int
    held_out_instructions: int
    goals_per_scene: int
    max_steps: int


def describe(name: str) -> TaskRow:
    """The row of a task; instruction and goals are those of its first training episode."""
    task = TASKS[name]()
    spec = make_scene(EpisodeRequest(name, 0))
    return TaskRow(
        task=name,
        environment=f"vla/{name}-v0",
        instruction=spec.instruction,
        train_instructions=sum(1 for _ in task.grammar.instructions(0)),
        held_out_instructions=sum(1 for level in HELD_OUT_LEVELS for _ in task.grammar.instructions(level)),
        goals_per_scene=1 + len(spec.alternatives),
        max_steps=task.max_steps,
    )


def main(args: Args) -> int:
    """Print the table and, if asked, the JSON line."""
    rows = [describe(name) for name in TASKS]
    print(f"{'task':<10} {'max steps':>9} {'goals/scene':>11} {'train':>6} {'held out':>8}  instruction (example)")
    for row in rows:
        counts = f"{row['max_steps']:>9} {row['goals_per_scene']:>11}"
        sentences = f"{row['train_instructions']:>6} {row['held_out_instructions']:>8}"
        print(f"{row['task']:<10} {counts} {sentences}  {row['instruction']}")
    if args.json:
        print(json.dumps({"tasks": rows}))
    return 0

"""Registers every task with Gymnasium as `vla/TASK-v0`. Knows no task by name and loads no physics."""

from __future__ import annotations

import gymnasium

from envs.tasks.base import TASKS


def register_all() -> None:
    """Register all tasks that are not registered yet; call it again after registering a task of one's own."""
    for task in TASKS:
        name = f"vla/{task}-v0"
        if name not in gymnasium.registry:
            gymnasium.register(
                name,
                entry_point="envs.gym_env:VLAEnv",
                vector_entry_point="envs.vector_env:VLAVectorEnv",
                kwargs={"task": task},
                reward_threshold=1.0,
            )

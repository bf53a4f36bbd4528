"""The robot: how it starts and what it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.robots import ROBOTS
from envs.scene import SceneSpec
from envs.tasks.base import Task
from envs.variations import axis


@axis("start", "robot", "rad (norm over the joints)", (0.1, 0.2, 0.3, 0.5, 0.7), peers=("LIBERO-Plus",))
def start(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The robot starts away from home, in a random direction of joint space."""
    robot = ROBOTS[spec.robot.name]()
    direction = rng.normal(size=len(robot.home))
    joints = np.asarray(robot.home) + magnitude * direction / np.linalg.norm(direction)
    joints = np.clip(joints, robot.lower, robot.upper)
    return replace(spec, robot=replace(spec.robot, joints=tuple(round(float(q), 5) for q in joints)))

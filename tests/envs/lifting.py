"""Lifts one object at its `Grasp` with the expert of Lift: what every graspable kind is tested with."""

from __future__ import annotations

import numpy as np

from envs.objects import object_kind, resting_z
from envs.scene import GoalSpec, ObjectSpec, RobotSpec, SceneSpec, Texture
from envs.tasks.lift import LiftExpert
from envs.world import World

STEPS = 60


def lying(kind: str, *, yaw: float = 0.0, x: float = 0.5, y: float = 0.05) -> ObjectSpec:
    """One object of a kind on the table, in its default size."""
    maker = object_kind(kind)
    position = (x, y, resting_z(kind, maker.default_size))
    return ObjectSpec("it", kind, "red", maker.default_size, position, yaw, Texture(), maker.default_mass)


def lifts(world: World, thing: ObjectSpec, robot: str = "panda") -> tuple[bool, float]:
    """Whether Lift succeeds with this object alone on the table, and how far it is tilted in the end, radians."""
    goal = GoalSpec("Lift", thing.name)
    world.load(SceneSpec(goal, "lift it", (thing,), robot=RobotSpec(robot), max_steps=STEPS))
    expert = LiftExpert(thing.name)
    while True:
        done = world.step(expert.act(world.state()))
        if done.done:
            x, y, _, _ = world.state().objects[thing.name].quaternion
            return done.success, float(np.arccos(1 - 2 * (x * x + y * y)))

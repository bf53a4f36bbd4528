"""The robot: what it is, where it stands, how it starts, and what it knows of itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from envs.embodiments import with_robot
from envs.robots import ROBOTS
from envs.scene import SceneSpec
from envs.tasks.base import Task
from envs.variations import axis

OTHERS = {9.5: "panda_wsg", 16.3: "xarm6_hand", 18.9: "kuka_hand", 22.3: "xarm6", 24.9: "kuka"}  # mm -> robot


@axis(
    "robot",
    "robot",
    "mm between the surfaces of arms and of grippers",
    tuple(OTHERS),
    peers=("RoboTwin", "SimplerEnv", "RoboVerse"),
    stage=0,
)
def robot(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Another robot, for which an action means the same: another gripper, another arm, or both.

    The magnitude is how far it is from the Panda, at home: the mean distance from points of the one's surface to the
    other's, both ways, averaged over the arms and over the grippers. Where the scene has that robot already, it becomes
    the Panda. It comes before the axes that speak of a robot's joints.
    """
    other = OTHERS[magnitude]
    return with_robot(spec, "panda" if other == spec.robot.name else other)


@axis("start", "robot", "rad (norm over the joints)", (0.1, 0.2, 0.3, 0.5, 0.7), peers=("LIBERO-Plus", "FactorWorld"))
def start(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The robot starts away from home, in a random direction of joint space."""
    data = ROBOTS[spec.robot.name]()
    joints = np.asarray(data.home) + magnitude * _direction(rng, len(data.home))
    joints = np.clip(joints, data.lower, data.upper)
    return replace(spec, robot=replace(spec.robot, joints=_rounded(joints)))


@axis("base_offset", "robot", "m in the plane", (0.03, 0.06, 0.09, 0.12, 0.15), peers=("FactorWorld",))
def base_offset(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The robot stands elsewhere: its base is shifted in a random direction, and what it knows of itself with it."""
    angle = rng.uniform(-np.pi, np.pi)
    x, y, z = spec.robot.base
    base = round(x + magnitude * np.cos(angle), 5), round(y + magnitude * np.sin(angle), 5), z
    return replace(spec, robot=replace(spec.robot, base=base))


@axis("gripper_opening", "robot", "m less than the widest", (0.004, 0.007, 0.010, 0.013, 0.016))
def gripper_opening(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """The fingers open less far than they could; everything that is to be grasped still fits between them."""
    widest = round(ROBOTS[spec.robot.name]().max_opening - magnitude, 5)
    opening = min(spec.robot.opening, widest)
    return replace(spec, robot=replace(spec.robot, opening=opening, widest=widest))


@axis("joint_offset", "robot", "rad (norm over the joints)", (0.02, 0.04, 0.06, 0.08, 0.10))
def joint_offset(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The encoders are badly calibrated: proprioception and controller believe the joints where they are not."""
    offset = magnitude * _direction(rng, len(ROBOTS[spec.robot.name]().home))
    return replace(spec, disturbance=replace(spec.disturbance, joint_offset=_rounded(offset)))


def _direction(rng: np.random.Generator, joints: int) -> NDArray[np.float64]:
    """A random unit vector (n,) of joint space."""
    direction = rng.normal(size=joints)
    unit: NDArray[np.float64] = direction / np.linalg.norm(direction)
    return unit


def _rounded(joints: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(q), 5) for q in joints)

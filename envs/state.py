"""WorldState: the simulator's truth at one control step, for success conditions and scripted experts.

Plain data: knows no PyBullet, so that tasks and experts are tested on states written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from envs.scene import SceneSpec

Float64 = NDArray[np.float64]


def _zeros() -> Float64:
    return np.zeros(3)


def _no_joints() -> Float64:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class BodyState:
    """One object, in the world frame.

    Attributes:
        position: (3,) m.
        quaternion: (4,) xyzw.
        linear_velocity: (3,) m/s.
        angular_velocity: (3,) rad/s.
        joint: Where its moving part is (drawer, door, lever ...), m or rad; 0 for other kinds.
        part: Pose (7,) of the moving part, position and quaternion xyzw; None for other kinds.
    """

    position: Float64
    quaternion: Float64
    linear_velocity: Float64
    angular_velocity: Float64 = field(default_factory=_zeros)
    joint: float = 0.0
    part: Float64 | None = None


@dataclass(frozen=True, eq=False)
class WorldState:
    """Everything a task may ask about.

    Attributes:
        spec: The scene as built (goal included).
        step: Control steps since reset.
        ee_position: Tool centre point between the fingertips, (3,) m, world.
        ee_quaternion: Its orientation, xyzw; pointing straight down at home.
        opening: Distance between the fingers, m.
        objects: State of each object by name (zones and containers too).
        touched: Names of objects in contact with the robot.
        grasped: Names of objects in contact with both fingers.
        contacts: Pairs of object names (sorted) in contact with each other; the table is `table`.
        stage: Parts of the goal that have been done, in their order; 0 for goals without parts.
        joints: Positions of the arm's joints, (n,) rad.
        commanded: What the joints were told last, (n,) rad.
        force: The hardest push that the robot, or what it holds, gives to anything, N (`envs.contacts`).
        arm_on_table: Whether a link of the robot that is no finger touches the table.
    """

    spec: SceneSpec
    step: int
    ee_position: Float64
    ee_quaternion: Float64
    opening: float
    objects: Mapping[str, BodyState]
    touched: frozenset[str]
    grasped: frozenset[str]
    contacts: frozenset[tuple[str, str]]
    stage: int = 0
    joints: Float64 = field(default_factory=_no_joints)
    commanded: Float64 = field(default_factory=_no_joints)
    force: float = 0.0
    arm_on_table: bool = False

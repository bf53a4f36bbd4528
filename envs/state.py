"""WorldState: the simulator's truth at one control step, for success conditions and scripted experts.

Plain data: knows no PyBullet, so that tasks and experts are tested on states written by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.scene import SceneSpec

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BodyState:
    """One object. `position` (3,) m, `quaternion` (4,) xyzw, `linear_velocity` (3,) m/s, all in the world frame."""

    position: Float64
    quaternion: Float64
    linear_velocity: Float64


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

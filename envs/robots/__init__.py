"""Robots: one data file each. Knows neither physics nor pixels: simulator, kinematics and renderer read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vla.registry import Registry

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Robot:
    """What the rest of the code needs to know about one arm with a parallel gripper.

    Links and joints are numbered as PyBullet numbers them (joint i moves link i; the base is link -1).

    Attributes:
        name: Registered name.
        urdf: File for `envs.urdf.load_urdf`: absolute, or relative to the folder of pybullet_data.
        arm_joints: The joints of the arm, from base to hand.
        finger_joints: Joints of the left and the right finger that have motors, equal positions for equal ways.
        hand_link: Link that carries the wrist camera, 0.105 m behind the tool centre point, with its orientation.
        tcp_link: Link whose frame is the tool centre point: 8 mm above the tips of fingers that hold something, +z
            out of the gripper, fingers opening along y.
        home: Joint positions of the arm, radians, at which the tool points straight down.
        lower: Lower joint limits, radians.
        upper: Upper joint limits, radians.
        max_velocity: Joint velocity limits, rad/s.
        max_force: Torque that the simulated motors may use, N m.
        max_opening: Metres between the fully open fingers.
        finger_velocity: Closing speed of one finger joint, m/s or rad/s.
        finger_force: What one finger joint presses with, N or N m.
        finger_links: Links of the left and the right finger: what touches both is grasped.
        twist: Spinning friction of the fingertips: how much they resist that an object turns in them.
        followers: Joints without a motor and the finger joints whose positions they copy (linkages).
        self_locking: Whether the fingers, closing, cannot be pushed open, however little their motors press (a worm
            gear); only for fingers that turn.
        openings: For fingers that turn: joint position (rad) and opening (m), falling, to be interpolated. Empty for
            fingers that slide: their positions are metres from closed, half the opening each.
    """

    name: str
    urdf: str
    arm_joints: tuple[int, ...]
    finger_joints: tuple[int, int]
    hand_link: int
    tcp_link: int
    home: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    max_velocity: tuple[float, ...]
    max_force: tuple[float, ...]
    max_opening: float
    finger_velocity: float
    finger_force: float
    finger_links: tuple[int, int]
    twist: float = 0.01
    followers: tuple[tuple[int, int], ...] = ()
    self_locking: bool = False
    openings: tuple[tuple[float, float], ...] = ()

    def finger_position(self, opening: float) -> float:
        """Position of a finger joint at which the fingers are `opening` metres apart."""
        if not self.openings:
            return opening / 2
        positions, openings = zip(*reversed(self.openings), strict=True)
        return float(np.interp(opening, openings, positions))

    def finger_ways(self, positions: Float64) -> Float64:
        """How far each finger is from closed, (2,) metres, at finger joint positions (2,)."""
        if not self.openings:
            return positions
        angles, openings = zip(*self.openings, strict=True)
        ways: Float64 = np.interp(positions, angles, openings) / 2
        return ways


ROBOTS: Registry[Callable[[], Robot]] = Registry("robot", "envs.robots")

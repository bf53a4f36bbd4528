"""Robots: one data file each. Knows neither physics nor pixels: simulator, kinematics and renderer read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vla.registry import Registry


@dataclass(frozen=True)
class Robot:
    """What the rest of the code needs to know about one arm with a parallel gripper.

    Links and joints are numbered as PyBullet numbers them (joint i moves link i; the base is link -1).

    Attributes:
        name: Registered name.
        urdf: File for `envs.urdf.load_urdf`: absolute, or relative to the folder of pybullet_data.
        arm_joints: The joints of the arm, from base to hand.
        finger_joints: Two prismatic joints; the opening of the gripper is the sum of their positions.
        hand_link: Link that carries the wrist camera; its +z points out of the gripper.
        tcp_link: Link whose frame is the tool centre point between the fingertips.
        home: Joint positions of the arm, radians, at which the tool points straight down.
        lower: Lower joint limits, radians.
        upper: Upper joint limits, radians.
        max_velocity: Joint velocity limits, rad/s.
        max_force: Torque that the simulated motors may use, N m.
        max_opening: Metres between the fully open fingers.
        finger_velocity: Closing speed of one finger, m/s.
        finger_force: Force with which one finger presses, N.
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


ROBOTS: Registry[Callable[[], Robot]] = Registry("robot", "envs.robots")

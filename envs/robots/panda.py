"""Franka Emika Panda with its parallel gripper, from the URDF and meshes that PyBullet ships (Apache-2.0, Franka)."""

from __future__ import annotations

from envs.robots import ROBOTS, Robot


@ROBOTS.register("panda")
def panda() -> Robot:
    """The Panda: limits are those of Franka's data sheet, which are narrower than the URDF's."""
    return Robot(
        name="panda",
        urdf="franka_panda/panda.urdf",
        arm_joints=(0, 1, 2, 3, 4, 5, 6),
        finger_joints=(9, 10),
        hand_link=8,
        tcp_link=11,
        home=(0.0, -0.392494, 0.0, -2.607146, 0.0, 2.214652, 0.785398),  # tool at (0.40, 0.00, 0.28), straight down
        lower=(-2.8973, -1.7628, -2.8973, -3.0718, -2.8973, -0.0175, -2.8973),
        upper=(2.8973, 1.7628, 2.8973, -0.0698, 2.8973, 3.7525, 2.8973),
        max_velocity=(2.175, 2.175, 2.175, 2.175, 2.61, 2.61, 2.61),
        # Above Franka's (87, 12): with those, random full-scale actions against the table push joints past limits.
        max_force=(130.0, 130.0, 130.0, 130.0, 30.0, 30.0, 30.0),
        max_opening=0.08,
        finger_velocity=0.2,
        finger_force=20.0,
        finger_links=(9, 10),
    )

"""KUKA LBR iiwa 7 with a Schunk WSG 50 gripper, put together from files that PyBullet ships.

The arm's URDF is BSD-2-Clause (Krug, Stoyanov; Orebro University); docs/assets.md says what is known of the meshes.
"""

from __future__ import annotations

import math

from envs.robots import ROBOTS, Robot
from envs.robots.assembly import assemble
from envs.robots.grippers import wsg

FLANGE = 0.045  # metres from the last joint to the flange
LAST = "lbr_iiwa_link_7"
STANDS = (-0.1, 0.0, 0.0)  # metres, base frame


@ROBOTS.register("kuka")
def kuka() -> Robot:
    """The iiwa: it stands 10 cm back, or its elbow could not fold enough for the near places.

    Its fingertips give way a little, as the Panda's do: on hard ones, levers slip.
    """
    return Robot(
        name="kuka",
        urdf=assemble("kuka_iiwa/model.urdf", "kuka", STANDS, wsg(LAST, FLANGE, math.pi)),
        arm_joints=(1, 2, 3, 4, 5, 6, 7),
        finger_joints=(11, 12),
        hand_link=8,
        tcp_link=9,
        home=(0.0, 0.373653, 0.0, -1.719366, 0.0, 1.048571, 0.0),  # tool at (0.40, 0.00, 0.28), straight down
        lower=(-2.9671, -2.0944, -2.9671, -2.0944, -2.9671, -2.0944, -3.0543),
        upper=(2.9671, 2.0944, 2.9671, 2.0944, 2.9671, 2.0944, 3.0543),
        max_velocity=(1.71, 1.71, 1.75, 2.27, 2.44, 3.14, 3.14),
        max_force=(176.0, 176.0, 110.0, 110.0, 110.0, 40.0, 40.0),
        max_opening=0.08,
        finger_velocity=0.2,
        finger_force=20.0,
        finger_links=(11, 12),
        twist=0.1,  # with 0.01, blocks that it pushes turn away from its narrow tips: 96 of 100 pushes instead of 100
    )

"""UFACTORY xArm 6 with its gripper, from the URDF and meshes that PyBullet ships (docs/assets.md).

The gripper's fingers stay parallel: each hangs on a knuckle that turns inwards, and turns back by as much.
"""

from __future__ import annotations

from envs.robots import ROBOTS, Robot
from envs.robots.assembly import assemble, frame

TCP_Z = 0.167  # metres from the flange: 8 mm above the fingertips when they hold something
PARTS = frame("hand", "link6", (0.0, 0.0, TCP_Z - 0.105)) + frame("tcp", "link6", (0.0, 0.0, TCP_Z))
OPENINGS = (
    (0.0, 0.0889),
    (0.085, 0.0815),
    (0.17, 0.0737),
    (0.255, 0.0654),
    (0.34, 0.0568),
    (0.425, 0.048),
    (0.51, 0.0389),
    (0.595, 0.0296),
    (0.68, 0.0203),
    (0.765, 0.0109),
    (0.85, 0.0016),
)


@ROBOTS.register("xarm6")
def xarm6() -> Robot:
    """The xArm 6: six joints, no null space; it stands 5 cm forward, or the far corners would be out of its reach."""
    return Robot(
        name="xarm6",
        urdf=assemble("xarm/xarm6_with_gripper.urdf", "xarm6", (0.05, 0.0, 0.0), PARTS),
        arm_joints=(2, 3, 4, 5, 6, 7),
        finger_joints=(11, 14),
        hand_link=8,
        tcp_link=9,
        home=(0.0, -0.455658, -0.886873, 0.0, 1.342531, 0.0),  # tool at (0.40, 0.00, 0.28), straight down
        lower=(-6.2832, -2.059, -3.927, -6.2832, -1.69297, -6.2832),
        upper=(6.2832, 2.0944, 0.19198, 6.2832, 3.14159, 6.2832),
        max_velocity=(3.14, 3.14, 3.14, 3.14, 3.14, 3.14),
        max_force=(130.0, 130.0, 130.0, 50.0, 50.0, 30.0),
        max_opening=0.08,
        finger_velocity=2.0,
        finger_force=0.5,  # 10 N at the fingertips: with 1 N m the solver lets the linkage bend, and what is held slips
        finger_links=(12, 15),
        followers=((12, 11), (13, 11), (15, 14), (16, 14)),
        self_locking=True,
        openings=OPENINGS,
    )

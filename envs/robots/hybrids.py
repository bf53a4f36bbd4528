"""Arms that carry another arm's gripper: they stand between one robot and the next on the axis `robot`."""

from __future__ import annotations

import math
from dataclasses import replace

from envs.robots import ROBOTS, Robot
from envs.robots.assembly import assemble
from envs.robots.grippers import HAND_LINKS, franka_hand, wsg
from envs.robots.kuka import FLANGE, LAST, STANDS, kuka
from envs.robots.panda import panda
from envs.robots.xarm6 import xarm6


@ROBOTS.register("panda_wsg")
def panda_wsg() -> Robot:
    """The Panda with a WSG 50 in place of its hand."""
    gripper = wsg("panda_link8", 0.0, -math.pi / 4)
    return replace(
        panda(),
        name="panda_wsg",
        urdf=assemble(
            "franka_panda/panda.urdf", "panda_wsg", (0.0, 0.0, 0.0), gripper, (*HAND_LINKS, "panda_grasptarget")
        ),
        arm_joints=(1, 2, 3, 4, 5, 6, 7),
        home=(0.0, -0.445071, 0.0, -2.541298, 0.0, 2.096228, 0.785398),
        finger_joints=(12, 13),
        finger_links=(12, 13),
        hand_link=9,
        tcp_link=10,
        twist=kuka().twist,
    )


@ROBOTS.register("kuka_hand")
def kuka_hand() -> Robot:
    """The iiwa with Franka's hand."""
    return replace(
        kuka(),
        name="kuka_hand",
        urdf=assemble("kuka_iiwa/model.urdf", "kuka_hand", STANDS, franka_hand(LAST, FLANGE, math.pi)),
        home=(0.0, 0.426423, 0.0, -1.761222, 0.0, 0.953949, 0.0),
        hand_link=8,
        tcp_link=11,
        finger_joints=(9, 10),
        finger_links=(9, 10),
        twist=panda().twist,
    )


@ROBOTS.register("xarm6_hand")
def xarm6_hand() -> Robot:
    """The xArm 6 with Franka's hand."""
    hand = panda()
    return replace(
        xarm6(),
        name="xarm6_hand",
        urdf=assemble("xarm/xarm6_robot.urdf", "xarm6_hand", (0.05, 0.0, 0.0), franka_hand("link6", 0.0, 0.0)),
        home=(0.0, -0.433546, -0.726674, 0.0, 1.160222, 0.0),
        tcp_link=11,
        finger_joints=(9, 10),
        finger_links=(9, 10),
        finger_velocity=hand.finger_velocity,
        finger_force=hand.finger_force,
        twist=hand.twist,
        followers=(),
        self_locking=False,
        openings=(),
    )

"""Grippers that more than one arm carries, as URDF text: Schunk's WSG 50 and Franka's hand. Knows no arm.

The WSG 50 is put together from meshes that PyBullet ships; docs/assets.md says what is known of them.
"""

from __future__ import annotations

import math

from envs.robots.assembly import fixed, frame, parts_of

WSG_TCP = 0.1535 - 0.008  # metres from the flange: the fingers are 0.1535 m long
HAND_TCP = 0.105  # metres from the flange

BASE = """
<link name="wsg_base">
  <inertial>
    <origin xyz="0 0 0.036"/><mass value="1.0"/>
    <inertia ixx="0.0008" ixy="0" ixz="0" iyy="0.002" iyz="0" izz="0.002"/>
  </inertial>
  <visual>
    <geometry><mesh filename="gripper/meshes/WSG50_110.stl"/></geometry>
    <material name="Steel"><color rgba="0.45 0.46 0.48 1"/></material>
  </visual>
  <collision><origin xyz="0 0 0.036"/><geometry><box size="0.146 0.05 0.072"/></geometry></collision>
</link>
"""
FINGER = """
<link name="{side}_finger">
  <contact><stiffness value="30000"/><damping value="1000"/></contact>
  <inertial>
    <origin xyz="-0.01 0 0.1"/><mass value="0.1"/>
    <inertia ixx="1e-4" ixy="0" ixz="0" iyy="1e-4" iyz="0" izz="1e-4"/>
  </inertial>
  <visual>
    <geometry><mesh filename="gripper/meshes/GUIDE_WSG50_110.stl" scale="0.001 0.001 0.001"/></geometry>
    <material name="Grey"/>
  </visual>
  <visual>
    <origin xyz="0 0 0.023"/>
    <geometry><mesh filename="gripper/meshes/WSG-FMF.stl" scale="0.001 0.001 0.001"/></geometry>
    <material name="Grey"/>
  </visual>
  <collision>
    <origin xyz="0 0 0.023"/>
    <geometry><mesh filename="gripper/meshes/WSG-FMF.stl" scale="0.001 0.001 0.001"/></geometry>
  </collision>
</link>
<joint name="{side}_finger_joint" type="prismatic">
  <parent link="wsg_base"/><child link="{side}_finger"/>
  <origin xyz="{x} 0 0" rpy="0 0 {yaw}"/><axis xyz="-1 0 0"/>
  <limit effort="80" lower="0" upper="0.045" velocity="0.42"/>
</joint>
"""
HAND_LINKS = ("panda_hand", "panda_leftfinger", "panda_rightfinger")
HAND_JOINTS = ("panda_finger_joint1", "panda_finger_joint2")


def wsg(link: str, flange: float, yaw: float) -> str:
    """A WSG 50 on a link of the arm, with the frames `hand` and `tcp`.

    The flange is `flange` metres along the link's z axis; the tool's x axis is the link's turned by `yaw` radians.
    """
    return (
        frame("hand", link, (0.0, 0.0, flange + WSG_TCP - 0.105), yaw)
        + frame("tcp", link, (0.0, 0.0, flange + WSG_TCP), yaw)
        + BASE
        + fixed("wsg_base", link, (0.0, 0.0, flange), yaw - math.pi / 2)
        + FINGER.format(side="left", x=-0.003, yaw=0.0)
        + FINGER.format(side="right", x=0.003, yaw=math.pi)
    )


def franka_hand(link: str, flange: float, yaw: float) -> str:
    """Franka's hand on a link of the arm, with the frame `tcp`; `flange` and `yaw` as for `wsg`."""
    return (
        fixed("panda_hand", link, (0.0, 0.0, flange), yaw)
        + frame("tcp", link, (0.0, 0.0, flange + HAND_TCP), yaw)
        + parts_of("franka_panda/panda.urdf", HAND_LINKS, HAND_JOINTS)
    )

"""KUKA LBR iiwa 7 with a Schunk WSG 50 gripper, put together from files that PyBullet ships.

The arm's URDF is BSD-2-Clause (Krug, Stoyanov; Orebro University); docs/assets.md says what is known of the meshes.
"""

from __future__ import annotations

import math

from envs.robots import ROBOTS, Robot
from envs.robots.assembly import assemble, fixed, frame

FLANGE = "lbr_iiwa_link_7"
FLANGE_Z = 0.045  # metres from the last joint to the flange
TCP_Z = FLANGE_Z + 0.1535 - 0.008  # the fingers are 0.1535 m long

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
PARTS = (
    frame("hand", FLANGE, (0.0, 0.0, TCP_Z - 0.105), math.pi)
    + frame("tcp", FLANGE, (0.0, 0.0, TCP_Z), math.pi)
    + BASE
    + fixed("wsg_base", FLANGE, (0.0, 0.0, FLANGE_Z), math.pi / 2)
    + FINGER.format(side="left", x=-0.003, yaw=0.0)
    + FINGER.format(side="right", x=0.003, yaw=math.pi)
)


@ROBOTS.register("kuka")
def kuka() -> Robot:
    """The iiwa: it stands 10 cm back, or its elbow could not fold enough for the near places.

    Its fingertips give way a little, as the Panda's do: on hard ones, levers slip.
    """
    return Robot(
        name="kuka",
        urdf=assemble("kuka_iiwa/model.urdf", "kuka", (-0.1, 0.0, 0.0), PARTS),
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

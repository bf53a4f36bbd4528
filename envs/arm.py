"""The arm in physics: its body, its motors, what its joints and links do. Knows no object and no action convention."""

from __future__ import annotations

import functools
import hashlib
import os
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from envs.bullet import BulletError, Client, PhysicsError
from envs.cache import cache_folder, write_atomically
from envs.hulls import light_hull
from envs.robots import Robot
from envs.scene import RobotSpec
from envs.urdf import load_urdf

Float64 = NDArray[np.float64]

POSITION_GAIN = 0.3
SPEED_RESERVE = 1.5  # joints may be this much faster than commands are, to catch up
FINGER_FRICTION = 1.5
LOCK_SLACK = 0.01  # radians


class Arm:
    """One robot in one physics client. Positions in metres and radians, world frame.

    Attributes:
        robot: Its data.
        body: PyBullet's number of it.
        joints: (n,) positions of the arm's joints, radians, as its encoders last said.
        fingers: (2,) positions of the fingers, metres from closed, as last read.
        links: (L, 7) pose of every link but the base, as last read.
    """

    def __init__(self, client: Client, robot: Robot, spec: RobotSpec, offset: tuple[float, ...] = ()) -> None:
        """Load the robot and put it where `spec` says; its encoders are wrong by `offset` (n,), radians.

        Raises PhysicsError if PyBullet cannot load it.
        """
        self._client, self.robot, self._spec = client, robot, spec
        self.body = self._load()
        self._moving = (*robot.arm_joints, *robot.finger_joints)
        self._link_numbers = tuple(range(client.getNumJoints(self.body)))
        finger = robot.finger_position(spec.opening)
        start = (*(spec.joints or robot.home), finger, finger)
        for joint, value in zip(self._moving, start, strict=True):
            client.resetJointState(self.body, joint, value)
        bounds = zip(robot.arm_joints, robot.lower, robot.upper, robot.max_velocity, strict=True)
        for joint, lower, upper, fastest in bounds:  # the URDF's are wider
            client.changeDynamics(
                self.body, joint, jointLowerLimit=lower, jointUpperLimit=upper, maxJointVelocity=SPEED_RESERVE * fastest
            )
        self._offset = np.array(offset or np.zeros(len(robot.arm_joints)))
        self.start = np.array(start[: len(robot.arm_joints)]) + self._offset
        self._couple_fingers()
        self.read()

    @property
    def tool(self) -> tuple[Float64, Float64]:
        """Tool centre point: position (3,) m and quaternion (4,) xyzw, world."""
        pose = self.links[self.robot.tcp_link]
        return pose[:3].copy(), pose[3:].copy()

    @property
    def base_pose(self) -> Float64:
        """(7,) pose of the base."""
        half = self._spec.base_yaw / 2
        return np.array([*self._spec.base, 0.0, 0.0, np.sin(half), np.cos(half)])

    @property
    def finger_links(self) -> frozenset[int]:
        """Links that both touch an object when it is grasped."""
        return frozenset(self.robot.finger_links)

    def drive(self, position: Float64, velocity: Float64) -> None:
        """Aim at what the encoders are to say (n,), radians, moving at `velocity` (n,), rad/s, in the next substep."""
        robot = self.robot
        self._client.setJointMotorControlArray(
            self.body,
            robot.arm_joints,
            self._client.POSITION_CONTROL,
            targetPositions=(position - self._offset).tolist(),
            targetVelocities=velocity.tolist(),
            forces=robot.max_force,
            positionGains=(POSITION_GAIN,) * len(robot.arm_joints),
            velocityGains=(1.0,) * len(robot.arm_joints),
        )

    def drive_fingers(self, opening: float) -> None:
        """Aim at `opening` metres between the fingers, until told otherwise."""
        robot = self.robot
        position = robot.finger_position(opening)
        for finger in robot.finger_joints:
            self._client.setJointMotorControl2(
                self.body,
                finger,
                self._client.POSITION_CONTROL,
                targetPosition=position,
                force=robot.finger_force,
                maxVelocity=robot.finger_velocity,
            )
        if robot.self_locking:
            self._lock(closing=opening < self.fingers.sum())

    def _lock(self, *, closing: bool) -> None:
        """While it closes, let nothing push the fingers open again; for joints that close upwards."""
        robot = self.robot
        (fully_closed, _), (fully_open, _) = robot.openings[-1], robot.openings[0]
        for joint, position in zip(robot.finger_joints, self._finger_positions, strict=True):
            lower = max(fully_open, float(position) - LOCK_SLACK) if closing else fully_open
            self._client.changeDynamics(self.body, joint, jointLowerLimit=lower, jointUpperLimit=fully_closed)

    def read(self) -> None:
        """Read joints and links in as few calls as there are; everything else answers from this."""
        moving = np.array([state[0] for state in self._client.getJointStates(self.body, self._moving)])
        count = len(self.robot.arm_joints)
        self.joints: Float64 = moving[:count] + self._offset
        self._finger_positions = moving[count:]
        self.fingers = self.robot.finger_ways(self._finger_positions)
        links = self._client.getLinkStates(self.body, self._link_numbers, computeForwardKinematics=1)
        self.links = np.array([(*link[4], *link[5]) for link in links])

    def _load(self) -> int:
        half = self._spec.base_yaw / 2
        path = bare_urdf(self.robot.urdf)
        try:
            return int(
                self._client.loadURDF(
                    str(path),
                    basePosition=self._spec.base,
                    baseOrientation=(0, 0, float(np.sin(half)), float(np.cos(half))),
                    useFixedBase=True,
                )
            )
        except BulletError as error:
            raise PhysicsError(f"PyBullet cannot load {path}, made from {self.robot.urdf}: {error}") from error

    def _couple_fingers(self) -> None:
        """Without a gear, two fingers that press equally hard let the object drift sideways between them.

        Without a friction anchor, what is held creeps out of the fingers by 1 mm/s.
        """
        client, body, robot = self._client, self.body, self.robot
        for link in robot.finger_links:
            client.changeDynamics(
                body, link, lateralFriction=FINGER_FRICTION, spinningFriction=robot.twist, frictionAnchor=1
            )
        left, right = robot.finger_joints
        for follower, leader in robot.followers:
            client.resetJointState(body, follower, client.getJointState(body, leader)[0])
            client.setJointMotorControl2(body, follower, client.VELOCITY_CONTROL, force=0)  # PyBullet's own brake
        for a, b in ((left, right), *robot.followers):
            gear = client.createConstraint(body, a, body, b, client.JOINT_GEAR, (1, 0, 0), (0, 0, 0), (0, 0, 0))
            client.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50)


@functools.cache
def bare_urdf(urdf: str) -> Path:
    """A copy of the URDF without visuals and with light hulls to collide with: it loads in 2 to 4 ms instead of 60.

    Mesh paths become absolute. The name holds a hash of the content, so that a new version of the original never meets
    an old copy; several processes may write it at once.
    """
    original = load_urdf(urdf).path
    root = ElementTree.parse(original).getroot()
    for link in root.iter("link"):
        for visual in link.findall("visual"):
            link.remove(visual)
    for mesh in root.iter("mesh"):
        relative = mesh.get("filename", "").removeprefix("package://")
        x, y, z = (float(factor) for factor in mesh.get("scale", "1 1 1").split())
        hull = light_hull(original.parent / relative, (x, y, z))
        if hull.parent != original.parent:
            mesh.attrib.pop("scale", None)
        mesh.set("filename", os.fspath(hull))
    content = ElementTree.tostring(root)
    path = cache_folder("urdf") / f"{original.stem}-{hashlib.sha256(content).hexdigest()[:16]}.urdf"
    if not path.is_file():
        write_atomically(path, content)
    return path

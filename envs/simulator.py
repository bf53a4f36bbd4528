"""Physics: a SceneSpec becomes bodies in PyBullet, joint targets become motion. The only file that imports pybullet.

Knows no task, no action convention and no renderer. One client an instance; every `build` starts from nothing, so that
what follows depends on the spec and the commands alone.
"""

from __future__ import annotations

import functools
import hashlib
import os
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from envs.cache import cache_folder, write_atomically
from envs.control import ArmCommand
from envs.objects import Piece, checked_kind
from envs.poses import FIRST_OBJECT_BODY, ROBOT_BODY, PoseRow, pose_rows
from envs.quiet import silence
from envs.robots import ROBOTS, Robot
from envs.scene import ObjectSpec, SceneSpec
from envs.state import BodyState
from envs.urdf import load_urdf
from vla.contract import FloatArray

with silence():  # it says when it was built
    import pybullet

Float64 = NDArray[np.float64]

PHYSICS_HZ = 240
GRAVITY = -9.81
SETTLE_STEPS = 60  # at most: a quarter of a second
SETTLED_SPEED = 2e-3  # m/s and rad/s * 0.1
SMOOTHING_S = 0.05  # seconds; a full-scale action then starts with 1 g instead of 12
POSITION_GAIN = 0.3
SPEED_RESERVE = 1.5  # joints may be this much faster than commands are, to catch up
TABLE_NAME = "table"
FINGER_FRICTION = 1.5


class PhysicsError(RuntimeError):
    """The simulation could not be built or has been closed; the message says which."""


class Client:
    """A PyBullet connection without a window. `call.createMultiBody(...)` and the like go to this client only."""

    def __init__(self) -> None:
        """Connect. Raises PhysicsError if PyBullet gives no client (it has 1024 at most)."""
        self.number = int(pybullet.connect(pybullet.DIRECT))
        if self.number < 0:
            raise PhysicsError("PyBullet gave no client; close worlds that are not used any more (1024 at most)")

    def __getattr__(self, name: str) -> Any:
        """PyBullet's function or constant `name`; functions get this client's number."""
        found = getattr(pybullet, name)
        if not callable(found):
            return found
        if self.number < 0:
            raise PhysicsError("this simulation has been closed")
        bound = functools.partial(found, physicsClientId=self.number)
        self.__dict__[name] = bound
        return bound

    def close(self) -> None:
        """Disconnect; calling it again does nothing."""
        if self.number >= 0:
            pybullet.disconnect(self.number)
            self.number = -1
            for name in [name for name, value in self.__dict__.items() if isinstance(value, functools.partial)]:
                del self.__dict__[name]


def connect() -> Client:
    """A new client, for whoever needs PyBullet without importing it (the TinyRenderer and EGL referees)."""
    return Client()


class Simulator:
    """One scene in motion. `build` makes it, `run` moves it, the rest reads it. Positions in metres, world frame."""

    def __init__(self) -> None:
        """Connect to physics; `build` must come before anything else."""
        self._client = Client()
        self._spec: SceneSpec | None = None
        self._target: Float64 = np.zeros(0)  # joints (n,) that the arm was last told
        self._velocity: Float64 = np.zeros(0)  # rad/s of the last command
        self._joints: Float64 = np.zeros(0)  # (n + 2,) arm and fingers
        self._links: Float64 = np.zeros((0, 7))  # pose of every link but the base
        self._object_poses: dict[str, Float64] = {}

    def build(self, spec: SceneSpec) -> None:
        """Throw away what is there, build `spec` and let it settle (bounded).

        Raises:
            ValueError: Unknown robot or object kind, size that does not fit its kind, wrong number of joints, or two
                objects of one name.
        """
        robot = ROBOTS[spec.robot.name]()
        _check(spec, robot)
        client = self._client
        client.resetSimulation()
        client.setPhysicsEngineParameter(
            fixedTimeStep=1 / PHYSICS_HZ, numSolverIterations=50, deterministicOverlappingPairs=1
        )
        client.setGravity(0, 0, GRAVITY)
        self._spec, self._robot = spec, robot
        self._rows = pose_rows(spec)
        self._table = self._build_table(spec)
        self._body = self._build_robot(spec)
        self._objects = {item.name: self._build_object(item) for item in spec.objects if checked_kind(item).moves}
        self._names = {self._table: TABLE_NAME} | {body: name for name, body in self._objects.items()}
        self._opening = spec.robot.opening
        self._settle()

    def run(self, command: ArmCommand) -> None:
        """One control step towards `command`.

        The reference is the straight line in joint space from the last command to this one, averaged over the last
        `SMOOTHING_S` seconds: it never leaves what was commanded, and it asks for accelerations that an arm has.
        """
        assert self._spec is not None
        substeps = round(PHYSICS_HZ / self._spec.robot.control_hz)
        before, velocity = self._velocity, (command.joints - self._target) * (PHYSICS_HZ / substeps)
        self._drive_fingers(command.opening)
        for substep in range(1, substeps + 1):
            now = substep / PHYSICS_HZ
            rest = max(SMOOTHING_S - now, 0.0)  # of the averaging window, still in the step before
            here = SMOOTHING_S - rest
            ahead = now - here + here * here / (2 * SMOOTHING_S)
            moved = velocity * ahead - before * (rest * rest / (2 * SMOOTHING_S))
            self._drive_arm(self._target + moved, (velocity * here + before * rest) / SMOOTHING_S)
            self._client.stepSimulation()
        self._target, self._velocity = command.joints.copy(), velocity
        self._read()

    def poses(self) -> FloatArray:
        """(N, 7) position and quaternion xyzw of every row of `pose_rows(spec)`: link frames and object frames."""
        out = np.empty((len(self._rows), 7), np.float32)
        for i, row in enumerate(self._rows):
            out[i] = self._row_pose(row)
        return out

    def joints(self) -> Float64:
        """Positions of the arm's joints (n,), radians."""
        return self._joints[: len(self._robot.arm_joints)].copy()

    def fingers(self) -> Float64:
        """Positions of the two fingers (2,), metres from closed."""
        return self._joints[len(self._robot.arm_joints) :].copy()

    def tool(self) -> tuple[Float64, Float64]:
        """Tool centre point: position (3,) m and quaternion (4,) xyzw, world."""
        pose = self._links[self._robot.tcp_link]
        return pose[:3].copy(), pose[3:].copy()

    def object_states(self) -> dict[str, BodyState]:
        """Every object by name; what does not move stands where the spec put it."""
        assert self._spec is not None
        out = {}
        for item in self._spec.objects:
            body = self._objects.get(item.name)
            if body is None:
                half = item.yaw / 2
                still = np.array([0.0, 0.0, np.sin(half), np.cos(half)])
                out[item.name] = BodyState(np.array(item.position, np.float64), still, np.zeros(3))
                continue
            pose = self._object_poses[item.name]
            velocity = np.array(self._client.getBaseVelocity(body)[0])
            out[item.name] = BodyState(pose[:3].copy(), pose[3:].copy(), velocity)
        return out

    def contacts(self) -> tuple[frozenset[str], frozenset[str], frozenset[tuple[str, str]]]:
        """Objects that touch the robot, those that touch both fingers, and pairs of objects (or table) that touch."""
        touching: dict[str, set[int]] = {}
        pairs: set[tuple[str, str]] = set()
        for contact in self._client.getContactPoints():
            a, b, link_a, link_b, distance = contact[1], contact[2], contact[3], contact[4], contact[8]
            if distance > 0.0005:
                continue
            if a == self._body or b == self._body:
                other, link = (b, link_a) if a == self._body else (a, link_b)
                if other in self._names:
                    touching.setdefault(self._names[other], set()).add(link)
            elif a in self._names and b in self._names:
                first, second = sorted((self._names[a], self._names[b]))
                pairs.add((first, second))
        touching.pop(TABLE_NAME, None)
        fingers = set(self._robot.finger_joints)
        grasped = frozenset(name for name, links in touching.items() if fingers <= links)
        return frozenset(touching), grasped, frozenset(pairs)

    def close(self) -> None:
        """Free the physics client; calling it again does nothing."""
        self._client.close()

    def _build_table(self, spec: SceneSpec) -> int:
        x, y, z = spec.table.size
        shape = self._client.createCollisionShape(pybullet.GEOM_BOX, halfExtents=(x / 2, y / 2, z / 2))
        center = (*spec.table.center, spec.table.height - z / 2)
        body = int(self._client.createMultiBody(0, shape, basePosition=center))
        self._client.changeDynamics(body, -1, lateralFriction=spec.table.friction)
        return body

    def _build_robot(self, spec: SceneSpec) -> int:
        client, robot = self._client, self._robot
        half = spec.robot.base_yaw / 2
        path = bare_urdf(robot.urdf)
        try:
            body = int(
                client.loadURDF(
                    str(path),
                    basePosition=spec.robot.base,
                    baseOrientation=(0, 0, float(np.sin(half)), float(np.cos(half))),
                    useFixedBase=True,
                )
            )
        except pybullet.error as error:
            raise PhysicsError(f"PyBullet cannot load {path}, made from {robot.urdf}: {error}") from error
        self._body = body
        self._moving = (*robot.arm_joints, *robot.finger_joints)
        self._link_numbers = tuple(range(client.getNumJoints(body)))
        start = (*(spec.robot.joints or robot.home), spec.robot.opening / 2, spec.robot.opening / 2)
        for joint, value in zip(self._moving, start, strict=True):
            client.resetJointState(body, joint, value)
        bounds = zip(robot.arm_joints, robot.lower, robot.upper, robot.max_velocity, strict=True)
        for joint, lower, upper, fastest in bounds:  # the URDF's are wider
            client.changeDynamics(
                body, joint, jointLowerLimit=lower, jointUpperLimit=upper, maxJointVelocity=SPEED_RESERVE * fastest
            )
        self._target = np.array(start[: len(robot.arm_joints)])
        self._velocity = np.zeros_like(self._target)
        for finger in robot.finger_joints:
            client.changeDynamics(body, finger, lateralFriction=FINGER_FRICTION, spinningFriction=0.01)
        # Without a gear, two fingers that press equally hard let the object drift sideways between them.
        left, right = robot.finger_joints
        gear = client.createConstraint(body, left, body, right, pybullet.JOINT_GEAR, (1, 0, 0), (0, 0, 0), (0, 0, 0))
        client.changeConstraint(gear, gearRatio=-1, erp=0.1, maxForce=50)
        return body

    def _build_object(self, item: ObjectSpec) -> int:
        client = self._client
        kind = checked_kind(item)
        shape = client.createCollisionShapeArray(**_shape_arrays(kind.pieces(item.size)))
        half = item.yaw / 2
        body = int(
            client.createMultiBody(
                item.mass,
                shape,
                basePosition=item.position,
                baseOrientation=(0, 0, float(np.sin(half)), float(np.cos(half))),
            )
        )
        client.changeDynamics(
            body,
            -1,
            lateralFriction=item.friction,
            rollingFriction=kind.rolling_friction,
            spinningFriction=max(kind.rolling_friction, 0.001),
            linearDamping=0.04,
            angularDamping=0.3 if kind.rolling_friction else 0.04,
            activationState=pybullet.ACTIVATION_STATE_DISABLE_SLEEPING,
        )
        return body

    def _settle(self) -> None:
        still = np.zeros(len(self._robot.arm_joints))
        self._drive_fingers(self._opening)
        self._drive_arm(self._target, still)
        for step in range(SETTLE_STEPS):
            self._client.stepSimulation()
            if step >= 5 and self._speed() < SETTLED_SPEED:
                break
        self._read()

    def _speed(self) -> float:
        """Fastest motion of any object: m/s, or a tenth of rad/s."""
        fastest = 0.0
        for body in self._objects.values():
            linear, angular = self._client.getBaseVelocity(body)
            fastest = max(fastest, *(abs(v) for v in linear), *(0.1 * abs(v) for v in angular))
        return fastest

    def _drive_arm(self, position: Float64, velocity: Float64) -> None:
        robot = self._robot
        self._client.setJointMotorControlArray(
            self._body,
            robot.arm_joints,
            pybullet.POSITION_CONTROL,
            targetPositions=position.tolist(),
            targetVelocities=velocity.tolist(),
            forces=robot.max_force,
            positionGains=(POSITION_GAIN,) * len(robot.arm_joints),
            velocityGains=(1.0,) * len(robot.arm_joints),
        )

    def _drive_fingers(self, opening: float) -> None:
        robot = self._robot
        for finger in robot.finger_joints:
            self._client.setJointMotorControl2(
                self._body,
                finger,
                pybullet.POSITION_CONTROL,
                targetPosition=opening / 2,
                force=robot.finger_force,
                maxVelocity=robot.finger_velocity,
            )

    def _read(self) -> None:
        """Read joints, links and objects in as few calls as there are; everything else answers from this."""
        client = self._client
        self._joints = np.array([state[0] for state in client.getJointStates(self._body, self._moving)])
        links = client.getLinkStates(self._body, self._link_numbers, computeForwardKinematics=1)
        self._links = np.array([(*link[4], *link[5]) for link in links])
        self._object_poses = {
            name: np.array([x for part in client.getBasePositionAndOrientation(body) for x in part])
            for name, body in self._objects.items()
        }

    def _row_pose(self, row: PoseRow) -> Float64:
        assert self._spec is not None
        if row.body >= FIRST_OBJECT_BODY:
            return self._object_poses[row.name]
        assert row.body == ROBOT_BODY
        if row.link >= 0:
            pose: Float64 = self._links[row.link]
            return pose
        half = self._spec.robot.base_yaw / 2
        return np.array([*self._spec.robot.base, 0.0, 0.0, np.sin(half), np.cos(half)])


def _check(spec: SceneSpec, robot: Robot) -> None:
    names = [item.name for item in spec.objects]
    twice = sorted({name for name in names if names.count(name) > 1} | ({TABLE_NAME} & set(names)))
    if twice:
        raise ValueError(f"object names must be unique and not {TABLE_NAME!r}; used more than once: {twice}")
    if spec.robot.joints and len(spec.robot.joints) != len(robot.arm_joints):
        raise ValueError(
            f"robot {robot.name!r} has {len(robot.arm_joints)} arm joints, "
            f"but spec.robot.joints has {len(spec.robot.joints)}"
        )


def _shape_arrays(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Arguments of createCollisionShapeArray."""
    types = {"box": pybullet.GEOM_BOX, "sphere": pybullet.GEOM_SPHERE, "cylinder": pybullet.GEOM_CYLINDER}
    return {
        "shapeTypes": [types[piece.shape] for piece in pieces],
        "halfExtents": [piece.dims if piece.shape == "box" else (0.0, 0.0, 0.0) for piece in pieces],
        "radii": [0.0 if piece.shape == "box" else piece.dims[0] for piece in pieces],
        "lengths": [piece.dims[1] if piece.shape == "cylinder" else 0.0 for piece in pieces],
        "collisionFramePositions": [piece.position for piece in pieces],
        "collisionFrameOrientations": [piece.quaternion for piece in pieces],
    }


@functools.cache
def bare_urdf(urdf: str) -> Path:
    """A copy of the URDF without visuals, in the user's cache folder: it loads in 7 ms instead of 60.

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
        mesh.set("filename", os.fspath(original.parent / relative))
    content = ElementTree.tostring(root)
    path = cache_folder("urdf") / f"{original.stem}-{hashlib.sha256(content).hexdigest()[:16]}.urdf"
    if not path.is_file():
        write_atomically(path, content)
    return path

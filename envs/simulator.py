"""Physics: a SceneSpec becomes bodies, joint targets become motion.

Knows no task, no action convention and no renderer. One client an instance; every `build` starts from nothing, so that
what follows depends on the spec and the commands alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from envs.arm import Arm
from envs.bodies import build_floor, build_object, build_table
from envs.bullet import Client
from envs.checks import check_objects, check_robot
from envs.contacts import Contacts, read_contacts
from envs.control import ArmCommand
from envs.fixture import FIXTURE_LINK
from envs.objects import object_kind
from envs.poses import ROBOT_BODY, pose_rows
from envs.robots import ROBOTS
from envs.scene import PHYSICS_HZ, TABLE_NAME, ObjectSpec, SceneSpec, Vec3, orientation
from envs.state import BodyState
from vla.contract import FloatArray

Float64 = NDArray[np.float64]

SOLVER_ITERATIONS = 20  # 50 cost a quarter more and change no expert's success (experiments/results/env.md)
GRAVITY = -9.81
SETTLE_STEPS = 60  # at most: a quarter of a second
SETTLED_SPEED = 2e-3  # m/s and rad/s * 0.1
AT_REST = 2e-4  # metres, and entries of a quaternion: what has moved less since the control step before may rest
SMOOTHING_S = 0.05  # seconds; a full-scale action then starts with 1 g instead of 12
ASLEEP = ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0))  # velocity of a body that sleeps


class Simulator:
    """One scene in motion. `build` makes it, `run` moves it, the rest reads it. Positions in metres, world frame."""

    def __init__(self) -> None:
        """Connect to physics; `build` must come before anything else."""
        self._client = Client()
        self._spec: SceneSpec | None = None
        self._target: Float64 = np.zeros(0)  # joints (n,) that the arm was last told
        self._velocity: Float64 = np.zeros(0)  # rad/s of the last command
        self._begin: Float64 = self._target  # the same of the command before
        self._before: Float64 = self._velocity
        self._told = 0  # steps of physics since the last command
        self._object_poses: dict[str, Float64] = {}  # (7,) of what moves
        self._velocities: dict[str, tuple[Vec3, Vec3]] = {}  # m/s and rad/s of what moves
        self._parts: dict[str, tuple[float, Float64]] = {}  # joint position and pose (7,) of moving parts

    def build(self, spec: SceneSpec) -> None:
        """Throw away what is there, build `spec` and let it settle (bounded).

        Raises:
            ValueError: Unknown robot or object kind, size that does not fit its kind, wrong number of joints, or two
                objects of one name.
        """
        robot = ROBOTS[spec.robot.name]()
        check_objects(spec.objects)
        check_robot(spec.robot)
        client = self._client
        client.resetSimulation()
        client.setPhysicsEngineParameter(
            fixedTimeStep=1 / PHYSICS_HZ, numSolverIterations=SOLVER_ITERATIONS, deterministicOverlappingPairs=1
        )
        client.setGravity(0, 0, GRAVITY)
        self._spec = spec
        self._rows = pose_rows(spec)
        self._drawn = [row.link for row in self._rows if row.body == ROBOT_BODY]  # they come first; -1 is the base
        self._object_poses, self._velocities, self._parts = {}, {}, {}
        build_floor(client, spec.table.center, spec.background.floor_height)
        table = build_table(client, spec.table)
        self._arm = Arm(client, robot, spec.robot, spec.disturbance.joint_offset)
        solid = [item for item in spec.objects if object_kind(item.kind).shape(item.size).pieces]
        bodies = {item.name: build_object(client, item) for item in solid}
        self._names = {table: TABLE_NAME} | {body: name for name, body in bodies.items()}
        self._free = {item.name: bodies[item.name] for item in solid if object_kind(item.kind).moves}
        self._jointed = {i.name: bodies[i.name] for i in solid if object_kind(i.kind).shape(i.size).part is not None}
        self._target, self._velocity = self._arm.start.copy(), np.zeros(len(robot.arm_joints))
        self._begin, self._before, self._told = self._target, self._velocity, 0
        self._settle(spec.robot.opening)

    @property
    def substeps(self) -> int:
        """Steps of physics in a control step."""
        assert self._spec is not None
        return round(PHYSICS_HZ / self._spec.robot.control_hz)

    def run(self, command: ArmCommand) -> None:
        """One control step towards `command`."""
        self.tell(command)
        self.advance(self.substeps)

    def tell(self, command: ArmCommand) -> None:
        """From now on go to `command`, within one control step; nothing moves before `advance`."""
        self._begin, self._before, self._told = self._target, self._velocity, 0
        self._velocity = (command.joints - self._begin) * (PHYSICS_HZ / self.substeps)
        self._target = command.joints.copy()
        self._arm.drive_fingers(command.opening)

    def advance(self, substeps: int) -> None:
        """Let so many steps of physics pass; after the last command has been carried out the arm stands still."""
        for _ in range(substeps):
            self._told += 1
            self._arm.drive(*self._reference(self._told / PHYSICS_HZ))
            self._client.stepSimulation()
        earlier = self._object_poses
        self._read()
        self._rest(earlier)

    def push(self, name: str, impulse: Vec3) -> None:
        """Give an object that moves freely, or the hand if `name` is empty, an impulse (N s, world frame)."""
        if not name:
            hand = self._arm.robot.hand_link
            force, where = [PHYSICS_HZ * value for value in impulse], self._arm.links[hand][:3].tolist()
            self._client.applyExternalForce(self._arm.body, hand, force, where, self._client.WORLD_FRAME)
            return
        body = self._free[name]
        linear, angular = self._client.getBaseVelocity(body)
        kick = np.array(impulse) / float(self._client.getDynamicsInfo(body, -1)[0])
        self._wake()
        self._client.resetBaseVelocity(body, (np.array(linear) + kick).tolist(), angular)

    def place(self, item: ObjectSpec) -> None:
        """Put an object that moves freely where `item`, which bears its name, stands; it is at rest then."""
        self._wake()  # what leant on it must fall
        self._client.resetBasePositionAndOrientation(self._free[item.name], item.position, orientation(item))
        self._client.resetBaseVelocity(self._free[item.name], (0, 0, 0), (0, 0, 0))
        self._read()

    def _wake(self) -> None:
        for body in self._free.values():
            self._client.changeDynamics(body, -1, activationState=self._client.ACTIVATION_STATE_WAKE_UP)

    def _reference(self, now: float) -> tuple[Float64, Float64]:
        """Joint positions and speeds to aim at, `now` seconds after the last command.

        The reference is the straight line in joint space from the command before to the last one, averaged over the
        last `SMOOTHING_S` seconds (or one control step, if that is less): it never leaves what was commanded, and it
        asks for accelerations that an arm has.
        """
        smoothing = min(SMOOTHING_S, self.substeps / PHYSICS_HZ)
        rest = max(smoothing - now, 0.0)  # of the averaging window, still in the command before
        here = smoothing - rest
        ahead = now - here + here * here / (2 * smoothing)
        moved = self._velocity * ahead - self._before * (rest * rest / (2 * smoothing))
        return self._begin + moved, (self._velocity * here + self._before * rest) / smoothing

    def poses(self) -> FloatArray:
        """(N, 7) position and quaternion xyzw of every row of `pose_rows(spec)`: link frames and object frames."""
        out = np.empty((len(self._rows), 7), np.float32)
        out[: len(self._drawn)] = np.vstack([self._arm.links, self._arm.base_pose])[self._drawn]
        for i in range(len(self._drawn), len(self._rows)):
            name, link = self._rows[i].name, self._rows[i].link
            out[i] = self._object_poses[name] if link < 0 else self._parts[name.removesuffix("/part")][1]
        return out

    def joints(self) -> Float64:
        """Positions of the arm's joints (n,), radians, as its encoders say."""
        return self._arm.joints.copy()

    def fingers(self) -> Float64:
        """Positions of the two fingers (2,), metres from closed."""
        return self._arm.fingers.copy()

    def tool(self) -> tuple[Float64, Float64]:
        """Tool centre point: position (3,) m and quaternion (4,) xyzw, world."""
        return self._arm.tool

    def object_states(self) -> Mapping[str, BodyState]:
        """Every object by name; what does not move stands where the spec put it."""
        assert self._spec is not None
        out = {}
        for item in self._spec.objects:
            joint, part = self._parts.get(item.name, (0.0, None))
            if item.name not in self._free:
                at = np.array(item.position, np.float64), np.array(orientation(item))
                out[item.name] = BodyState(*at, np.zeros(3), np.zeros(3), joint, part)
                continue
            pose = self._object_poses[item.name]
            linear, angular = self._velocities[item.name]
            out[item.name] = BodyState(pose[:3].copy(), pose[3:].copy(), np.array(linear), np.array(angular))
        return out

    def contacts(self) -> Contacts:
        """What touches what now, and how hard."""
        arm = self._arm
        return read_contacts(self._client.getContactPoints(), arm.body, arm.finger_links, self._names)

    def close(self) -> None:
        """Free the physics client; calling it again does nothing."""
        self._client.close()

    def _settle(self, opening: float) -> None:
        still = np.zeros_like(self._target)
        self._arm.drive_fingers(opening)
        self._arm.drive(self._target, still)
        moving = tuple(self._free.values())
        for step in range(SETTLE_STEPS):
            self._client.stepSimulation()
            if step >= 5 and all(_speed(self._client.getBaseVelocity(body)) < SETTLED_SPEED for body in moving):
                break
        self._read()
        self._rest(self._object_poses)

    def _rest(self, earlier: Mapping[str, Float64]) -> None:
        """Put to sleep what stands still: it costs nothing until something that moves comes near, which wakes it."""
        for name, body in self._free.items():
            velocity = self._velocities[name]
            if velocity == ASLEEP or _speed(velocity) >= SETTLED_SPEED:
                continue
            if np.abs(self._object_poses[name] - earlier[name]).max() < AT_REST:
                self._client.changeDynamics(body, -1, activationState=self._client.ACTIVATION_STATE_SLEEP)

    def _read(self) -> None:
        """Read robot, objects and moving parts; everything else answers from this."""
        self._arm.read()
        self._object_poses = {
            name: np.array([x for part in self._client.getBasePositionAndOrientation(body) for x in part])
            for name, body in self._free.items()
        }
        self._velocities = {name: self._client.getBaseVelocity(body) for name, body in self._free.items()}
        for name, body in self._jointed.items():
            joint = float(self._client.getJointState(body, FIXTURE_LINK)[0])
            link = self._client.getLinkState(body, FIXTURE_LINK, computeForwardKinematics=1)
            self._parts[name] = joint, np.array([*link[4], *link[5]])


def _speed(velocity: tuple[Vec3, Vec3]) -> float:
    """The greatest entry of a linear velocity (m/s) and of a tenth of an angular one (rad/s)."""
    (x, y, z), (a, b, c) = velocity
    return max(abs(x), abs(y), abs(z), 0.1 * abs(a), 0.1 * abs(b), 0.1 * abs(c))

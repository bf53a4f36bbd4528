"""Random scenes for tests of the renderers: poses come from random joint angles and object placements."""

from __future__ import annotations

import math

import numpy as np

from envs.cameras import DEFAULT_CAMERAS, look_at, place, pose_matrix
from envs.objects import object_kind, resting_z
from envs.poses import ROBOT_BODY, pose_rows
from envs.renderer.types import Camera
from envs.robots import ROBOTS
from envs.scene import GoalSpec, ObjectSpec, RobotSpec, SceneSpec, Texture, Vec3
from envs.urdf import load_urdf
from tests.envs.kinds import PROCEDURAL, SCANS
from vla.contract import FloatArray

DRAWN = (*PROCEDURAL, *SCANS)
SHARES = 4  # scenes that have every kind of object and every arm and gripper between them
ROBOT_NAMES = ("panda", "kuka", "xarm6")  # the others are made of the same parts


def random_spec(rng: np.random.Generator, count: int = 7, share: int = 0) -> SceneSpec:
    """A scene of objects of different kinds, each with a texture of its own; `SHARES` shares have all."""
    kinds = DRAWN[share % SHARES :: SHARES]
    patterns = ("plain", "checker", "noise", "wood")
    objects = []
    for i in range(count):
        kind = kinds[i % len(kinds)]
        size = object_kind(kind).default_size
        x, y = rng.uniform(0.35, 0.65), rng.uniform(-0.25, 0.25)
        rgb = tuple(float(v) for v in rng.uniform(0.1, 0.9, 3))
        texture = Texture(patterns[i % 4], (rgb[0], rgb[1], rgb[2]), scale_m=0.05, seed=i)  # type: ignore[arg-type]
        position = (float(x), float(y), resting_z(kind, size))
        objects.append(ObjectSpec(f"{kind}_{i}", kind, "red", size, position, float(rng.uniform(0, 6)), texture))
    goal, robot = GoalSpec("Lift", objects[0].name), RobotSpec(ROBOT_NAMES[share % len(ROBOT_NAMES)])
    return SceneSpec(goal, "lift it", tuple(objects), robot=robot, cameras=DEFAULT_CAMERAS)


def random_poses(spec: SceneSpec, rng: np.random.Generator, spread: float = 0.5) -> FloatArray:
    """Pose rows of a robot near its home posture and of objects that fly about above the table, turned at random."""
    links = _link_poses(spec, rng, spread)
    out = []
    for row in pose_rows(spec):
        if row.body == ROBOT_BODY:
            out.append(links[row.link])
        else:
            turn = rng.normal(size=4)
            position = (rng.uniform(0.35, 0.65), rng.uniform(-0.25, 0.25), rng.uniform(0.02, 0.12))
            out.append(np.concatenate([position, turn / np.linalg.norm(turn)]))
    return np.asarray(out, np.float32)


def random_case(seed: int, size: int) -> tuple[SceneSpec, FloatArray, list[Camera]]:
    """A scene, poses and three cameras: from afar, a few centimetres from an object, and the wrist.

    Five seeds share the meshes and textures of a scene, since PyBullet takes a second to load them.
    """
    share = seed // 5
    spec = random_spec(np.random.default_rng(share), max(7, math.ceil(len(DRAWN) / SHARES)), share)
    rng = np.random.default_rng(seed)
    poses = random_poses(spec, rng)
    rows = pose_rows(spec)
    chosen = poses[len(poses) - 1 - int(rng.integers(4)), :3].tolist()
    near = (chosen[0], chosen[1], chosen[2])
    direction = rng.normal(size=3) * (1, 1, 0.5) + (0, 0, 0.6)
    direction /= np.linalg.norm(direction)
    eye_near = np.maximum(np.asarray(near) + direction * rng.uniform(0.08, 0.2), (-9, -9, 0.02))
    view = np.random.default_rng([seed, 1])  # stays when there are more kinds of objects
    angle = view.uniform(-math.pi, math.pi)
    eye_far = (0.4 + 0.8 * math.cos(angle), 0.8 * math.sin(angle), float(view.uniform(0.15, 0.9)))
    return spec, poses, [
        camera_at(eye_far, (0.4, 0.0, 0.15), size),
        camera_at((float(eye_near[0]), float(eye_near[1]), float(eye_near[2])), near, size, fov=60.0, near=0.01),
        place(spec.cameras[1], poses, rows, size),
    ]  # fmt: skip


def camera_at(eye: Vec3, target: Vec3, size: int, fov: float = 45.0, near: float = 0.05) -> Camera:
    """A camera fixed in the world."""
    return Camera(look_at(eye, target, (0.0, 0.0, 1.0)), fov, size, size, near, 5.0)


def _link_poses(spec: SceneSpec, rng: np.random.Generator, spread: float) -> dict[int, FloatArray]:
    """Forward kinematics of the URDF with random joints: link -> pose (7,)."""
    robot = ROBOTS[spec.robot.name]()
    home = dict(zip(robot.arm_joints, robot.home, strict=True))
    frames: dict[int, np.ndarray] = {}
    for link in load_urdf(robot.urdf).links:
        matrix = np.eye(4)
        if link.joint is not None:
            if link.joint.kind == "prismatic":
                motion = np.eye(4)
                motion[:3, 3] = np.asarray(link.joint.axis) * rng.uniform(0, 0.04)
            else:
                value = home.get(link.index, 0.0) + (rng.uniform(-spread, spread) if link.index in home else 0.0)
                half = value / 2
                turn = np.asarray(link.joint.axis) * math.sin(half)
                motion = pose_matrix(np.array([0, 0, 0, *turn, math.cos(half)]))
            matrix = frames[link.parent] @ _origin(link.joint.xyz, link.joint.rpy) @ motion
        frames[link.index] = matrix
    return {index: _pose(matrix) for index, matrix in frames.items()}


def _origin(xyz: Vec3, rpy: Vec3) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = xyz
    for axis, angle in zip((2, 1, 0), reversed(rpy), strict=True):
        turn = np.array([0, 0, 0, 0, 0, 0, math.cos(angle / 2)])
        turn[3 + axis] = math.sin(angle / 2)
        matrix = matrix @ pose_matrix(turn)
    return matrix


def _pose(matrix: np.ndarray) -> FloatArray:
    """Position and quaternion xyzw of a matrix (method of the largest element, via the eigenvector of K)."""
    m = matrix[:3, :3]
    k = np.array(
        [
            [m[0, 0] - m[1, 1] - m[2, 2], m[0, 1] + m[1, 0], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]],
            [m[0, 1] + m[1, 0], m[1, 1] - m[0, 0] - m[2, 2], m[1, 2] + m[2, 1], m[0, 2] - m[2, 0]],
            [m[0, 2] + m[2, 0], m[1, 2] + m[2, 1], m[2, 2] - m[0, 0] - m[1, 1], m[1, 0] - m[0, 1]],
            [m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], m[0, 0] + m[1, 1] + m[2, 2]],
        ]
    )
    quaternion = np.linalg.eigh(k)[1][:, -1]
    return np.concatenate([matrix[:3, 3], quaternion]).astype(np.float32)

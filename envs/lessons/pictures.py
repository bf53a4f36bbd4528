"""Random pictures without physics: training scenes, the robot in a random posture, and what is seen.

Knows no question. Things stand where a training episode would find them; drawers, doors and levers are anywhere that
has a name; the arm is where demonstrations take it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from envs.frames import EpisodeRenderer
from envs.geometry import at_start, grasp_of
from envs.kinematics import kinematics
from envs.lessons import LESSON_SEED
from envs.objects import object_kind
from envs.poses import FIRST_OBJECT_BODY
from envs.posing import Posture, link_poses, posed, proprioception
from envs.robots import ROBOTS
from envs.scene import ObjectSpec, SceneSpec
from envs.scenes import make_scene, with_cameras
from envs.tasks.flip_lever import ways_of
from vla.contract import ByteArray, EpisodeRequest, FloatArray
from vla.models.contract import NAMED, ROLES
from vla.views import PLACED

LEAST = 0.0015  # share of a picture's pixels at which a thing counts as seen: 14 of 96 x 96
BODY_BITS = (1 << 24) - 1  # of a segmentation value; the others are the link
REACH = ((0.37, 0.63), (-0.23, 0.23), (0.04, 0.30))  # metres, base frame: where the tool is
AT_THING = 0.35  # share of pictures in which the tool is at a thing
TURNED = 0.5  # radians either way of the gripper
OPEN, SHUT = (0.06, 0.08), (0.0, 0.01)  # metres between the fingers that have a name
AJAR = (0.6, 1.0)  # share of a drawer's or door's way at which it is open
CLOSED = 0.04  # and up to which it is shut
LEVER_NOISE = 0.08  # radians
INDICES = 2**31  # scenes


@dataclass(frozen=True, eq=False)
class Picture:
    """One moment, and what there is to be known about it.

    Attributes:
        spec: The scene; things are where it puts them.
        cameras: Names of the V views, in order.
        pixels: (V, H, W, 3).
        agent_pos: (8,) proprioception.
        tool: (3,) tool centre point, metres, world.
        opening: Metres between the fingers.
        states: What drawers, doors and levers are: `open`, `shut`, `left` ..., by name.
        spots: (V, O, 3) a point of each object of the scene that is seen, image fractions, and whether it is.
        boxes: (V, O, 5) the box around what is seen of it, likewise.
        counts: (V, O) pixels.
    """

    spec: SceneSpec
    cameras: tuple[str, ...]
    pixels: ByteArray
    agent_pos: FloatArray
    tool: NDArray[np.float64]
    opening: float
    states: Mapping[str, str]
    spots: FloatArray
    boxes: FloatArray
    counts: NDArray[np.int64]

    def number(self, name: str) -> int:
        """The number of an object."""
        return next(i for i, thing in enumerate(self.spec.objects) if thing.name == name)

    def sees(self, name: str) -> bool:
        """Whether an object is seen by the first camera."""
        return bool(self.spots[0, self.number(name), 2])

    @property
    def visible(self) -> list[ObjectSpec]:
        """The objects that the first camera sees."""
        return [thing for i, thing in enumerate(self.spec.objects) if self.spots[0, i, 2]]

    def points_of(self, names: tuple[str, ...]) -> FloatArray:
        """(V, R, 3) of up to three named objects."""
        out = np.zeros((len(self.cameras), ROLES, 3), np.float32)
        for role, name in zip(NAMED, names, strict=False):
            out[:, role] = self.spots[:, self.number(name)]
        return out

    def positions_of(self, names: tuple[str, ...]) -> FloatArray:
        """(R, 7) as in `Batch`, of named objects that any camera sees; how they are turned is not told."""
        out, robot = np.zeros((ROLES, PLACED), np.float32), self.spec.robot
        sin, cos = np.sin(robot.base_yaw), np.cos(robot.base_yaw)
        for role, name in zip(NAMED, names, strict=False):
            if self.spots[:, self.number(name), 2].any():
                at = self.spec.object(name).position if role else grasp_of(at_start(self.spec), name)[0]
                away = np.subtract(at, robot.base)
                out[role, :4] = (cos * away[0] + sin * away[1], cos * away[1] - sin * away[0], away[2], 1.0)
        return out


@dataclass(frozen=True)
class Pictures:
    """Draws pictures.

    Attributes:
        tasks: Families whose training scenes are drawn, evenly.
        cameras: Camera names, in the order of the V axis; questions are about what the first one sees.
        size: Pixels a side.
        robot: Registered robot.
        control: Its control mode.
        each: Pictures of one scene: to make a scene costs as much as two pictures.
    """

    tasks: tuple[str, ...]
    cameras: tuple[str, ...] = ("front", "wrist")
    size: int = 96
    robot: str = "panda"
    control: str = "pd_ee_delta_pose"
    each: int = 4

    def __call__(self, rng: np.random.Generator) -> Iterator[Picture]:
        """Pictures without end."""
        while True:
            spec = self.scene(rng)
            renderer = EpisodeRenderer(spec, size=self.size)
            for _ in range(self.each):
                yield self.take(spec, renderer, rng)
            renderer.close()

    def scene(self, rng: np.random.Generator) -> SceneSpec:
        """A scene of the training distribution, with its instruction."""
        task = self.tasks[int(rng.integers(len(self.tasks)))]
        request = EpisodeRequest(task, int(rng.integers(INDICES)), seed=LESSON_SEED, split="train")
        return with_cameras(make_scene(request, self.robot, self.control), self.cameras)

    def take(self, spec: SceneSpec, renderer: EpisodeRenderer, rng: np.random.Generator) -> Picture:
        """One picture of a scene."""
        posture, parts = random_posture(spec, rng), {}
        states = {}
        for thing in spec.objects:
            if object_kind(thing.kind).shape(thing.size).part is not None:
                parts[thing.name], states[thing.name] = random_joint(spec, thing, rng)
        poses = posed(spec, posture, parts)
        frames = renderer.frames(poses, self.cameras)
        found = [_seen(frames[name].segmentation, len(spec.objects)) for name in self.cameras]
        spots, boxes, counts = (np.stack(each) for each in zip(*found, strict=True))
        return Picture(
            spec,
            self.cameras,
            np.stack([frames[name].rgb for name in self.cameras]),
            proprioception(spec.robot, posture),
            link_poses(spec.robot, posture)[ROBOTS[spec.robot.name]().tcp_link + 1][:3, 3],
            posture.opening,
            {name: state for name, state in states.items() if state},
            spots,
            boxes,
            counts,
        )


def random_posture(spec: SceneSpec, rng: np.random.Generator) -> Posture:
    """The tool anywhere above the table, pointing down; in a share `AT_THING` of the cases at or above a thing."""
    arm = kinematics(spec.robot.name)
    target = arm.forward(arm.home).copy()
    turn, x, y, z = rng.uniform(-TURNED, TURNED), *(rng.uniform(*span) for span in REACH)
    if rng.uniform() < AT_THING:
        thing = spec.objects[int(rng.integers(len(spec.objects)))]
        x, y = np.asarray(thing.position[:2]) - spec.robot.base[:2]
        z = thing.position[2] + abs(rng.normal(0.0, 0.06)) + 0.01
    cos, sin = np.cos(turn), np.sin(turn)
    target[:3, :3] = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]) @ target[:3, :3]
    target[:3, 3] = x, y, z
    opening = float(rng.uniform(*(OPEN if rng.uniform() < 0.5 else SHUT)))
    most = ROBOTS[spec.robot.name]().max_opening
    return Posture(tuple(arm.inverse(target, arm.home).tolist()), min(opening, most))


def random_joint(spec: SceneSpec, thing: ObjectSpec, rng: np.random.Generator) -> tuple[float, str]:
    """A position of a fixture's moving part and its name; empty for what a small picture does not show."""
    part = object_kind(thing.kind).shape(thing.size).part
    assert part is not None  # callers ask for fixtures
    if thing.kind == "lever":
        ways = ways_of(spec, thing.name)
        way = str(rng.choice(list(ways)))
        return ways[way] + float(rng.normal(0.0, LEVER_NOISE / 2)), way
    if part.motion == "prismatic" and not part.spring:
        opened = rng.uniform() < 0.5
        return part.upper * float(rng.uniform(*(AJAR if opened else (0.0, CLOSED)))), "open" if opened else "shut"
    return (thing.joint, "")


def things_of(segmentation: NDArray[np.int32]) -> NDArray[np.int32]:
    """Numbers of the scene's objects by segmentation values; -1 for everything else."""
    return np.maximum(np.where(segmentation < 0, -1, (segmentation & BODY_BITS) - FIRST_OBJECT_BODY), -1)


def _seen(segmentation: NDArray[np.int32], count: int) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Of each object: a point on it (O, 3), the box around it (O, 5), both with whether it is seen, and its pixels.

    The point is the pixel of the object that is nearest to the middle of all of them: a bowl's rim, not its hole.
    """
    side = segmentation.shape[0]
    bodies = things_of(segmentation)
    spots, boxes = np.zeros((count, 3), np.float32), np.zeros((count, 5), np.float32)
    rows, columns = np.nonzero(bodies >= 0)
    numbers = bodies[rows, columns]
    counts = np.bincount(numbers, minlength=count)[:count]
    for number in np.nonzero(counts >= LEAST * segmentation.size)[0]:
        own = numbers == number
        x, y = columns[own], rows[own]
        nearest = np.argmin((x - x.mean()) ** 2 + (y - y.mean()) ** 2)
        spots[number] = (x[nearest] + 0.5) / side, (y[nearest] + 0.5) / side, 1.0
        boxes[number] = x.min() / side, y.min() / side, (x.max() + 1) / side, (y.max() + 1) / side, 1.0
    return spots, boxes, counts

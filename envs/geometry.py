"""Where things are in a state of the world: heights, angles, grasps. Knows no goal and no motion."""

from __future__ import annotations

import itertools

import numpy as np

from envs.fixture import part_pose, rotate
from envs.objects import Grasp, object_kind
from envs.scene import ObjectSpec, SceneSpec, orientation
from envs.state import BodyState, Float64, WorldState

TOUCH = 0.002  # metres: things whose surfaces are so near at the start are taken to touch


def at_start(spec: SceneSpec) -> WorldState:
    """The state that a scene describes, without physics: the robot is far away, what lies on something touches it."""
    if not _known or _known[0].spec is not spec:  # it is asked for many times of one scene, and a scene is slow to hash
        _known[:] = [_at_start(spec)]
    return _known[0]


_known: list[WorldState] = []  # of the last scene


def _at_start(spec: SceneSpec) -> WorldState:
    objects = {thing.name: _body(thing) for thing in spec.objects}
    nothing: frozenset[str] = frozenset()
    far, straight_down = np.array([0.3, 0.0, 0.5]), np.array([1.0, 0.0, 0.0, 0.0])
    bare = WorldState(spec, 0, far, straight_down, spec.robot.opening, objects, nothing, nothing, frozenset())
    touching = frozenset(
        (min(a.name, b.name), max(a.name, b.name))
        for a, b in itertools.permutations(spec.objects, 2)
        if abs(bottom_of(bare, a.name) - seat_of(bare, b.name)[2]) < TOUCH and _overlap(a, b)
    )
    return WorldState(spec, 0, far, straight_down, spec.robot.opening, objects, nothing, nothing, touching)


def _body(thing: ObjectSpec) -> BodyState:
    position, quaternion = np.array(thing.position, np.float64), np.array(orientation(thing))
    part = object_kind(thing.kind).shape(thing.size).part
    pose = None if part is None else np.array(part_pose(part, thing.joint, thing.position, orientation(thing)))
    return BodyState(position, quaternion, np.zeros(3), np.zeros(3), thing.joint, pose)


def _overlap(a: ObjectSpec, b: ObjectSpec) -> bool:
    """Whether two things overlap when seen from above (footprints taken as circles)."""
    reach = object_kind(a.kind).radius(a.size) + object_kind(b.kind).radius(b.size)
    return float(np.hypot(a.position[0] - b.position[0], a.position[1] - b.position[1])) < reach


def up_of(state: WorldState, name: str) -> Float64:
    """The world's z axis (3,) in an object's frame."""
    x, y, z, w = (float(v) for v in state.objects[name].quaternion)
    return np.array([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)])


def bottom_of(state: WorldState, name: str) -> float:
    """Height of an object's lowest point, metres, world, however it is turned."""
    spec = state.spec.object(name)
    shape = object_kind(spec.kind).shape(spec.size)
    return float(state.objects[name].position[2]) - shape.extent(-up_of(state, name))


def top_of(state: WorldState, name: str) -> float:
    """Height of an object's highest point, metres, world, however it is turned."""
    spec = state.spec.object(name)
    shape = object_kind(spec.kind).shape(spec.size)
    return float(state.objects[name].position[2]) + shape.extent(up_of(state, name))


def seat_of(state: WorldState, name: str) -> Float64:
    """The point (3,), metres, world, where something that is put on or into an object rests."""
    spec = state.spec.object(name)
    shape = object_kind(spec.kind).shape(spec.size)
    hollow = 0.0 if shape.floor < 0 else shape.height - shape.floor
    return np.array([*state.objects[name].position[:2], top_of(state, name) - hollow])


def lean_of(state: WorldState, name: str) -> float:
    """Angle between an object's own z axis and the world's, radians in [0, pi]."""
    return float(np.arccos(np.clip(up_of(state, name)[2], -1.0, 1.0)))


def yaw_of(state: WorldState, name: str) -> float:
    """Angle of an object's own x axis about world z, radians in (-pi, pi]."""
    x, y, z, w = (float(v) for v in state.objects[name].quaternion)
    return float(np.arctan2(2 * (x * y + z * w), 1 - 2 * (y * y + z * z)))


def moved(state: WorldState, name: str) -> float:
    """How far an object is from where the scene put it, metres."""
    return float(np.linalg.norm(state.objects[name].position - state.spec.object(name).position))


def grasp_of(state: WorldState, name: str) -> tuple[Float64, float, int]:
    """Where an object, or the moving part of a fixture, is taken hold of.

    Returns:
        The point between the fingertips (3,), metres, world; the yaw of the gripper, radians, world; how many equally
        spaced yaws do as well (see `envs.objects.Grasp.turns`).
    """
    spec, body = state.spec.object(name), state.objects[name]
    shape = object_kind(spec.kind).shape(spec.size)
    position, quaternion, grasp = body.position, body.quaternion, shape.grasp
    if shape.part is not None and body.part is not None:
        position, quaternion, grasp = body.part[:3], body.part[3:], shape.part.grasp
    return position + rotate(quaternion, grasp.position), _world_yaw(quaternion, grasp), grasp.turns


def _world_yaw(quaternion: Float64, grasp: Grasp) -> float:
    ahead = rotate(quaternion, (np.cos(grasp.yaw), np.sin(grasp.yaw), 0.0))
    return float(np.arctan2(ahead[1], ahead[0]))

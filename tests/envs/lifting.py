"""Lifts an object at its `Grasp` with the primitives of the experts: what every graspable kind is tested with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from envs.expert import CLOSED, NEAR_XY, NEAR_Z, OPEN, STEP_M, TIP, descend, down, move, turn
from envs.fixture import rotate
from envs.materials import material_friction
from envs.objects import object_kind, resting_z
from envs.scene import GoalSpec, ObjectSpec, SceneSpec, Texture
from envs.state import Float64, WorldState
from envs.world import World
from vla.contract import FloatArray

STEPS = 60
NEAR_YAW = 0.1  # radians


def lying(kind: str, *, yaw: float = 0.0, x: float = 0.5, y: float = 0.05) -> ObjectSpec:
    """One object of a kind on the table, in its default size."""
    maker = object_kind(kind)
    position = (x, y, resting_z(kind, maker.default_size))
    friction = material_friction("plastic")
    return ObjectSpec("it", kind, "red", maker.default_size, position, yaw, Texture(), maker.default_mass, friction)


def lifts(world: World, thing: ObjectSpec) -> tuple[bool, float]:
    """Whether Lift succeeds with this object alone on the table, and how far it is turned in the end, radians."""
    world.load(SceneSpec(GoalSpec("Lift", thing.name), "lift it", (thing,), max_steps=STEPS))
    start = world.state().objects[thing.name].quaternion
    while True:
        done = world.step(_action(world.state(), thing.name))
        if done.done:
            turned = float(np.linalg.norm(turn(start, world.state().objects[thing.name].quaternion)))
            return done.success, turned


def with_size(thing: ObjectSpec, size: tuple[float, ...]) -> ObjectSpec:
    """The same object in another size, on the table."""
    x, y, _ = thing.position
    return replace(thing, size=size, position=(x, y, resting_z(thing.kind, size)))


def _action(state: WorldState, name: str) -> FloatArray:
    position, yaw = _grasp(state, name)
    offset = state.ee_position - position
    there = np.hypot(offset[0], offset[1]) < NEAR_XY and abs(offset[2]) < NEAR_Z
    if name in state.grasped and there:
        return move(state, state.ee_position + np.array([0.0, 0.0, STEP_M]), CLOSED, yaw)
    if there:
        return move(state, position, CLOSED, yaw)
    if np.linalg.norm(turn(state.ee_quaternion, down(yaw))) > NEAR_YAW:
        return move(state, np.array([position[0], position[1], 0.18]), OPEN, yaw)
    return move(state, descend(state, position), OPEN, yaw)


def _grasp(state: WorldState, name: str) -> tuple[Float64, float]:
    """Where the tool takes hold, (3,) metres, world, and the nearest yaw of the gripper, radians."""
    body, spec = state.objects[name], state.spec.object(name)
    grasp = object_kind(spec.kind).shape(spec.size).grasp
    position = body.position + rotate(body.quaternion, np.asarray(grasp.position))
    position[2] = max(position[2], TIP + 0.007)
    if grasp.turns == 0:
        return position, 0.0
    ahead = rotate(body.quaternion, np.array([np.cos(grasp.yaw), np.sin(grasp.yaw), 0.0]))
    wanted, step = float(np.arctan2(ahead[1], ahead[0])), 2 * np.pi / grasp.turns
    x, y = state.ee_quaternion[:2]
    present = 2 * float(np.arctan2(y, x))  # the nearest one to it, or it swings to and fro at half a step
    yaw = present + (wanted - present + step / 2) % step - step / 2
    return position, (yaw + np.pi) % (2 * np.pi) - np.pi

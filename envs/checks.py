"""Whether a scene description makes sense, before anything is built from it. Every error says what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from envs.cameras import look_at
from envs.control import CONTROL_MODES
from envs.lens import lens
from envs.materials import substance
from envs.objects import checked_kind, object_kind
from envs.robots import ROBOTS
from envs.scene import (
    PHYSICS_HZ,
    TABLE_NAME,
    CameraSpec,
    GoalSpec,
    LightSpec,
    MoveSpec,
    ObjectSpec,
    PushSpec,
    RobotSpec,
    ScenerySpec,
    SceneSpec,
    SensorSpec,
)
from envs.tasks.base import TASKS
from vla.registry import nearest

LATEST = 5.0  # seconds that an action may be late
FARTHEST = 10.0  # metres from the robot's base that anything may be


def check_scene(spec: SceneSpec) -> None:
    """Check everything that can be wrong with a scene.

    Raises:
        ValueError: What is wrong, where, and what is expected; for an unknown name the nearest one.
    """
    check_objects(spec.objects)
    check_robot(spec.robot)
    _check_goals(spec)
    check_cameras(spec.cameras)
    _check_light(spec.light)
    _check_scenery(spec.scenery)
    _expect(spec.max_steps >= 1, "max_steps", spec.max_steps, "at least 1 control step")
    _check_speech(spec)
    _check_disturbance(spec)
    _positive("table.size", spec.table.size)
    _expect(spec.table.friction >= 0, "table.friction", spec.table.friction, "0 or more")


def check_objects(objects: Sequence[ObjectSpec]) -> None:
    """Check the objects of a scene. Raises ValueError as `check_scene` does."""
    names = [item.name for item in objects]
    twice = sorted({name for name in names if names.count(name) > 1} | ({TABLE_NAME} & set(names)))
    if twice:
        raise ValueError(f"object names must be unique and not {TABLE_NAME!r}; used more than once: {twice}")
    for item in objects:
        where = f"object {item.name!r}"
        kind = checked_kind(item)
        substance(item.material)
        _finite(f"{where}: position", item.position)
        _finite(f"{where}: yaw, roll, joint", (item.yaw, item.roll, item.joint))
        near = all(abs(value) <= FARTHEST for value in item.position)
        _expect(near, f"{where}: position", item.position, f"within {FARTHEST} m of the robot's base")
        heavy = item.mass > 0 or not kind.moves
        _expect(heavy and math.isfinite(item.mass), f"{where}: mass", item.mass, "kilograms, more than 0")
        _expect(item.friction >= 0, f"{where}: friction", item.friction, "0 or more")
        _expect(0 <= item.mirror <= 1, f"{where}: mirror", item.mirror, "a share from 0 to 1")
        part = kind.shape(item.size).part
        if part is None:
            _expect(item.joint == 0, f"{where}: joint", item.joint, f"0: a {item.kind} has no moving part")
        else:
            within = part.lower - 1e-6 <= item.joint <= part.upper + 1e-6
            _expect(within, f"{where}: joint", item.joint, f"{part.lower:g} to {part.upper:g}")


def check_robot(spec: RobotSpec) -> None:
    """Check the robot of a scene. Raises ValueError as `check_scene` does."""
    robot = ROBOTS[spec.name]()
    CONTROL_MODES[spec.control]
    if spec.joints and len(spec.joints) != len(robot.arm_joints):
        raise ValueError(
            f"robot {robot.name!r} has {len(robot.arm_joints)} arm joints, but spec.robot.joints has {len(spec.joints)}"
        )
    _finite("robot.joints", spec.joints)
    limits = zip(spec.joints, robot.lower, robot.upper, strict=False)
    for number, (joint, lower, upper) in enumerate(limits):
        within = lower - 1e-6 <= joint <= upper + 1e-6
        _expect(within, f"robot.joints[{number}]", joint, f"{lower:g} to {upper:g} radians")
    opening = 0 <= spec.opening <= robot.max_opening + 1e-9
    _expect(opening, "robot.opening", spec.opening, f"0 to {robot.max_opening:g} m between the fingers")
    widest = spec.widest == 0 or spec.opening <= spec.widest <= robot.max_opening
    _expect(widest, "robot.widest", spec.widest, f"0, or robot.opening ({spec.opening:g}) to {robot.max_opening:g} m")
    rate = spec.control_hz > 0 and math.isclose(PHYSICS_HZ / spec.control_hz, round(PHYSICS_HZ / spec.control_hz))
    _expect(rate, "robot.control_hz", spec.control_hz, f"a divisor of {PHYSICS_HZ} (10, 12, 20, 30, 60 ...)")
    _finite("robot.base, base_yaw", (*spec.base, spec.base_yaw))


def _check_disturbance(spec: SceneSpec) -> None:
    what, joints = spec.disturbance, len(ROBOTS[spec.robot.name]().arm_joints)
    share = 0 <= what.action_noise <= 1
    _expect(share, "disturbance.action_noise", what.action_noise, "0 to 1, a share of full scale")
    late = 0 <= what.action_delay <= LATEST
    _expect(late, "disturbance.action_delay", what.action_delay, f"0 to {LATEST:g} seconds")
    _expect(len(what.joint_offset) in (0, joints), "disturbance.joint_offset", what.joint_offset, f"{joints} numbers")
    _finite("disturbance.joint_offset", what.joint_offset)
    _expect(what.slips >= 0 and what.seed >= 0, "disturbance.slips, seed", (what.slips, what.seed), "0 or more")
    free = [item.name for item in spec.objects if object_kind(item.kind).moves]
    events: tuple[PushSpec | MoveSpec, ...] = (*what.pushes, *what.moves)
    for event in events:
        _expect(event.step >= 0, "step of a push or move", event.step, "0 or more")
        if event.name not in free and (event.name or isinstance(event, MoveSpec)):
            raise nearest("object that moves freely", event.name, free)
    for push in what.pushes:
        _finite("impulse of a push", push.impulse)
    for move in what.moves:
        _finite("position, yaw of a move", (*move.position, move.yaw))


def _check_goals(spec: SceneSpec) -> None:
    names = [item.name for item in spec.objects]
    goals = (spec.goal, *spec.alternatives, *(goal for goal in (spec.spoken, spec.contrast) if goal))
    for goal in _with_parts(goals):
        relations = TASKS[goal.task].grammar.relations
        if relations and not goal.parts and goal.relation not in relations:
            raise nearest(f"relation of {goal.task}", goal.relation, list(relations))
        for name in goal.names:
            if name not in names:
                raise nearest("object", name, names)


def _with_parts(goals: Iterable[GoalSpec]) -> Iterable[GoalSpec]:
    for goal in goals:
        yield goal
        yield from _with_parts(goal.parts)


def check_cameras(cameras: Sequence[CameraSpec]) -> None:
    """Check the cameras of a scene. Raises ValueError as `check_scene` does."""
    names = [camera.name for camera in cameras]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"camera names must be unique; used more than once: {twice}")
    for camera in cameras:
        where = f"camera {camera.name!r}"
        _finite(f"{where}: eye, target, up", (*camera.eye, *camera.target, *camera.up))
        look_at(camera.eye, camera.target, camera.up)
        _expect(0 < camera.fov_y < 180, f"{where}: fov_y", camera.fov_y, "more than 0 and less than 180 degrees")
        size = (camera.width, camera.height)
        _expect(min(size) >= 1, f"{where}: width, height", size, "at least 1 pixel")
        _finite(f"{where}: distortion", camera.distortion)
        known = len(camera.distortion) in (0, 4, 5)
        _expect(known, f"{where}: distortion", camera.distortion, "nothing, (k1, k2, p1, p2) or (k1, k2, p1, p2, k3)")
        _check_sensor(where, camera.sensor)
        if camera.distortion:
            lens(camera.width, camera.height, camera.fov_y, camera.distortion)
        depths = (camera.near, camera.far)
        _expect(0 < camera.near < camera.far, f"{where}: near, far", depths, "0 < near < far, metres")


SENSOR_RANGES = {  # field of SensorSpec -> smallest value, largest one, what it is
    "blur": (0, 224, "pixels at 224"),
    "motion_blur": (0, 224, "pixels at 224"),
    "motion_angle": (-100, 100, "radians"),
    "zoom_blur": (0, 10, "magnification beyond 1"),
    "fog": (0, 100, "1/m"),
    "exposure": (-16, 16, "stops"),
    "contrast": (0, 16, "times as far from grey"),
    "noise": (0, 255, "levels"),
    "dead_pixels": (0, 1, "of the pixels"),
    "jpeg": (0, 100, "quality; 0 for none"),
    "shrink": (1, 1000, "times fewer pixels each way"),
    "drop": (0, 1, "of the pictures"),
    "delay_s": (0, 60, "seconds"),
    "seed": (0, 2**63, "a seed"),
}


def _check_sensor(where: str, sensor: SensorSpec) -> None:
    for name, (low, high, meaning) in SENSOR_RANGES.items():
        value = getattr(sensor, name)
        _expect(low <= value <= high, f"{where}: {name}", value, f"{low:g} to {high:g} {meaning}")


def _check_speech(spec: SceneSpec) -> None:
    _expect(spec.instruction_step >= 0, "instruction_step", spec.instruction_step, "0 or more control steps")
    _expect("\n" not in spec.instruction_before, "instruction_before", repr(spec.instruction_before), "one line")
    if spec.manner is not None:
        limits = (spec.manner.speed, spec.manner.force, spec.manner.steps)
        _finite("manner: speed, force, steps", limits)
        _expect(min(limits) >= 0 < max(limits), "manner: speed, force, steps", limits, "0 or more, one of them more")


def _check_light(light: LightSpec) -> None:
    colors = (*light.ambient, *light.directional, *light.point, *(value for lamp in light.lamps for value in lamp.rgb))
    lamps = (value for lamp in light.lamps for value in lamp.position)
    _finite("light", (*colors, *light.direction, *light.point_position, *lamps))
    _expect(min(colors) >= 0, "light: intensities", colors, "0 or more")
    _expect(any(light.direction), "light.direction", light.direction, "a vector of length > 0")


def _check_scenery(scenery: Sequence[ScenerySpec]) -> None:
    for number, item in enumerate(scenery):
        where = f"scenery[{number}]"
        _expect(item.shape in ("box", "cylinder"), f"{where}: shape", item.shape, "box or cylinder")
        _positive(f"{where}: size", item.size)
        _finite(f"{where}: position, yaw", (*item.position, item.yaw))


def _expect(holds: bool, what: str, given: object, expected: str) -> None:
    if not holds:
        raise ValueError(f"{what} is {given}; expected {expected}")


def _finite(what: str, values: Sequence[float]) -> None:
    _expect(all(math.isfinite(value) for value in values), what, values, "finite numbers")


def _positive(what: str, values: Sequence[float]) -> None:
    _expect(all(math.isfinite(value) and value > 0 for value in values), what, values, "numbers > 0")

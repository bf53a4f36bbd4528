"""Small scenes for tests."""

from __future__ import annotations

from envs.cameras import DEFAULT_CAMERAS
from envs.objects import object_kind, resting_z
from envs.scene import GoalSpec, ObjectSpec, RobotSpec, SceneSpec, Texture


def thing(
    name: str,
    kind: str,
    x: float,
    y: float,
    *,
    yaw: float = 0.0,
    size: tuple[float, ...] | None = None,
    above: float = 0.0,
) -> ObjectSpec:
    maker = object_kind(kind)
    chosen = maker.default_size if size is None else size
    position = (x, y, resting_z(kind, chosen) + above)
    return ObjectSpec(name, kind, "red", chosen, position, yaw, Texture(), maker.default_mass)


def scene(*objects: ObjectSpec, robot: RobotSpec | None = None, max_steps: int = 400) -> SceneSpec:
    target = objects[0].name if objects else "nothing"
    goal = GoalSpec("Lift", target)
    return SceneSpec(goal, "lift it", objects, robot=robot or RobotSpec(), cameras=DEFAULT_CAMERAS, max_steps=max_steps)

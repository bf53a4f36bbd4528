"""A scene with another robot in it. Knows no task and no axis."""

from __future__ import annotations

from dataclasses import replace

from envs.control import CONTROL_MODES
from envs.robots import ROBOTS
from envs.scene import SceneSpec


def with_robot(spec: SceneSpec, name: str, control: str | None = None) -> SceneSpec:
    """The same scene with another robot, and with another control mode unless `control` is None.

    The robot starts as far from its home as the old one did from its own, joint by joint. Raises UnknownNameError for a
    robot or a control mode that does not exist; the message gives the nearest one.
    """
    old, new = ROBOTS[spec.robot.name](), ROBOTS[name]()
    if control not in (None, spec.robot.control):
        CONTROL_MODES[control]
    changed = replace(spec.robot, name=name, control=control or spec.robot.control)
    if name != spec.robot.name and spec.robot.joints:
        off = (joint - home for joint, home in zip(spec.robot.joints, old.home, strict=True))
        moved = zip(new.home, off, new.lower, new.upper, strict=False)  # the one with fewer joints decides
        joints = [min(max(home + by, low), high) for home, by, low, high in moved]
        joints += new.home[len(joints) :]
        changed = replace(changed, joints=tuple(round(joint, 5) for joint in joints))
    return replace(spec, robot=changed)

"""From an episode request to its scene: task, then instruction, then perturbations. The only entry to all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from envs.cameras import chosen_cameras
from envs.control import CONTROL_MODES
from envs.robots import ROBOTS
from envs.scene import CameraSpec, SceneSpec
from envs.tasks.base import TASKS
from envs.variations import AXES
from vla.contract import EpisodeRequest
from vla.seeding import stream


def make_scene(request: EpisodeRequest, robot: str = "panda", control: str = "pd_ee_delta_pose") -> SceneSpec:
    """The scene of an episode: a pure function of the request, the robot and its control mode.

    Each aspect draws from a stream of its own, so that a perturbed episode and its unperturbed twin share everything
    that the axis does not change, and the order in which axes are named does not matter.

    Raises:
        UnknownNameError: An unknown task, axis, robot or control mode; the message gives the nearest one.
        ValueError: A level that the axis does not have.
    """
    task = TASKS[request.task]()
    spec = with_robot(task.sample(stream(request, "scene")), robot, control)
    spec = replace(spec, instruction=task.say(spec, stream(request, "language")))
    for perturbation in sorted(request.perturbations, key=lambda p: (AXES[p.axis].stage, p.axis)):
        rng = stream(request, "perturbation", perturbation.axis)
        spec = AXES[perturbation.axis].apply(spec, rng, perturbation.level, task)
    return spec


def with_cameras(spec: SceneSpec, chosen: Sequence[CameraSpec | str]) -> SceneSpec:
    """The same scene seen by `chosen` cameras; a name means the scene's own camera, moved by an axis or not.

    Raises ValueError as `envs.cameras.chosen_cameras` does.
    """
    return replace(spec, cameras=chosen_cameras(chosen, spec.cameras))


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

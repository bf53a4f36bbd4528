"""From an episode request to its scene: task, what is perturbed in it, instruction, how that is perturbed.

The only entry to all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from envs.cameras import chosen_cameras
from envs.embodiments import with_robot
from envs.robots import ROBOTS
from envs.scene import CameraSpec, GoalSpec, SceneSpec
from envs.tasks.base import TASKS, Task
from envs.variations import AXES
from vla.contract import EpisodeRequest, Perturbation
from vla.seeding import stream

RANDOM = "random"  # `random_3` is an axis name: three axes at once, other ones in each episode
LARGEST_START = 0.09  # rad, norm over the joints: less than level 1 of the axis `start`
SPOKEN = 2  # first stage of the axes that choose and edit words


def make_scene(request: EpisodeRequest, robot: str = "panda", control: str = "pd_ee_delta_pose") -> SceneSpec:
    """The scene of an episode: a pure function of the request, the robot and its control mode.

    Each aspect draws from a stream of its own, so that a perturbed episode and its unperturbed twin share everything
    that the axis does not change, and the order in which axes are named does not matter. The instruction is said when
    the objects are what they will be: where an axis exchanges one for another, only its noun differs from the twin's.

    Raises:
        UnknownNameError: An unknown task, axis, robot or control mode; the message gives the nearest one.
        ValueError: A level that the axis does not have, an axis twice, or one that means nothing for the task.
    """
    task = TASKS[request.task]()
    spec = with_robot(task.sample(stream(request, "scene")), robot, control)
    changes = sorted(perturbations(request), key=lambda change: (AXES[change.axis].stage, change.axis))
    for change in changes:
        if AXES[change.axis].stage < SPOKEN:
            spec = _changed(spec, change, request, task)
    spec = replace(spec, instruction=task.say(spec, stream(request, "language")))
    spec = replace(spec, contrast=_contrast(spec, stream(request, "language", "contrast")))
    for change in changes:
        if AXES[change.axis].stage >= SPOKEN:
            spec = _changed(spec, change, request, task)
    return with_noise(spec, request)


def with_noise(spec: SceneSpec, request: EpisodeRequest) -> SceneSpec:
    """The same scene with a seed of this episode for every camera that draws at random and has none of its own.

    It is one seed whatever axes are on: two of them together give the noise that each gives alone.
    """
    seed = int(stream(request, "noise").integers(1, 2**31))
    return replace(spec, cameras=tuple(_seeded(camera, seed) for camera in spec.cameras))


def _seeded(camera: CameraSpec, seed: int) -> CameraSpec:
    if not camera.sensor.random or camera.sensor.seed:
        return camera
    return replace(camera, sensor=replace(camera.sensor, seed=seed))


def perturbations(request: EpisodeRequest) -> tuple[Perturbation, ...]:
    """What is turned on in an episode, with `random_k` replaced by the k axes that are drawn for it.

    Raises:
        ValueError: An axis twice, or more random ones than there are.
    """
    found: list[Perturbation] = []
    for change in request.perturbations:
        count = _random_axes(change.axis)
        found.extend(_drawn(request, count, change.level) if count else (change,))
    names = [change.axis for change in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"an axis can be turned on once in an episode; more than once: {', '.join(twice)}")
    return tuple(found)


def axis_levels(name: str) -> int:
    """How many levels an axis has above 0; `random_k` has as many as the axes that it draws from.

    Raises UnknownNameError for a name that is neither; the message gives the nearest one.
    """
    if _random_axes(name):
        return min(len(AXES[other].levels) for other in AXES if AXES[other].kind == "axis")
    return len(AXES[name].levels)


def _random_axes(name: str) -> int:
    """The k of `random_k`; 0 for any other name."""
    head, _, count = name.rpartition("_")
    return int(count) if head == RANDOM and count.isdigit() else 0


def _drawn(request: EpisodeRequest, count: int, level: int) -> Iterator[Perturbation]:
    """`count` axes that mean something for the task and are not turned on by name, by the episode's seed."""
    task, named = TASKS[request.task], {change.axis for change in request.perturbations}
    free = [name for name in AXES if AXES[name].kind == "axis" and AXES[name].applies(task) and name not in named]
    if count > len(free):
        raise ValueError(f"{RANDOM}_{count} asks for more axes than {request.task} has: {len(free)}")
    order = stream(request, "perturbation", RANDOM).permutation(len(free))
    yield from (Perturbation(free[int(i)], level) for i in order[:count])


def _changed(spec: SceneSpec, change: Perturbation, request: EpisodeRequest, task: Task) -> SceneSpec:
    rng = stream(request, "perturbation", change.axis)
    return AXES[change.axis].apply(spec, rng, change.level, task)


def _contrast(spec: SceneSpec, rng: np.random.Generator) -> GoalSpec | None:
    """The other goal of the scene that a swapped instruction speaks of; the same in the twin."""
    return spec.alternatives[int(rng.integers(len(spec.alternatives)))] if spec.alternatives else None


def with_start(spec: SceneSpec, request: EpisodeRequest, spread: float) -> SceneSpec:
    """The same scene with the robot starting up to `spread` radians (norm over the joints) away from its home.

    Raises ValueError for a spread that the axis `start` tests: level 1 and beyond are not for training.
    """
    if not 0.0 <= spread <= LARGEST_START:
        raise ValueError(f"starts may be 0 to {LARGEST_START} rad from home, the axis tests more; got {spread}")
    robot = ROBOTS[spec.robot.name]()
    rng = stream(request, "scene", "start")
    way = rng.normal(size=len(robot.home))
    joints = np.asarray(robot.home) + rng.uniform(0.0, spread) * way / np.linalg.norm(way)
    joints = np.clip(joints, robot.lower, robot.upper)
    return replace(spec, robot=replace(spec.robot, joints=tuple(round(float(q), 5) for q in joints)))


def with_cameras(spec: SceneSpec, chosen: Sequence[CameraSpec | str]) -> SceneSpec:
    """The same scene seen by `chosen` cameras; a name means the scene's own camera, moved by an axis or not.

    Raises ValueError as `envs.cameras.chosen_cameras` does.
    """
    return replace(spec, cameras=chosen_cameras(chosen, spec.cameras))

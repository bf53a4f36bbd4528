"""From an episode request to its scene: task, then instruction, then perturbations. The only entry to all of it."""

from __future__ import annotations

from dataclasses import replace

from envs.scene import SceneSpec
from envs.tasks.base import TASKS
from envs.variations import AXES
from vla.contract import EpisodeRequest
from vla.seeding import stream


def make_scene(request: EpisodeRequest) -> SceneSpec:
    """The scene of an episode: a pure function of the request.

    Each aspect draws from a stream of its own, so that a perturbed episode and its unperturbed twin share everything
    that the axis does not change, and the order in which axes are named does not matter.

    Raises:
        UnknownNameError: An unknown task or axis; the message gives the nearest one.
        ValueError: A level that the axis does not have.
    """
    task = TASKS[request.task]()
    spec = task.sample(stream(request, "scene"))
    spec = replace(spec, instruction=task.say(spec, stream(request, "language")))
    for perturbation in sorted(request.perturbations, key=lambda p: (AXES[p.axis].stage, p.axis)):
        rng = stream(request, "perturbation", perturbation.axis)
        spec = AXES[perturbation.axis].apply(spec, rng, perturbation.level, task)
    return spec

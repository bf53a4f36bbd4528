"""From an episode request to its scene: task, then instruction, then perturbations. The only entry to all of it."""

from __future__ import annotations

from dataclasses import replace

from envs.scene import SceneSpec
from envs.tasks.base import TASKS
from envs.variations import apply_axis
from vla.contract import EpisodeRequest
from vla.seeding import stream


def make_scene(request: EpisodeRequest) -> SceneSpec:
    """The scene of an episode: a pure function of the request.

    Each aspect draws from a stream of its own, so that a perturbed episode and its unperturbed twin share everything
    that the axis does not change. Raises UnknownNameError for an unknown task or axis, ValueError for a bad level.
    """
    task = TASKS[request.task]()
    spec = task.sample(stream(request, "scene"))
    spec = replace(spec, instruction=task.say(spec, stream(request, "language")))
    for perturbation in request.perturbations:
        rng = stream(request, "perturbation", perturbation.axis)
        spec = apply_axis(perturbation.axis, spec, rng, perturbation.level, task)
    return spec

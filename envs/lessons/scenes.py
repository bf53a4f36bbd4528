"""Training scenes without end, with their instruction and where the things are that it names.

A demonstration shows one arrangement in dozens of pictures, so that thousands of them show few arrangements: networks
knew the second thing that an instruction names in scenes they had seen, and mistook it in a quarter of others
(experiments/results/base.md). Arrangements need no physics: here each picture or few has one of its own, with the arm
and the fixtures anywhere. Where something ends is not known, for nothing is done.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from envs.augment import augmentation
from envs.grounding import ENDS, DemoView
from envs.lessons import LESSON_SEED
from envs.lessons.pictures import Pictures, random_joint, random_posture
from envs.lessons.rearranging import rearranged
from envs.objects import object_kind
from envs.posing import posed, proprioception
from envs.scene import SceneSpec
from envs.scenes import make_scene
from vla.contract import EpisodeRequest, FloatArray
from vla.scenes import Shown


@dataclass(frozen=True)
class TrainingScenes:
    """Makes pictures of scenes of the training distribution (`vla.scenes.SceneMaker`).

    Attributes:
        tasks: Families, drawn as often as the square of how many things they name: three are harder to tell apart.
        robots: Registered robots, drawn evenly.
        control: Their control mode.
        cameras: Camera names, in the order of the V axis.
        size: Pixels a side.
        augment: How their looks are changed, a name of `envs.augment`.
        each: Pictures of one scene, in each of which whatever can be moved is elsewhere.
    """

    tasks: tuple[str, ...]
    robots: tuple[str, ...] = ("panda",)
    control: str = "pd_ee_delta_pose"
    cameras: tuple[str, ...] = ("front", "wrist")
    size: int = 96
    augment: str = "none"
    each: int = 16

    @functools.cached_property
    def _chances(self) -> FloatArray:
        """How often each family is drawn."""
        first = [make_scene(EpisodeRequest(task, 0, seed=LESSON_SEED, split="train")) for task in self.tasks]
        named = np.array([len(scene.goal.names) for scene in first]) ** 2
        return np.asarray(named / named.sum())

    def __call__(self, rng: np.random.Generator, count: int) -> Sequence[Shown]:
        """So many pictures."""
        found: list[Shown] = []
        while len(found) < count:
            found.extend(self._pictures(rng, min(self.each, count - len(found))))
        return found

    def _pictures(self, rng: np.random.Generator, count: int) -> list[Shown]:
        robot = self.robots[int(rng.integers(len(self.robots)))]
        task = self.tasks[int(rng.choice(len(self.tasks), p=self._chances))]
        spec = Pictures((task,), self.cameras, self.size, robot, self.control).scene(rng)
        change = augmentation(self.augment, self.cameras)
        if change is not None:
            poses = posed(spec, random_posture(spec, rng), _joints(spec, rng))[None]
            spec = change(spec.to_dict(), poses, rng)
        moments = [rearranged(spec, rng) for _ in range(count)]
        postures = [random_posture(moment, rng) for moment in moments]
        shown = zip(moments, postures, strict=True)
        poses = np.stack([posed(moment, posture, _joints(spec, rng)) for moment, posture in shown])
        drawn = DemoView(spec, self.cameras, self.size).draw(poses, np.arange(count))
        drawn.points[:, :, ENDS] = 0
        drawn.positions[:, ENDS] = 0
        text = spec.instruction.split("\n")[0]
        return [
            Shown(text, drawn.pixels[i], proprioception(spec.robot, posture), drawn.points[i], drawn.positions[i])
            for i, posture in enumerate(postures)
        ]


def _joints(spec: SceneSpec, rng: np.random.Generator) -> dict[str, float]:
    """A position anywhere for the joint of every fixture."""
    return {
        thing.name: random_joint(spec, thing, rng)[0]
        for thing in spec.objects
        if object_kind(thing.kind).shape(thing.size).part is not None
    }

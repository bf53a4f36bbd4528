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
from envs.lessons.pictures import Pictures, random_joint, random_posture, things_of
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
        grid: Cells a side of which it is said what is in the middle of them; 0 for none.
    """

    tasks: tuple[str, ...]
    robots: tuple[str, ...] = ("panda",)
    control: str = "pd_ee_delta_pose"
    cameras: tuple[str, ...] = ("front", "wrist")
    size: int = 96
    augment: str = "none"
    each: int = 16
    grid: int = 0

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
        view, steps = DemoView(spec, self.cameras, self.size), np.arange(count)
        film, points, positions = (
            view.film(poses, steps, self.grid),
            view.points(poses, steps),
            view.where(poses, steps),
        )
        points[:, :, ENDS], positions[:, ENDS] = 0, 0
        text, labels, words = spec.instruction.split("\n")[0], things_of(film.segments), _words(spec)
        bodies = [proprioception(spec.robot, posture) for posture in postures]
        each = zip(film.pixels, bodies, points, positions, labels, strict=True)
        return [Shown(text, *parts, words) for parts in each]


def _words(spec: SceneSpec) -> tuple[tuple[str, str], ...]:
    """Colour and kind of each object, a word each."""
    nouns = [object_kind(thing.kind).noun.word.split()[-1] for thing in spec.objects]
    return tuple((thing.color, noun) for thing, noun in zip(spec.objects, nouns, strict=True))


def _joints(spec: SceneSpec, rng: np.random.Generator) -> dict[str, float]:
    """A position anywhere for the joint of every fixture."""
    return {
        thing.name: random_joint(spec, thing, rng)[0]
        for thing in spec.objects
        if object_kind(thing.kind).shape(thing.size).part is not None
    }

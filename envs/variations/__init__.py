"""Axes of generalization: pure functions on the scene description, graded in a physical unit.

An axis is one function in a module of this package, with the decorator `@axis(...)`:
`(spec, rng, magnitude, task, previous) -> spec`. Level 0 is the training distribution (the scene as it is); of levels 1
to 5, level 3 has the magnitude that the literature tests where it has one, and level 5 is beyond it. `previous` is the
magnitude of the level below, for axes whose levels are rings. What happens at run time (noise, delay, pushes, late
words) is described in the scene too, so that an episode says all that was done to it. Controls are axes without a dose,
which a policy that does what it is told must react to. Knows no policy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from envs.scene import SceneSpec, Vec3
from envs.tasks.base import Task
from vla.registry import Registry

Family = Literal["visual", "semantic", "object", "robot"]
AxisKind = Literal["axis", "control"]
AxisFunction = Callable[[SceneSpec, np.random.Generator, float, Task, float], SceneSpec]
Applies = Callable[[type[Task]], bool]

CHANGES: dict[Family, tuple[str, ...]] = {  # fields of SceneSpec that an axis may change if it does not say otherwise
    "visual": ("light", "background", "cameras", "table.texture", "objects.texture", "objects.material"),
    "semantic": ("instruction", "instruction_step", "instruction_before", "spoken", "refuse", "manner", "max_steps"),
    "object": ("objects", "goal", "instruction"),
    "robot": ("robot", "disturbance", "objects.mass", "objects.friction", "table.friction", "max_steps"),
}


def every(task: type[Task]) -> bool:
    """All task families."""
    return True


@dataclass(frozen=True)
class Axis:
    """One axis of generalization.

    Attributes:
        name: Registered name.
        family: What it changes: what is seen, what is said, the objects and where they are, or the robot and how the
            world answers it. The robot's actions need not change under `visual` and `semantic` axes.
        kind: `axis`, or `control` (a check that has no dose).
        unit: What the magnitudes measure.
        levels: Magnitude of level 1, 2, 3 ..., monotone.
        function: The change itself.
        stage: Axes that are turned on together are applied in the order of their stages: 0 where things stand, 1 what
            else changes, 2 what is spoken of, 3 how it is said (4 to 10: how objects are named, single words, colours,
            order, language, what is said around it, letters), 11 what is left of that.
        peers: Benchmarks that test it, at one magnitude at least.
        applies: Which task families it means something for.
        changes: Fields of SceneSpec that it may change, `objects.mass` for one field of every object; other goals that
            become possible, and the one that is spoken of in the swapped twin, may always follow.
    """

    name: str
    family: Family
    kind: AxisKind
    unit: str
    levels: tuple[float, ...]
    function: AxisFunction
    stage: int
    peers: tuple[str, ...]
    applies: Applies
    changes: tuple[str, ...]

    @property
    def summary(self) -> str:
        """First sentence of the function's docstring."""
        return (self.function.__doc__ or "").strip().splitlines()[0]

    def apply(self, spec: SceneSpec, rng: np.random.Generator, level: int, task: Task) -> SceneSpec:
        """The scene changed to `level`; 0 returns it as it is.

        Raises ValueError for a level that does not exist, or a family that the axis means nothing for.
        """
        if not 0 <= level <= len(self.levels):
            raise ValueError(f"axis {self.name!r} has levels 0 to {len(self.levels)}; got {level!r}")
        if not self.applies(type(task)):
            raise ValueError(f"axis {self.name!r} means nothing for {task.name}")
        if level == 0:
            return spec
        previous = self.levels[level - 2] if level > 1 else 0.0
        return self.function(spec, rng, self.levels[level - 1], task, previous)


AXES: Registry[Axis] = Registry("axis", "envs.variations")


def axis(
    name: str,
    family: Family,
    unit: str,
    levels: tuple[float, ...],
    *,
    peers: tuple[str, ...] = (),
    kind: AxisKind = "axis",
    stage: int = 1,
    applies: Applies = every,
    changes: tuple[str, ...] = (),
) -> Callable[[AxisFunction], AxisFunction]:
    """Decorator that registers a function as an axis; the arguments are the fields of `Axis`.

    `changes` is what axes of the family usually change (`CHANGES`) where none are given.
    """

    def register(function: AxisFunction) -> AxisFunction:
        fields = changes or CHANGES[family]
        AXES.register(name)(Axis(name, family, kind, unit, levels, function, stage, peers, applies, fields))
        return function

    return register


def vec3(values: ArrayLike) -> Vec3:
    """Three numbers rounded to 1e-5, as scenes store them."""
    x, y, z = (round(float(value), 5) for value in np.asarray(values))
    return x, y, z

"""Axes of generalization: pure functions on the scene description, graded in a physical unit.

An axis is one function with the decorator `@axis(...)`: `(spec, rng, magnitude, task, previous) -> spec`. Level 0 is
the training distribution (the scene as it is), levels 1 to 3 have published magnitudes; `previous` is the magnitude of
the level below, for axes whose levels are rings. Controls are axes that edit only the instruction. Knows no policy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from envs.cameras import place, project
from envs.colors import difference, shifted
from envs.grammar import COLORS, MIN_NEW_WORDS, MORE_COLORS, named_color
from envs.rewording import reworded
from envs.robots import ROBOTS
from envs.scene import RGB, CameraSpec, ObjectSpec, SceneSpec, Texture, TextureKind, Vec3
from envs.tasks.base import Task, make_thing
from vla.registry import Registry

Family = Literal["visual", "geometry", "language", "robot"]
AxisKind = Literal["axis", "control"]
AxisFunction = Callable[[SceneSpec, np.random.Generator, float, Task, float], SceneSpec]


@dataclass(frozen=True)
class Axis:
    """One axis of generalization.

    Attributes:
        name: Registered name.
        family: What it changes, for grouping in reports.
        kind: `axis`, or `control` (a check that has no dose).
        unit: What the magnitudes measure.
        levels: Magnitude of level 1, 2, 3 ...
        function: The change itself.
        stage: Axes that are turned on together are applied in the order of their stages: where things stand, what else
            changes, what is spoken of, how it is said.
    """

    name: str
    family: Family
    kind: AxisKind
    unit: str
    levels: tuple[float, ...]
    function: AxisFunction
    stage: int

    @property
    def summary(self) -> str:
        """First sentence of the function's docstring."""
        return (self.function.__doc__ or "").strip().splitlines()[0]

    def apply(self, spec: SceneSpec, rng: np.random.Generator, level: int, task: Task) -> SceneSpec:
        """The scene changed to `level`; 0 returns it as it is. Raises ValueError for a level that does not exist."""
        if level == 0:
            return spec
        if not 1 <= level <= len(self.levels):
            raise ValueError(f"axis {self.name!r} has levels 0 to {len(self.levels)}; got {level!r}")
        previous = self.levels[level - 2] if level > 1 else 0.0
        return self.function(spec, rng, self.levels[level - 1], task, previous)


AXES: Registry[Axis] = Registry("axis")


def axis(
    name: str, family: Family, unit: str, levels: tuple[float, ...], *, kind: AxisKind = "axis", stage: int = 1
) -> Callable[[AxisFunction], AxisFunction]:
    """Decorator that registers a function as an axis."""

    def register(function: AxisFunction) -> AxisFunction:
        AXES.register(name)(Axis(name, family, kind, unit, levels, function, stage))
        return function

    return register


@axis("position", "geometry", "m beyond the training area", (0.015, 0.03, 0.045), stage=0)
def position(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Object positions: the target starts outside the training area, by up to the magnitude."""
    return task.rearranged(spec, rng, magnitude, previous)


@axis("distractors", "geometry", "objects added", (1, 2, 4))
def distractors(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """More objects on the table, none of which fits the instruction."""
    kinds = ("block", "cylinder", "ball")
    taken = {(thing.color, thing.kind) for thing in spec.objects}
    free = [(color, kind) for color in COLORS for kind in kinds if (color, kind) not in taken]
    chosen = [free[int(i)] for i in rng.permutation(len(free))[: int(magnitude)]]
    things = [make_thing(color, kind) for color, kind in chosen]
    return task.crowded(spec, things, rng)


@axis("color", "visual", "CIELAB Delta E", (8.0, 16.0, 24.0))
def color(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Another shade of each object's colour, still clearly the same colour word."""
    return replace(spec, objects=tuple(_reshade(thing, magnitude, rng) for thing in spec.objects))


CLEARLY = 0.7  # a shade is nearer to its own word's colour than this share of the distance to any other's


def _reshade(thing: ObjectSpec, magnitude: float, rng: np.random.Generator) -> ObjectSpec:
    named = named_color(thing.color)
    known = COLORS if thing.color in COLORS else {**COLORS, **MORE_COLORS}
    others = [rgb for word, rgb in known.items() if word != thing.color]

    def same_word(rgb: RGB) -> bool:
        own = difference(named, rgb)
        return all(own < CLEARLY * difference(other, rgb) for other in others)

    rgb = shifted(named, magnitude, rng, same_word)
    return replace(thing, texture=replace(thing.texture, rgb=rgb, rgb2=rgb))


TABLE_PATTERNS: tuple[TextureKind, ...] = ("wood", "tiles", "checker", "noise", "plain")
VISIBLE = 20.0  # Delta E that the table keeps from the colour of the goal's objects


@axis("table", "visual", "CIELAB Delta E", (15.0, 30.0, 45.0))
def table(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Another table: any pattern, both of its colours away from the training table's."""
    old = spec.table.texture
    goal = [spec.object(name).texture.rgb for name in dict.fromkeys(spec.goal.names)]

    def visible(rgb: RGB) -> bool:
        return all(difference(rgb, other) > VISIBLE for other in goal)

    pattern = TABLE_PATTERNS[int(rng.integers(len(TABLE_PATTERNS)))]
    texture = Texture(
        pattern,
        shifted(old.rgb, magnitude, rng, visible),
        shifted(old.rgb2, magnitude, rng, visible),
        round(float(rng.uniform(0.1, 0.6)), 3),
        int(rng.integers(2**31)),
    )
    return replace(spec, table=replace(spec.table, texture=texture))


@axis("light", "visual", "relative change of intensity", (0.25, 0.5, 0.75))
def light(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Brighter or darker light with a tint, from a direction that turns with the magnitude (1 = half a turn)."""
    sign = 1.0 if rng.uniform() < 0.5 else -1.0
    tint = 1.0 + sign * magnitude * rng.uniform(0.8, 1.0, 3)
    azimuth = (1.0 if rng.uniform() < 0.5 else -1.0) * magnitude * np.pi
    old = spec.light
    x, y, z = old.direction
    cos, sin = np.cos(azimuth), np.sin(azimuth)
    changed = replace(
        old,
        ambient=_scaled(old.ambient, tint),
        directional=_scaled(old.directional, tint),
        point=_scaled(old.point, tint),
        direction=_vec3(np.array([cos * x - sin * y, sin * x + cos * y, z])),
    )
    return replace(spec, light=changed)


def _scaled(rgb: RGB, factors: NDArray[np.float64]) -> RGB:
    return _vec3(np.asarray(rgb) * factors)


def _vec3(values: NDArray[np.float64]) -> Vec3:
    return round(float(values[0]), 5), round(float(values[1]), 5), round(float(values[2]), 5)


DEGREES_PER_METRE = 30.0  # COLOSSEUM moves cameras by 0.1 m and about 3 degrees


@axis("camera", "visual", "m (and 30 degrees per m)", (0.05, 0.10, 0.15))
def camera(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Cameras that stand in the room are moved in a random direction, and turned; they still see every object."""
    places = np.array([thing.position for thing in spec.objects])
    cameras = tuple(_moved(c, magnitude, rng, places) if c.parent == "world" else c for c in spec.cameras)
    return replace(spec, cameras=cameras)


DRAWS = 100  # of a camera's displacement, at most
BORDER = 0.04  # share of the picture's width and height in which an object's centre does not count as seen


def _moved(spec: CameraSpec, magnitude: float, rng: np.random.Generator, places: NDArray[np.float64]) -> CameraSpec:
    """The first of up to `DRAWS` displacements after which the camera sees as many points as before."""
    seen = _seen(spec, places)
    new = _displaced(spec, magnitude, rng)
    for _ in range(DRAWS - 1):
        if _seen(new, places) >= seen:
            break
        new = _displaced(spec, magnitude, rng)
    return new


def _seen(spec: CameraSpec, places: NDArray[np.float64]) -> int:
    """How many of the points (P, 3), metres, world, lie well inside the picture of a camera in the room."""
    view = place(spec, np.zeros((0, 7), np.float32), ())
    shares = project(places, view)[:, :2] / (view.width, view.height)
    return int(np.all((shares > BORDER) & (shares < 1 - BORDER), axis=1).sum())


def _displaced(spec: CameraSpec, magnitude: float, rng: np.random.Generator) -> CameraSpec:
    """Eye moved by exactly `magnitude` metres; view turned by 30 degrees per metre about a random axis across it."""
    eye, target = np.array(spec.eye), np.array(spec.target)
    shift = rng.normal(size=3)
    shift *= magnitude / np.linalg.norm(shift)
    view = target - eye
    across = np.cross(view, rng.normal(size=3))
    across *= np.linalg.norm(view) * np.tan(np.radians(DEGREES_PER_METRE * magnitude)) / np.linalg.norm(across)
    return replace(spec, eye=_vec3(eye + shift), target=_vec3(target + shift + across))


@axis("start", "robot", "rad (norm over the joints)", (0.1, 0.3, 0.5))
def start(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The robot starts away from home, in a random direction of joint space."""
    robot = ROBOTS[spec.robot.name]()
    direction = rng.normal(size=len(robot.home))
    joints = np.asarray(robot.home) + magnitude * direction / np.linalg.norm(direction)
    joints = np.clip(joints, robot.lower, robot.upper)
    return replace(spec, robot=replace(spec.robot, joints=tuple(round(float(q), 5) for q in joints)))


@axis("paraphrase", "language", "words never seen in training, at least", (1, 3, 6), stage=3)
def paraphrase(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The instruction in held-out words: another verb; synonyms and politeness; a longer, indirect sentence."""
    level = next(level for level, count in MIN_NEW_WORDS.items() if count == magnitude)
    return replace(spec, instruction=task.say(spec, rng, level))


@axis("reference", "language", "(1 one word, 2 place or order, 3 negation or nesting)", (1, 2, 3), stage=3)
def reference(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Objects are referred to otherwise than by colour and kind: by one word, by place, by what they are not.

    Where the scene allows no reference of the level, one of the nearest other level is used (`envs.rewording`).
    """
    goal = spec.spoken or spec.goal
    return replace(spec, instruction=reworded(spec.instruction, spec, goal, int(magnitude), rng))


@axis("blank", "language", "words left", (0,), kind="control", stage=4)
def blank(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """No instruction at all: what remains is luck."""
    return replace(spec, instruction="")


@axis("swapped", "language", "goals exchanged", (1,), kind="control", stage=2)
def swapped(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """The instruction speaks of another goal of the scene; the goal that counts as success stays."""
    spoken = spec.alternatives[int(rng.integers(len(spec.alternatives)))]
    changed = replace(spec, spoken=spoken)
    return replace(changed, instruction=task.say(changed, rng))

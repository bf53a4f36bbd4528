"""What every task answers: which scenes, which instructions, when done, why not, and how an expert does it.

A task is one file in this package: a subclass of `Task` with the decorator `@TASKS.register(name)`. Knows no physics
engine: success and experts read an `envs.state.WorldState`.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Protocol

import numpy as np

from envs.cameras import DEFAULT_CAMERAS
from envs.grammar import COLORS, Grammar, named_color, vocabulary
from envs.layout import AREA, REACHABLE, Slot, arrange
from envs.materials import material_texture, substance
from envs.objects import object_kind
from envs.robots import ROBOTS
from envs.scene import GoalSpec, ObjectSpec, RobotSpec, SceneSpec
from envs.state import WorldState
from vla.contract import FloatArray
from vla.registry import Registry

JOINT_NOISE = 0.02  # radians either way at the start of every episode: about 1 cm at the tool
BLOCK_YAW = 0.5  # radians either way in training
SAME_COLOR = 0.15  # share of scenes in which only the kind tells the target from another object
DISTRACTOR_GAP = 0.035  # metres: a little tighter than in training, so that four more find room
MOVED = 0.03  # metres: an object that is nearer to its first place has not been moved
FALLEN = -0.02  # metres: an object whose centre is lower has fallen off the table


class Expert(Protocol):
    """A scripted policy that sees the simulator's state. Markovian: the action depends on the state alone."""

    def act(self, state: WorldState) -> FloatArray:
        """The action (7,) float32 in [-1, 1]."""


class Task(ABC):
    """One family of episodes.

    Attributes:
        name: Registered name.
        grammar: Its instructions; the kinds that it lists are also what may be a target or a place.
        max_steps: Control steps until the time limit.
        hold_steps: Consecutive control steps in which the condition must hold.
    """

    name: ClassVar[str]
    grammar: ClassVar[Grammar]
    max_steps: ClassVar[int]
    hold_steps: ClassVar[int] = 2

    @abstractmethod
    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """Which objects are in the scene (positions mean nothing yet) and the goal."""

    @abstractmethod
    def success(self, state: WorldState, goal: GoalSpec | None = None) -> bool:
        """Whether `goal` (the scene's own by default) is reached."""

    @abstractmethod
    def failure_reason(self, state: WorldState, goal: GoalSpec | None = None) -> str:
        """Why the goal is not reached: a stable word, with the object's name after a colon where one is to blame."""

    @abstractmethod
    def expert(self, spec: SceneSpec) -> Expert:
        """The scripted expert for `spec.goal`."""

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """Where each object may stand; by default anywhere in the training area.

        Args:
            things: The objects, in order.
            goal: The goal; its target is the object that is displaced.
            margin: Metres by which all areas grow beyond training.
            inner: The target stays out of the training area grown by so much; negative for no restriction.
        """
        area, hole = AREA.grown(margin).within(REACHABLE), AREA.grown(inner) if inner >= 0 else None
        return [Slot(thing, area, hole if thing.name == goal.target else None, yaw_range(thing)) for thing in things]

    def accept(self, things: Sequence[ObjectSpec]) -> bool:
        """Whether a layout is fine as a whole; by default every one is."""
        return True

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """Whether the goal can still be done when `added` objects stand there too; by default it can."""
        return True

    def sample(self, rng: np.random.Generator) -> SceneSpec:
        """A scene of the training distribution, without instruction."""
        things, goal = self.choose(rng)
        things = tuple(things[i] for i in rng.permutation(len(things)))
        objects = arrange(self.slots(things, goal, 0.0, -1.0), rng, accept=self.accept)
        spec = SceneSpec(goal, "", objects, robot=start(rng), cameras=DEFAULT_CAMERAS, max_steps=self.max_steps)
        return replace(spec, alternatives=self.alternatives(spec))

    def rearranged(self, spec: SceneSpec, rng: np.random.Generator, margin: float, inner: float) -> SceneSpec:
        """The same objects elsewhere: areas grown by `margin` metres, target outside the area grown by `inner`."""
        own = tuple(thing for thing in spec.objects if not thing.distractor)
        others = tuple(thing for thing in spec.objects if thing.distractor)
        objects = arrange(self.slots(own, spec.goal, margin, inner), rng, accept=self.accept)
        return self.crowded(replace(spec, objects=objects), others, rng)

    def crowded(self, spec: SceneSpec, things: Sequence[ObjectSpec], rng: np.random.Generator) -> SceneSpec:
        """The scene with distractors anywhere within reach, where they leave room for the goal."""
        if not things:
            return spec
        slots = [Slot(replace(thing, distractor=True), REACHABLE, yaw=yaw_range(thing)) for thing in things]
        added = arrange(
            slots, rng, fixed=spec.objects, gap=DISTRACTOR_GAP, accept=lambda new: self.leaves_room(spec, new)
        )
        full = replace(spec, objects=(*spec.objects, *added))
        return replace(full, alternatives=self.alternatives(full))

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """Every goal of this task in the scene, in the order of its objects."""
        targets = [o.name for o in spec.objects if o.kind in self.grammar.target_kinds]
        places = [o.name for o in spec.objects if o.kind in self.grammar.place_kinds] or [""]
        return tuple(GoalSpec(self.name, t, p) for t, p in itertools.product(targets, places))

    def alternatives(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """Every goal of this task in the scene but the scene's own."""
        return tuple(goal for goal in self.goals(spec) if goal != spec.goal)

    def say(self, spec: SceneSpec, rng: np.random.Generator, level: int = 0) -> str:
        """An instruction for what is to be spoken of in the scene, from the phrasings of `level` (0 = training)."""
        return self.grammar.say(spec.spoken or spec.goal, spec, rng, level)


TASKS: Registry[type[Task]] = Registry("task", "envs.tasks")


def training_vocabulary() -> tuple[str, ...]:
    """All words of the training instructions of all tasks, sorted."""
    return vocabulary(TASKS[name].grammar for name in TASKS)


def make_thing(color: str, kind: str, size: tuple[float, ...] | None = None, material: str = "plastic") -> ObjectSpec:
    """An object of a kind in one of the named colours, not yet placed; the material sets friction, mass and pattern.

    Raises:
        ValueError: An unknown colour, kind or material; the message gives the nearest one.
    """
    maker, made_of = object_kind(kind), substance(material)
    texture = material_texture(material, named_color(color))
    chosen = maker.default_size if size is None else size
    return ObjectSpec(
        f"{color}_{kind}",
        kind,
        color,
        chosen,
        (0.0, 0.0, 0.0),
        0.0,
        texture,
        mass=maker.default_mass * made_of.mass,
        friction=made_of.friction,
        material=material,
    )


def start(rng: np.random.Generator, robot: str = "panda") -> RobotSpec:
    """The robot at home, each joint off by up to `JOINT_NOISE` radians."""
    home = np.asarray(ROBOTS[robot]().home)
    joints = home + rng.uniform(-JOINT_NOISE, JOINT_NOISE, home.shape)
    return RobotSpec(robot, joints=tuple(round(float(q), 5) for q in joints))


def pick_descriptions(rng: np.random.Generator, count: int, kinds: Sequence[str]) -> list[tuple[str, str]]:
    """`count` different (colour, kind), the first of which is meant for the target.

    Colours are all different, so that the colour word matters always; but in a share `SAME_COLOR` of the draws the
    second one has the first one's colour and another kind, so that the kind word matters too.
    """
    colors = [str(c) for c in rng.permutation(list(COLORS))[:count]]
    chosen = [str(kinds[int(i)]) for i in rng.integers(len(kinds), size=count)]
    if count > 1 and len(kinds) > 1 and rng.uniform() < SAME_COLOR:
        colors[1] = colors[0]
        others = [kind for kind in kinds if kind != chosen[0]]
        chosen[1] = others[int(rng.integers(len(others)))]
    return list(zip(colors, chosen, strict=True))


def fallen(state: WorldState) -> str:
    """Name of an object that fell off the table, or an empty string."""
    for thing in state.spec.objects:
        if state.objects[thing.name].position[2] < FALLEN:
            return thing.name
    return ""


def moved(state: WorldState, name: str) -> float:
    """How far an object is from where the scene put it, metres."""
    return float(np.linalg.norm(state.objects[name].position - state.spec.object(name).position))


def yaw_range(thing: ObjectSpec) -> float:
    """Greatest yaw either way in training, radians; round things have none."""
    return BLOCK_YAW if thing.kind == "block" else 0.0

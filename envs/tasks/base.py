"""What every task answers: which scenes, which instructions, when done, why not, and how an expert does it.

A task is one file in this package: a subclass of `Task` with the decorator `@TASKS.register(name)`. Its goals are
conditions of `envs.goals`, its expert is made of the motions of `envs.expert`. Knows no physics engine: both read an
`envs.state.WorldState`.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar, Protocol

import numpy as np

from envs.cameras import DEFAULT_CAMERAS
from envs.geometry import at_start, grasp_of, moved
from envs.goals import Atom, Condition
from envs.grammar import COLORS, Grammar, named_color, vocabulary
from envs.layout import AREA, REACHABLE, Rect, Slot, arrange, raised
from envs.materials import material_texture, substance
from envs.objects import object_kind
from envs.reading import misunderstood
from envs.robots import ROBOTS
from envs.scene import GoalSpec, ObjectSpec, RobotSpec, SceneSpec
from envs.state import WorldState
from vla.contract import FloatArray
from vla.registry import Registry

JOINT_NOISE = 0.02  # radians either way at the start of every episode: about 1 cm at the tool
BLOCK_YAW = 0.5  # radians either way in training
SAME_COLOR = 0.15  # share of scenes in which only the kind tells the target from another object
OUT_OF_REACH = 0.08  # metres: things that far beyond still stand on the table, in the front camera's picture
DISTRACTOR_GAP = 0.035  # metres: a little tighter than in training, so that four more find room
FEW, MANY = 40, 400  # places that are tried for a distractor within reach, and beyond
MOVED = 0.03  # metres: an object that is nearer to its first place has not been moved
FALLEN = -0.02  # metres above the table: an object whose centre is lower has fallen off


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
        hold_steps: Consecutive control steps in which the condition must hold: no lucky fly-through.
        free_standing: Whether the objects of its goals stand by themselves at the start: none on or under another.
        interchangeable: Which of a goal's objects (0 target, 1 place, 2 third ...) may change roles without making it
            another goal; it names them in the order of their names.
        arranged_yaw: Greatest yaw either way that `arranged` gives to things, radians.
        grasps: Whether its objects are taken between the fingers; else they are touched, pressed or pushed.
    """

    name: ClassVar[str]
    grammar: ClassVar[Grammar]
    max_steps: ClassVar[int]
    hold_steps: ClassVar[int] = 3
    free_standing: ClassVar[bool] = True
    interchangeable: ClassVar[tuple[int, ...]] = ()
    arranged_yaw: ClassVar[float] = 0.0
    grasps: ClassVar[bool] = True

    @abstractmethod
    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """Which objects are in the scene (positions mean nothing yet) and the goal."""

    @abstractmethod
    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """What must hold for `goal` to be reached in the scene."""

    @abstractmethod
    def expert(self, spec: SceneSpec) -> Expert:
        """The scripted expert for `spec.goal`."""

    def success(self, state: WorldState, goal: GoalSpec | None = None) -> bool:
        """Whether `goal` (the scene's own by default) is reached."""
        return self.condition(state.spec, goal or state.spec.goal).holds(state)

    def progress(self, state: WorldState, goal: GoalSpec | None = None) -> float:
        """Share of what `goal` asks for and was not so at the start that is so now, in [0, 1]."""
        wanted = goal or state.spec.goal
        return _since(self._at_start(state.spec, wanted)[0], self.condition(state.spec, wanted).progress(state))

    def reward(self, state: WorldState, goal: GoalSpec | None = None) -> float:
        """A dense reward in [0, 1]: 1 at success; else nearness to the goal, and a fifth for the tool at the target.

        Nearness counts from what it was at the start: what holds from the beginning is worth nothing.
        """
        wanted = goal or state.spec.goal
        condition = self.condition(state.spec, wanted)
        if condition.holds(state):
            return 1.0
        nearness = 0.7 * self.nearness(state, wanted)
        if not wanted.target:
            return nearness
        reach = float(np.linalg.norm(grasp_of(state, wanted.target)[0] - state.ee_position))
        return nearness + 0.2 * (1.0 - float(np.tanh(reach / 0.1)))

    def nearness(self, state: WorldState, goal: GoalSpec) -> float:
        """How much nearer to `goal` than at the start, in [0, 1]; 1 where it is reached."""
        return _since(self._at_start(state.spec, goal)[1], self.condition(state.spec, goal).closeness(state))

    def _at_start(self, spec: SceneSpec, goal: GoalSpec) -> tuple[float, float]:
        """Progress and closeness that the scene begins with; kept for the last scene, for they are asked every step."""
        known = self.__dict__.get("_beginning")
        if known is None or known[0] is not spec or known[1] != goal:
            condition, start = self.condition(spec, goal), at_start(spec)
            known = spec, goal, (condition.progress(start), condition.closeness(start))
            self.__dict__["_beginning"] = known
        values: tuple[float, float] = known[2]
        return values

    def handled(self, spec: SceneSpec, goal: GoalSpec) -> frozenset[str]:
        """Names of the objects that a robot has to act on to reach `goal`: what is not as it should be at the start."""
        names = {goal.target} if goal.target else set()
        for atom in self.open_atoms(spec, goal):
            names |= {atom.subject} if atom.subject else set(goal.names)
        places = [item for item in spec.objects if item.name == goal.place]
        names |= {item.name for item in places if object_kind(item.kind).shape(item.size).part is not None}
        return frozenset(names)

    def involved(self, spec: SceneSpec, goal: GoalSpec) -> frozenset[str]:
        """Names of all objects that `goal` is about: those handled, and where they are to be."""
        others = {getattr(atom, "other", "") for atom in self.open_atoms(spec, goal)} - {""}
        return self.handled(spec, goal) | others | frozenset(goal.names)

    def open_atoms(self, spec: SceneSpec, goal: GoalSpec) -> list[Atom]:
        """What `goal` asks for and is not so at the start."""
        start = at_start(spec)
        atoms = self.condition(spec, goal).atoms()
        return [atom for atom in atoms if isinstance(atom, Atom) and not atom.holds(start)]

    def failure_reason(self, state: WorldState, goal: GoalSpec | None = None) -> str:
        """Why the goal is not reached: a stable word, and the object that is to blame after a colon.

        `fallen:NAME`; `wrong_object:NAME` or `wrong_place:NAME` where another goal of the scene is reached (and this
        one differs from it by that object), `wrong_goal` where it differs otherwise; `not_moved` where nothing that
        the goal names was touched or moved; else what the condition says.
        """
        wanted = goal or state.spec.goal
        condition = self.condition(state.spec, wanted)
        if fallen(state):
            return f"fallen:{fallen(state)}"
        mistake = self._mistake(state, wanted)
        if mistake:
            return mistake
        names = [name for name in wanted.names if name in state.objects]
        if all(moved(state, name) < MOVED and name not in state.touched for name in names):
            joints = (state.objects[n].joint - state.spec.object(n).joint for n in names)
            if not any(abs(joint) > 0.01 for joint in joints):
                return "not_moved"
        return condition.reason(state)

    def _mistake(self, state: WorldState, wanted: GoalSpec) -> str:
        """What is wrong if another goal of the scene was reached in place of `wanted`; else empty."""
        for other in self.goals(state.spec):
            if other == wanted or not self.condition(state.spec, other).holds(state):
                continue
            if self.condition(state.spec, other).holds(at_start(state.spec)):
                continue
            if other.target != wanted.target:
                return f"wrong_object:{other.target}"
            return f"wrong_place:{other.place}" if other.place != wanted.place else "wrong_goal"
        return ""

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

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """Whether a layout is fine as a whole for a goal; by default every one is."""
        return True

    def arranged(
        self, objects: tuple[ObjectSpec, ...], goal: GoalSpec, rng: np.random.Generator
    ) -> tuple[ObjectSpec, ...]:
        """The last word on where things stand: for those on, in or under each other; by default all stay."""
        return objects

    def fitted(self, spec: SceneSpec, things: Sequence[ObjectSpec]) -> tuple[ObjectSpec, ...]:
        """New objects for the scene's, one for each, after those that others must go into were made to fit.

        By default they are as they are.
        """
        return tuple(things)

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """Whether the goal can still be done when `added` objects stand there too; by default it can."""
        return True

    def sample(self, rng: np.random.Generator) -> SceneSpec:
        """A scene of the training distribution, without instruction."""
        things, goal = self.choose(rng)
        things = tuple(things[i] for i in rng.permutation(len(things)))
        slots = self.slots(things, goal, 0.0, -1.0)
        objects = arrange(slots, rng, accept=lambda placed: self.accept(placed, goal))
        objects = self.arranged(objects, goal, rng)
        spec = SceneSpec(goal, "", objects, robot=start(rng), cameras=DEFAULT_CAMERAS, max_steps=self.max_steps)
        return replace(spec, alternatives=self.alternatives(spec))

    def rearranged(self, spec: SceneSpec, rng: np.random.Generator, margin: float, inner: float) -> SceneSpec:
        """The same objects elsewhere: areas grown by `margin` metres, target outside the area grown by `inner`."""
        own = tuple(thing for thing in spec.objects if not thing.distractor)
        others = tuple(thing for thing in spec.objects if thing.distractor)
        slots = self.slots(own, spec.goal, margin, inner)
        objects = arrange(slots, rng, accept=lambda placed: self.accept(placed, spec.goal))
        objects = self.arranged(objects, spec.goal, rng)
        moved = replace(spec, objects=raised(objects, spec.table.height))
        return self.crowded(replace(moved, alternatives=self.alternatives(moved)), others, rng)

    def crowded(self, spec: SceneSpec, things: Sequence[ObjectSpec], rng: np.random.Generator) -> SceneSpec:
        """The scene with distractors anywhere within reach, where they leave room for the goal.

        Where a crowded table leaves none, they may stand up to `OUT_OF_REACH` metres beyond.
        """
        added: list[ObjectSpec] = []
        for thing in things:
            added.append(self._added(spec, thing, added, rng))
        full = replace(spec, objects=(*spec.objects, *raised(added, spec.table.height)))
        return replace(full, alternatives=self.alternatives(full))

    def _added(
        self, spec: SceneSpec, thing: ObjectSpec, others: Sequence[ObjectSpec], rng: np.random.Generator
    ) -> ObjectSpec:
        """A thing at a place that suits the scene and those `others` that have been added already."""

        def place(rect: Rect, restarts: int) -> ObjectSpec:
            slot = Slot(replace(thing, distractor=True), rect, yaw=yaw_range(thing))
            return arrange(
                [slot],
                rng,
                fixed=(*spec.objects, *others),
                gap=DISTRACTOR_GAP,
                accept=lambda new: self.leaves_room(spec, (*others, *new)),
                restarts=restarts,
            )[0]

        try:
            return place(REACHABLE, FEW)
        except RuntimeError:
            return place(REACHABLE.grown(OUT_OF_REACH), MANY)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """Every goal of this task in the scene, in the order of its objects; none names an object twice."""
        found: list[GoalSpec] = []
        for names in itertools.product(*self._candidates(spec)):
            named = [name for name in names if name]
            if len(set(named)) == len(named) and self._in_order(names):
                target, place, *others = names
                found.extend(
                    GoalSpec(self.name, target, place, tuple(others), relation) for relation in self._relations()
                )
        return tuple(found)

    def atomic_goals(self) -> Iterator[str]:
        """Every atomic goal of the family, as `atomic_goal` names them, without repetition."""
        grammar = self.grammar
        roles = (grammar.target_kinds, grammar.place_kinds, *grammar.other_kinds)
        choices = [tuple(f"{color} {kind}" for color in grammar.colors for kind in kinds) for kinds in roles if kinds]
        for things in itertools.product(*choices):
            if len(set(things)) == len(things) and self._in_order(things):
                for relation in self._relations():
                    yield " ".join(filter(None, (relation, " + ".join(things))))

    def atomic_goal(self, spec: SceneSpec, goal: GoalSpec | None = None) -> str:
        """What the goal is about, without where it is: relation, then colour and kind of each object it names."""
        wanted = goal or spec.goal
        things = [spec.object(name) for name in wanted.names]
        named = " + ".join(f"{thing.color} {thing.kind}" for thing in things)
        return " ".join(filter(None, (wanted.relation, named)))

    def _in_order(self, names: Sequence[str]) -> bool:
        """Whether those of the names that may change roles are in their order."""
        same = [names[i] for i in self.interchangeable]
        return same == sorted(same)

    def _relations(self) -> tuple[str, ...]:
        return tuple(self.grammar.relations) or ("",)

    def _candidates(self, spec: SceneSpec) -> list[list[str]]:
        """Names that may stand in each role of a goal: target, place, others."""
        roles = (self.grammar.target_kinds, self.grammar.place_kinds, *self.grammar.other_kinds)
        return [[o.name for o in spec.objects if o.role in kinds] if kinds else [""] for kinds in roles]

    def alternatives(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """Every goal of this task in the scene but the scene's own and those that are reached already."""
        start = at_start(spec)
        return tuple(
            goal for goal in self.goals(spec) if goal != spec.goal and not self.condition(spec, goal).holds(start)
        )

    def say(self, spec: SceneSpec, rng: np.random.Generator, level: int = 0) -> str:
        """An instruction for what is to be spoken of in the scene, from the phrasings of `level` (0 = training).

        Raises:
            ValueError: A noun phrase of it means not exactly one object, or one that the goal is not about.
        """
        goal = spec.spoken or spec.goal
        sentence = self.grammar.say(goal, spec, rng, level)
        problem = misunderstood(sentence, spec, goal)
        if problem:
            raise ValueError(f"{sentence!r} is ambiguous: {problem}")
        return sentence


TASKS: Registry[type[Task]] = Registry("task", "envs.tasks")


def _since(start: float, now: float) -> float:
    """How much of the way from `start` to 1 has been made, in [0, 1]."""
    return max(now - start, 0.0) / (1.0 - start) if start < 1.0 else now


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


def draw_descriptions(
    rng: np.random.Generator, count: int, kinds: Sequence[str], taken: Sequence[tuple[str, str]] = ()
) -> list[tuple[str, str]]:
    """`count` different (colour, kind), all equally likely; none of those `taken`. Two may share either word."""
    free = [pair for pair in itertools.product(COLORS, kinds) if pair not in taken]
    return [free[int(i)] for i in rng.permutation(len(free))[:count]]


def fallen(state: WorldState) -> str:
    """Name of an object that fell off the table, or an empty string."""
    for thing in state.spec.objects:
        if state.objects[thing.name].position[2] < state.spec.table.height + FALLEN:
            return thing.name
    return ""


def yaw_range(thing: ObjectSpec) -> float:
    """Greatest yaw either way in training, radians; round things have none."""
    return BLOCK_YAW if thing.kind == "block" else 0.0

"""Chain: two to five tasks of other families in one scene, one after another, said in one instruction or one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from envs.chain_grammar import ChainGrammar
from envs.expert import put_aside
from envs.goals import Condition
from envs.grammar import COLORS, HELD_OUT_LEVELS
from envs.layout import AREA, HAND, REACHABLE, Rect, Slot
from envs.scene import GoalSpec, ObjectSpec, SceneSpec, Vec3
from envs.state import WorldState
from envs.tasks.base import TASKS, Expert, Task, draw_descriptions, make_thing, yaw_range
from envs.tasks.close_drawer import CloseDrawer
from envs.tasks.fixture_base import keeps_clear, travel
from envs.tasks.lift import Lift
from envs.tasks.open_drawer import OpenDrawer
from envs.tasks.place_into import PlaceInto
from envs.tasks.press_button import PressButton
from envs.tasks.reach import Reach
from envs.tasks.stack import SIZES as MOVABLE
from envs.tasks.stack import Stack
from vla.contract import FloatArray

PARTS: Mapping[str, type[Task]] = {
    part.name: part for part in (CloseDrawer, Lift, OpenDrawer, PlaceInto, PressButton, Reach, Stack)
}
RECIPES = (  # families with the roles that they are about; a, b, c are three things that can be moved
    "Lift a, PlaceInto a bowl",
    "PlaceInto a bowl, PlaceInto b plate",
    "PressButton button, Lift a",
    "Reach a, PressButton button",
    "Stack a b, PressButton button",
    "OpenDrawer drawer, Lift a",
    "CloseDrawer drawer, PlaceInto a plate",
    "PlaceInto a bowl, PlaceInto b plate, PressButton button",
    "PressButton button, Stack a b, Reach c",
    "OpenDrawer drawer, PlaceInto a bowl, PressButton button",
    "OpenDrawer drawer, CloseDrawer drawer, Lift a",
    "Reach a, Reach b, Reach c",
    "Lift a, Stack a b, PlaceInto c bowl",
    "Lift a, Lift b, Lift c",
    "PressButton button, PlaceInto a bowl, PlaceInto b plate, Lift c",
    "OpenDrawer drawer, PlaceInto a bowl, CloseDrawer drawer, PressButton button",
    "Reach a, PlaceInto a bowl, Reach b, PlaceInto b plate",
    "Stack a b, PressButton button, PlaceInto c bowl, OpenDrawer drawer",
    "CloseDrawer drawer, Stack a b, Reach c, PressButton button",
    "OpenDrawer drawer, PlaceInto a bowl, Lift b, CloseDrawer drawer, PressButton button",
    "PressButton button, OpenDrawer drawer, Stack a b, PlaceInto c bowl, CloseDrawer drawer",
    "Reach a, PlaceInto a bowl, PressButton button, PlaceInto b plate, Lift c",
    "OpenDrawer drawer, PressButton button, CloseDrawer drawer, Stack a b, Lift c",
    "PlaceInto a bowl, PlaceInto b plate, Reach c, PressButton button, Lift c",
)
ROLES = ("a", "b", "c")
PLACES: Mapping[str, tuple[str, tuple[float, ...] | None]] = {  # kind and size of roles: small, to share the table
    "bowl": ("bowl", (0.055, 0.036)),
    "plate": ("plate", (0.06, 0.014)),
    "button": ("round_button", None),
    "drawer": ("drawer", None),
}
SPACE = Rect(0.37, 0.64, -0.23, 0.23)  # where things stand: a wider area than that of shorter tasks
LEFT, RIGHT = Rect(0.35, 0.4, -0.22, -0.18), Rect(0.35, 0.4, 0.18, 0.22)  # where drawers stand
OPEN_AT_FIRST = 0.95  # share of its travel by which a drawer that is to be closed is open


class InOrder(Condition):
    """The parts of a goal have been done one after another: the world counts them (`WorldState.stage`).

    Of a goal that is not the scene's own nothing is known: no part of it counts as done.
    """

    def __init__(self, goal: GoalSpec) -> None:
        """The parts of `goal`."""
        self.goal = goal

    def holds(self, state: WorldState) -> bool:
        """See Condition."""
        return self._stage(state) >= len(self.goal.parts)

    def closeness(self, state: WorldState) -> float:
        """Parts that were done, and the closeness of the next, over all."""
        stage = self._stage(state)
        now = 0.0 if stage >= len(self.goal.parts) else self._part(state).closeness(state)
        return (stage + now) / len(self.goal.parts)

    def progress(self, state: WorldState) -> float:
        """Share of the parts that were done."""
        return self._stage(state) / len(self.goal.parts)

    def reason(self, state: WorldState) -> str:
        """Number of the part that is not done, and why not, in its family's words."""
        if self.holds(state):
            return ""
        stage = self._stage(state)
        part = self.goal.parts[stage]
        return f"part_{stage + 1}_{TASKS[part.task]().failure_reason(state, part)}"

    def atoms(self) -> tuple[Condition, ...]:
        """See Condition."""
        return (self,)

    def _stage(self, state: WorldState) -> int:
        return state.stage if state.spec.goal == self.goal else 0

    def _part(self, state: WorldState) -> Condition:
        part = self.goal.parts[self._stage(state)]
        return TASKS[part.task]().condition(state.spec, part)


@TASKS.register("Chain")
class Chain(Task):
    """All parts in one instruction. The goal's relation is the recipe."""

    name: ClassVar[str] = "Chain"
    max_steps: ClassVar[int] = 70  # of the shortest chain; a scene's limit is the sum of its parts'
    hold_steps: ClassVar[int] = 1  # the parts have been held
    grammar: ClassVar[ChainGrammar] = ChainGrammar(
        train=("first {first} then {next}", "{first} then {next}", "first {first} and then {next}"),
        held_out={
            1: ("{first} afterwards {next}", "initially {first} then {next}"),
            2: ("initially {first} afterwards {next}",),
            3: ("could you please {first} and afterwards {next}",),
            4: ("i would like you to {first} and having done so {next}",),
            5: (
                "i would like several things done so {first} and once that has been completed {next}",
                "today there are a few jobs for you namely {first} and as soon as this is finished {next}",
            ),
        },
        target_kinds=(),
        parts={name: part.grammar for name, part in PARTS.items()},
        orders=tuple(tuple(step.split()[0] for step in recipe.split(", ")) for recipe in RECIPES),
    )

    def choose(self, rng: np.random.Generator) -> tuple[tuple[ObjectSpec, ...], GoalSpec]:
        """See Task. What the recipe speaks of, and things to confuse: two or three that can be moved."""
        recipe = RECIPES[int(rng.integers(len(RECIPES)))]
        roles = list(dict.fromkeys(word for step in recipe.split(", ") for word in step.split()[1:]))
        places = [role for role in roles if role not in ROLES]
        count = 3 if len(places) < 3 else max(2, len(roles) - len(places))
        pairs = draw_descriptions(rng, count, tuple(MOVABLE))
        things = [make_thing(color, kind, MOVABLE[kind]) for color, kind in pairs]
        named = dict(zip(ROLES, (thing.name for thing in things), strict=False))
        for role in places:
            place = make_thing(str(rng.choice(list(COLORS))), *PLACES[role])
            if recipe.startswith("CloseDrawer") and role == "drawer":
                place = replace(place, joint=OPEN_AT_FIRST * travel(place))
            things.append(place)
            named[role] = place.name
        return tuple(things), self._goal(recipe, named)

    def _goal(self, recipe: str, named: Mapping[str, str]) -> GoalSpec:
        """The goal of a recipe whose roles are played by the named objects."""
        parts = []
        for step in recipe.split(", "):
            task, target, *place = step.split()
            whole = "full" if target == "drawer" else ""
            parts.append(GoalSpec(task, named[target], named[place[0]] if place else "", relation=whole))
        return GoalSpec(self.name, "", relation=recipe, parts=tuple(parts))

    def sample(self, rng: np.random.Generator) -> SceneSpec:
        """See Task. The time limit is the sum of the parts'."""
        spec = super().sample(rng)
        return replace(spec, max_steps=sum(TASKS[part.task].max_steps for part in spec.goal.parts))

    def slots(self, things: Sequence[ObjectSpec], goal: GoalSpec, margin: float, inner: float) -> list[Slot]:
        """See Task. The first part's target is the one that is displaced; drawers stand at the robot's sides."""
        slots = []
        for number, thing in enumerate(things):
            first = thing.name == goal.parts[0].target
            area = (LEFT if number % 2 else RIGHT) if thing.kind == "drawer" else AREA if first else SPACE
            hole = area.grown(inner) if inner >= 0 and first else None
            slots.append(Slot(thing, area.grown(margin).within(REACHABLE), hole, yaw_range(thing)))
        return slots

    def accept(self, things: Sequence[ObjectSpec], goal: GoalSpec) -> bool:
        """Every fixture can be worked, and the hand meets no drawer, open or shut, when it is at something else."""
        drawers = [thing for thing in things if thing.kind == "drawer"]
        others = [thing for thing in things if thing.kind != "drawer"]
        hand = all(_clears_hand(other.position, drawer) for drawer in drawers for other in others)
        return hand and all(keeps_clear(thing, [other for other in things if other is not thing]) for thing in things)

    def leaves_room(self, spec: SceneSpec, added: Sequence[ObjectSpec]) -> bool:
        """See Task."""
        return all(keeps_clear(thing, added) for thing in spec.objects)

    def goals(self, spec: SceneSpec) -> tuple[GoalSpec, ...]:
        """See Task. The same recipe with its roles played by other things that can be moved."""
        recipe = spec.goal.relation
        kinds = {thing.role: thing.name for thing in spec.objects if thing.role not in MOVABLE}
        places = {role: kinds[kind] for role, (kind, _) in PLACES.items() if kind in kinds}
        movable = [o.name for o in spec.objects if o.role in MOVABLE and not o.distractor]
        casts = (dict(zip(ROLES, order, strict=False)) for order in itertools.permutations(movable))
        return tuple(dict.fromkeys(self._goal(recipe, {**places, **cast}) for cast in casts))

    def atomic_goals(self) -> Iterator[str]:
        """See Task: the recipes. Which things play their roles makes no other goal."""
        yield from RECIPES

    def atomic_goal(self, spec: SceneSpec, goal: GoalSpec | None = None) -> str:
        """See Task: the recipe."""
        return (goal or spec.goal).relation

    def condition(self, spec: SceneSpec, goal: GoalSpec) -> Condition:
        """Every part was done, in order."""
        return InOrder(goal)

    def failure_reason(self, state: WorldState, goal: GoalSpec | None = None) -> str:
        """`part_N_` and the reason of the first part that was not done."""
        return InOrder(goal or state.spec.goal).reason(state)

    def expert(self, spec: SceneSpec) -> Expert:
        """See Task."""
        return ChainExpert(spec)


@TASKS.register("ChainStepwise")
class ChainStepwise(Chain):
    """Each part is said when the one before it is done."""

    name: ClassVar[str] = "ChainStepwise"
    grammar: ClassVar[ChainGrammar] = replace(
        Chain.grammar, train=(), held_out=dict.fromkeys(HELD_OUT_LEVELS, ()), stepwise=True
    )


class ChainExpert:
    """The experts of the parts, one after another; in between, what is in the hand and is not needed is put down."""

    def __init__(self, spec: SceneSpec) -> None:
        """Of the goal of `spec`."""
        self.parts = spec.goal.parts
        self.experts = [TASKS[part.task]().expert(replace(spec, goal=part)) for part in self.parts]

    def act(self, state: WorldState) -> FloatArray:
        """See Expert."""
        stage = min(state.stage, len(self.parts) - 1)
        put_down = put_aside(state, self.parts[stage].names)
        if put_down is not None:
            return put_down
        return self.experts[stage].act(state)


def _clears_hand(point: Vec3, drawer: ObjectSpec) -> bool:
    """Whether a hand that is low at a point (metres, world) keeps from a drawer, however far that is open."""
    depth, width = drawer.size[:2]
    beyond = point[0] - drawer.position[0] - depth / 2 - travel(drawer)
    return beyond >= HAND[0] or abs(point[1] - drawer.position[1]) >= width / 2 + HAND[1]

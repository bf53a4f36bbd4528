"""Other objects than training shows, in the places of its own: new in shape, origin, name or use.

Each is about as large as what it replaces, and has its colour, mass and friction. The instruction names what is there,
in the words in which it would have named the other. Groups that are called by their kind, heaps, pegs and descriptions
that are parts of the goal stay as they are: for those families the axes here mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from envs.exchange import exchanged, handles_things, loose
from envs.layout import radius
from envs.objects import object_kind
from envs.objects.scans import STATED
from envs.scene import ObjectSpec, SceneSpec
from envs.tasks.base import TASKS, Task
from envs.variations import axis

CALLED_OTHERWISE = ("Collect", "InsertPeg", "Refer", "Sort", "Sweep", "Upright")
UNSEEN: Mapping[str, float] = {  # kind -> 1 - overlap of its outline with the most similar one that training shows
    "octagon": 0.04,
    "hexagon": 0.07,
    "letter_a": 0.17,
    "trapezoid": 0.22,
    "rhomboid": 0.23,
    "digit_0": 0.25,
    "cross": 0.30,
    "letter_t": 0.31,
    "digit_7": 0.31,
    "digit_4": 0.33,
    "letter_b": 0.33,
    "digit_8": 0.33,
    "letter_m": 0.35,
    "letter_p": 0.35,
    "letter_r": 0.35,
    "digit_9": 0.38,
    "letter_k": 0.40,
    "letter_e": 0.46,
    "letter_f": 0.43,
    "letter_h": 0.45,
    "letter_s": 0.43,
    "digit_2": 0.51,
}
PRISMS = ("octagon", "hexagon", "trapezoid", "rhomboid", "cross")
DIGITS = ("digit_0", "digit_2", "digit_4", "digit_7", "digit_8", "digit_9")
UNHEARD = (*PRISMS, *DIGITS)  # kinds of whose names no training instruction has a word
TURNED = ("trapezoid", "digit_2", "digit_4", "digit_7", "digit_9")  # those that look the same only after a full turn
ROLLING = ("ball", "soccer_ball")
POINTED = ("cone", "half_cylinder")
TALL = ("bottle", "peg_round", "peg_square")
STACKED = ("Stack", "Tower", "Unstack", "Chain", "ChainStepwise")
PUSHED = ("Push", "PushDirection", "PushTogether")  # a domino, which stands on its edge, is too thin to be pushed
LIFTED = ("Lift", "Reach", "FindHidden", "Cover", "PutInDrawer")
SMALLEST, LARGEST = 0.55, 1.1  # factors on the default size of what replaces something
THIN = 0.018  # metres: what is flatter is hard to take


def replaces_things(task: type[Task]) -> bool:
    """Whether a family's things can be of another kind."""
    return handles_things(task) and task.name not in CALLED_OTHERWISE


def but_rotate(task: type[Task]) -> bool:
    """The same without Rotate, whose things look different whichever way they are turned: few others do."""
    return replaces_things(task) and task.name != "Rotate"


@axis(
    "unseen_shape",
    "object",
    "1 - overlap with the most similar trained outline, at most",
    (0.1, 0.25, 0.34, 0.42, 0.55),
    peers=("VIMA", "CLIPort", "GemBench", "COLOSSEUM", "VLA-Arena"),
    stage=0,
    applies=but_rotate,
)
def unseen_shape(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """All things have shapes that training never shows, the less like those that it does the higher the level."""
    kinds = [kind for kind, distance in UNSEEN.items() if previous < distance <= magnitude]
    return _replaced(spec, rng, kinds, len(spec.objects), task)


@axis(
    "unseen_scan",
    "object",
    "objects replaced, at most",
    (1, 2, 3, 4, 6),
    peers=("VIMA", "CLIPort", "GemBench", "INT-ACT"),
    stage=0,
    applies=lambda task: but_rotate(task) and task.name not in (*STACKED, *PUSHED),
)
def unseen_scan(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Things are models from mesh files, which no family trains on: the goal's first, then the others."""
    return _replaced(spec, rng, STATED, int(magnitude), task)


@axis(
    "unseen_combination",
    "object",
    "objects replaced, at most",
    (1, 2, 3, 4, 6),
    peers=("VIMA", "INT-ACT", "CLIPort", "GemBench"),
    stage=0,
    applies=but_rotate,
)
def unseen_combination(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """Things are of kinds that other families train, but never with this verb: the goal's first, then the others."""
    own = {kind for kinds in task.grammar.roles.values() for kind in kinds} | {thing.kind for thing in spec.objects}
    return _replaced(spec, rng, [kind for kind in trained() if kind not in own], int(magnitude), task)


@axis(
    "unseen_category",
    "object",
    "objects replaced, at most",
    (1, 2, 3, 4, 6),
    peers=("VLABench", "VIMA", "GemBench", "INT-ACT", "LIBERO-PRO", "VLA-Arena"),
    stage=0,
    applies=replaces_things,
)
def unseen_category(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """Things whose names no training instruction has a word of: the goal's first, then the others."""
    return _replaced(spec, rng, UNHEARD, int(magnitude), task)


def trained() -> tuple[str, ...]:
    """The kinds of loose things that some family's training instructions name, sorted."""
    roles = [kinds for name in TASKS for kinds in TASKS[name].grammar.roles.values()]
    kinds = {kind for allowed in roles for kind in allowed}
    return tuple(sorted(kind for kind in kinds if object_kind(kind).graspable and kind not in ("cover", *HOLLOW)))


HOLLOW = ("bowl", "crate", "tray")


def suits(task: str, kind: str) -> bool:
    """Whether a family can do with a kind of thing what it does.

    What rolls is not put down, what is pointed is no base, and `Rotate` needs what looks different when it is turned.
    """
    if task == "Rotate":
        return kind in TURNED
    if task in LIFTED:
        return kind not in TALL
    if task in STACKED:
        return kind not in (*ROLLING, *POINTED, *TALL, "mug", "cup")
    return kind not in (*ROLLING, *TALL)


def _replaced(spec: SceneSpec, rng: np.random.Generator, kinds: Sequence[str], count: int, task: Task) -> SceneSpec:
    """The scene with up to `count` of its loose things replaced by things of the kinds."""
    fit = [kind for kind in kinds if suits(task.name, kind)]

    def draw(rng: np.random.Generator) -> list[ObjectSpec]:
        now = {thing.name: thing for thing in spec.objects}
        for thing in loose(spec, task)[:count]:
            others = {(other.color, other.kind) for other in now.values() if other.name != thing.name}
            free = [kind for kind in fit if (thing.color, kind) not in others]
            if free:
                now[thing.name] = in_role(thing, free[int(rng.integers(len(free)))])
        return list(now.values())

    return exchanged(spec, draw, task, rng)


def in_role(thing: ObjectSpec, kind: str) -> ObjectSpec:
    """A thing of another kind, about as large and otherwise like it, in the role of the first."""
    default = object_kind(kind).default_size
    share = radius(replace(thing, roll=0.0)) / object_kind(kind).radius(default)
    factor = min(max(share, SMALLEST), LARGEST)
    size = [round(factor * length, 5) for length in default]
    if object_kind(kind).size_names[-1] == "height":
        size[-1] = max(size[-1], THIN)
    return replace(thing, kind=kind, size=tuple(size), instead_of=thing.role)

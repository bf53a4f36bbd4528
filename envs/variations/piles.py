"""Piles around the target, and what stands before it and hides it from the front camera."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from envs.cameras import place as placed_camera
from envs.cameras import pose_matrix, project
from envs.grammar import COLORS, MORE_COLORS
from envs.layout import HAND, REACHABLE, radius, raised, resting, stand
from envs.lookalikes import GRASPED
from envs.objects import object_kind
from envs.scene import ObjectSpec, SceneSpec, orientation
from envs.tasks.base import DISTRACTOR_GAP, Task, make_thing
from envs.variations import axis
from envs.variations.crowding import named_apart, target_of, untaken

BASES = {"block": (0.044, 0.044, 0.02), "cylinder": (0.024, 0.02), "star": (0.03, 0.02)}  # metres: low and wide
TOPS = {"block": (0.026, 0.026, 0.026), "cylinder": (0.014, 0.026), "cone": (0.016, 0.028), "ring": (0.02, 0.02)}
FAR = 0.08  # metres beyond what the robot reaches: still on the table, in the picture
TURNED = 0.4  # radians either way
NEAREST = 10  # places, the nearest free ones, one of which is drawn for a pile
STEP = 0.01  # metres of the grid of places


@axis("clutter", "object", "objects added in piles of two", (2, 4, 6, 8, 10), peers=("RoboTwin", "VLATest"))
def clutter(spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float) -> SceneSpec:
    """Piles of two objects as near to the target as fingers leave room for, none of which fits the instruction."""
    free = [pair for pair in untaken(spec, _pairs(task)) if spec.goal.relation not in pair]
    drawn = [free[int(i)] for i in rng.permutation(len(free))]
    piles: list[ObjectSpec] = []
    for _ in range(int(magnitude) // 2):
        low, high = (next(pair for pair in drawn if pair[1] in sizes) for sizes in (BASES, TOPS))
        drawn = [pair for pair in drawn if pair not in (low, high)]
        base, top = make_thing(*low, BASES[low[1]]), make_thing(*high, TOPS[high[1]])
        base = _beside(base, spec, piles, task, rng)
        top = replace(stand(top, *base.position[:2]), distractor=True)
        height = object_kind(base.kind).height(base.size)
        piles += named_apart([base, replace(top, position=raised([top], height)[0].position)], [*spec.objects, *piles])
    full = replace(spec, objects=(*spec.objects, *raised(piles, spec.table.height)))
    return replace(full, alternatives=task.alternatives(full))


def _pairs(task: Task) -> Iterator[tuple[str, str]]:
    """Colours and kinds of what piles are made of: such that descriptions do not come to mean another object."""
    described = task.name == "Refer"
    kinds = [kind for kind in {**BASES, **TOPS} if not (described and kind in GRASPED)]
    yield from itertools.product(MORE_COLORS if described else {**COLORS, **MORE_COLORS}, kinds)


def _beside(
    thing: ObjectSpec, spec: SceneSpec, piles: Sequence[ObjectSpec], task: Task, rng: np.random.Generator
) -> ObjectSpec:
    """The thing at one of the free places nearest to the goal's first object. Raises RuntimeError where none is."""
    area, others = REACHABLE.grown(FAR), [*spec.objects, *piles]
    middle = spec.object(spec.goal.names[0]).position[:2] if spec.goal.names else (0.5, 0.0)
    xs, ys = np.arange(area.x_low, area.x_high, STEP), np.arange(area.y_low, area.y_high, STEP)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    away = np.linalg.norm(points[:, None] - np.array([o.position[:2] for o in others])[None], axis=2)
    room = away - np.array([radius(o) for o in others]) - radius(thing)
    points = points[(room > DISTRACTOR_GAP).all(axis=1)]
    points = points[np.argsort(np.linalg.norm(points - middle, axis=1), kind="stable")]
    found: list[ObjectSpec] = []
    for x, y in points:
        tried = replace(stand(thing, round(float(x), 4), round(float(y), 4)), distractor=True)
        if task.leaves_room(spec, [*piles, tried]):
            found.append(replace(tried, yaw=round(float(rng.uniform(-TURNED, TURNED)), 4)))
        if len(found) == NEAREST:
            break
    if not found:
        raise RuntimeError(f"{task.name} leaves no room for a pile")
    return found[int(rng.integers(len(found)))]


HIDES_NOTHING = (  # what stands before the target would be in the way, or there is no one target that is seen
    "Collect",
    "Sort",
    "Push",
    "PushDirection",
    "PushTogether",
    "Sweep",
    "FindHidden",
    "OpenDrawer",
    "CloseDrawer",
    "SlideDoor",
    "FlipLever",
    "PressButton",
    "TurnKnob",
    "PutInDrawer",  # fingers that open towards the camera
)
THICK = 0.016  # metres
HIGHEST = 0.12  # metres: the robot carries things over what is lower
LOW = 0.05  # metres: what is lower is under the hand that takes the target
BESIDES = 0.008  # metres between what hides the target and other things, or the fingers, at least
PICTURE = 256  # pixels a side of the picture in which shares are counted
HALVINGS = 9  # of the interval of heights
REDRAWS = 40
CLOSE = 0.03  # share by which it may be missed


@axis(
    "target_hidden",
    "object",
    "share of the target hidden from the front camera",
    (0.1, 0.2, 0.35, 0.5, 0.65),
    applies=lambda task: task.name not in HIDES_NOTHING,
)
def target_hidden(
    spec: SceneSpec, rng: np.random.Generator, magnitude: float, task: Task, previous: float
) -> SceneSpec:
    """An upright board stands between the target and the front camera, as high as it takes to hide the share.

    Where nothing can stand there the objects are placed anew.
    """
    colors = [str(color) for color in rng.permutation([*COLORS, *MORE_COLORS])]
    color = next(color for color in colors if color != target_of(spec).color)
    for _ in range(REDRAWS):
        for board in _boards(spec, make_thing(color, "board"), task):
            fit = _high_enough(spec, board, magnitude)
            if fit is not None:
                full = replace(spec, objects=(*spec.objects, *named_apart([fit], spec.objects)))
                return replace(full, alternatives=task.alternatives(full))
        spec = task.rearranged(spec, rng, 0.0, -1.0)
    raise RuntimeError(f"{task.name} leaves no room for anything before its target")


def hidden_share(spec: SceneSpec, target: ObjectSpec, board: ObjectSpec) -> float:
    """Share of a target's outline in the front camera's picture that a nearer thing covers."""
    seen, before = _outline(spec, target), _outline(spec, board)
    return float((seen & before).sum() / max(seen.sum(), 1))


def _boards(spec: SceneSpec, thing: ObjectSpec, task: Task) -> Iterator[ObjectSpec]:
    """Boards of the greatest height that may stand before the target, the nearest first."""
    target, front = target_of(spec), spec.cameras[0].eye
    reach = radius(target)
    ahead = np.subtract(front[:2], target.position[:2])
    width = 2.2 * reach + 0.01
    for distance in (reach + 0.02, 0.065, 0.075, 0.09, 0.13):
        x, y = np.add(target.position[:2], ahead * (distance / ahead[0]))
        height = HIGHEST if distance - THICK / 2 > HAND[0] + BESIDES else LOW
        board = replace(thing, size=(THICK, round(width, 4), height), distractor=True)
        board = raised([stand(board, round(float(x), 4), round(float(y), 4))], spec.table.height)[0]
        others = [o for o in spec.objects if o.name != target.name and resting(o, spec.table.height)]
        if all(_apart(board, o) for o in others) and task.leaves_room(spec, [board]):
            yield board


def _apart(board: ObjectSpec, other: ObjectSpec) -> bool:
    """Whether a board that stands across x keeps its distance from a round footprint."""
    away_x = max(abs(other.position[0] - board.position[0]) - board.size[0] / 2, 0.0)
    away_y = max(abs(other.position[1] - board.position[1]) - board.size[1] / 2, 0.0)
    return float(np.hypot(away_x, away_y)) > radius(other) + BESIDES


def _high_enough(spec: SceneSpec, board: ObjectSpec, share: float) -> ObjectSpec | None:
    """The board as high as it takes to hide a share of the target; None where its height is not enough."""
    target, base = target_of(spec), board.position[2] - board.size[2] / 2

    def cut(height: float) -> ObjectSpec:
        size = (*board.size[:2], round(height, 5))
        return replace(board, size=size, position=(*board.position[:2], round(base + height / 2, 6)))

    if hidden_share(spec, target, board) < share - CLOSE:
        return None
    low, high = 0.005, board.size[2]
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if hidden_share(spec, target, cut(middle)) >= share else (middle, high)
    return cut(high) if abs(hidden_share(spec, target, cut(high)) - share) < CLOSE else None


def _outline(spec: SceneSpec, thing: ObjectSpec) -> NDArray[np.bool_]:
    """Pixels (PICTURE, PICTURE) of the front camera's picture in which a thing lies, whether it is seen or not."""
    shape = object_kind(thing.kind).shape(thing.size)
    pose = pose_matrix(np.array([*thing.position, *orientation(thing)]))
    view = placed_camera(spec.cameras[0], np.zeros((0, 7), np.float32), (), PICTURE)
    image = np.zeros((PICTURE, PICTURE), np.uint8)
    points = np.asarray(shape.mesh.vertices, np.float64) @ pose[:3, :3].T + pose[:3, 3]
    corners = np.round(project(points, view)[:, :2] * 16).astype(np.int32)
    for triangle in corners[np.asarray(shape.mesh.faces)]:
        cv2.fillConvexPoly(image, triangle, 1, shift=4)
    return image.astype(bool)

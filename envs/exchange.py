"""Exchanging a scene's objects for others: each new one where the old one was, on or in what that was on.

Where the new ones are wider, things move apart, as little as they can; the goal's target stays if it can.
Knows no axis.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from envs.layout import GAP, REACHABLE, radius, raised, resting, stand
from envs.objects import object_kind
from envs.scene import ObjectSpec, SceneSpec
from envs.tasks.base import Task

Draw = Callable[[np.random.Generator], Sequence[ObjectSpec]]

TOUCHING = 0.012  # metres between footprints: what is nearer belongs together (a stack, a heap, a full box)
ROOM = 0.03  # metres between footprints that are enough where training leaves `GAP`
STEP = 0.01  # metres of the grid of places that are tried
DRAWS = 60  # of things that the task may not accept where they are, before the layout is drawn again
REDRAWS = 20
WIDEST = 0.06  # metres: what reaches farther from its middle is too wide to be taken
MAIN = 1.25  # how much wider than the others the thing is that a cluster is built around


@dataclass(frozen=True)
class Cluster:
    """Things that belong together, by their numbers in the scene.

    Attributes:
        members: Their numbers; the first one is what the others are on, in or under.
        anchor: The point around which they stand, metres, world.
    """

    members: tuple[int, ...]
    anchor: tuple[float, float]


def handles_things(task: type[Task]) -> bool:
    """Whether a family is about things that are taken, pushed or touched, not about fixtures alone."""
    kinds = task.grammar.target_kinds
    return not kinds or any(object_kind(kind).moves for kind in kinds)


def loose(spec: SceneSpec, task: Task) -> list[ObjectSpec]:
    """The scene's own things that a gripper can take: no fixture, container, cover or place; the goal's come first."""
    own = [thing for thing in spec.objects if not thing.distractor and _loose(thing, task.grammar.target_kinds)]
    order = {name: number for number, name in reversed(list(enumerate(spec.goal.names)))}
    return sorted(own, key=lambda thing: order.get(thing.name, len(order)))


def _loose(thing: ObjectSpec, targets: Sequence[str]) -> bool:
    kind = object_kind(thing.kind)
    hollow = kind.container and thing.kind not in targets
    return kind.graspable and not hollow and thing.kind != "cover" and radius(thing) < WIDEST


def exchanged(spec: SceneSpec, draw: Draw, task: Task, rng: np.random.Generator, draws: int = DRAWS) -> SceneSpec:
    """The scene with other things in the places of its own.

    Args:
        spec: The scene.
        draw: Draws new objects, one for each of the scene's, in their order and under their names.
        task: The scene's task, which must accept them.
        rng: What draws.
        draws: How often at most, before the layout is drawn anew too.

    Raises:
        RuntimeError: The task accepts none of many draws, and finds no new layout for them either.
    """
    for _ in range(draws):
        placed = in_place(spec, draw(rng))
        if placed is not None and _accepted(placed, task):
            return replace(placed, alternatives=task.alternatives(placed))
    for _ in range(min(draws, REDRAWS)):
        with contextlib.suppress(RuntimeError):
            return settled(spec, draw(rng), task, rng)
    raise RuntimeError(f"{task.name} has no layout for what the objects were to be exchanged for")


def settled(spec: SceneSpec, things: Sequence[ObjectSpec], task: Task, rng: np.random.Generator) -> SceneSpec:
    """The scene with these things in a layout that is drawn anew; they keep their yaws where the task accepts that.

    Raises RuntimeError where there is none.
    """
    drawn = task.rearranged(replace(spec, objects=tuple(things)), rng, 0.0, -1.0)
    yaws = {thing.name: thing.yaw for thing in things}
    kept = replace(drawn, objects=tuple(replace(o, yaw=yaws.get(o.name, o.yaw)) for o in drawn.objects))
    chosen = next((tried for tried in (kept, drawn) if _accepted(tried, task)), None)
    if chosen is None:
        raise RuntimeError(f"{task.name} does not accept {[thing.kind for thing in things]}")
    return replace(chosen, alternatives=task.alternatives(chosen))


def in_place(spec: SceneSpec, things: Sequence[ObjectSpec]) -> SceneSpec | None:
    """The scene with each thing where the object of its number was, moved apart; None where there is no room."""
    height = spec.table.height
    old = raised(spec.objects, -height)
    clusters = _clusters(old, spec.goal.target)
    placed: dict[int, ObjectSpec] = {}
    for cluster in clusters:
        offsets = _offsets(cluster, old, things)
        point = _nearest_free(cluster, offsets, old, things, placed)
        if point is None:
            return None
        for number in cluster.members:
            placed[number] = _stood(number, old, things[number], point, offsets[number], placed, cluster)
    return replace(spec, objects=raised([placed[number] for number in range(len(old))], height))


def _accepted(spec: SceneSpec, task: Task) -> bool:
    """Whether the task accepts the layout, and can speak of its goal without being misunderstood."""
    own = [thing for thing in raised(spec.objects, -spec.table.height) if not thing.distractor]
    if not task.accept(own, spec.goal) or spec.goal not in task.goals(spec):
        return False
    try:
        task.say(spec, np.random.default_rng(0))
    except ValueError:
        return False
    return True


def _clusters(things: Sequence[ObjectSpec], target: str) -> list[Cluster]:
    """What belongs together; first that with the target, so that it is what stays where it is."""
    left, found = list(range(len(things))), []
    while left:
        group = [left.pop(0)]
        for number in group:
            near = [other for other in left if _gap(things[number], things[other]) < TOUCHING]
            group += near
            left = [other for other in left if other not in near]
        group.sort(key=lambda n: (not _stands(things[n]), -radius(things[n])))
        main = things[group[0]]
        wide = all(radius(main) > MAIN * radius(things[n]) for n in group[1:])
        around = [main] if wide else [things[n] for n in group]
        middle = np.mean([thing.position[:2] for thing in around], axis=0)
        found.append(Cluster(tuple(group), (float(middle[0]), float(middle[1]))))
    return sorted(found, key=lambda c: all(things[n].name != target for n in c.members))


def _offsets(
    cluster: Cluster, old: Sequence[ObjectSpec], things: Sequence[ObjectSpec]
) -> dict[int, tuple[float, float]]:
    """Where each member is from the anchor, metres: farther than before if they are wider than before."""
    if len(cluster.members) == 1:
        return {cluster.members[0]: (0.0, 0.0)}
    before, now = (sum(radius(all_[n]) for n in cluster.members) for all_ in (old, things))
    share = now / before
    x, y = cluster.anchor
    return {n: (share * (old[n].position[0] - x), share * (old[n].position[1] - y)) for n in cluster.members}


def _nearest_free(
    cluster: Cluster,
    offsets: dict[int, tuple[float, float]],
    old: Sequence[ObjectSpec],
    things: Sequence[ObjectSpec],
    placed: dict[int, ObjectSpec],
) -> tuple[float, float] | None:
    """The point nearest to a cluster's old anchor at which its members keep their distance from what is placed."""
    taken = [
        (n, other.position[0], other.position[1], radius(other) + (ROOM if gap > ROOM else max(gap, 0.0)))
        for n, other in placed.items()
        for gap in (min(_gap(old[m], old[n]) for m in cluster.members),)
    ]
    reach = {n: radius(things[n]) for n in cluster.members}

    def free(x: float, y: float) -> bool:
        return all(
            math.hypot(x + offsets[n][0] - there[1], y + offsets[n][1] - there[2]) >= reach[n] + there[3] - 1e-6
            for n in cluster.members
            for there in taken
        )

    if free(*cluster.anchor):
        return cluster.anchor
    area = REACHABLE.grown(GAP) if any(things[n].distractor for n in cluster.members) else REACHABLE
    xs, ys = np.arange(area.x_low, area.x_high, STEP), np.arange(area.y_low, area.y_high, STEP)
    points = sorted((math.dist(cluster.anchor, (x, y)), float(x), float(y)) for x in xs for y in ys)
    return next(((round(x, 4), round(y, 4)) for _, x, y in points if free(x, y)), None)


def _stood(
    number: int,
    old: Sequence[ObjectSpec],
    thing: ObjectSpec,
    point: tuple[float, float],
    offset: tuple[float, float],
    placed: dict[int, ObjectSpec],
    cluster: Cluster,
) -> ObjectSpec:
    """A thing at its place, on the table or on (or in) the first of its cluster."""
    x, y = round(point[0] + offset[0], 4), round(point[1] + offset[1], 4)
    stood = replace(stand(thing, x, y, old[number].yaw), joint=_joint(old[number], thing))
    if _marks(thing):
        return replace(stood, position=(x, y, old[number].position[2]))
    if _stands(old[number]):
        return stood
    below = placed[cluster.members[0]]
    kind = object_kind(below.kind)
    floor = below.position[2] - kind.height(below.size) / 2 + kind.floor_height(below.size)
    return replace(stood, position=(x, y, round(floor + stood.position[2], 6)))


def _joint(old: ObjectSpec, new: ObjectSpec) -> float:
    """The joint's start of a fixture that is exchanged: the same share of its travel."""
    before, now = (object_kind(thing.kind).shape(thing.size).part for thing in (old, new))
    if before is None or now is None:
        return 0.0
    return round(old.joint * (now.upper - now.lower) / (before.upper - before.lower), 5)


def _stands(thing: ObjectSpec) -> bool:
    return _marks(thing) or resting(thing)


def _marks(thing: ObjectSpec) -> bool:
    """Whether it only marks a place: nothing can touch it."""
    return not object_kind(thing.kind).pieces(thing.size)


def _gap(one: ObjectSpec, other: ObjectSpec) -> float:
    away = math.hypot(one.position[0] - other.position[0], one.position[1] - other.position[1])
    return away - radius(one) - radius(other)

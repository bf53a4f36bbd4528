"""What touches what, and how hard: from the contact points of the physics engine. Knows no engine, task or goal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from envs.scene import TABLE_NAME

TOUCHING = 0.0005  # metres: bodies that are nearer touch
BASE = -1  # link that is bolted to the table


@dataclass(frozen=True)
class Contacts:
    """Contacts at one moment.

    Attributes:
        touched: Names of objects that touch the robot.
        grasped: Names of objects that touch both fingers.
        pairs: Pairs of object names (sorted) that touch each other; the table is `table`.
        force: The hardest push that the robot, or what it holds, gives to anything, newtons: over every pair of bodies
            the normal forces are added as vectors, so that a grip, whose two fingers press against each other, is none.
        arm_on_table: Whether a link of the robot that is no finger touches the table.
    """

    touched: frozenset[str]
    grasped: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    force: float
    arm_on_table: bool


def read_contacts(
    points: Sequence[Sequence[Any]], robot: int, fingers: frozenset[int], names: Mapping[int, str]
) -> Contacts:
    """Contacts of the bodies called `names`.

    Args:
        points: As PyBullet's `getContactPoints` gives them: bodies in entries 1 and 2, their links in 3 and 4, normal
            on the second body (3,) in 7, distance (m) in 8, normal force (N) in 9.
        robot: Number of the robot's body.
        fingers: Its links that grasp.
        names: Number of a body -> name; other bodies do not count.
    """
    touching: dict[int, set[int]] = {}
    pairs: set[tuple[int, int]] = set()
    near = [point for point in points if point[8] <= TOUCHING]
    pushes: dict[int, list[Sequence[Any]]] = {}
    for point in near:
        a, b = point[1], point[2]
        if robot in (a, b):
            other, link = (b, point[3]) if a == robot else (a, point[4])
            if other in names:
                touching.setdefault(other, set()).add(link)
                pushes.setdefault(other, []).append(point)
        elif a in names and b in names:
            pairs.add((a, b))
    held = {body for body, links in touching.items() if fingers <= links and names[body] != TABLE_NAME}
    force = max((_push(found, robot) for found in pushes.values()), default=0.0)
    for body in held:
        force = max(force, _hardest(near, body, robot, names))
    on_table = next((links for body, links in touching.items() if names[body] == TABLE_NAME), set())
    return Contacts(
        touched=frozenset(names[body] for body in touching) - {TABLE_NAME},
        grasped=frozenset(names[body] for body in held),
        pairs=frozenset(_sorted(names[a], names[b]) for a, b in pairs),
        force=force,
        arm_on_table=bool(on_table - fingers - {BASE}),
    )


def _hardest(points: Iterable[Sequence[Any]], body: int, robot: int, names: Mapping[int, str]) -> float:
    """The hardest push between `body` and another one that is not the robot, newtons."""
    found: dict[int, list[Sequence[Any]]] = {}
    for point in points:
        if body in (point[1], point[2]):
            other = point[2] if point[1] == body else point[1]
            if other != robot and other in names:
                found.setdefault(other, []).append(point)
    return max((_push(points, body) for points in found.values()), default=0.0)


def _push(points: Iterable[Sequence[Any]], first: int) -> float:
    """Length of the sum of the normal forces between two bodies, one of which is `first`, newtons."""
    x = y = z = 0.0
    for point in points:
        force = point[9] if point[1] == first else -point[9]
        normal = point[7]
        x, y, z = x + force * normal[0], y + force * normal[1], z + force * normal[2]
    return sqrt(x * x + y * y + z * z)


def _sorted(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)

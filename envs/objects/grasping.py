"""Finds where a thing of any shape can be taken from above by two parallel fingers. Pure geometry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from envs.objects.meshes import Float64

WIDEST = 0.056  # metres between the fingers when they hold
OPEN = 0.04  # metres from the tool to each open finger's inner side
FINGER = (0.009, 0.018)  # metres: half the width of a finger, its thickness
PAD = (-0.008, 0.014)  # metres below and above the tool in which fingers touch
LOWEST = 0.015  # metres: height of the tool above the table at the least
CONTACT = 0.0015  # metres: what is so near to the outermost point touches too
SPACING = 0.0015  # metres between the points by which a surface is known
YAWS = 24


def best_grasp(hulls: Sequence[Float64], length: float) -> Float64:
    """The best place (x, y, z, yaw) for a thing of convex parts (P, 3) each, on the table; lengths as in `hulls`.

    Both fingers must touch, with room for them when they are open; among such places the one with the longest common
    contact and the shortest lever to the origin is best. Without any, it is the origin.

    Args:
        hulls: Corners of the parts, around the origin, in units of `length`.
        length: Metres a unit.
    """
    points = np.concatenate([_surface(corners * length) for corners in hulls])
    bottom = float(points[:, 2].min())
    height = max(0.0, bottom + LOWEST)
    candidates = list(_candidates(points, height))
    if not candidates:
        return np.zeros(4)
    _, x, y, yaw = max(candidates)
    return np.array([x / length, y / length, height / length, yaw])


def _candidates(points: Float64, height: float) -> Iterator[tuple[float, float, float, float]]:
    """(score, x, y, yaw) of the places where both fingers would touch."""
    low = points[:, 2] > height + PAD[0]
    band = low & (points[:, 2] < height + PAD[1])
    for yaw in np.arange(YAWS) * (np.pi / YAWS):
        along = np.array([np.cos(yaw), np.sin(yaw)])  # the fingers' width
        across = np.array([-along[1], along[0]])  # the way they close
        t, c = points[:, :2] @ along, points[:, :2] @ across
        reach = float(np.abs(t).max())
        for shift in np.arange(-reach, reach, 0.003):
            strip = np.abs(t - shift) < FINGER[0]
            touched = strip & band
            if not touched.any():
                continue
            first, last = float(c[touched].min()), float(c[touched].max())
            middle, width = (first + last) / 2, last - first
            away = np.abs(c[strip & low] - middle)
            if width > WIDEST or ((away > OPEN - 0.004) & (away < OPEN + FINGER[1])).any():
                continue
            contact = _common(t[touched & (c < first + CONTACT)], t[touched & (c > last - CONTACT)])
            place = shift * along + middle * across
            score = min(contact, 0.012) - 0.35 * float(np.hypot(*place))
            yield score, float(place[0]), float(place[1]), float(yaw)


def _common(one: Float64, other: Float64) -> float:
    """Length of the stretch that both sets of positions cover, metres; negative if they are apart."""
    return float(min(one.max(), other.max()) - max(one.min(), other.min()))


def _surface(corners: Float64) -> Float64:
    """Points (N, 3) all over the surface of a convex hull."""
    from scipy.spatial import ConvexHull

    out = []
    for face in corners[ConvexHull(corners).simplices]:
        longest = max(np.linalg.norm(face[i] - face[i - 1]) for i in range(3))
        steps = int(np.ceil(longest / SPACING)) + 1
        u, v = np.meshgrid(np.linspace(0, 1, steps), np.linspace(0, 1, steps))
        inside = u + v <= 1 + 1e-9
        u, v = u[inside][:, None], v[inside][:, None]
        out.append(face[0] + u * (face[1] - face[0]) + v * (face[2] - face[0]))
    return np.concatenate(out)

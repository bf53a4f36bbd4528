"""Losses that teach a network where the things are that an instruction names, and how they lie to one another."""

from __future__ import annotations

import torch
from torch import Tensor

RELATIONS = 13
ROTATION = 8
POSTURE = ROTATION + 8


def relations(hand: Tensor, target: Tensor, place: Tensor) -> Tensor:
    """How hand, target and place (each (B, 3) m) lie to one another, (B, RELATIONS), in decimetres.

    Differences, and the hand's offset from the target along and across the way to the place: what a network of two
    layers is slow to compute from coordinates, and what pushing needs to a few millimetres.
    """
    reach, way = target - hand, place - target
    ahead = way[:, :2] / way[:, :2].norm(dim=1, keepdim=True).clamp(min=0.02)
    along = -(reach[:, :2] * ahead).sum(1, keepdim=True)
    across = reach[:, 1:2] * ahead[:, :1] - reach[:, :1] * ahead[:, 1:2]
    return torch.cat([reach * 10, way * 10, (place - hand) * 10, ahead, along * 10, across * 10], 1)


def rotation(axis_angle: Tensor) -> Tensor:
    """How the hand is turned (B, 3) rad, as (B, ROTATION).

    The first two columns of its rotation matrix (Zhou et al. 2019, arXiv 1812.07035): of a hand that points down the
    axis-angle is near pi, where it jumps to the opposite side, and no small network makes sense of it. Then how far it
    leans along x and y, ten times, for a tenth of a radian matters.
    """
    angle = axis_angle.norm(dim=1, keepdim=True).clamp(min=1e-6)
    (x, y, z), cos, sin = (axis_angle / angle).unbind(1), angle[:, 0].cos(), angle[:, 0].sin()
    rest = 1 - cos
    first = torch.stack([cos + rest * x * x, rest * x * y + sin * z, rest * x * z - sin * y], 1)
    second = torch.stack([rest * x * y - sin * z, cos + rest * y * y, rest * y * z + sin * x], 1)
    leans = torch.stack([first[:, 1] * second[:, 2], first[:, 2] * second[:, 0]], 1)
    leans = 10 * (leans - torch.stack([first[:, 2] * second[:, 1], first[:, 0] * second[:, 2]], 1))
    return torch.cat([first, second, leans], 1)


def posture(turned: Tensor, turns: Tensor) -> Tensor:
    """How the hand is turned (B, ROTATION), and would have to turn for each role (B, 2, 2): (B, POSTURE).

    Added is cosine and sine of each role's turn minus 2 and 4 times the hand's yaw, for things that can be taken at two
    or four yaws.
    """
    yaw = torch.atan2(turned[:, 1], turned[:, 0])
    parts = [turned]
    for times in (2, 4):
        c, s = (times * yaw).cos()[:, None], (times * yaw).sin()[:, None]
        parts += [turns[..., 0] * c + turns[..., 1] * s, turns[..., 1] * c - turns[..., 0] * s]
    return torch.cat(parts, 1)


def grounding_loss(heat: Tensor, points: Tensor, spoken: Tensor, coordinates: Tensor) -> Tensor:
    """Cross-entropy between heat maps (B, V, R, G * G) and a Gaussian of 0.8 cells around `points` (B, V, R, 3)."""
    sigma = 0.8 / coordinates.shape[0] ** 0.5
    distance = (points[..., None, :2] - coordinates).square().sum(-1)
    target = torch.softmax(-distance / (2 * sigma**2), -1)
    weight = points[..., 2] * spoken[:, None, None]
    return -((target * heat.log_softmax(-1)).sum(-1) * weight).sum() / weight.sum().clamp(min=1)


def position_loss(predicted: Tensor, positions: Tensor, spoken: Tensor, scale: Tensor) -> Tensor:
    """Mean absolute error between (B, R, 3) and the first three of (B, R, 7), in units of `scale`, where valid."""
    error = ((predicted - positions[..., :3]) / scale).abs().mean(-1)
    weight = positions[..., 3] * spoken[:, None]
    return (error * weight).sum() / weight.sum().clamp(min=1)


def turn_loss(predicted: Tensor, positions: Tensor, spoken: Tensor) -> Tensor:
    """Mean squared distance of turns (B, R, 2) from cosine and sine in (B, R, 7), where there are any."""
    error = (predicted - positions[..., 4:6]).square().sum(-1)
    weight = positions[..., 6] * spoken[:, None]
    return (error * weight).sum() / weight.sum().clamp(min=1)

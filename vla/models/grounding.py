"""Losses that teach a network where the things are that an instruction names, and how they lie to one another."""

from __future__ import annotations

import torch
from torch import Tensor

RELATIONS = 13


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


def grounding_loss(heat: Tensor, points: Tensor, spoken: Tensor, coordinates: Tensor) -> Tensor:
    """Cross-entropy between heat maps (B, V, R, G * G) and a Gaussian of 0.8 cells around `points` (B, V, R, 3)."""
    sigma = 0.8 / coordinates.shape[0] ** 0.5
    distance = (points[..., None, :2] - coordinates).square().sum(-1)
    target = torch.softmax(-distance / (2 * sigma**2), -1)
    weight = points[..., 2] * spoken[:, None, None]
    return -((target * heat.log_softmax(-1)).sum(-1) * weight).sum() / weight.sum().clamp(min=1)


def position_loss(predicted: Tensor, positions: Tensor, spoken: Tensor, scale: Tensor) -> Tensor:
    """Mean absolute error between (B, R, 3) and the first three of (B, R, 4), in units of `scale`, where valid."""
    error = ((predicted - positions[..., :3]) / scale).abs().mean(-1)
    weight = positions[..., 3] * spoken[:, None]
    return (error * weight).sum() / weight.sum().clamp(min=1)

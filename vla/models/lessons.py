"""Heads for lessons: an answer out of a closed vocabulary, and a box. They sit on what the action head sits on.

Knows no backbone: features, words and looks are arguments. Legend as in `vla.models.contract`, and E words' width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

WIDTH = 128


class LessonHeads(nn.Module):
    """Answers and boxes.

    Args:
        features: Width F of what the trunk knows of a picture and the words.
        text: Width E of what it knows of the words alone.
        look: Width of a look: where something is (2), and what is there.
        answers: Size of the answer vocabulary.
    """

    def __init__(self, features: int, text: int, look: int, answers: int) -> None:
        """Create the layers with weights drawn from torch's global generator."""
        super().__init__()
        self.features = features
        self.answer = nn.Sequential(nn.Linear(features + text, WIDTH), nn.ReLU(), nn.Linear(WIDTH, answers))
        self.box = nn.Sequential(nn.Linear(look, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 4))

    def answers(self, features: Tensor | None, text: Tensor) -> Tensor:
        """Logits (B, answers) from features (B, F), or None where there are only words, and words (B, E)."""
        if features is None:
            features = text.new_zeros(len(text), self.features)
        logits: Tensor = self.answer(torch.cat([features.float(), text.float()], 1))
        return logits.float()

    def boxes(self, looks: Tensor) -> Tensor:
        """Boxes (B, V, 4) of one role: left, top, right, bottom, image fractions, from its looks (B, V, 2 + D).

        The box lies around where the role is; how far it reaches to each side is learnt, about a tenth at first.
        """
        reach = nnf.softplus(self.box(looks.float()).float() - 2.0)
        where = looks[..., :2].float()
        return torch.cat([where - reach[..., :2], where + reach[..., 2:]], -1)


def answer_loss(logits: Tensor, answers: Tensor) -> Tensor:
    """Cross-entropy of logits (B, answers) where an answer (B,) is asked for (-1: none); 0 if none is."""
    known = answers >= 0
    each = nnf.cross_entropy(logits, answers.clamp(min=0), reduction="none")
    return (each * known).sum() / known.sum().clamp(min=1)


def right_answers(logits: Tensor, answers: Tensor) -> Tensor:
    """Share of right answers among those asked for; it has no gradient."""
    known = answers >= 0
    return ((logits.argmax(-1) == answers) & known).sum() / known.sum().clamp(min=1)


def box_loss(predicted: Tensor, boxes: Tensor) -> Tensor:
    """L1 plus 1 - GIoU, as DETR (arXiv 2005.12872) weighs them for boxes: 5 to 2.

    `predicted` (B, V, 4), `boxes` (B, V, 5) with 1 where there is something to be found; 0 if there is nothing.
    """
    wanted, seen = boxes[..., :4], boxes[..., 4]
    each = 5 * (predicted - wanted).abs().mean(-1) + 2 * (1 - generalized_iou(predicted, wanted))
    return (each * seen).sum() / seen.sum().clamp(min=1)


def generalized_iou(a: Tensor, b: Tensor) -> Tensor:
    """GIoU (arXiv 1902.09630) of boxes (..., 4), in (-1, 1]; where a box is empty, so is its intersection."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    hull = (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])).clamp(min=1e-6).prod(-1)
    both = (high - low).clamp(min=0).prod(-1)
    either = (_area(a) + _area(b) - both).clamp(min=1e-6)
    return both / either - (hull - either) / hull


def _area(box: Tensor) -> Tensor:
    return (box[..., 2:] - box[..., :2]).clamp(min=0).prod(-1)

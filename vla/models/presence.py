"""Whether what an instruction names is in sight: a head on how well a picture answers to the words.

A policy that is told of something that is not there looks for the next best thing and acts on it; this says so.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as nnf

WIDTH = 128


class PresenceHead(nn.Module):
    """Evidence (B, `width`) to logits (B,)."""

    def __init__(self, width: int) -> None:
        """Create the layers with weights drawn from torch's global generator."""
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))

    def forward(self, evidence: Tensor) -> Tensor:
        """Logits (B,) float32 that it is there."""
        logits: Tensor = self.layers(evidence.float())
        return logits[:, 0].float()


def presence_loss(logits: Tensor, present: Tensor) -> Tensor:
    """Binary cross-entropy of logits (B,) where `present` (B,) is 1 or 0 (-1: nobody asks), both alike in weight.

    Absent things are few among the samples, so each side counts by its own mean; 0 where nobody asks.
    """
    asked = present >= 0
    each = nnf.binary_cross_entropy_with_logits(logits, present.clamp(min=0), reduction="none")
    there, gone = asked & (present > 0), asked & (present <= 0)
    return (_mean(each, there) + _mean(each, gone)) / 2


def _mean(values: Tensor, where: Tensor) -> Tensor:
    return (values * where).sum() / where.sum().clamp(min=1)

"""From pictures to places: where a role is in each picture, and where in the room that is.

Legend as in `vla.models.contract`, and D channels, G grid side, N pictures.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as nnf

from vla.models.contract import ENDS, ROLES
from vla.models.layers import begin_with_nothing

EMPTY_SHARE = 8  # of the cells in which nothing is, one in so many is asked about, and of the others one in two


class Placing(nn.Module):
    """Corrects positions and turns from where each role is seen, by one MLP for all roles.

    What a camera's picture says of where a thing is does not depend on what the thing is to the instruction: what is
    learnt of the target holds for the landmarks, of which fewer are shown. It begins by correcting nothing.

    Args:
        views: Pictures V.
        channels: Width D of what is seen there.
        body: Width S of what is known of the hand.
        hidden: Width of the layers.
    """

    def __init__(self, views: int, channels: int, body: int, hidden: int) -> None:
        """Create the layers."""
        super().__init__()
        last = nn.Linear(hidden, 3 + 2)
        begin_with_nothing(last)
        width = views * (5 + channels + 2) + body + 3 + 2
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), last)

    def forward(
        self, looks: Tensor, sure: Tensor, body: Tensor, offset: Tensor, turns: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Offsets (B, R, 3) and turns (B, R, 2), corrected.

        Args:
            looks: (B, V, R, 2 + D) where each role is, image fractions, and what is there.
            sure: (B, V, R, 2) how sure that is, as of `decided`.
            body: (B, S).
            offset: (B, R, 3) and
            turns: (B, R, 2): what is to be corrected.
        """
        u, v = (4 * looks[..., :2] - 2).unbind(-1)  # a pixel is a centimetre, so that small numbers would be lost
        where = torch.stack([u, v, u * v, u * u, v * v], -1)
        what = nnf.layer_norm(looks[..., 2:], (looks.shape[-1] - 2,))
        seen = torch.cat([where, what, 3 * sure], -1).transpose(1, 2).flatten(2)
        known = body[:, None].expand(-1, seen.shape[1], -1)
        more = self.layers(torch.cat([seen, known, offset, turns], 2)).float()
        return offset + more[..., :3], turns + more[..., 3:]


class Aim(nn.Module):
    """Corrects where the target ends by where everything is: no picture shows what has not happened yet.

    "Between the cups" or "half open" is arithmetic on a few coordinates and words. It begins by correcting nothing.

    Args:
        known: Width K of proprioception and words.
        hidden: Width of the layers.
    """

    def __init__(self, known: int, hidden: int) -> None:
        """Create the layers."""
        super().__init__()
        last = nn.Linear(hidden, 3 + 2)
        begin_with_nothing(last)
        width = known + ROLES * (3 + 2)
        self.layers = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), last)

    def forward(self, offset: Tensor, turns: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Offsets (B, R, 3) from the middle of the workspace and turns (B, R, 2), with those of `ENDS` corrected."""
        places = torch.cat([2 * offset, turns], 2).flatten(1)
        place, turn = self.layers(torch.cat([places, known], 1)).float().split((3, 2), 1)
        return with_end(offset, offset[:, ENDS] + place), with_end(turns, turns[:, ENDS] + turn)


def with_end(of_all: Tensor, end: Tensor) -> Tensor:
    """(B, R, X) with (B, X) as that of `ENDS`."""
    return torch.cat([of_all[:, :ENDS], end[:, None], of_all[:, ENDS + 1 :]], 1)


def decided(heat: Tensor, grid: int, window: int) -> tuple[Tensor, Tensor]:
    """Attention (N, R, G * G) from logits `heat`, and how sure it is (N, R, 2).

    With a `window` only cells at most so many away from the best one count: the mean of two places in which a thing
    may be is a place in which it is not. Sure is how much of all attention the window has, and a tenth of the best
    logit.
    """
    whole = heat.softmax(-1)
    if not window:
        return whole, torch.stack([whole.amax(-1), heat.amax(-1) / 10], -1)
    best = heat.argmax(-1, keepdim=True)
    cells = torch.arange(heat.shape[-1], device=heat.device)
    away = torch.maximum((cells // grid - best // grid).abs(), (cells % grid - best % grid).abs())
    near = whole * (away <= window)
    mass = near.sum(-1, keepdim=True)
    return near / mass, torch.stack([mass[..., 0], heat.amax(-1) / 10], -1)


def label_loss(layer: nn.Module, maps: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the words for what is in each cell; 0 if nobody asks.

    Args:
        layer: From features to logits of all words for the colour, then for the kind.
        maps: Feature maps (N, D, G, G).
        labels: (B, V, G, G, 2) ids of the words, 0 for nothing, -1 where nobody asks; N = B * V.
    """
    labels = labels.flatten(0, 1)
    row, column = (torch.arange(size, device=maps.device) for size in labels.shape[1:3])
    order = 3 * row[:, None] + column  # neighbours see nearly the same
    asked = ((labels > 0).any(-1) & (order % 2 == 0)) | ((labels >= 0).any(-1) & (order % EMPTY_SHARE == 0))
    chosen = asked.nonzero(as_tuple=True)
    wanted = labels[chosen].flatten()  # (2 K,)
    logits = layer(maps.permute(0, 2, 3, 1)[chosen]).float()
    each = nnf.cross_entropy(logits.view(len(wanted), logits.shape[1] // 2), wanted.clamp(min=0), reduction="none")
    known = wanted >= 0
    return (each * known).sum() / known.sum().clamp(min=1)

"""Where what is told ends, from where everything is: no picture shows what has not happened yet.

Legend as in `vla.models.contract`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vla.models.contract import ENDS, ROLES

OTHERS = tuple(role for role in range(ROLES) if role != ENDS)


class Aim(nn.Module):
    """Place and turn of role `ENDS`, from those of all other roles, proprioception and the words.

    "Between the cups" or "half open" is arithmetic on a few coordinates: learnt from them it holds in scenes that were
    never seen, learnt from pictures it was remembered (experiments/results/base.md).

    Args:
        known: Width K of proprioception and words.
        width: Of the hidden layers.
    """

    def __init__(self, known: int, width: int) -> None:
        """Create the layers."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(known + len(OTHERS) * (3 + 2), width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, 3 + 2),
        )

    def forward(self, places: Tensor, turns: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Offsets (B, R, 3) from the middle of the workspace and turns (B, R, 2), with those of `ENDS` replaced."""
        others = torch.cat([places[:, OTHERS], turns[:, OTHERS]], 2).flatten(1)
        place, turn = self.layers(torch.cat([others, known], 1)).float().split((3, 2), 1)
        return _with(places, place), _with(turns, turn)


def _with(all_roles: Tensor, end: Tensor) -> Tensor:
    """(B, R, X) with (B, X) as that of `ENDS`."""
    return torch.cat([all_roles[:, :ENDS], end[:, None], all_roles[:, ENDS + 1 :]], 1)

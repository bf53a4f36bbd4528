"""Shape of the compact network. Legend as in `vla.models.contract`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from typing_extensions import Self

from vla.models.contract import ModelConfig
from vla.models.sentences import SentenceConfig
from vla.normalize import Normalizer
from vla.text import Vocabulary


@dataclass(frozen=True, kw_only=True)
class CompactConfig(ModelConfig):
    """Shape of the network; stored with the weights.

    Attributes:
        vocab_size: Number of token ids, padding included.
        max_words: Tokens per instruction.
        patch: Side of a patch, pixels, a divisor of `image_size`; the grid has G = image_size / patch cells a side.
        channels: Width D of the feature maps.
        blocks: Convolutions, each modulated by the instruction.
        keypoints: Spatial-softmax keypoints a camera.
        text_dim: Width of word embeddings.
        encoder: Pretrained text encoder that word embeddings come from; None for our own.
        text_layers: Attention blocks over the words.
        context_layers: Attention blocks in which patches, words and proprioception look at one another; 0 for none.
        context_side: Patches a side and camera that they look at, a divisor of the grid.
        locating: Width of the layer that finds positions.
        hidden: Width of the fusion MLP.
        fusion_layers: Residual layers of it after the first two.
        answers: What questions may be answered with; without any there are no heads for lessons.
        presence: Whether it tells if what the words name is in sight.
        fine: Channels of a stem at half the pictures' resolution beside the patches; 0 for none.
        deep: Channels of convolutions at half the grid.
        deep_blocks: How many of them there are, before the last of `blocks`.
        window: Cells around the one that answers best to a role's query in which the role is looked for; 0 for all.
            Without it a role that may be in two places is taken to be between them.
        placing: Width of the layers that find a position from where a role is seen, the same for all roles; 0 for none.
        aiming: Width of the layers that correct where the target ends by where everything is; 0 for none.
        labels: Whether the network learns to say of every cell what is there, colour and kind, as a word each.
        truth: Share of training samples whose action is learnt knowing where the roles are, all but `ENDS`, instead of
            where the network takes them to be: decisions do not learn to hesitate because eyes are bad.
        only_places: Whether it acts by places, turns, proprioception and words alone, whatever else it sees; with
            `truth` it learns to act either way, so that a finished checkpoint may be told so.
        ee_mean: What normalised proprioception subtracts from the end-effector's position (m, base frame) and
            axis-angle (rad).
        ee_std: What it divides by; the two give back metres and radians.
    """

    backbone: str = "compact"
    vocab_size: int
    max_words: int = 20
    patch: int = 4
    channels: int = 48
    blocks: int = 3
    keypoints: int = 16
    text_dim: int = 64
    encoder: SentenceConfig | None = None
    text_layers: int = 2
    context_layers: int = 0
    context_side: int = 6
    locating: int = 256
    hidden: int = 384
    fusion_layers: int = 0
    answers: tuple[str, ...] = ()
    presence: bool = False
    fine: int = 0
    deep: int = 0
    deep_blocks: int = 0
    window: int = 0
    placing: int = 0
    aiming: int = 0
    labels: bool = False
    truth: float = 0.0
    only_places: bool = False
    ee_mean: tuple[float, ...] = (0.0,) * 6
    ee_std: tuple[float, ...] = (1.0,) * 6

    @classmethod
    def for_data(cls, words: Vocabulary, normalizer: Normalizer, **fields: Any) -> Self:
        """Takes the size of the vocabulary, and what gives back metres and radians from proprioception."""
        offset, scale = normalizer.state_offset[:6], normalizer.state_scale[:6]
        known: dict[str, Any] = {
            "vocab_size": words.size,
            "max_words": words.max_words,
            "ee_mean": offset,
            "ee_std": scale,
        }
        return cls(**known, **fields)

    @property
    def grid(self) -> int:
        """Cells a side."""
        return self.image_size // self.patch

    def __post_init__(self) -> None:
        """Raise ValueError for sizes that do not fit."""
        if len(self.ee_mean) != 6 or len(self.ee_std) != 6:
            raise ValueError(f"ee_mean and ee_std have 6 entries, got {len(self.ee_mean)} and {len(self.ee_std)}")
        if self.image_size % self.patch:
            raise ValueError(f"image_size {self.image_size} is not a multiple of patch {self.patch}")
        if self.fine and self.patch % 2:
            raise ValueError(f"a fine stem needs patches of an even number of pixels, got patch {self.patch}")
        if not 0 <= self.truth <= 1:
            raise ValueError(f"truth is a share of samples in [0, 1], got {self.truth}")
        if self.context_layers and self.grid % self.context_side:
            raise ValueError(f"context_side {self.context_side} does not divide the grid of {self.grid} cells a side")

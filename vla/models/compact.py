"""The compact VLA network: two cameras, an instruction and proprioception to a chunk of actions, trained from nothing.

The forward pass is in this file and in `vla.models.encoders`. Bias that makes it learn in minutes on a CPU:
  - the instruction modulates the feature maps of every convolution (FiLM, Perez et al. 2018);
  - spatial-softmax keypoints (Levine et al. 2016) turn maps into coordinates;
  - queries read from the words point at the target, where it ends, and landmarks, in each camera, taught by where the
    simulator knows them to be; their points, features and 3D position are given to the action head.
Any action head of `vla.models.heads` acts on what it knows. Knows no simulator, no task, no files.

Legend as in `vla.models.contract`, and G grid side, D channels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from typing_extensions import Self

from vla.models.aiming import Aim
from vla.models.contract import BACKBONES, ENDS, ROLES, VLA, Batch, Lessons, ModelConfig, Prefix, make_head
from vla.models.encoders import TextEncoder, VisionTrunk
from vla.models.grounding import POSTURE, RELATIONS, grounding_loss, position_loss, posture, relations, turn_loss
from vla.models.layers import Context, Residual
from vla.models.lessons import LessonHeads, answer_loss, box_loss, right_answers
from vla.models.presence import PresenceHead, presence_loss
from vla.models.sentences import SentenceConfig
from vla.normalize import Normalizer
from vla.text import Vocabulary

TOLD_M, TOLD_RAD = 0.005, 0.05  # deviation of positions and turns that are told instead of seen


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
        by_places: Whether pictures reach the MLP only as places and turns of the roles, and where the target ends is
            reckoned from the others (`vla.models.aiming`).
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
    by_places: bool = False
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
        if self.context_layers and self.grid % self.context_side:
            raise ValueError(f"context_side {self.context_side} does not divide the grid of {self.grid} cells a side")


class Fused(NamedTuple):
    """What the trunk knows: features for the action head and what it is taught about grounding."""

    features: Tensor  # (B, hidden)
    text: Tensor  # (B, E)
    looks: Tensor  # (B, V, R, 2 + D) where each role is, image fractions, and what is there
    heat: Tensor  # (B, V, R, G * G) logits of where each role is
    positions: Tensor  # (B, R, 3) metres, base frame
    turns: Tensor  # (B, R, 2) cosine and sine
    evidence: Tensor  # (B, V (2 + 2 D) + E) how well the picture answers to the words, for role 0


@BACKBONES.register("compact")
class CompactVLA(VLA):
    """The network: `fuse` observations, then the head's loss or its actions."""

    config_class = CompactConfig
    config: CompactConfig

    coordinates: Tensor
    workspace: Tensor
    hand: Tensor

    def __init__(self, config: CompactConfig) -> None:
        """Create the layers with weights drawn from torch's global generator."""
        super().__init__()
        self.config, self.recompute = config, False
        d, views, e = config.channels, config.views, config.text_dim
        self.text = TextEncoder(config)
        self.vision = VisionTrunk(config)
        if config.context_layers:
            self.context = Context(
                channels=d,
                grid=config.grid,
                side=config.context_side,
                views=views,
                state=config.state_dim,
                width=e,
                layers=config.context_layers,
            )
        self.keypoints = nn.Conv2d(d, config.keypoints, 1)
        self.key = nn.Conv2d(d, d, 1)
        self.query = nn.Linear(e, views * d)
        known = config.state_dim + e
        seen = views * (config.keypoints * 2 + ROLES * (d + 2)) + known
        self.locate = nn.Sequential(
            nn.Linear(seen, config.locating), nn.ReLU(), nn.Linear(config.locating, ROLES * (3 + 2))
        )
        self.aim = Aim(known, config.locating) if config.by_places else None
        self.unseen = seen - known
        self.fusion = nn.Sequential(
            nn.Linear((known if config.by_places else seen) + ROLES * (3 + 2) + RELATIONS + POSTURE, config.hidden),
            nn.ReLU(),
            nn.Linear(config.hidden, config.hidden),
            nn.ReLU(),
            *(Residual(config.hidden) for _ in range(config.fusion_layers)),
        )
        self.head = make_head(config.hidden, config.head)
        self.lesson_heads = LessonHeads(config.hidden, e, 2 + d, len(config.answers)) if config.answers else None
        self.sight = PresenceHead(views * (2 + 2 * d) + e) if config.presence else None
        axis = (torch.arange(config.grid) + 0.5) / config.grid
        v, u = torch.meshgrid(axis, axis, indexing="ij")
        self.register_buffer("coordinates", torch.stack([u, v], -1).view(-1, 2), persistent=False)
        self.register_buffer("hand", torch.tensor([config.ee_mean, config.ee_std]), persistent=False)
        # Rough centre and half-size of a tabletop workspace (m), so that the network works with numbers near one.
        self.register_buffer("workspace", torch.tensor([[0.5, 0.0, 0.1], [0.15, 0.2, 0.1]]), persistent=False)

    def recompute_activations(self) -> None:
        """From now on, feature maps and tokens are computed again when gradients are wanted."""
        self.recompute = True

    def _step(self, layer: Callable[..., Any], *inputs: Any) -> Any:
        """`layer(*inputs)`, with or without keeping what its backward pass needs."""
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(layer, *inputs, use_reentrant=False, preserve_rng_state=False)
        return layer(*inputs)

    def look(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Feature maps (B * V, D, G, G), the summary of the words (B, E) and a query of each role (B, R, E)."""
        words, bias = self.text(tokens)
        film, maps = self.vision.modulation(words[:, 0]), self.vision.start(pixels)
        last = self.config.blocks - 1
        for number in range(last):
            maps = self._step(self.vision.block, number, maps, film)
        if self.config.context_layers:
            maps, words = self._step(self.context, maps, words, bias, agent_pos)
        maps = self._step(self.vision.block, last, maps, film)
        return maps, words[:, 0], words[:, 1 : 1 + ROLES]

    def fuse(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> Fused:
        """Everything up to the action head. Shapes as in `Batch`."""
        b, views = pixels.shape[:2]
        maps, text, roles = self.look(pixels, tokens, agent_pos)
        points = self.keypoints(maps).flatten(2).float().softmax(-1) @ self.coordinates  # (B * V, K, 2)
        query = self.query(roles).view(b, ROLES, views, -1).transpose(1, 2).flatten(0, 1)  # (B * V, R, D)
        heat = torch.bmm(query.to(maps.dtype), self.key(maps).flatten(2)).float() / maps.shape[1] ** 0.5
        attention = heat.softmax(-1)
        where = attention @ self.coordinates  # (B * V, R, 2)
        what = torch.bmm(attention.to(maps.dtype), maps.flatten(2).transpose(1, 2)).float()
        seen = torch.cat([points.flatten(1) * 2 - 1, where.flatten(1) * 2 - 1, what.flatten(1)], 1).view(b, -1)
        seen = torch.cat([seen, agent_pos, text.float()], 1)
        offset, turns = self.locate(seen).float().split((ROLES * 3, ROLES * 2), 1)
        offset, turns = offset.view(b, ROLES, 3), turns.view(b, ROLES, 2)
        if self.aim is not None:
            offset, turns = self.aim(offset, turns, seen[:, self.unseen :])
        positions = self.workspace[0] + self.workspace[1] * offset
        features = self.think(seen, agent_pos, positions, turns)
        looks = torch.cat([where, what], 2).view(b, views, ROLES, -1)
        strength = torch.stack([heat[:, 0].amax(-1), heat[:, 0].logsumexp(-1)], -1)
        evidence = torch.cat([strength, what[:, 0], what[:, 0] * query[:, 0].float()], 1).view(b, -1)
        evidence = torch.cat([evidence, text.float()], 1)
        return Fused(features, text.float(), looks, heat.view(b, views, ROLES, -1), positions, turns, evidence)

    def think(self, seen: Tensor, agent_pos: Tensor, positions: Tensor, turns: Tensor) -> Tensor:
        """Features (B, hidden) for the head: from what is seen, where the roles are (B, R, 3), how turned (B, R, 2)."""
        offset = ((positions - self.workspace[0]) / self.workspace[1]).flatten(1)
        hand = self.hand[0] + self.hand[1] * agent_pos[:, :6]
        near = relations(hand[:, :3], positions[:, 0], positions[:, 1])
        seen = seen if self.aim is None else seen[:, self.unseen :]
        known = (seen, offset, near, turns.flatten(1), posture(hand[:, 3:], turns[:, :2]))
        features: Tensor = self.fusion(torch.cat(known, 1))
        return features

    def _in_the_dark(self, tokens: Tensor, agent_pos: Tensor) -> Tensor:
        """What `think` takes as seen where there is no picture: proprioception and words."""
        text = self.text(tokens)[0][:, 0].float()
        return torch.cat([text.new_zeros(len(text), self.unseen), agent_pos, text], 1)

    def told(self, batch: Batch, noise: Tensor, time: Tensor) -> dict[str, Tensor]:
        """Losses without a picture: where the roles are is told, to half a centimetre and three degrees.

        What remains to be learnt from pictures is where things are, and what words do not say of them.
        """
        seen = self._in_the_dark(batch.tokens, batch.agent_pos)
        placed = batch.positions
        about = placed[..., :3] + TOLD_M * torch.randn_like(placed[..., :3])
        where = torch.where(placed[..., 3:4] > 0, about, self.workspace[0])
        turns = (placed[..., 4:6] + TOLD_RAD * torch.randn_like(placed[..., 4:6])) * placed[..., 6:]
        features = self.think(seen, batch.agent_pos, where, turns)
        losses = {"action": self.head.loss(features, batch.actions, batch.action_valid, noise, time)}
        if self.aim is not None:
            offset = (where - self.workspace[0]) / self.workspace[1]
            offset, turns = self.aim(offset, turns, seen[:, self.unseen :])
            where, spoken = self.workspace[0] + self.workspace[1] * offset, (batch.tokens != 0).any(1).float()
            ends = slice(ENDS, ENDS + 1)
            losses["position"] = position_loss(where[:, ends], placed[:, ends], spoken, self.workspace[1])
            losses["turn"] = turn_loss(turns[:, ends], placed[:, ends], spoken)
        return losses

    def forward(self, batch: Batch | Lessons, noise: Tensor, time: Tensor) -> dict[str, Tensor]:
        """Scalar losses: `action`, `ground` (cross-entropy of where), `position` (L1), `turn`, `present`.

        Samples without views are told where things are (`told`). Samples without words (modality dropout) teach no
        grounding: nobody could know what is meant. Lessons have the losses of `lessons`.
        """
        if isinstance(batch, Lessons):
            return self.lessons(batch)
        if batch.pixels.shape[1] == 0:
            return self.told(batch, noise, time)
        fused = self.fuse(batch.pixels, batch.tokens, batch.agent_pos)
        spoken = (batch.tokens != 0).any(1).float()
        losses = {
            "action": self.head.loss(fused.features, batch.actions, batch.action_valid, noise, time),
            "ground": grounding_loss(fused.heat, batch.points, spoken, self.coordinates),
            "position": position_loss(fused.positions, batch.positions, spoken, self.workspace[1]),
            "turn": turn_loss(fused.turns, batch.positions, spoken),
        }
        if self.sight is not None:
            losses["present"] = presence_loss(self.sight(fused.evidence), batch.present)
        return losses

    def lessons(self, batch: Lessons) -> dict[str, Tensor]:
        """Scalar losses `answer`, `ground`, `box`, `position`, and `answered`, the share of right answers.

        Where there are only words, the cameras cost nothing, and there is nothing to be pointed at. Raises ValueError
        if the network was made without answers.
        """
        heads = self.lesson_heads
        if heads is None:
            raise ValueError("this network has no heads for lessons: its configuration names no answers")
        if batch.pixels.shape[1] == 0:
            logits = heads.answers(None, self.text(batch.tokens)[0][:, 0])
            return {"answer": answer_loss(logits, batch.answers), "answered": right_answers(logits, batch.answers)}
        fused = self.fuse(batch.pixels, batch.tokens, batch.agent_pos)
        logits, all_of_them = heads.answers(fused.features, fused.text), torch.ones_like(batch.agent_pos[:, 0])
        return {
            "answer": answer_loss(logits, batch.answers),
            "ground": grounding_loss(fused.heat, batch.points, all_of_them, self.coordinates),
            "box": box_loss(heads.boxes(fused.looks[:, :, 0]), batch.boxes),
            "position": position_loss(fused.positions, batch.positions, all_of_them, self.workspace[1]),
            "answered": right_answers(logits, batch.answers),
        }

    def act(
        self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor, noise: Tensor, prefix: Prefix | None = None
    ) -> Tensor:
        """Normalised actions (B, C, 7). `noise` (B, C, 7) is the starting point of heads that sample."""
        return self.head.act(self.fuse(pixels, tokens, agent_pos).features, noise, prefix)

    def act_told(
        self, positions: Tensor, tokens: Tensor, agent_pos: Tensor, noise: Tensor, prefix: Prefix | None = None
    ) -> Tensor:
        """Actions as of `act`, told where all roles but `ENDS` are, (B, R, 7) as in `Batch`, instead of seeing it.

        Raises ValueError for a network that does not decide by places: it would miss what else it sees.
        """
        if self.aim is None:
            raise ValueError("only a network that decides by places can be told where things are")
        seen = self._in_the_dark(tokens, agent_pos)
        where = torch.where(positions[..., 3:4] > 0, positions[..., :3], self.workspace[0])
        offset = (where - self.workspace[0]) / self.workspace[1]
        offset, turns = self.aim(offset, positions[..., 4:6] * positions[..., 6:], seen[:, self.unseen :])
        where = self.workspace[0] + self.workspace[1] * offset
        return self.head.act(self.think(seen, agent_pos, where, turns), noise, prefix)

    def presence(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> Tensor:
        """Probability (B,) that what the words name is in sight. Raises ValueError if it has not learnt it."""
        if self.sight is None:
            return super().presence(pixels, tokens, agent_pos)
        logits: Tensor = self.sight(self.fuse(pixels, tokens, agent_pos).evidence)
        return logits.sigmoid()

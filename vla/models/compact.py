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
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from vla.models.compact_config import CompactConfig
from vla.models.contract import BACKBONES, ENDS, ROLES, VLA, Batch, Lessons, Prefix, Scenes, make_head
from vla.models.encoders import TextEncoder, VisionTrunk
from vla.models.grounding import (
    POSTURE,
    RELATIONS,
    ROTATION,
    grounding_loss,
    position_loss,
    posture,
    relations,
    rotation,
    turn_loss,
)
from vla.models.layers import Context, Residual
from vla.models.lessons import LessonHeads, answer_loss, box_loss, right_answers
from vla.models.placing import Aim, Placing, decided, label_loss, with_end
from vla.models.presence import PresenceHead, presence_loss

TOLD_M, TOLD_RAD = 0.005, 0.05  # deviation of positions and turns that are told instead of seen


class Looked(NamedTuple):
    """Pictures and words after they have met."""

    maps: Tensor  # (B * V, D, G, G)
    things: Tensor  # (B * V, D, G, G) the same before pictures and words looked at one another
    text: Tensor  # (B, E)
    roles: Tensor  # (B, R, E) a query of each role


class Perceived(NamedTuple):
    """What the trunk knows, and what it is taught about grounding."""

    seen: Tensor  # (B, S) all that the MLPs get of pictures, proprioception and words
    text: Tensor  # (B, E)
    looks: Tensor  # (B, V, R, 2 + D) where each role is, image fractions, and what is there
    heat: Tensor  # (B, V, R, G * G) logits of where each role is
    positions: Tensor  # (B, R, 3) metres, base frame
    turns: Tensor  # (B, R, 2) cosine and sine
    evidence: Tensor  # (B, V (2 + 2 D) + E) how well the picture answers to the words, for role 0
    things: Tensor  # (B * V, D, G, G) as in `Looked`


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
        self.place = Placing(views, d, config.state_dim + ROTATION, config.placing) if config.placing else None
        self.aim = Aim(known, config.aiming) if config.aiming else None
        self.name = nn.Linear(d, 2 * config.vocab_size) if config.labels else None
        self.unseen = seen - known
        self.fusion = nn.Sequential(
            nn.Linear(seen + ROLES * (3 + 2) + RELATIONS + POSTURE, config.hidden),
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

    def look(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> Looked:
        """Pictures and words as they are after they have met."""
        words, bias = self.text(tokens)
        film, maps = self.vision.modulation(words[:, 0]), self.vision.start(pixels)
        last = self.config.blocks - 1
        for number in range(last):
            maps = self._step(self.vision.block, number, maps, film)
        if self.vision.deep is not None:
            maps = self._step(self.vision.deep, maps, words[:, 0])
        things = maps
        if self.config.context_layers:
            maps, words = self._step(self.context, maps, words, bias, agent_pos)
        maps = self._step(self.vision.block, last, maps, film)
        return Looked(maps, things, words[:, 0], words[:, 1 : 1 + ROLES])

    def perceive(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> Perceived:
        """Everything that is found out about what is, before what to do is thought about. Shapes as in `Batch`."""
        b, views = pixels.shape[:2]
        maps, things, text, roles = self.look(pixels, tokens, agent_pos)
        points = self.keypoints(maps).flatten(2).float().softmax(-1) @ self.coordinates  # (B * V, K, 2)
        query = self.query(roles).view(b, ROLES, views, -1).transpose(1, 2).flatten(0, 1)  # (B * V, R, D)
        heat = torch.bmm(query.to(maps.dtype), self.key(maps).flatten(2)).float() / maps.shape[1] ** 0.5
        attention, sure = decided(heat, self.config.grid, self.config.window)
        where = attention @ self.coordinates  # (B * V, R, 2)
        what = torch.bmm(attention.to(maps.dtype), maps.flatten(2).transpose(1, 2)).float()
        seen = torch.cat([points.flatten(1) * 2 - 1, where.flatten(1) * 2 - 1, what.flatten(1)], 1).view(b, -1)
        seen = torch.cat([seen, agent_pos, text.float()], 1)
        looks = torch.cat([where, what], 2).view(b, views, ROLES, -1)
        offset, turns = self.locate(seen).float().split((ROLES * 3, ROLES * 2), 1)
        offset, turns = offset.view(b, ROLES, 3), turns.view(b, ROLES, 2)
        if self.place is not None:
            turned = rotation(self.hand[0, 3:] + self.hand[1, 3:] * agent_pos[:, 3:6])
            body = torch.cat([agent_pos, turned], 1)
            offset, turns = self.place(looks, sure.view(b, views, ROLES, 2), body, offset, turns)
        positions = self.workspace[0] + self.workspace[1] * offset
        strength = torch.stack([heat[:, 0].amax(-1), heat[:, 0].logsumexp(-1)], -1)
        evidence = torch.cat([strength, what[:, 0], what[:, 0] * query[:, 0].float()], 1).view(b, -1)
        evidence = torch.cat([evidence, text.float()], 1)
        heat = heat.view(b, views, ROLES, -1)
        return Perceived(seen, text.float(), looks, heat, positions, turns, evidence, things)

    def fuse(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> tuple[Tensor, Perceived]:
        """Features (B, hidden) for the head, and what they come from."""
        found = self._attended(self.perceive(pixels, tokens, agent_pos))
        return self.think(found.seen, agent_pos, found.positions, found.turns), found

    def _attended(self, found: Perceived) -> Perceived:
        """What is acted by: `aimed`, without what is seen besides places if that is not wanted."""
        found = self.aimed(found)
        if not self.config.only_places:
            return found
        hidden = torch.zeros_like(found.seen[:, : self.unseen])
        return found._replace(seen=torch.cat([hidden, found.seen[:, self.unseen :]], 1))

    def aimed(self, found: Perceived) -> Perceived:
        """The same, with where the target ends corrected by where everything is."""
        if self.aim is None:
            return found
        offset = (found.positions - self.workspace[0]) / self.workspace[1]
        offset, turns = self.aim(offset, found.turns, found.seen[:, self.unseen :])
        return found._replace(positions=self.workspace[0] + self.workspace[1] * offset, turns=turns)

    def think(self, seen: Tensor, agent_pos: Tensor, positions: Tensor, turns: Tensor) -> Tensor:
        """Features (B, hidden) for the head: from what is seen, where the roles are (B, R, 3), how turned (B, R, 2)."""
        offset = ((positions - self.workspace[0]) / self.workspace[1]).flatten(1)
        hand = self.hand[0] + self.hand[1] * agent_pos[:, :6]
        near = relations(hand[:, :3], positions[:, 0], positions[:, 1])
        known = (seen, offset, near, turns.flatten(1), posture(rotation(hand[:, 3:]), turns[:, :2]))
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
        return {"action": self.head.loss(features, batch.actions, batch.action_valid, noise, time)}

    def forward(self, batch: Batch | Lessons | Scenes, noise: Tensor, time: Tensor) -> dict[str, Tensor]:
        """Scalar losses: `action`, `ground` (cross-entropy of where), `position` (L1), `turn`, `present`.

        Samples without views are told where things are (`told`). Samples without words (modality dropout) teach no
        grounding: nobody could know what is meant. Lessons have the losses of `lessons`.
        """
        if isinstance(batch, Lessons):
            return self.lessons(batch)
        if isinstance(batch, Scenes):
            return self.scenes(batch)
        if batch.pixels.shape[1] == 0:
            return self.told(batch, noise, time)
        found = self.perceive(batch.pixels, batch.tokens, batch.agent_pos)
        taught = self._taught(found, batch)
        features = self.think(taught.seen, batch.agent_pos, taught.positions, taught.turns)
        action = self.head.loss(features, batch.actions, batch.action_valid, noise, time)
        found = found._replace(
            positions=with_end(found.positions, taught.positions[:, ENDS]),
            turns=with_end(found.turns, taught.turns[:, ENDS]),
        )
        return {"action": action, **self._grounding(found, batch)}

    def _taught(self, found: Perceived, batch: Batch) -> Perceived:
        """What `think` takes while actions are learnt: in some samples the truth, and in half of those nothing else."""
        share, truth = self.config.truth, batch.positions
        if not share:
            return self.aimed(found)
        draw = torch.rand(len(truth), 1, device=truth.device)
        told = (draw < share).float()[..., None].repeat(1, ROLES, 1)
        told[:, ENDS] = 0
        about = truth[..., :3] + TOLD_M * torch.randn_like(truth[..., :3])
        places = torch.lerp(found.positions, about, told * truth[..., 3:4])
        turns = torch.lerp(found.turns, truth[..., 4:6], told * truth[..., 6:])
        seen, rest = found.seen[:, : self.unseen], found.seen[:, self.unseen :]
        seen = torch.cat([seen * (draw >= share / 2), rest], 1)
        return self.aimed(found._replace(seen=seen, positions=places, turns=turns))

    def _grounding(self, found: Perceived, batch: Batch | Scenes) -> dict[str, Tensor]:
        """The losses that have to do with where things are."""
        spoken = (batch.tokens != 0).any(1).float()
        losses = {
            "ground": grounding_loss(found.heat, batch.points, spoken, self.coordinates),
            "position": position_loss(found.positions, batch.positions, spoken, self.workspace[1]),
            "turn": turn_loss(found.turns, batch.positions, spoken),
        }
        if self.sight is not None:
            losses["present"] = presence_loss(self.sight(found.evidence), batch.present)
        return losses

    def scenes(self, batch: Scenes) -> dict[str, Tensor]:
        """Scalar losses of scenes in which nothing is done: as `forward`, but for actions, and `label`."""
        found = self.perceive(batch.pixels, batch.tokens, batch.agent_pos)
        losses = self._grounding(found, batch)
        if self.name is not None:
            losses["label"] = label_loss(self.name, found.things, batch.labels)
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
        features, fused = self.fuse(batch.pixels, batch.tokens, batch.agent_pos)
        logits, all_of_them = heads.answers(features, fused.text), torch.ones_like(batch.agent_pos[:, 0])
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
        return self.head.act(self.fuse(pixels, tokens, agent_pos)[0], noise, prefix)

    def act_told(
        self,
        pixels: Tensor,
        tokens: Tensor,
        agent_pos: Tensor,
        truth: Tensor,
        noise: Tensor,
        prefix: Prefix | None = None,
    ) -> Tensor:
        """Actions as of `act`, but where and how turned all roles but `ENDS` are is told, (B, R, 7) as in `Batch`."""
        found, told = self.perceive(pixels, tokens, agent_pos), truth.clone()
        told[:, ENDS, [3, 6]] = 0
        places = torch.where(told[..., 3:4] > 0, told[..., :3], found.positions)
        turns = torch.where(told[..., 6:] > 0, told[..., 4:6], found.turns)
        found = self._attended(found._replace(positions=places, turns=turns))
        return self.head.act(self.think(found.seen, agent_pos, found.positions, found.turns), noise, prefix)

    def presence(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> Tensor:
        """Probability (B,) that what the words name is in sight. Raises ValueError if it has not learnt it."""
        if self.sight is None:
            return super().presence(pixels, tokens, agent_pos)
        logits: Tensor = self.sight(self.perceive(pixels, tokens, agent_pos).evidence)
        return logits.sigmoid()

"""What every network keeps to: batches in, named losses or a chunk of actions out; heads and backbones by name.

Legend: B batch, V views (cameras; with a history of K frames V = cameras x (1 + K), the newest frame of every camera
first), R roles (0 where the target is taken hold of, 1 where that point ends, 2 and 3 landmarks: what else is named),
C actions in a chunk, F features, L tokens.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn
from typing_extensions import Self

from vla.contract import STATE_DIM, FloatArray
from vla.history import History
from vla.normalize import Normalizer
from vla.registry import Registry
from vla.text import Vocabulary

ROLES = 4
ENDS = 1  # the role that is where the target's grasp ends
NAMED = (0, 2, 3)  # the roles of what is named, in the order in which it is named


class Batch(NamedTuple):
    """What a network is trained on; acting needs the first three fields only.

    Actions and proprioception are normalised (vla.normalize). `points` are image fractions in [0, 1] with a visibility
    flag; `positions` metres in the robot base frame with a validity flag. A turn is k times the yaw of a gripper that
    takes hold there, where k yaws do as well; round things have none.
    """

    pixels: Tensor  # (B, V, H, W, 3) uint8
    tokens: Tensor  # (B, L) int64
    agent_pos: Tensor  # (B, 8 (1 + K)) float32, newest first
    actions: Tensor  # (B, C, 7) float32
    action_valid: Tensor  # (B, C) float32: 0 past the end of the episode
    points: Tensor  # (B, V, R, 3) float32: u, v, visible
    positions: Tensor  # (B, R, 7) float32: x, y, z, valid; cosine and sine of the turn, valid
    present: Tensor  # (B,) float32: 1 if what the words name is in sight, 0 if it is not there, -1 if nobody asks


class Lessons(NamedTuple):
    """Questions, and things to point at: what a network is trained on before, or beside, actions.

    Positions, points and boxes that are not asked for have a last entry of 0; role 0 is what is pointed at. Questions
    about words alone come without views.
    """

    pixels: Tensor  # (B, V, H, W, 3) uint8; V = 0 where there are only words
    tokens: Tensor  # (B, L) int64
    agent_pos: Tensor  # (B, 8 (1 + K)) float32, as in `Batch`
    points: Tensor  # (B, V, R, 3) float32, as in `Batch`
    boxes: Tensor  # (B, V, 5) float32: of role 0, left, top, right, bottom as image fractions, and 1 if it is seen
    positions: Tensor  # (B, R, 7) float32, as in `Batch`
    answers: Tensor  # (B,) int64: entry of the configuration's `answers`; -1 where nothing is to be answered


class Scenes(NamedTuple):
    """Scenes with an instruction in which nothing is done: where what it names is, and what is in every cell.

    A label is the id of a word, 0 where there is nothing to be named and -1 where nobody asks.
    """

    pixels: Tensor  # (B, V, H, W, 3) uint8
    tokens: Tensor  # (B, L) int64
    agent_pos: Tensor  # (B, 8 (1 + K)) float32, as in `Batch`
    points: Tensor  # (B, V, R, 3) float32, as in `Batch`
    positions: Tensor  # (B, R, 7) float32, as in `Batch`
    present: Tensor  # (B,) float32, as in `Batch`
    labels: Tensor  # (B, V, G, G, 2) int64: words for colour and kind of what is in a cell; G = 0 for none


class Chats(NamedTuple):
    """Questions and what is to be said, for a language model: lessons in its own words, as its chat template has them.

    Ids are those of `vla.text_prompt`: 0 is padding, i + 1 is the tokenizer's i.
    """

    pixels: Tensor  # (B, V, H, W, 3) uint8, one for each picture of the prompt; V = 0 where there are only words
    tokens: Tensor  # (B, L) int64, up to where the answer begins, padded on the left
    answers: Tensor  # (B, T) int64, with the token that ends the turn, padded on the right


AnyBatch = Batch | Lessons | Scenes | Chats


class Prefix(NamedTuple):
    """Actions that are executed while the network thinks: what it now decides has to go on from them."""

    actions: Tensor  # (B, C, 7) float32, normalised
    weight: Tensor  # (B, C) float32: 1 executed for sure, between: was planned, 0 free


@dataclass(frozen=True)
class HeadConfig:
    """An action head; stored with the weights.

    Attributes:
        name: Registered name.
        chunk: Actions C predicted at once.
        hidden: Width of its own layers.
        steps: Integration steps at inference, for heads that integrate.
        modes: Chunks that a mixture chooses from.
        predict: What a diffusion head predicts, `v` or `epsilon`; `v` is well defined at every level of noise.
        fitted: What `ActionHead.fit` learnt of the data before training, JSON-ready.
    """

    name: str = "flow"
    chunk: int = 8
    hidden: int = 384
    steps: int = 8
    modes: int = 8
    predict: str = "v"
    fitted: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown head and sizes that mean nothing."""
        HEADS[self.name]
        for name in ("chunk", "hidden", "steps", "modes"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} of an action head must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What every network's configuration has; backbones add their own.

    Attributes:
        backbone: Registered name.
        cameras: Names, in the order of the V axis.
        image_size: Pixels a side.
        history: Earlier frames K that are seen besides the present one.
        stride: Control steps between two of them.
        head: Action head.
    """

    backbone: str
    cameras: tuple[str, ...] = ("front", "wrist")
    image_size: int = 96
    history: int = 0
    stride: int = 1
    head: HeadConfig = field(default_factory=HeadConfig)

    @property
    def chunk(self) -> int:
        """Actions predicted at once."""
        return self.head.chunk

    @classmethod
    def for_data(cls, words: Vocabulary, normalizer: Normalizer, **fields: Any) -> Self:
        """The configuration with these `fields` for data with this vocabulary and these statistics.

        Backbones that have to know of either take it from here.
        """
        return cls(**fields)

    @property
    def seen(self) -> History:
        """Which earlier moments are seen. Raises ValueError for numbers that mean nothing."""
        return History(self.history, self.stride)

    @property
    def views(self) -> int:
        """Pictures V of a sample."""
        return len(self.cameras) * (1 + self.history)

    @property
    def state_dim(self) -> int:
        """Entries of a sample's proprioception, that of earlier moments included."""
        return STATE_DIM * (1 + self.history)


class ActionHead(nn.Module, ABC):
    """From features (B, F) to a chunk of normalised actions (B, C, 7).

    Args:
        features: Width F.
        config: Its shape, after `fit`.
    """

    def __init__(self, features: int, config: HeadConfig) -> None:
        """Create the layers with weights drawn from torch's global generator."""
        super().__init__()
        self.config = config

    @classmethod
    def fit(cls, actions: FloatArray, config: HeadConfig) -> HeadConfig:
        """What the head has to know of the data: `config` with `fitted`, from normalised chunks (N, C, 7)."""
        return config

    @abstractmethod
    def loss(self, features: Tensor, actions: Tensor, valid: Tensor, noise: Tensor, time: Tensor) -> Tensor:
        """Scalar; actions and `noise` (B, C, 7), `valid` (B, C), `time` (B,) uniform in [0, 1)."""

    @abstractmethod
    def act(self, features: Tensor, noise: Tensor, prefix: Prefix | None = None) -> Tensor:
        """Actions (B, C, 7) float32; `noise` (B, C, 7) is what a sampling head starts from.

        Heads that cannot go on from a prefix ignore it.
        """


class VLA(nn.Module, ABC):
    """A network: losses of a batch, or actions.

    Attributes:
        config_class: Class of its configuration.
        config: Its configuration, the one argument of its constructor.
    """

    config_class: ClassVar[type[ModelConfig]]
    config: Any

    def load_pretrained(self) -> None:
        """Put the weights in place that a new training run starts from; nothing to do for a network from nothing."""

    def recompute_activations(self) -> None:
        """From now on, keep few activations and compute the others again when gradients are wanted.

        Raises ValueError if the network cannot.
        """
        raise ValueError(f"backbone {self.config.backbone!r} cannot recompute activations (gradient checkpointing)")

    @abstractmethod
    def forward(self, batch: Batch, noise: Tensor, time: Tensor) -> dict[str, Tensor]:
        """Scalar losses by name: `action` is the imitation loss, which every network has.

        What a stage of training weighs is trained, where a network has it; other losses are only logged. `noise`
        (B, C, 7) and `time` (B,) as for heads.
        """

    @abstractmethod
    def act(
        self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor, noise: Tensor, prefix: Prefix | None = None
    ) -> Tensor:
        """Normalised actions (B, C, 7) float32."""

    def presence(self, pixels: Tensor, tokens: Tensor, agent_pos: Tensor) -> Tensor:
        """Probability (B,) float32 that what the words name is in sight. Raises ValueError if it has not learnt it."""
        raise ValueError(f"this {self.config.backbone!r} network has not learnt to tell what is not there")


HEADS: Registry[type[ActionHead]] = Registry("action head", "vla.models.heads")
BACKBONES: Registry[type[VLA]] = Registry("backbone", "vla.models")


def make_model(config: ModelConfig) -> VLA:
    """The network that `config` describes, weights drawn from torch's global generator.

    Raises UnknownNameError for a backbone that is not registered.
    """
    kind: Any = BACKBONES[config.backbone]
    made: VLA = kind(config)
    return made


def make_head(features: int, config: HeadConfig) -> ActionHead:
    """The head that `config` describes, for features (B, `features`)."""
    return HEADS[config.name](features, config)


def learnt(config: HeadConfig) -> dict[str, Any]:
    """What a head learnt of the data. Raises ValueError if it has not."""
    if not config.fitted:
        raise ValueError(
            f"the {config.name!r} head is not fitted to data yet: make its config by HEADS[{config.name!r}].fit"
        )
    return config.fitted


def masked_mean(error: Tensor, valid: Tensor) -> Tensor:
    """Mean of `error` (B, C, 7) over what is `valid` (B, C); 0 if nothing is."""
    return (error.mean(-1) * valid).sum() / valid.sum().clamp(min=1)

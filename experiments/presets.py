"""Named shapes of the compact network, small, base and large, and the recipes of the baselines."""

from __future__ import annotations

from dataclasses import dataclass

from vla.registry import nearest


@dataclass(frozen=True)
class ModelSize:
    """Which network, and its shape. Baselines keep to their own shapes: of the sizes here only `chunk` is theirs.

    Attributes:
        backbone: Registered name.
        image_size: Pixels a side that the policy sees.
        patch: Side of a patch, pixels.
        channels: Width of the feature maps.
        blocks: Convolutions modulated by the instruction.
        keypoints: Spatial-softmax keypoints a camera.
        text_dim: Width of words, and of the tokens in which words and patches look at one another.
        text_layers: Attention blocks over the words.
        context_layers: Attention blocks over words, patches and proprioception; 0 for none.
        context_side: Patches a side and camera that they look at.
        locating: Width of the layer that finds positions.
        hidden: Width of the fusion MLP.
        fusion_layers: Residual layers of the fusion MLP after the first two.
        head_hidden: Width of the action head's own layers.
        chunk: Actions predicted at once.
        execute: Actions executed before the policy is asked again.
        head: Action head.
        history: Earlier frames that it sees besides the present one.
        stride: Control steps between two of them.
        fine: Channels of a stem at half the pictures' resolution; 0 for none.
        deep: Channels of convolutions at half the grid.
        deep_blocks: How many of them there are.
        window: Cells around the best one in which a role is looked for; 0 for all.
        placing: Width of the layers that find positions, the same for all roles; 0 for none.
        aiming: Width of the layers that correct where the target ends by where everything is; 0 for none.
        labels: Whether scenes without end teach it to say what is in each cell.
        truth: Share of samples whose actions are learnt knowing where things are.
        presence: Whether it tells if what the words name is in sight; needs samples about what is not there.
        lr: Peak learning rate that suits the size, at a batch of 128.
    """

    backbone: str = "compact"
    image_size: int = 96
    patch: int = 4
    channels: int = 32
    blocks: int = 3
    keypoints: int = 16
    text_dim: int = 64
    text_layers: int = 2
    context_layers: int = 0
    context_side: int = 6
    locating: int = 256
    hidden: int = 384
    fusion_layers: int = 0
    head_hidden: int = 384
    chunk: int = 8
    execute: int = 2
    head: str = "flow"
    history: int = 0
    stride: int = 2
    fine: int = 0
    deep: int = 0
    deep_blocks: int = 0
    window: int = 0
    placing: int = 0
    aiming: int = 0
    labels: bool = False
    truth: float = 0.0
    presence: bool = False
    lr: float = 1.5e-3


# Fields of ModelSize that shape the compact network alone.
COMPACT = (
    *("patch", "channels", "blocks", "keypoints", "text_dim", "text_layers", "context_layers"),
    *("context_side", "locating", "hidden", "fusion_layers", "presence"),
    *("fine", "deep", "deep_blocks", "window", "placing", "aiming", "labels", "truth"),
)

# Parameters with the vocabulary of all families and an l1 head (flow has 0.5, 0.6 and 2.2 M more), and forward and
# backward work a sample: see experiments/results/train_speed.md for what else was tried.
SIZES = {
    # 0.6 M, 0.2 GFLOP: keypoints of modulated convolutions. Minutes on a CPU.
    "small": ModelSize(),
    # 6.6 M, 1 GFLOP: coarser patches with a fine stem beside them, wide convolutions at half the grid, and most weights
    # in the MLP that decides, which costs next to nothing beside the pictures. The published policy's shape; hours on
    # a CPU (experiments/results/base.md).
    "base": ModelSize(
        patch=6,
        channels=64,
        fine=16,
        deep=128,
        deep_blocks=4,
        window=2,
        placing=384,
        aiming=384,
        labels=True,
        truth=0.5,
        locating=384,
        hidden=1024,
        fusion_layers=3,
        lr=1e-3,
    ),
    # 25 M, 9 GFLOP: patches, words and proprioception look at one another before keypoints are read. For a GPU.
    "large": ModelSize(
        channels=80,
        keypoints=64,
        text_dim=512,
        text_layers=3,
        context_layers=5,
        hidden=1280,
        fusion_layers=2,
        head_hidden=768,
        lr=4e-4,
    ),
}

# Other people's ways to imitate, of a size comparable to ours: 1.8 M and 3 M parameters.
BASELINES = {
    "act": ModelSize(backbone="act", lr=5e-4),
    "diffusion_policy": ModelSize(backbone="diffusion_policy", lr=1e-3),
}

# Backbones whose shape comes with them; their learning rate depends on what is trained (experiments.pretrained).
PRETRAINED = {"hf": ModelSize(backbone="hf", hidden=512)}


def model_size(name: str) -> ModelSize:
    """The shape, or baseline, called `name`. Raises UnknownNameError with the nearest name."""
    known = SIZES | BASELINES | PRETRAINED
    if name not in known:
        raise nearest("size", name, list(known))
    return known[name]

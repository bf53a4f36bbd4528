"""How to train: the settings of a run, and the one stage of an ordinary one."""

from __future__ import annotations

from dataclasses import dataclass, field

from vla.batches import Corruption
from vla.curriculum import Phase
from vla.sampling import Sampling

# What may differ between the parts of a resumed run, for it does not change its path.
FREE_SETTINGS = {"seconds", "threads", "draw_threads", "cache", "save_every", "keep", "log_every", "eval_every"}

ACTION = "action"  # source and stage of imitation


@dataclass(frozen=True)
class TrainConfig:
    """How to train.

    Attributes:
        steps: Optimizer steps; 0 means as many as fit into `seconds`, measured before the first step.
        seconds: Time budget used when `steps` is 0.
        batch_size: Samples of a batch: of a step, if there is one process and `accumulate` is 1.
        accumulate: Batches whose gradients a process adds up in a step, for steps that do not fit into memory.
        recompute: Forget activations and compute them again when gradients are wanted (gradient checkpointing).
        compile: Compile the network with torch.compile: `default`, or `reduce-overhead` for CUDA graphs; empty for not.
            On a CPU it needs a C++ compiler and minutes before the first step.
        lr: Peak learning rate.
        warmup: Steps of linear warm-up, before the cosine decay to a fiftieth of `lr`.
        weight_decay: AdamW's, on matrices only.
        clip: Largest gradient norm.
        ema: Decay of the moving average of the weights; the average is what acts.
        ground: Weight of the grounding loss.
        position: Weight of the position loss.
        turn: Weight of the loss about how things are turned.
        present: Weight of the loss about what is in sight, for networks that tell it.
        label: Weight of the loss about what is in each cell of scenes, for networks that say it.
        corruption: Modality dropout and word noise.
        augment: How scenes are changed when they are drawn; the demonstrations know how (`Demonstrations.augment`).
        recolor: Whether episodes are drawn and told in other colours; they know how (`Demonstrations.exchange`).
        sampling: Which samples an epoch shows, and how they are shuffled.
        precision: `bf16` (autocast) or `no`.
        seed: Determines weights, order of samples, dropout and noise.
        threads: Rendering threads ahead of the trainer; 0 renders in the training thread.
        torch_threads: Threads of torch's kernels on a CPU; 0 for the usable cores that no other process of the run and
            no rendering thread needs (`vla.cores`).
        cache: Render every frame once before training and keep it in memory; without it, and wherever scenes are
            augmented, frames are drawn as needed.
        draw_threads: Threads that fill the cache; 0 for one per usable core.
        save_every: Steps between checkpoints.
        keep: Checkpoints kept.
        log_every: Steps between log lines.
        eval_every: Steps between evaluations in the simulator; 0 for none.
    """

    steps: int = 2000
    seconds: float = 300.0
    batch_size: int = 128
    accumulate: int = 1
    recompute: bool = False
    compile: str = ""
    lr: float = 1.5e-3
    warmup: int = 50
    weight_decay: float = 0.01
    clip: float = 1.0
    ema: float = 0.99
    ground: float = 0.2
    position: float = 0.5
    turn: float = 0.1
    present: float = 0.1
    label: float = 0.1
    corruption: Corruption = field(default_factory=Corruption)
    augment: str = "none"
    recolor: bool = False
    sampling: Sampling = field(default_factory=Sampling)
    precision: str = "bf16"
    seed: int = 0
    threads: int = 1
    torch_threads: int = 0
    cache: bool = True
    draw_threads: int = 0
    save_every: int = 500
    keep: int = 2
    log_every: int = 20
    eval_every: int = 0

    def __post_init__(self) -> None:
        """Raise ValueError for settings that mean nothing."""
        for name, known in (("precision", ("bf16", "no")), ("compile", ("", "default", "reduce-overhead"))):
            if getattr(self, name) not in known:
                raise ValueError(f"unknown {name} {getattr(self, name)!r}; known: {', '.join(filter(None, known))}")
        for name in ("batch_size", "accumulate", "save_every", "keep", "log_every"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")


def imitation(config: TrainConfig) -> Phase:
    """The one stage of an ordinary run."""
    weights = {"action": 1.0, **{name: getattr(config, name) for name in ("ground", "position", "turn", "present")}}
    return Phase(ACTION, config.steps, {ACTION: 1.0}, {ACTION: weights}, config.lr, config.warmup)

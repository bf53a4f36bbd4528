"""Train a policy on demonstrations, from nothing or from `--init`; `--resume` goes on after a stop.

On several GPUs or machines: `accelerate launch --num_processes N -m experiments.cli train ...`
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from experiments.training import TrainJob


@dataclass(frozen=True)
class Args:
    """Options of `vla train`."""

    data: tuple[Path, ...]
    """Folders of demonstrations, written by `vla collect`."""
    out: Path = Path("runs/train")
    """Folder of the run: checkpoints, metrics.jsonl, TensorBoard logs."""
    steps: int = 3000
    """Optimizer steps; 0 means as many as fit into --seconds."""
    seconds: float = 300.0
    """Time budget, used with --steps 0."""
    batch_size: int = 128
    """Samples a step."""
    size: str = "small"
    """Shape of the network: small (0.6 M parameters), base (5 M) or large (25 M)."""
    lr: float | None = None
    """Peak learning rate; default what suits the size."""
    backbone: str = "compact"
    """Network: compact, a vision-language model (hf), or a baseline with its own decoder: act, diffusion_policy."""
    vlm: str = ""
    """With --backbone hf: the model, a folder or a name on the Hugging Face hub."""
    tune: str = "full"
    """With --backbone hf: what of the model is trained: full, lora or frozen (the action head is in any case)."""
    lora_rank: int = 16
    """With --tune lora: rank of the updates."""
    pool: str = "last"
    """With --backbone hf: what the head gets of it: the last hidden state, or what a learned query attends to."""
    action_words: str = ""
    """With --backbone hf: say actions in rare words of its vocabulary instead of a head: bins or fast."""
    text: str = ""
    """Text encoder of the compact network: minilm, a folder or a name on the hub; default our own vocabulary."""
    tune_text: bool = False
    """Train that encoder too; otherwise it is frozen."""
    head: str = "flow"
    """Action head of compact and hf: flow, l1, mixture, diffusion, bins or fast (docs/learning.md)."""
    normalize: str = "mean_std"
    """Statistics of proprioception and actions: mean_std, quantile or min_max."""
    image_size: int = 96
    """Pixels a side that the policy sees."""
    cameras: tuple[str, ...] = ("front", "wrist")
    """What the policy sees with: front, wrist, side, top, overview; one to four of them."""
    history: int = 0
    """Earlier frames that it sees besides the present one."""
    stride: int = 2
    """Control steps between two of them."""
    augment: Literal["none", "light", "full"] = "none"
    """Draw each episode anew in each epoch, always less changed than what evaluations test: `light` moves light and
    cameras a little, `full` also changes shades and patterns, adds things and noise."""
    recolor: bool = False
    """Exchange the colours of each episode anew in each epoch, in pictures and words."""
    balance: bool = False
    """Show every family as often as every other, and every instruction as often as the others of its family."""
    without: str = ""
    """Train a control that never gets `words`, or `pixels`: the deaf or the blind twin of the same network."""
    absent: float = 0.0
    """Share of samples that are told of something which is not in their scene: the compact network learns to say so."""
    lost_words: float = 0.0
    """Chance that a word of an instruction is left out, so that a policy makes do with fewer."""
    ground: float = 0.2
    """Weight of the loss of where in the pictures the things are that an instruction names."""
    passes: int = 1
    """How often an epoch shows each sample: drawn once, seen so often."""
    window: int = 2048
    """Samples that are shuffled among each other; 2 x 96 x 96 costs 83 kB of memory for each, over --passes."""
    skip_idle: bool = False
    """Leave out steps at which the demonstrator does nothing."""
    stages: tuple[str, ...] = ()
    """Stages in order, each with its share of the compute: language:0.05 grounding:0.25 action:0.7, or mixture (all in
    one). The compute is that of --steps steps of imitation; what a step of lessons costs is measured."""
    mix: tuple[str, ...] = ()
    """What stage action goes on with, and shares of its compute: grounding:0.25, told:0.25 (actions without pictures:
    where things are is told), scenes:0.25 (scenes without end, in which what is named is to be found)."""
    lesson_tasks: tuple[str, ...] = ()
    """Families that lessons are about; default those of the demonstrations."""
    seed: int = 0
    """Determines weights, order of samples and noise."""
    threads: int = 1
    """Rendering threads that work ahead of the trainer."""
    init: Path | None = None
    """Checkpoint or published policy to go on from: its network, words and statistics, so that --size, --head,
    --cameras mean nothing."""
    refit: Literal["", "mean_std", "quantile", "min_max"] = ""
    """With --init: make new statistics of proprioception and actions from the demonstrations."""
    new_head: str = ""
    """With --init: a new action head (flow, l1, ...) instead of the checkpoint's; all other weights are kept."""
    accumulate: int = 1
    """Batches whose gradients are added up in a step."""
    recompute: bool = False
    """Save memory: forget activations and compute them again when gradients are wanted."""
    compile: Literal["", "default", "reduce-overhead"] = ""
    """torch.compile: needs a C++ compiler on a CPU; reduce-overhead is CUDA graphs."""
    torch_threads: int = 0
    """Threads of torch on a CPU; 0 for the cores that no rendering thread and no other process of the run needs."""
    precision: str = "bf16"
    """bf16 or no."""
    cache: bool = True
    """Keep rendered frames in memory (about 55 kB a step); --no-cache draws them anew each epoch, as --augment does."""
    save_every: int = 250
    """Steps between checkpoints."""
    eval_every: int = 0
    """Steps between evaluations in the simulator (20 episodes a task); 0 for none."""
    dagger: int = 0
    """Rounds of DAgger after this training: the student acts, the expert labels what it gets to, all is trained on."""
    dagger_episodes: int = 50
    """Episodes of each family that a round adds."""
    dagger_steps: int = 1000
    """Optimizer steps of a round."""
    dagger_beta: float = 0.0
    """Share of stretches in which the expert acts from the outset: this in round 1, its square in round 2 ..."""
    dagger_patience: int = 6
    """Steps of disagreement after which the expert takes over for ten; 0 for never."""
    workers: int = 1
    """Processes that collect in these rounds; 0 for this one."""
    resume: bool = False
    """Go on from the last checkpoint of --out."""
    json: bool = False
    """Print one JSON object on the last line."""


def main(args: Args) -> int:
    """Train; exit code 0."""
    from experiments.curricula import read_stages
    from experiments.presets import model_size
    from experiments.pretrained import RATES, Pretrained
    from experiments.training import TrainJob, evaluator, train
    from policies.published import checkpoint_path
    from vla.batches import Corruption
    from vla.sampling import Sampling
    from vla.training_config import TrainConfig

    names = {f.name for f in dataclasses.fields(TrainConfig)}
    options = {k: v for k, v in dataclasses.asdict(args).items() if k in names}
    shape = {name: getattr(args, name) for name in ("image_size", "head", "history", "stride")}
    size = model_size(args.size if args.backbone == "compact" else args.backbone)
    model = dataclasses.replace(size, **shape, presence=args.absent > 0 and args.backbone == "compact")
    usual = RATES.get(args.tune, model.lr) if args.backbone == "hf" else model.lr
    options["lr"] = usual if args.lr is None else args.lr
    pretrained = Pretrained(**{f.name: getattr(args, f.name) for f in dataclasses.fields(Pretrained)})
    sampling = Sampling(args.balance, args.skip_idle, args.passes, args.window)
    corruption = Corruption(absent=args.absent, lost_word=args.lost_words)
    config = TrainConfig(**options, sampling=sampling, corruption=corruption)
    job = TrainJob(
        args.data,
        args.out,
        model,
        config,
        cameras=args.cameras,
        normalize=args.normalize,
        stages=read_stages(args.stages, args.mix),
        lesson_tasks=args.lesson_tasks,
        without=args.without,
        pretrained=pretrained,
        start=None if args.init is None else checkpoint_path(args.init),
        refit=args.refit,
        new_head=args.new_head,
    )
    if (args.refit or args.new_head) and args.init is None:
        raise ValueError("--refit and --new-head change a checkpoint: give --init")
    if args.dagger:
        return with_teacher(job, args)
    folder = train(job, resume=args.resume, evaluator=evaluator() if args.eval_every else None)
    return tell(folder, args.out, args)


def with_teacher(job: TrainJob, args: Args) -> int:
    """Train in rounds of DAgger; exit code 0."""
    from experiments.dagger import Dagger, Rounds

    rounds = Rounds(args.dagger, args.dagger_episodes, args.dagger_steps, args.dagger_beta, args.dagger_patience)
    dagger = Dagger(job, rounds, workers=args.workers, resume=args.resume)
    return tell(dagger.run(), dagger.folder(args.dagger) / "train", args)


def tell(folder: Path, run: Path, args: Args) -> int:
    """Print what the training in `run` came to, whose last checkpoint is `folder`; exit code 0."""
    from vla.trainlog import read_metrics

    if os.environ.get("RANK", "0") != "0":  # of several processes, the first one speaks
        return 0
    last = [row for row in read_metrics(run / "metrics.jsonl") if "loss" in row][-1]
    print(
        f"checkpoint {folder}: loss {last['loss']:.4f} after step {last['step']}, {last['seconds']:.0f} s of training"
    )
    if args.json:
        print(json.dumps({"checkpoint": str(folder), **last}))
    return 0

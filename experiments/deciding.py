"""Decisions learnt from what frozen eyes see: `python -m experiments.deciding runs/mine runs/new --data runs/demos`.

Pictures are what a sample costs. Once a compact network finds places well, what it found in every frame of the
demonstrations is written down once, mistakes included, and what decides (`aim`, `fusion`, `head`) goes on learning from
that, at the price of an MLP. The new checkpoint acts by places alone (`CompactConfig.only_places`).

As in "learning by cheating" (Chen et al. 2019, arXiv 1912.12294) seeing and acting are learnt apart; here acting is
learnt second, from the places that will be seen and not from the true ones.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from experiments.presets import ModelSize
from experiments.training import TrainJob, demonstrations, load
from policies.published import checkpoint_path
from vla.batches import BatchSource, Corruption
from vla.checkpoint import find, load_config, load_model, save
from vla.curriculum import learning_rate_factor
from vla.models.compact import CompactVLA, Perceived
from vla.models.contract import ENDS
from vla.models.grounding import position_loss, turn_loss
from vla.sampling import Sampling
from vla.training_config import TrainConfig
from vla.training_state import parameter_groups

BATCH = 512
END, TURN = 0.5, 0.1  # weights of the losses about where the target ends
EMA = 0.995
DECIDES = ("aim.", "fusion.", "head.")


class Moments(NamedTuple):
    """What eyes saw of N samples, and what was right. Shapes as in `vla.models.contract.Batch`."""

    positions: Tensor  # (N, R, 3)
    turns: Tensor  # (N, R, 2)
    text: Tensor  # (N, E)
    agent_pos: Tensor  # (N, S)
    actions: Tensor  # (N, C, 7)
    valid: Tensor  # (N, C)
    truth: Tensor  # (N, R, 7)
    spoken: Tensor  # (N,)


def looked(source: str, data: Sequence[Path], config: TrainConfig, part: int, parts: int) -> Moments:
    """What the checkpoint `source` sees in one of `parts` equal parts of an epoch of the demonstrations."""
    torch.set_num_threads(1)
    folder = find(source)
    policy = load_config(folder)
    model = load_model(folder, policy)
    if not isinstance(model, CompactVLA):
        raise ValueError(f"only compact networks decide by places, {source} is of {policy.model.backbone!r}")
    job = TrainJob(tuple(data), folder, ModelSize(), config)
    demos = demonstrations(job, load(job), policy.model)
    batches = BatchSource(
        demos,
        policy.normalizer,
        policy.vocabulary,
        config.batch_size,
        config.seed,
        config.corruption,
        config.sampling,
    )
    whole = len(demos) // min(config.batch_size, len(demos))  # batches of an epoch
    found = [_moments(model, batches, step) for step in range(whole * part // parts, whole * (part + 1) // parts)]
    return Moments(*(torch.cat(each) for each in zip(*found, strict=True)))


@torch.inference_mode()
def _moments(model: CompactVLA, batches: BatchSource, step: int) -> Moments:
    batch = batches.batch(step)
    with torch.autocast("cpu", torch.bfloat16):
        seen = model.perceive(batch.pixels, batch.tokens, batch.agent_pos)
    spoken = (batch.tokens != 0).any(1).float()
    known = (batch.agent_pos, batch.actions, batch.action_valid, batch.positions, spoken)
    return Moments(*(each.float() for each in (seen.positions, seen.turns, seen.text, *known)))


def look(source: str, data: Sequence[Path], config: TrainConfig, workers: int) -> Moments:
    """`looked`, by several processes."""
    if workers < 2:
        return looked(source, data, config, 0, 1)
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        parts = pool.starmap(looked, [(source, data, config, part, workers) for part in range(workers)])
    return Moments(*(torch.cat(each) for each in zip(*parts, strict=True)))


def decide(model: CompactVLA, moments: Moments, *, steps: int, lr: float, seed: int = 0) -> Iterator[dict[str, float]]:
    """Train what decides, in place; yields the losses of every step. At the end the weights are their average."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.startswith(DECIDES))
    learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
    average = {name: p.detach().clone() for name, p in learning.items()}
    optimizer = torch.optim.AdamW(parameter_groups(model, 0.01), lr=lr, betas=(0.9, 0.95), fused=True)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = lr * learning_rate_factor(step, steps, min(50, steps))
        rows = torch.randint(len(moments.spoken), (BATCH,), generator=generator)
        losses = _losses(model, Moments(*(each[rows] for each in moments)))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(losses["action"] + END * losses["position"] + TURN * losses["turn"])
        torch.nn.utils.clip_grad_norm_(list(learning.values()), 1.0)
        optimizer.step()
        torch._foreach_lerp_(list(average.values()), [p.detach() for p in learning.values()], 1 - EMA)
        yield {name: loss.item() for name, loss in losses.items()}
    model.load_state_dict(average, strict=False)


def _losses(model: CompactVLA, batch: Moments) -> dict[str, Tensor]:
    dark = torch.zeros(len(batch.text), model.unseen)
    nothing = torch.zeros(0)
    seen = torch.cat([dark, batch.agent_pos, batch.text], 1)
    found = Perceived(seen, batch.text, nothing, nothing, batch.positions, batch.turns, nothing, nothing)
    with torch.autocast("cpu", torch.bfloat16):
        found = model.aimed(found)
        features = model.think(seen, batch.agent_pos, found.positions, found.turns)
        noise, time = torch.randn_like(batch.actions), torch.rand(len(seen))
        action = model.head.loss(features, batch.actions, batch.valid, noise, time)
    ends = slice(ENDS, ENDS + 1)
    place = position_loss(found.positions[:, ends], batch.truth[:, ends], batch.spoken, model.workspace[1])
    turn = turn_loss(found.turns[:, ends], batch.truth[:, ends], batch.spoken)
    return {"action": action, "position": place, "turn": turn}


def main() -> None:
    """Look once, then learn to decide."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("source", help="a checkpoint, a run folder, or the name of a published policy")
    parser.add_argument("folder", type=Path, help="the checkpoint to be written")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="folders of demonstrations")
    parser.add_argument("--steps", type=int, default=6000, help=f"of {BATCH} samples")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--workers", type=int, default=1, help="processes that look")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    source = str(find(checkpoint_path(args.source)))
    corruption = Corruption(absent=0.04, lost_word=0.05)
    sampling = Sampling(balance=True)
    config = TrainConfig(augment="light", recolor=True, corruption=corruption, sampling=sampling, seed=args.seed)
    moments = look(source, args.data, config, args.workers)
    print(f"{len(moments.spoken)} moments were looked at", flush=True)
    policy = load_config(Path(source))
    model = load_model(Path(source), policy)
    assert isinstance(model, CompactVLA)  # as `looked` found
    alone = replace(policy, model=replace(model.config, only_places=True))
    for step, losses in enumerate(decide(model, moments, steps=args.steps, lr=args.lr, seed=args.seed)):
        if step % 500 == 0 or step == args.steps - 1:
            print(step, {name: round(value, 4) for name, value in losses.items()}, flush=True)
    save(args.folder, alone, model.state_dict(), {})
    print(args.folder)


if __name__ == "__main__":
    main()

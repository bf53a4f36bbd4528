"""Policies with random weights: they cost as much as trained ones, which is all that a measurement of speed wants."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from envs.tasks.base import training_vocabulary
from experiments.presets import ModelSize
from experiments.training import model_config
from vla import checkpoint
from vla.checkpoint import PolicyConfig
from vla.contract import ACTION_DIM
from vla.execution import Execution
from vla.models.contract import HEADS, ModelConfig, make_model
from vla.normalize import Normalizer
from vla.text import Vocabulary

NORMALIZER = Normalizer((0.0,) * 8, (1.0,) * 8, (0.0,) * 7, (0.5,) * 7)


def vocabulary() -> Vocabulary:
    """The words of all families."""
    return Vocabulary.build(training_vocabulary())


def configuration(size: ModelSize) -> ModelConfig:
    """The network of `size` for all words and two cameras; heads that learn a code learn one of smooth chunks."""
    config = model_config(size, vocabulary(), NORMALIZER, ("front", "wrist"))
    chunks = np.random.default_rng(0).normal(0, 0.2, (256, size.chunk, ACTION_DIM)).cumsum(1).astype(np.float32)
    return replace(config, head=HEADS[size.head].fit(chunks, config.head))


def untrained(folder: Path, size: ModelSize) -> Path:
    """Write a checkpoint of `size` with random weights; its folder."""
    torch.manual_seed(0)
    config = configuration(size)
    policy = PolicyConfig(config, vocabulary(), NORMALIZER, Execution(execute=size.execute))
    return checkpoint.save(folder / "net", policy, make_model(config).state_dict(), {})

"""A process of a run with several, started by `accelerate launch -m tests.vla.two_processes FOLDER STEPS`."""

from __future__ import annotations

import dataclasses
import sys
import warnings
from pathlib import Path

from tests.vla.dots import Dots, demonstrations, episode
from tests.vla.test_trainer import SMALL, policy_config
from vla.batches import Corruption, Demonstrations
from vla.trainer import Trainer
from vla.training_config import TrainConfig

# Chunks of one action and no dropout: then every sample weighs the same, and the mean of the means is the mean.
CONFIG = dataclasses.replace(SMALL, batch_size=4, corruption=Corruption(0, 0, 0), log_every=1)


def data() -> Demonstrations:
    return Demonstrations([episode(i) for i in range(8)], Dots, chunk=1)


def train(folder: Path, config: TrainConfig = CONFIG, *, resume: bool = False) -> Path:
    policy = policy_config(demonstrations())
    model = dataclasses.replace(policy.model, head=dataclasses.replace(policy.model.head, chunk=1))
    policy = dataclasses.replace(policy, model=model)
    return Trainer(folder, config, policy, data(), resume=resume).train()


if __name__ == "__main__":
    warnings.simplefilter("default")
    folder, steps = sys.argv[1:]
    train(Path(folder), dataclasses.replace(CONFIG, steps=int(steps)), resume=True)

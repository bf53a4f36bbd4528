"""Two processes take the path of one with batches twice as large; so do gradients added up over two batches."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.vla.two_processes import CONFIG, train
from vla import checkpoint
from vla.cores import drawing_threads, torch_threads
from vla.curriculum import Share
from vla.provenance import usable_cores
from vla.trainlog import read_metrics

# Sums of float32 in another order, before the first step and after it: Adam makes a whole step of a gradient that is
# nearly nothing. A step is 1e-3.
FIRST_LOSS, LATER_LOSSES, MEAN_WEIGHT = 2e-6, 1e-4, 1e-6


def losses(run: Path) -> list[float]:
    return [row["loss"] for row in read_metrics(run / "metrics.jsonl")]


def same_path(one: Path, other: Path) -> None:
    assert losses(one)[0] == pytest.approx(losses(other)[0], abs=FIRST_LOSS)
    assert losses(one) == pytest.approx(losses(other), abs=LATER_LOSSES)
    a, b = (checkpoint.read_tensors(checkpoint.find(run) / "model.safetensors") for run in (one, other))
    assert torch.cat([(a[name] - b[name]).abs().flatten() for name in a]).mean() < MEAN_WEIGHT


def launch(folder: Path, steps: int, *options: str) -> str:
    command = [sys.executable, "-m", "accelerate.commands.launch", "--num_processes", "2", "--num_machines", "1"]
    command += ["--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0", *options]
    command += ["-m", "tests.vla.two_processes", str(folder), str(steps)]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(command, env=env, text=True, capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stderr


def test_a_share_is_a_part_of_each_step() -> None:
    taken = [number for process in range(2) for number in Share(process, 2, 3).batches(5)]
    assert taken == list(range(30, 36))
    assert list(Share().batches(5)) == [5]


def test_accumulated_gradients_are_those_of_a_larger_batch(tmp_path: Path) -> None:
    train(tmp_path / "whole", dataclasses.replace(CONFIG, batch_size=8))
    train(tmp_path / "parts", dataclasses.replace(CONFIG, accumulate=2))
    same_path(tmp_path / "whole", tmp_path / "parts")


def test_recomputed_activations_change_nothing(tmp_path: Path) -> None:
    kept = train(tmp_path / "kept")
    again = train(tmp_path / "again", dataclasses.replace(CONFIG, recompute=True))
    assert (kept / "model.safetensors").read_bytes() == (again / "model.safetensors").read_bytes()


@pytest.mark.slow
def test_two_processes_are_one_with_the_doubled_batch(tmp_path: Path) -> None:
    train(tmp_path / "one", dataclasses.replace(CONFIG, batch_size=8))
    launch(tmp_path / "two", 4, "--multi_gpu")
    same_path(tmp_path / "one", tmp_path / "two")
    assert len(list((tmp_path / "two" / "checkpoints").glob("0*"))) == 2  # written once, by the first process


def test_cores_are_shared() -> None:
    cores = usable_cores()
    assert torch_threads(1, 0) == drawing_threads(1) == cores
    assert torch_threads(1, 1) == max(1, cores - 1)
    assert torch_threads(2 * cores, 0) == torch_threads(cores, cores) == 1

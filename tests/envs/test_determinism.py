"""The same seed and actions give the same bytes, whatever was simulated before: each family with half of the robots.

The short version is a few steps of each; `pytest -m slow tests/envs/test_determinism.py` plays longer and more seeds.
"""

import hashlib
import itertools
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from envs.gym_env import VLAEnv
from envs.robots import ROBOTS
from envs.tasks.base import TASKS
from vla.contract import EpisodeRequest

Case = tuple[str, str, int]  # task, robot, seed

IMAGE_SIZE = 24


def cases(seeds: Iterable[int]) -> list[Case]:
    pairs = ((task, robot) for i, task in enumerate(TASKS) for robot in list(ROBOTS)[i % 2 :: 2])
    return [(task, robot, seed) for (task, robot), seed in itertools.product(pairs, seeds)]


def fingerprints(chosen: Sequence[Case], steps: int) -> dict[str, str]:
    """Hash of everything that is seen in each case, by its name; one environment a robot plays all its episodes."""
    found, envs = {}, {}
    for task, robot, seed in chosen:
        if robot not in envs:
            envs[robot] = VLAEnv(task, robot=robot, image_size=IMAGE_SIZE)
        found[f"{task} {robot} {seed}"] = _fingerprint(envs[robot], EpisodeRequest(task, seed), steps)
    for env in envs.values():
        env.close()
    return found


def _fingerprint(env: VLAEnv, request: EpisodeRequest, steps: int) -> str:
    digest = hashlib.sha256()
    observation, _ = env.reset(options={"request": request})
    world = env.world
    expert, rng = world.task.expert(world.spec), np.random.default_rng(request.index)
    _add(digest, observation)
    for step in range(steps):
        state = world.state()
        digest.update(world.poses().tobytes())
        for body in state.objects.values():
            digest.update(body.position.tobytes() + body.quaternion.tobytes() + body.linear_velocity.tobytes())
            digest.update(body.angular_velocity.tobytes() + np.float64(body.joint).tobytes())
        action = rng.uniform(-1, 1, 7).astype(np.float32) if step % 3 == 2 else expert.act(state)
        observation, _, terminated, truncated, _ = env.step(action)
        _add(digest, observation)
        if terminated or truncated:
            break
    return digest.hexdigest()


def _add(digest: Any, observation: Any) -> None:
    if isinstance(observation, dict):
        for name in sorted(observation):
            digest.update(name.encode())
            _add(digest, observation[name])
    else:
        digest.update(observation.encode() if isinstance(observation, str) else np.asarray(observation).tobytes())


def in_another_process(chosen: Sequence[Case], steps: int) -> dict[str, str]:
    code = (
        "import json, sys; from tests.envs.test_determinism import fingerprints;"
        "print(json.dumps(fingerprints(*json.loads(sys.stdin.read()))))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        input=json.dumps([chosen, steps]),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(run.stdout.splitlines()[-1])
    return found


def differing(chosen: list[Case], steps: int) -> list[str]:
    """Names of the cases whose bytes depend on the process, or on what came before."""
    there = in_another_process(chosen, steps)
    here = fingerprints(chosen[::-1], steps)
    assert len(set(here.values())) == len(chosen)
    return sorted(name for name in here if here[name] != there[name])


def test_every_family_and_robot_gives_the_same_bytes_in_two_processes_and_orders() -> None:
    assert differing(cases([0]), steps=3) == []


@pytest.mark.slow
def test_long_episodes_give_the_same_bytes_in_two_processes_and_orders() -> None:
    assert differing(cases([0, 1, 2]), steps=25) == []

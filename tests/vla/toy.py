"""A world and policies without physics for tests of loop, pool and store; importable by worker processes."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vla.contract import EpisodeRequest, EpisodeResult, FloatArray, Observation, StepResult
from vla.episode import Episode
from vla.measures import Measures
from vla.rollout import Recorder, rollout
from vla.seeding import stream

ALL = frozenset({"pixels", "agent_pos", "instruction"})


class ToyWorld:
    """A point that is to reach a goal; task `Fail` never does, `Break` raises at step 2, `Unbuildable` at reset."""

    def __init__(self, image_size: int = 8, step_s: float = 0.0) -> None:
        self.image_size = image_size
        self.step_s = step_s
        self.rendered = 0
        self.closed = False

    def reset(self, request: EpisodeRequest) -> None:
        if request.task == "Unbuildable":
            raise ValueError("no such scene")
        rng = stream(request, "scene")
        self.request = request
        self.position = rng.uniform(-1, 1, 3).astype(np.float32)
        self.goal = rng.uniform(-1, 1, 3).astype(np.float32)
        self.steps = 0

    def observe(self, inputs: frozenset[str]) -> Observation:
        observation = Observation()
        if "pixels" in inputs:
            self.rendered += 1
            value = np.uint8(int(abs(self.position[0]) * 100) % 255)
            observation["pixels"] = {"front": np.full((self.image_size, self.image_size, 3), value)}
        if "agent_pos" in inputs:
            observation["agent_pos"] = self.agent_pos()
        if "instruction" in inputs:
            observation["instruction"] = f"go to {self.goal[0]:.2f}"
        if "state" in inputs:
            observation["state"] = (self.position.copy(), self.goal.copy())
        return observation

    def step(self, action: FloatArray) -> StepResult:
        if np.abs(action).max() > 1:
            raise ValueError("action out of range")
        time.sleep(self.step_s)
        self.steps += 1
        if self.request.task == "Break" and self.steps == 2:
            raise RuntimeError("the gear box broke")
        self.position = self.position + 0.1 * action[:3]
        close = float(np.abs(self.position - self.goal).max()) < 0.15 and self.request.task != "Fail"
        if close:
            return StepResult(True, True, "success")
        return StepResult(self.steps >= 40, False, "time_limit:far" if self.steps >= 40 else "")

    def poses(self) -> FloatArray:
        rows = np.zeros((2, 7), np.float32)
        rows[0, :3], rows[1, :3], rows[:, 6] = self.position, self.goal, 1
        return rows

    def agent_pos(self) -> FloatArray:
        return np.concatenate([self.position, self.goal, np.zeros(2, np.float32)]).astype(np.float32)

    def measures(self) -> Measures:
        return Measures(progress=1.0)

    def describe(self) -> dict[str, Any]:
        return {"goal": [float(x) for x in self.goal], "light": (0.1, 0.2)}

    def close(self) -> None:
        self.closed = True


class ToyPolicy:
    """Goes to the goal, by state (in the worker) or by proprioception (batched)."""

    def __init__(self, batched: bool = False, execute: int = 2, image_size: int | None = None) -> None:
        self.batched = batched
        self.inputs = ALL if batched else frozenset({"state"})
        self.execute = execute
        self.image_size = image_size
        self.batches: list[int] = []
        self.shapes: set[tuple[int, ...]] = set()

    def reset(self, episode_seed: int) -> None:
        self.seed = episode_seed

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        self.batches.append(len(observations))
        return np.stack([self._one(o) for o in observations])

    def _one(self, observation: Observation) -> FloatArray:
        if self.batched:
            self.shapes.add(observation["pixels"]["front"].shape)
            position, goal = np.split(observation["agent_pos"][:6], 2)
        else:
            position, goal = observation["state"]
        chunk = np.zeros((4, 7), np.float32)
        chunk[:, :3] = np.clip(goal - position, -1, 1)
        return chunk


class FailingPolicy(ToyPolicy):
    """Raises for odd steps of episodes whose instruction holds a minus sign."""

    def _one(self, observation: Observation) -> FloatArray:
        if "-" in observation["instruction"] and observation["step"] >= 4:
            raise RuntimeError("the network is confused")
        return super()._one(observation)


class KillerWorld(ToyWorld):
    """Kills its own process in task `Kill`: always, or only until `flag` exists. Hangs in task `Hang`."""

    def __init__(self, flag: Path | None = None) -> None:
        super().__init__()
        self.flag = flag

    def step(self, action: FloatArray) -> StepResult:
        if self.request.task == "Kill" and (self.flag is None or not self.flag.exists()):
            if self.flag is not None:
                self.flag.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.request.task == "Hang":
            time.sleep(60)
        return super().step(action)


def requests(count: int, task: str = "Toy") -> list[EpisodeRequest]:
    return [EpisodeRequest(task, index) for index in range(count)]


def record(request: EpisodeRequest, noise: Callable[[FloatArray, int], FloatArray] | None = None) -> Episode:
    recorder = Recorder({"policy": "toy"})
    rollout(ToyWorld(), ToyPolicy(), request, subscribers=[recorder], action_filter=noise)
    episode = recorder.episode()
    assert episode is not None
    return episode


def outcome(result: EpisodeResult) -> tuple[str, str, str, str, int]:
    """All but the wall time."""
    return result.request.key, result.instruction, result.outcome, result.reason, result.steps

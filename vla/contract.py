"""The contract every part of the toolkit speaks: observation, action, episode request, outcome, world, policy.

One legend for the whole code base. Lengths in metres, angles in radians, time in seconds, colours sRGB in [0, 1]
unless uint8. Frames: `_w` world, `_b` robot base, `_c` camera (x right, y down, z forward). Quaternions are xyzw.

    B batch    T control steps    C actions in a chunk    N pose rows    H, W image size    V cameras
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, TypedDict

import numpy as np
from numpy.typing import NDArray

from vla.measures import Measures

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]

ACTION_DIM = 7  # delta position 3, delta axis-angle 3, gripper 1 (-1 open, +1 close), each in [-1, 1]
STATE_DIM = 8  # end-effector position (m, base frame) 3, axis-angle 3, finger positions (m) 2: LIBERO, openpi

InputName = Literal["pixels", "agent_pos", "instruction", "state"]
INPUT_NAMES: tuple[InputName, ...] = ("pixels", "agent_pos", "instruction", "state")
OutcomeName = Literal["success", "failure", "error"]


class Planned(NamedTuple):
    """Actions that are executed while a policy decides, and how far each binds what it decides."""

    actions: FloatArray  # (C, A) in [-1, 1]; the first is due at the observation's step
    weight: FloatArray  # (C,): 1 will be executed whatever is decided, between: was planned, 0 free


class Observation(TypedDict, total=False):
    """What a policy may see at one control step; only the inputs that it asked for are present (and computed).

    `episode_seed` and `step` are always there, so that a policy that samples can stay pure in its observation; so are
    `earlier` moments for a policy that has a history (`vla.history`): newest first, pixels and proprioception only.
    """

    pixels: dict[str, ByteArray]  # camera name -> (H, W, 3) sRGB
    agent_pos: FloatArray  # (8,)
    instruction: str
    state: Any  # envs.state.WorldState: the simulator's truth, for scripted experts only
    episode_seed: int
    step: int
    earlier: tuple[Observation, ...]
    planned: Planned | None  # there if chunks are executed in real time; None for an episode's first chunk


@dataclass(frozen=True)
class Perturbation:
    """One generalization axis at one level (0 = the training distribution)."""

    axis: str
    level: int


@dataclass(frozen=True)
class EpisodeRequest:
    """Names one episode; its first state is a function of these fields alone.

    Attributes:
        task: Registered task name, for example `Lift`.
        index: Number of the episode within (split, seed, task).
        seed: Suite seed.
        split: Seed space: `train` for demonstrations, `eval` for suites. Equal numbers in two splits give unrelated
            episodes.
        perturbations: Axes that are turned on; the scene before perturbation does not depend on them, so that every
            perturbed episode has its unperturbed twin.
    """

    task: str
    index: int
    seed: int = 0
    split: Literal["train", "eval"] = "train"
    perturbations: tuple[Perturbation, ...] = ()

    @property
    def key(self) -> str:
        """A unique, file-name-safe name, for example `eval-0-Lift-light.3-00012`."""
        axes = "+".join(f"{p.axis}.{p.level}" for p in self.perturbations) or "none.0"
        return f"{self.split}-{self.seed}-{self.task}-{axes}-{self.index:05d}"

    @property
    def twin(self) -> EpisodeRequest:
        """The same episode without perturbations."""
        return EpisodeRequest(self.task, self.index, self.seed, self.split)


@dataclass(frozen=True)
class StepResult:
    """What one control step did. `done` covers success, time limit and unrecoverable failure.

    `completed` of the goal's `parts` have been done so far, in their order; most goals are one part. `executed` is the
    action that was carried out, where something came between (noise, delay); None where it is the one that was given.
    """

    done: bool
    success: bool
    reason: str  # "" until done; then "success" or the failure reason, for example "time_limit:not_grasped"
    completed: int = 0
    parts: int = 1
    executed: FloatArray | None = field(default=None, compare=False)


@dataclass(frozen=True)
class EpisodeResult:
    """How an episode ended. An error is a third outcome: it never counts as a failure and never vanishes.

    Attributes:
        request: The episode.
        instruction: What was said; a line each for what was said after one another.
        said_at: Control step from which each line was said, in order; before the first, nothing was.
        outcome: How it ended.
        reason: `success`, the failure reason, or the type of the error.
        steps: Control steps.
        wall_s: Seconds.
        traceback: Of an error.
        parts: Parts of the goal; 1 for most.
        done_at: Control steps after which a part was done, in order; empty for a goal of one part.
        measures: What the world measured; None where it could not, as in an error.
    """

    request: EpisodeRequest
    instruction: str
    outcome: OutcomeName
    reason: str
    steps: int
    wall_s: float
    traceback: str = ""
    parts: int = 1
    done_at: tuple[int, ...] = ()
    said_at: tuple[int, ...] = ()
    measures: Measures | None = None

    @property
    def completed(self) -> int:
        """Parts that were done, in their order."""
        return len(self.done_at) if self.parts > 1 else int(self.outcome == "success")


class World(Protocol):
    """A simulated scene as the rollout loop sees it; `envs.world.World` is the implementation."""

    def reset(self, request: EpisodeRequest) -> None:
        """Build the scene of `request` from nothing."""

    def observe(self, inputs: frozenset[str]) -> Observation:
        """The observation, restricted to `inputs`; rendering happens only if `"pixels"` is asked for."""

    def step(self, action: FloatArray) -> StepResult:
        """Apply one action (7,) in [-1, 1]. Raises ValueError on wrong shape, NaN or out-of-range values."""

    def poses(self) -> FloatArray:
        """Poses of all moving parts, (N, 7): position (m, world) and quaternion xyzw. The renderer's only input."""

    def agent_pos(self) -> FloatArray:
        """Proprioception, (8,)."""

    def measures(self) -> Measures:
        """What has been measured since the reset."""

    def describe(self) -> dict[str, Any]:
        """The SceneSpec as JSON-ready data: with the poses it is all that is needed to draw the episode again."""

    def close(self) -> None:
        """Free the simulation."""


class Policy(Protocol):
    """Maps observations to chunks of actions.

    A policy with `batched = True` is pure in the observation: one instance serves all episodes at once, in the process
    that owns the accelerator. With `batched = False` each running episode has its own instance, next to its world in a
    worker process, and `reset` clears it.

    Callers also read, where a policy has them: `image_size` (pixels a side that its cameras are drawn at), `cameras`
    (their names), `history` (a `vla.history.History`: which earlier moments it sees), `batch_size` (the most
    observations that it wants in one call), `execution` (a `vla.execution.Execution`: how its chunks become actions;
    without it, the first `execute` actions of each) and `tells_presence` (whether it has `confidence`, as
    `vla.presence.TellsPresence` says).
    """

    inputs: frozenset[str]  # subset of INPUT_NAMES
    batched: bool
    execute: int  # actions of a chunk executed before the policy is asked again

    def reset(self, episode_seed: int) -> None:
        """Forget the previous episode."""

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        """Return actions (B, C, 7) in [-1, 1], C >= execute."""


Metadata = Mapping[str, Any]

"""The Gymnasium environment: one id for every registered task, for example `vla/Lift-v0`.

Knows no task by name and no physics: it puts `envs.world.World` behind Gymnasium's interface, with the names that
`lerobot-eval` reads (`task_description`, `_max_episode_steps`, `info["is_success"]`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal, get_args

import gymnasium
import numpy as np
from gymnasium import spaces

from envs.cameras import OVERVIEW, ImageSize, chosen_cameras, resolution
from envs.checks import check_cameras
from envs.control import CONTROL_MODES, action_entries
from envs.frames import EpisodeRenderer
from envs.observing import checked_observe, observation, observation_space, segmentation_names
from envs.scene import CameraSpec
from envs.scenes import make_scene
from envs.tasks.base import TASKS
from envs.window import Window
from envs.world import World
from vla.contract import ByteArray, EpisodeRequest, FloatArray, Perturbation
from vla.registry import nearest

Split = Literal["train", "eval"]
Reward = Literal["sparse", "dense"]
Observation = dict[str, Any]
RENDER_SIZE = (1280, 720)  # width and height of what `render` gives
INDEX_RANGE = 2**31  # an unseeded reset draws the episode's number below it


class VLAEnv(gymnasium.Env[Observation, FloatArray]):
    """One task as a Gymnasium environment.

    `reset(seed=k)` gives episode k of (`split`, `suite_seed`, task): the same scene whatever came before. A reset
    without a seed draws k from `np_random`. `options={"request": EpisodeRequest(...)}` asks for any episode of any
    task; other options are ignored (LeRobot passes its own).

    The observation is `{"pixels": {camera: uint8 (H, W, 3)}, "agent_pos": float32 (8,), "instruction": str}`, or more
    (`envs.observing`); the action is float32 (n,) in [-1, 1] as `action_meaning` and `action_entries` say. The sparse
    reward is 1 when the task is done and 0 before, the dense one grows with nearness to the goal
    (`envs.tasks.base.Task.reward`, in [0, 1]); success terminates, the time limit truncates. `info` has `is_success`,
    `reason`, `progress` (share of what the goal asks for that is so), and how many of the goal's `parts` are
    `completed`; at the end also `failure` (out of `vla.measures.FAILURES`) and all `measures`.

    Args:
        task: Registered task.
        robot: Registered robot.
        image_size: Side of the square images, or (width, height), pixels; None keeps what each camera says.
        cameras: Names of cameras (`envs.cameras.CAMERAS`), or descriptions of others; any number.
        observe: What is observed besides `agent_pos` and `instruction` (`envs.observing.OBSERVABLE`).
        renderer: `raster`, `tiny` or `egl`.
        control_mode: Registered control mode.
        split: `train` or `eval`: seed space of the episodes.
        suite_seed: Number of the series of episodes within the split.
        perturbations: Axes of generalization that are on: `Perturbation`s or (axis, level) pairs.
        render_mode: `rgb_array`, `human` or None.
        reward: `sparse` or `dense`.

    Raises:
        ValueError: An unknown name; the message gives the nearest one.
        RuntimeError: `render_mode="human"` where there is no display or no pygame.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array", "human"], "render_fps": 10}  # noqa: RUF012 - declared so by gymnasium.Env

    def __init__(
        self,
        task: str,
        *,
        robot: str = "panda",
        image_size: ImageSize | None = 224,
        cameras: Sequence[CameraSpec | str] = ("front", "wrist"),
        observe: Sequence[str] = ("rgb",),
        renderer: str = "raster",
        control_mode: str = "pd_ee_delta_pose",
        split: Split = "train",
        suite_seed: int = 0,
        perturbations: Sequence[Perturbation | tuple[str, int]] = (),
        render_mode: str | None = None,
        reward: Reward = "sparse",
    ) -> None:
        """See the class."""
        if reward not in get_args(Reward):
            raise nearest("reward", reward, list(get_args(Reward)))
        if split not in get_args(Split):
            raise nearest("split", split, list(get_args(Split)))
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise nearest("render mode", render_mode, self.metadata["render_modes"])
        self.task = task
        self._dense = reward == "dense"
        self.render_mode = render_mode
        self._max_episode_steps: int = TASKS[task].max_steps
        self.robot = robot
        self.action_entries = action_entries(robot, control_mode)
        self.action_meaning = CONTROL_MODES[control_mode].action_meaning
        self._split, self._suite_seed = split, suite_seed
        self._perturbations = tuple(p if isinstance(p, Perturbation) else Perturbation(*p) for p in perturbations)
        make_scene(EpisodeRequest(task, 0, suite_seed, split, self._perturbations))  # a bad axis is told now, not later
        self._observe = checked_observe(observe)
        self._size = None if image_size is None else resolution(image_size)
        self._renderer_name = renderer
        self._window = Window(RENDER_SIZE, f"vla/{task}-v0") if render_mode == "human" else None
        self._large: EpisodeRenderer | None = None
        check_cameras(chosen_cameras(cameras))
        self.world = World(renderer, self._size, robot, control_mode, cameras)
        self.observation_space = observation_space(chosen_cameras(cameras), self._size, self._observe, robot)
        self.action_space = spaces.Box(-1.0, 1.0, (len(self.action_entries),), np.float32)

    @property
    def task_description(self) -> str:
        """The instruction of the current episode; empty before the first reset."""
        return self._instruction

    _instruction = ""

    @property
    def segmentation_names(self) -> dict[int, str]:
        """What each number of the observation `segmentation` is in the current episode."""
        return segmentation_names(self.world.spec)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin an episode. Raises ValueError if `options["request"]` is not an EpisodeRequest."""
        super().reset(seed=seed)
        index = seed if seed is not None else int(self.np_random.integers(INDEX_RANGE))
        request = (options or {}).get("request")
        if request is None:
            request = EpisodeRequest(self.task, index, self._suite_seed, self._split, self._perturbations)
        elif not isinstance(request, EpisodeRequest):
            raise ValueError(f'options["request"] must be a vla.contract.EpisodeRequest, got {request!r}')
        self._close_large()
        self.world.reset(request)
        self._instruction = self.world.instruction
        self._max_episode_steps = self.world.spec.max_steps
        self._show()
        info = {"is_success": False, "reason": "", "episode": request.key, "action_meaning": self.action_meaning}
        info["robot"] = self.robot
        parts = len(self.world.spec.goal.parts) or 1
        return self._observation(), {**info, "progress": self._progress(), "completed": 0, "parts": parts}

    def step(self, action: FloatArray) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Apply one action. Raises ValueError for a bad one, RuntimeError when the episode is over."""
        result = self.world.step(action)
        self._show()
        self._instruction = self.world.instruction
        reward = self.world.task.reward(self.world.state()) if self._dense else float(result.success)
        info = {
            "is_success": result.success,
            "reason": result.reason,
            "progress": self._progress(),
            "completed": result.completed,
            "parts": result.parts,
        }
        if result.done:
            measures = self.world.measures()
            info |= {"failure": measures.failure, "measures": measures.to_dict()}
        return self._observation(), reward, result.success, result.done and not result.success, info

    def render(self) -> ByteArray | None:
        """An overview of the scene, (720, 1280, 3) sRGB, for `rgb_array`; `human` shows it in a window instead."""
        if self.render_mode == "rgb_array":
            return self._picture()
        if self.render_mode is None:
            gymnasium.logger.warn('render() draws nothing: the environment needs render_mode="rgb_array" or "human"')
        self._show()
        return None

    def close(self) -> None:
        """Free simulation, renderers and window."""
        self._close_large()
        self.world.close()
        if self._window is not None:
            self._window.close()

    def _observation(self) -> Observation:
        return observation(self.world, self._observe)

    def _progress(self) -> float:
        return self.world.task.progress(self.world.state())

    def _picture(self) -> ByteArray:
        if self._large is None:
            seen = replace(self.world.spec, cameras=(OVERVIEW,))
            self._large = EpisodeRenderer(seen, renderer=self._renderer_name, size=RENDER_SIZE)
        return self._large.frames(self.world.poses())[OVERVIEW.name].rgb

    def _show(self) -> None:
        if self._window is not None:
            self._window.show(self._picture(), self._instruction, self.metadata["render_fps"])

    def _close_large(self) -> None:
        if self._large is not None:
            self._large.close()
            self._large = None

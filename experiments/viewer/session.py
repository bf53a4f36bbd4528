"""A scene that one watches and drives: task, seed, robot, a camera that orbits, an expert or a hand at the keys.

Knows no screen: `experiments.viewer.server` shows it as a page, `experiments.viewer.desktop` in a window. All of its
methods may be called from several threads.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from envs.frames import EpisodeRenderer
from envs.scene import CameraSpec, Vec3
from envs.scenes import make_scene
from envs.tasks.base import TASKS, Expert
from envs.world import World
from vla.contract import ACTION_DIM, ByteArray, EpisodeRequest, FloatArray, StepResult

LOOK_AT: Vec3 = (0.42, 0.0, 0.1)  # metres, world: what the camera turns around
SIZE = (960, 600)  # width and height of the large picture, pixels
SMALL = 240  # pixels a side of what the robot sees
SPEED = 0.7  # of full action, when driven by keys
VIEWS = ("overview", "front", "wrist")

KEYS = {  # key: (right, into the picture, up, turn, tilt) in the view of the large picture
    "w": (0, 1, 0, 0),
    "s": (0, -1, 0, 0),
    "a": (-1, 0, 0, 0),
    "d": (1, 0, 0, 0),
    "e": (0, 0, 1, 0),
    "q": (0, 0, -1, 0),
    "j": (0, 0, 0, 1),
    "l": (0, 0, 0, -1),
}


@dataclass
class Orbit:
    """A camera that turns around `LOOK_AT`: azimuth and elevation in degrees, distance in metres."""

    azimuth: float = -38.0
    elevation: float = 32.0
    distance: float = 1.25

    def turn(self, azimuth: float, elevation: float, zoom: float) -> None:
        """Turn by degrees and move by a factor, within what can be looked at."""
        self.azimuth = (self.azimuth + azimuth + 180.0) % 360.0 - 180.0
        self.elevation = float(np.clip(self.elevation + elevation, 3.0, 88.0))
        self.distance = float(np.clip(self.distance * zoom, 0.35, 3.0))

    @property
    def spec(self) -> CameraSpec:
        """The camera."""
        azimuth, elevation = np.radians(self.azimuth), np.radians(self.elevation)
        flat = self.distance * np.cos(elevation)
        x, y, z = LOOK_AT
        eye = (
            float(x + flat * np.cos(azimuth)),
            float(y + flat * np.sin(azimuth)),
            float(z + self.distance * np.sin(elevation)),
        )
        return CameraSpec("overview", "world", eye, LOOK_AT, (0.0, 0.0, 1.0), 42.0, *SIZE)


class Session:
    """One world on a screen.

    Args:
        task: Registered task.
        index: Number of the episode (split `eval`).
        robot: Registered robot.

    Raises:
        ValueError: An unknown name; the message gives the nearest one.
    """

    def __init__(self, task: str, index: int = 0, robot: str = "panda") -> None:
        """Build the first scene."""
        self._lock = threading.RLock()
        self._world = World(image_size=SMALL)
        self._orbit = Orbit()
        self._renderer: EpisodeRenderer | None = None
        self._playing = False
        self._keys: frozenset[str] = frozenset()
        self._closed_gripper = False
        self._version = 0
        self._task, self._index, self._robot = task, index, robot
        self.reset()

    def reset(self, task: str | None = None, index: int | None = None, robot: str | None = None) -> None:
        """Another scene; what is not given stays. Raises ValueError for an unknown name; the old scene stays then."""
        with self._lock:
            task = self._task if task is None else task
            index = self._index if index is None else index
            robot = self._robot if robot is None else robot
            if index < 0:
                raise ValueError(f"expected the number of an episode, 0 or more; got {index}")
            spec = make_scene(EpisodeRequest(task, index, split="eval"), robot)
            self._task, self._index, self._robot = task, index, robot
            self._world.load(spec)
            self._expert: Expert = TASKS[task]().expert(spec)
            self._last: StepResult | None = None
            self._playing = False
            self._closed_gripper = False
            self._close_renderer()
            self._version += 1

    def play(self, playing: bool) -> None:
        """Let the expert go on, or stop it."""
        with self._lock:
            self._playing = playing

    def press(self, keys: frozenset[str]) -> None:
        """Which driving keys are down now. Raises ValueError for keys that do nothing."""
        unknown = keys - set(KEYS)
        if unknown:
            raise ValueError(f"keys {sorted(unknown)} drive nothing; those that do are {sorted(KEYS)}")
        with self._lock:
            self._keys = keys
            if keys:
                self._playing = False

    def grip(self) -> None:
        """Close the open gripper, or open the closed one."""
        with self._lock:
            self._closed_gripper = not self._closed_gripper
            self._playing = False
            if not self._over:
                self._step(self._driven())

    def turn_camera(self, azimuth: float = 0.0, elevation: float = 0.0, zoom: float = 1.0) -> None:
        """Turn the large picture's camera by degrees, and move it by a factor of its distance."""
        with self._lock:
            self._orbit.turn(azimuth, elevation, zoom)
            self._version += 1

    def tick(self) -> bool:
        """One control step if something is going on: the expert plays, or keys are down. Returns whether it was."""
        with self._lock:
            if self._over or not (self._playing or self._keys):
                return False
            self._step(self._expert.act(self._world.state()) if self._playing else self._driven())
            return True

    def step_expert(self) -> None:
        """One step of the expert; nothing if the episode is over."""
        with self._lock:
            self._playing = False
            if not self._over:
                self._step(self._expert.act(self._world.state()))

    def picture(self, view: str) -> ByteArray:
        """What the large camera (`overview`), or one of the robot's, sees now: (H, W, 3). Raises ValueError else."""
        if view not in VIEWS:
            raise ValueError(f"unknown view {view!r}; there are {VIEWS}")
        with self._lock:
            if view != "overview":
                return self._world.pixels()[view]
            if self._renderer is None:
                self._renderer = EpisodeRenderer(self._world.spec, size=SIZE)
            return self._renderer.look(self._world.poses(), self._orbit.spec).rgb

    def state(self) -> dict[str, Any]:
        """What is to be said about the scene, JSON-ready."""
        with self._lock:
            spec, task, state = self._world.spec, self._world.task, self._world.state()
            last = self._last
            return {
                "version": self._version,
                "task": self._task,
                "index": self._index,
                "robot": self._robot,
                "instruction": spec.instruction,
                "step": self._world.steps,
                "max_steps": spec.max_steps,
                "playing": self._playing,
                "over": self._over,
                "success": bool(last and last.success),
                "reason": last.reason if last and last.done else "",
                "missing": "" if task.success(state) else task.failure_reason(state),
                "progress": round(task.progress(state), 3),
                "reward": round(task.reward(state), 3),
                "tool": [round(float(v), 3) for v in state.ee_position],
                "gripper": "closed" if self._closed_gripper else "open",
                "camera": [round(self._orbit.azimuth), round(self._orbit.elevation), round(self._orbit.distance, 2)],
            }

    def close(self) -> None:
        """Free the world."""
        with self._lock:
            self._close_renderer()
            self._world.close()

    @property
    def _over(self) -> bool:
        return self._last is not None and self._last.done

    def _step(self, action: FloatArray) -> None:
        self._last = self._world.step(action)
        self._playing = self._playing and not self._last.done
        self._version += 1

    def _driven(self) -> FloatArray:
        """The action of the keys that are down, in the view of the large picture."""
        right, ahead, up, turn = np.sum([KEYS[key] for key in self._keys] or [(0, 0, 0, 0)], axis=0)
        azimuth = np.radians(self._orbit.azimuth)
        into = np.array([-np.cos(azimuth), -np.sin(azimuth)])
        across = np.array([-np.sin(azimuth), np.cos(azimuth)])
        action = np.zeros(ACTION_DIM, np.float32)
        action[:2] = SPEED * (ahead * into + right * across)
        action[2], action[5] = SPEED * up, SPEED * turn
        action[6] = 1.0 if self._closed_gripper else -1.0
        return np.clip(action, -1.0, 1.0)

    def _close_renderer(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

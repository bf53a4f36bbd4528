"""World: simulator, control mode, task and cameras of one episode behind `vla.contract.World`.

Renders nothing until pixels are asked for. Knows no Gymnasium, no policy and no file format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from envs.cameras import ImageSize, chosen_cameras, place, pose_matrix, resolution
from envs.checks import check_scene
from envs.control import ArmCommand, ControlMode, action_entries, make_control
from envs.control.checks import checked_action
from envs.disturbing import Disturber
from envs.judging import REFUSE_STEPS, Judge
from envs.poses import pose_rows
from envs.renderer.make import RENDERERS
from envs.renderer.types import Camera, Frame
from envs.scene import CameraSpec, DisturbanceSpec, SceneSpec
from envs.scenes import make_scene, with_cameras, with_noise, with_start
from envs.simulator import Simulator
from envs.state import WorldState
from envs.tasks.base import TASKS, Task
from vla.contract import (
    INPUT_NAMES,
    STATE_DIM,
    ByteArray,
    EpisodeRequest,
    FloatArray,
    Observation,
    StepResult,
)
from vla.measures import Measures
from vla.registry import nearest

if TYPE_CHECKING:
    from envs.frames import EpisodeRenderer

Float64 = NDArray[np.float64]


class World:
    """One scene at a time; `reset` and `load` replace it. Implements `vla.contract.World`.

    Args:
        renderer: `raster`, `tiny` or `egl`.
        image_size: Overrides the resolution of every camera: a side or (width, height), pixels.
        robot: Registered robot of the scenes that `reset` makes.
        control: Registered control mode of the scenes that `reset` makes.
        cameras: Cameras of the scenes that `reset` makes, as descriptions or names; None keeps the scene's own.
        starts: How far from its home the robot may start, rad (norm over the joints), in scenes that `reset` makes; 0
            leaves it where the task puts it. For demonstrations: at most `envs.scenes.LARGEST_START`.
        level_of_detail: Draw simplified meshes of the robot; False draws its files as they are.

    Raises:
        ValueError: `renderer`, `robot`, `control` or a camera is unknown, or `image_size` is not positive.
    """

    def __init__(
        self,
        renderer: str = "raster",
        image_size: ImageSize | None = None,
        robot: str = "panda",
        control: str = "pd_ee_delta_pose",
        cameras: Sequence[CameraSpec | str] | None = None,
        *,
        starts: float = 0.0,
        level_of_detail: bool = True,
    ) -> None:
        """See the class."""
        if renderer not in RENDERERS:
            raise nearest("renderer", renderer, list(RENDERERS))
        self._renderer_name = renderer
        action_entries(robot, control)  # a bad name is told now
        self._robot, self._control_name = robot, control
        if cameras is not None:
            chosen_cameras(cameras)  # a bad one is told now
        self._chosen = None if cameras is None else tuple(cameras)
        self._image_size = None if image_size is None else resolution(image_size)
        self._starts = starts
        self._level_of_detail = level_of_detail
        self._simulator = Simulator()
        self._renderer: EpisodeRenderer | None = None
        self._spec: SceneSpec | None = None
        self._state: WorldState | None = None  # of the present step, once somebody has asked

    def reset(self, request: EpisodeRequest) -> None:
        """Build the scene of `request` from nothing. Raises ValueError for unknown names, before anything changes."""
        spec = make_scene(request, self._robot, self._control_name)
        if self._starts:
            spec = with_start(spec, request, self._starts)
        self.load(spec if self._chosen is None else with_noise(with_cameras(spec, self._chosen), request))

    def load(self, spec: SceneSpec) -> None:
        """Build any scene. Raises ValueError naming what does not fit, before anything changes."""
        check_scene(spec)
        if spec.refuse:
            spec = replace(spec, max_steps=min(spec.max_steps, REFUSE_STEPS))
        task, control = TASKS[spec.goal.task](), make_control(spec)
        self._spec = self._state = None
        self._close_renderer()
        self._simulator.build(spec)
        control.reset(self._simulator.joints())
        self._disturber = _disturber(spec, control)
        self._task: Task = task
        self._control: ControlMode = control
        self._entries = control.entries(control.robot)
        self._steps = 0
        self._judge = Judge(spec)
        self._spec = spec
        self._history = [self._simulator.poses()] if any(c.sensor.late for c in spec.cameras) else None
        self._judge.look(self.state())

    @property
    def spec(self) -> SceneSpec:
        """The scene as built. Raises RuntimeError before the first reset."""
        return self._needs_scene()

    @property
    def task(self) -> Task:
        """The task of the scene."""
        self._needs_scene()
        return self._task

    @property
    def steps(self) -> int:
        """Control steps since reset."""
        return self._steps

    @property
    def instruction(self) -> str:
        """What is said now: it follows the parts of what is spoken of, done so far."""
        spec = self._needs_scene()
        if self._steps < spec.instruction_step:
            return spec.instruction_before
        return spec.said(self._judge.heard)

    def observe(self, inputs: frozenset[str]) -> Observation:
        """The observation, restricted to `inputs`. Raises UnknownNameError (a ValueError) for an unknown input."""
        for name in inputs:
            if name not in INPUT_NAMES:
                raise nearest("input", name, list(INPUT_NAMES))
        observation = Observation()
        if "pixels" in inputs:
            observation["pixels"] = self.pixels()
        if "agent_pos" in inputs:
            observation["agent_pos"] = self.agent_pos()
        if "instruction" in inputs:
            observation["instruction"] = self.instruction
        if "state" in inputs:
            observation["state"] = self.state()
        return observation

    def pixels(self) -> dict[str, ByteArray]:
        """What every camera of the scene sees: name -> (H, W, 3) sRGB."""
        return {name: frame.rgb for name, frame in self.frames().items()}

    def frames(self) -> dict[str, Frame]:
        """What every camera shows, with depth and segmentation; where pictures are late, of that moment."""
        spec = self.spec
        if self._renderer is None:
            from envs.frames import EpisodeRenderer  # scripted experts never draw: their workers start faster

            self._renderer = EpisodeRenderer(
                spec, self._renderer_name, self._image_size, level_of_detail=self._level_of_detail
            )
        if self._history is not None:
            return self._renderer.seen(self._history, self._steps)
        return self._renderer.frames(self.poses(), step=self._steps)

    def placed_cameras(self) -> dict[str, Camera]:
        """Every camera of the scene where it is now: intrinsics, and pose in the world."""
        poses, rows = self.poses(), pose_rows(self.spec)
        return {camera.name: place(camera, poses, rows, self._image_size) for camera in self.spec.cameras}

    def joint_pos(self) -> FloatArray:
        """Positions of the arm's joints, (n,) radians."""
        self._needs_scene()
        return self._simulator.joints().astype(np.float32)

    def step(self, action: FloatArray) -> StepResult:
        """Apply one action (n,) in [-1, 1]: n and what the numbers are is up to the control mode and the robot.

        When an episode is over, and what is a success, is up to `envs.judging`.

        Raises:
            ValueError: Wrong shape or type, NaN, infinite or out of range; nothing has changed then.
            RuntimeError: The episode is over, or none has begun.
        """
        self._needs_scene()
        checked = checked_action(action, self._entries)
        if self._judge.over:
            raise RuntimeError(f"this episode ended after {self._steps} steps; call reset first")
        executed = self._carry_out(checked)
        self._steps += 1
        if self._history is not None:
            self._history.append(self._simulator.poses())
        state = self.state()
        self._judge.count(state)
        if state.stage != self._judge.stage:
            self._state = state = replace(state, stage=self._judge.stage)
        return self._judge.result(state, executed)

    def _carry_out(self, action: Float64) -> FloatArray | None:
        """One control step in which the policy wants `action` (n,); what is done in its place if something disturbs."""
        simulator, disturber = self._simulator, self._disturber
        if disturber is None:
            self._state = None
            simulator.run(self._control.command(action, simulator.joints()))
            return None
        state = self.state()
        self._state = None
        for push in disturber.pushes(state.step):
            simulator.push(push.name, push.impulse)
        for thing in disturber.moves(state):
            simulator.place(thing)
        due = disturber.due(action)
        executed = disturber.carried_out(due, state)
        if disturber.late:
            simulator.advance(disturber.late)
        if due is not None:
            simulator.tell(self._control.command(executed, simulator.joints()))
        simulator.advance(simulator.substeps - disturber.late)
        return executed.astype(np.float32)

    def poses(self) -> FloatArray:
        """Poses of all moving parts, (N, 7): position (m, world) and quaternion xyzw; rows as `envs.poses` says."""
        self._needs_scene()
        return self._simulator.poses()

    def agent_pos(self) -> FloatArray:
        """Proprioception (8,): tool position (m, base frame) 3, axis-angle 3, finger positions (m) 2 as in LIBERO.

        The tool is where the encoders say; they are right unless the scene's `joint_offset` says otherwise.
        LIBERO counts the second finger negative. The axis-angle is the one that is continuous around a tool pointing
        down (angle in [0, 2 pi]), where the usual one jumps between +pi and -pi.
        """
        spec = self.spec
        out = np.empty(STATE_DIM, np.float32)
        if spec.disturbance.joint_offset:
            from envs.kinematics import kinematics, vector_from_rotation  # compiled: slow to import

            believed = kinematics(spec.robot.name).forward(self._simulator.joints())
            out[:3], out[3:6] = believed[:3, 3], _continuous(vector_from_rotation(believed[:3, :3]))
        else:
            position, quaternion = self._simulator.tool()
            half = spec.robot.base_yaw / 2
            base = pose_matrix(np.array([*spec.robot.base, 0.0, 0.0, np.sin(half), np.cos(half)]))
            out[:3] = base[:3, :3].T @ (position - base[:3, 3])
            out[3:6] = _axis_angle(_turned_back(quaternion, half))
        left, right = self._simulator.fingers()
        out[6:] = left, -right
        return out

    def state(self) -> WorldState:
        """The simulator's truth, for tasks and experts."""
        spec = self.spec
        if self._state is None:
            self._state = self._look(spec)
        return self._state

    def _look(self, spec: SceneSpec) -> WorldState:
        position, quaternion = self._simulator.tool()
        contacts = self._simulator.contacts()
        return WorldState(
            spec=spec,
            step=self._steps,
            ee_position=position,
            ee_quaternion=quaternion,
            opening=float(self._simulator.fingers().sum()),
            objects=self._simulator.object_states(),
            touched=contacts.touched,
            grasped=contacts.grasped,
            contacts=contacts.pairs,
            stage=self._judge.stage,
            joints=self._simulator.joints(),
            commanded=self._control.commanded,
            force=contacts.force,
            arm_on_table=contacts.arm_on_table,
        )

    def measures(self) -> Measures:
        """What has been measured since the reset."""
        self._needs_scene()
        return self._judge.measures()

    def describe(self) -> dict[str, Any]:
        """The SceneSpec as JSON-ready data."""
        return self.spec.to_dict()

    def close(self) -> None:
        """Free the simulation and the renderer; calling it again does nothing."""
        self._close_renderer()
        self._spec = None
        self._simulator.close()

    def _needs_scene(self) -> SceneSpec:
        if self._spec is None:
            raise RuntimeError("this world has no scene; call reset(request) or load(spec) first")
        return self._spec

    def _close_renderer(self) -> None:
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None


def _disturber(spec: SceneSpec, control: ControlMode) -> Disturber | None:
    """What disturbs the episode; None if nothing does. Its action that does nothing keeps joints and fingers."""
    if spec.disturbance == DisturbanceSpec():
        return None
    still = control.action_for(ArmCommand(control.commanded, spec.robot.opening), control.commanded)
    return Disturber(spec, still)


def _turned_back(quaternion: Float64, half_yaw: float) -> Float64:
    """`quaternion` (xyzw, world) seen from a base that is turned by twice `half_yaw` about z."""
    x, y, z, w = quaternion
    s, c = -np.sin(half_yaw), np.cos(half_yaw)
    return np.array([c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z])


def _continuous(vector: Float64) -> Float64:
    """The axis-angle (3,) that `_axis_angle` gives for the same rotation, from one of up to pi radians."""
    angle = float(np.linalg.norm(vector))
    return vector * (1.0 - 2.0 * np.pi / angle) if vector[0] < 0 and angle > 0 else vector


def _axis_angle(quaternion: Float64) -> Float64:
    """Axis-angle (3,), of the two that fit the one whose quaternion has x >= 0: pointing down is (pi, 0, 0)."""
    vector, scalar = quaternion[:3], float(quaternion[3])
    if vector[0] < 0:
        vector, scalar = -vector, -scalar
    length = float(np.linalg.norm(vector))
    if length < 1e-12:
        return np.zeros(3)
    result: Float64 = vector * (2.0 * np.arctan2(length, scalar) / length)
    return result

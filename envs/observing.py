"""What a Gymnasium observation holds beyond the usual: depth, segmentation, cameras, joints. Knows no task.

`OBSERVABLE` are the names for the environment's argument `observe`:

- `rgb`: `pixels[camera]`, uint8 (H, W, 3), sRGB.
- `depth`: `depth[camera]`, float32 (H, W), metres along the optical axis, the camera's `far` where nothing is hit.
- `segmentation`: `segmentation[camera]`, int32 (H, W); `segmentation_names` says which number is what.
- `camera`: `camera[camera]`: `intrinsics` (3, 3) in pixels, of the pinhole if the lens distorts; `extrinsics` (4, 4)
  from the camera's frame to the world's, with OpenCV's axes (x right, y down, z forward); both float32.
- `joint_pos`: float32 (n,), the arm's joints, radians.

`agent_pos` and `instruction` are always there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces

from envs.cameras import ImageSize, resolution
from envs.fixture import FIXTURE_LINK
from envs.objects import object_kind
from envs.poses import FIRST_OBJECT_BODY, FLOOR_BODY, ROBOT_BODY, TABLE_BODY
from envs.renderer.room import ROOM_LINK, SCENERY_LINK
from envs.robots import ROBOTS
from envs.scene import CameraSpec, SceneSpec
from envs.text_space import InstructionSpace
from envs.urdf import load_urdf
from envs.world import World
from vla.contract import STATE_DIM
from vla.registry import nearest

OBSERVABLE = ("rgb", "depth", "segmentation", "camera", "joint_pos")
ALWAYS = frozenset({"agent_pos", "instruction"})
BACKGROUND = -1
FARTHEST = 100.0  # metres: where a camera may be
FARTHEST_PIXEL = 1e6  # a longer focal length is none
JOINT_SLACK = 0.2  # radians: motors overshoot a limit a little


def checked_observe(observe: Iterable[str]) -> tuple[str, ...]:
    """`observe` without repetitions. Raises ValueError for an unknown name (the nearest one is told), or a bare one."""
    if isinstance(observe, str):
        raise ValueError(f"observe is a sequence of names, got {observe!r} alone: put it in a tuple")
    names = tuple(dict.fromkeys(observe))
    for name in names:
        if name not in OBSERVABLE:
            raise nearest("observation", str(name), list(OBSERVABLE))
    return names


def observation_space(
    cameras: Sequence[CameraSpec], size: ImageSize | None, observe: Sequence[str], robot: str
) -> spaces.Dict:
    """The space of `observation`. `size` overrides the cameras' resolutions, as for `World`."""
    parts = _camera_spaces(cameras, size, observe)
    if "joint_pos" in observe:
        data = ROBOTS[robot]()
        lower, upper = np.array(data.lower, np.float32), np.array(data.upper, np.float32)
        parts["joint_pos"] = spaces.Box(lower - JOINT_SLACK, upper + JOINT_SLACK, dtype=np.float32)
    bound = np.array([2.0] * 3 + [2 * np.pi] * 3 + [0.1] * 2, np.float32)  # metres, radians, metres
    assert bound.shape == (STATE_DIM,)
    state = spaces.Box(-bound, bound, dtype=np.float32)
    return spaces.Dict({**parts, "agent_pos": state, "instruction": InstructionSpace()})


def _camera_spaces(
    cameras: Sequence[CameraSpec], size: ImageSize | None, observe: Sequence[str]
) -> dict[str, spaces.Space[Any]]:
    parts: dict[str, dict[str, spaces.Space[Any]]] = {"pixels": {}, "depth": {}, "segmentation": {}, "camera": {}}
    for camera in cameras:
        width, height = (camera.width, camera.height) if size is None else resolution(size)
        shape, name = (height, width), camera.name
        parts["pixels"][name] = spaces.Box(0, 255, (*shape, 3), np.uint8)
        parts["depth"][name] = spaces.Box(0.0, camera.far, shape, np.float32)
        parts["segmentation"][name] = spaces.Box(BACKGROUND, np.iinfo(np.int32).max, shape, np.int32)
        intrinsics, extrinsics = spaces.Box(0.0, FARTHEST_PIXEL, (3, 3)), spaces.Box(-FARTHEST, FARTHEST, (4, 4))
        parts["camera"][name] = spaces.Dict({"intrinsics": intrinsics, "extrinsics": extrinsics})
    asked = ["pixels" if name == "rgb" else name for name in observe]
    return {name: spaces.Dict(each) for name, each in parts.items() if name in asked}


def observation(world: World, observe: Sequence[str]) -> dict[str, Any]:
    """What `world` shows now, as `OBSERVABLE` says; cameras are drawn only if a picture of them is asked for."""
    seen: dict[str, Any] = {}
    if {"rgb", "depth", "segmentation"} & set(observe):
        frames = world.frames()
        for name, part, attribute in (("rgb", "pixels", "rgb"), ("depth",) * 3, ("segmentation",) * 3):
            if name in observe:
                seen[part] = {camera: getattr(frame, attribute) for camera, frame in frames.items()}
    if "camera" in observe:
        seen["camera"] = {
            name: {"intrinsics": placed.intrinsics.astype(np.float32), "extrinsics": placed.pose_w.astype(np.float32)}
            for name, placed in world.placed_cameras().items()
        }
    if "joint_pos" in observe:
        seen["joint_pos"] = world.joint_pos()
    return {**seen, **world.observe(ALWAYS)}


def segmentation_names(spec: SceneSpec) -> dict[int, str]:
    """What each number of a segmentation is: `floor`, `table`, `panda/panda_hand`, `red_block` and so on."""
    names = {BACKGROUND: "background", FLOOR_BODY: "floor", TABLE_BODY: "table"}
    if spec.background.kind != "gradient":
        names[_number(FLOOR_BODY, ROOM_LINK)] = "room"
    if spec.scenery:
        names[_number(FLOOR_BODY, SCENERY_LINK)] = "scenery"
    for link in load_urdf(ROBOTS[spec.robot.name]().urdf).links:
        if link.visuals:
            names[_number(ROBOT_BODY, link.index)] = f"{spec.robot.name}/{link.name}"
    for i, item in enumerate(spec.objects):
        names[_number(FIRST_OBJECT_BODY + i, -1)] = item.name
        if object_kind(item.kind).shape(item.size).part is not None:
            names[_number(FIRST_OBJECT_BODY + i, FIXTURE_LINK)] = f"{item.name}/part"
    return names


def _number(body: int, link: int) -> int:
    """As PyBullet numbers them (`envs.renderer.types.Frame`)."""
    return body + ((link + 1) << 24)

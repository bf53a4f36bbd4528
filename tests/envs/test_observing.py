"""Cameras and observations of the Gymnasium environment: any number, lenses, depth, segmentation, errors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from envs.cameras import FRONT, TOP, distorted, place, project
from envs.control import CONTROL_MODES, action_entries
from envs.gym_env import VLAEnv
from envs.lens import lens
from envs.observing import OBSERVABLE, segmentation_names
from envs.poses import pose_rows
from envs.robots import ROBOTS
from envs.scene import CameraSpec, SensorSpec
from envs.world import World
from tests.envs.scenes_by_hand import scene, thing

BARREL = (-0.3, 0.1, 0.003, -0.002)
PINCUSHION = (0.15, 0.02, 0.0, 0.0, 0.01)


@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize("mode", CONTROL_MODES)
def test_spaces_hold_everything_that_is_observed(robot: str, mode: str) -> None:
    env = VLAEnv("Lift", robot=robot, control_mode=mode, image_size=24, observe=OBSERVABLE, cameras=("wrist", "top"))
    check_env(env, skip_render_check=True)
    observation, info = env.reset(seed=0)
    assert set(observation) == {
        "pixels", "depth", "segmentation", "camera", "joint_pos", "agent_pos", "instruction",
    }  # fmt: skip
    assert info["robot"] == env.robot == robot
    assert env.action_space.shape == (len(action_entries(robot, mode)),)
    assert set(observation["depth"]) == {"wrist", "top"}
    for _ in range(4):
        observation, *_ = env.step(env.action_space.sample())
        assert observation in env.observation_space
    np.testing.assert_allclose(observation["joint_pos"], env.world.state().joints, atol=1e-6)
    env.close()


def test_cameras_keep_their_own_resolution_when_no_size_is_given() -> None:
    near = CameraSpec("near", "world", (0.8, 0.0, 0.3), (0.5, 0.0, 0.0), (0.0, 0.0, 1.0), 50.0, 48, 32)
    env = VLAEnv("Reach", image_size=None, cameras=(near, "front"))
    observation, _ = env.reset(seed=0)
    assert {name: image.shape for name, image in observation["pixels"].items()} == {
        "near": (32, 48, 3), "front": (128, 128, 3),
    }  # fmt: skip
    assert observation in env.observation_space
    env.close()


def test_a_named_camera_is_the_one_that_an_axis_moved() -> None:
    env = VLAEnv("Lift", image_size=16, cameras=("front", "top"), perturbations=[("camera_position", 3)])
    env.reset(seed=0)
    front, top = env.world.spec.cameras
    assert front.name == "front"
    assert front != FRONT
    assert top == TOP
    env.close()


def test_depth_and_extrinsics_give_points_on_the_table() -> None:
    env = VLAEnv("Lift", image_size=64, observe=("depth", "segmentation", "camera"), cameras=("top", "side"))
    observation, _ = env.reset(seed=0)
    table = next(number for number, name in env.segmentation_names.items() if name == "table")
    for name in ("top", "side"):
        camera, depth = observation["camera"][name], observation["depth"][name]
        v, u = np.nonzero(observation["segmentation"][name] == table)
        rays = np.linalg.inv(camera["intrinsics"]) @ np.stack([u + 0.5, v + 0.5, np.ones(len(u))])
        points_c = np.vstack([rays * depth[v, u], np.ones(len(u))])
        points_w = camera["extrinsics"] @ points_c
        assert len(u) > 500
        np.testing.assert_allclose(points_w[2], 0, atol=0.003)
    env.close()


def test_segmentation_numbers_have_names() -> None:
    env = VLAEnv("OpenDrawer", image_size=96, observe=("segmentation",), robot="xarm6")
    observation, _ = env.reset(seed=0)
    names = env.segmentation_names
    seen = {names[number] for image in observation["segmentation"].values() for number in np.unique(image).tolist()}
    assert {"table", "xarm6/left_finger"} <= seen
    assert any(name.endswith("/part") for name in seen)
    assert names == segmentation_names(env.world.spec)
    env.close()


@pytest.mark.parametrize("distortion", [BARREL, PINCUSHION])
def test_points_are_drawn_where_they_are_projected_through_a_lens(distortion: tuple[float, ...]) -> None:
    balls = [
        thing(f"b{i}", "ball", x, y) for i, (x, y) in enumerate([(0.3, -0.33), (0.64, 0.24), (0.5, 0.0), (0.63, -0.23)])
    ]
    bent = replace(FRONT, name="bent", distortion=distortion, width=480, height=400)
    spec = replace(scene(*balls), cameras=(bent,))
    world = World()
    world.load(spec)
    frame = world.frames()["bent"]
    state, camera = world.state(), place(bent, world.poses(), pose_rows(spec))
    numbers = {name: number for number, name in segmentation_names(spec).items()}
    moved = []
    for ball in balls:
        centre = state.objects[ball.name].position[None]
        v, u = np.nonzero(frame.segmentation == numbers[ball.name])
        ((expected_u, expected_v, depth),) = project(centre, camera)
        assert abs(np.mean(u) + 0.5 - expected_u) < 1.2
        assert abs(np.mean(v) + 0.5 - expected_v) < 1.2
        nearest = frame.depth[v, u].min()
        assert depth - 0.05 < nearest < depth
        straight = project(centre, replace(camera, distortion=()))[0]
        moved.append(np.hypot(straight[0] - expected_u, straight[1] - expected_v))
    assert max(moved) > 4
    world.close()


def test_distortion_is_opencvs() -> None:
    import cv2

    rng = np.random.default_rng(0)
    points = rng.uniform(-0.5, 0.5, (30, 2))
    for coefficients in (BARREL, PINCUSHION):
        theirs, _ = cv2.projectPoints(
            np.column_stack([points, np.ones(30)]), np.zeros(3), np.zeros(3), np.eye(3), np.array(coefficients)
        )
        np.testing.assert_allclose(distorted(points, coefficients), theirs[:, 0], atol=1e-9)


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vector_environments_observe_it_all(mode: str) -> None:
    env: Any = gymnasium.make_vec(
        "vla/Lift-v0", num_envs=2, vectorization_mode=mode, image_size=16, observe=OBSERVABLE, robot="xarm6"
    )
    try:
        observation, info = env.reset(seed=[0, 1])
        assert observation["depth"]["wrist"].shape == (2, 16, 16)
        assert observation["camera"]["wrist"]["extrinsics"].shape == (2, 4, 4)
        assert observation["joint_pos"].shape == (2, 6)
        assert list(info["robot"]) == ["xarm6", "xarm6"]
    finally:
        env.close()


TWICE = (FRONT, replace(FRONT, fov_y=30.0))
BAD: list[tuple[dict[str, Any], str]] = [
    ({"cameras": ("frnt",)}, "unknown camera 'frnt'. Did you mean 'front'"),
    ({"cameras": "front"}, "'front' alone: put it in a tuple"),
    ({"cameras": (3,)}, "a camera is a CameraSpec or one of the names .*; got 3"),
    ({"cameras": TWICE}, r"camera names must be unique, got \['front', 'front'\]"),
    ({"cameras": (replace(FRONT, fov_y=180.0),)}, "fov_y is 180.0; expected more than 0 and less than 180"),
    ({"cameras": (replace(FRONT, near=2.0, far=1.0),)}, r"near, far is \(2.0, 1.0\); expected 0 < near < far"),
    ({"cameras": (replace(FRONT, width=0),)}, r"width, height is \(0, 128\); expected at least 1 pixel"),
    ({"cameras": (replace(FRONT, target=FRONT.eye),)}, "lie on one line"),
    (
        {"cameras": (replace(FRONT, distortion=(0.1,)),)},
        r"distortion is \(0.1,\); expected nothing, \(k1, k2, p1, p2\)",
    ),
    ({"cameras": (replace(FRONT, distortion=(-3.0, 0, 0, 0)),)}, "folds a picture"),
    ({"cameras": (replace(FRONT, distortion=(float("nan"), 0, 0, 0)),)}, "finite numbers"),
    ({"cameras": (replace(FRONT, sensor=SensorSpec(noise=-1.0)),)}, "noise is -1.0; expected 0 to 255 levels"),
    ({"cameras": (replace(FRONT, sensor=SensorSpec(jpeg=101)),)}, "jpeg is 101; expected 0 to 100 quality"),
    ({"cameras": (replace(FRONT, sensor=SensorSpec(shrink=0.5)),)}, "shrink is 0.5; expected 1 to 1000 times"),
    ({"observe": ("rgbd",)}, "unknown observation 'rgbd'. Did you mean 'rgb'"),
    ({"observe": "depth"}, "'depth' alone: put it in a tuple"),
    ({"robot": "ur5"}, "unknown robot 'ur5'. .*Known: kuka, kuka_hand, panda, panda_wsg, xarm6, xarm6_hand"),
    ({"robot": "Kuka6"}, "Did you mean 'kuka'"),
    ({"control_mode": "pd_ee_delta_pos"}, "Did you mean 'pd_ee_delta_pose'"),
    ({"image_size": 0}, "at least one pixel"),
    ({"image_size": (64, -1)}, "at least one pixel"),
    ({"renderer": "rastr"}, "Did you mean 'raster'"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[str(i) for i in range(len(BAD))])
def test_bad_arguments_are_told_what_is_expected(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VLAEnv("Lift", **arguments)


def test_a_lens_is_worked_out_once() -> None:
    assert lens(64, 48, 60.0, BARREL) is lens(64, 48, 60.0, BARREL)

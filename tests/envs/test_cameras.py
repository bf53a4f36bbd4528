import numpy as np
import pytest

from envs.cameras import DEFAULT_CAMERAS, FRONT, WRIST, look_at, place, pose_matrix, project, resolution
from envs.layout import REACHABLE
from envs.poses import PoseRow, pose_rows
from envs.scene import CameraSpec
from envs.simulator import Simulator
from tests.envs.scenes_by_hand import scene, thing

NO_POSES = np.zeros((0, 7), np.float32)


def test_look_at_is_a_right_handed_frame_with_y_down() -> None:
    matrix = look_at((1.0, 0.0, 0.5), (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix[:3, :3]) == pytest.approx(1)
    assert matrix[2, 1] < 0  # y of the camera points down in the world
    np.testing.assert_allclose(matrix[:3, 0], (0, 1, 0), atol=1e-12)  # looking along -x, right is +y


def test_look_at_refuses_a_view_along_up() -> None:
    with pytest.raises(ValueError, match="on one line"):
        look_at((0.5, 0.0, 1.0), (0.5, 0.0, 0.0), (0.0, 0.0, 1.0))


def test_target_is_projected_to_the_centre_at_its_distance() -> None:
    camera = place(FRONT, NO_POSES, (), (200, 100))
    u, v, depth = project(np.array([FRONT.target]), camera)[0]
    assert (u, v) == pytest.approx((100, 50))
    assert depth == pytest.approx(np.linalg.norm(np.subtract(FRONT.target, FRONT.eye)))


def test_projection_agrees_with_the_intrinsics() -> None:
    camera = place(CameraSpec("c", "world", (0, 0, 0), (1, 0, 0), (0, 0, 1), 90.0, 64, 64), NO_POSES, ())
    left_up_edge = np.array([[2.0, 2.0, 2.0]])  # 45 degrees to the left and up
    np.testing.assert_allclose(project(left_up_edge, camera), [[0, 0, 2]], atol=1e-9)


def test_points_behind_the_camera_have_negative_depth() -> None:
    camera = place(FRONT, NO_POSES, ())
    assert project(np.array([[3.0, 0.0, 0.6]]), camera)[0, 2] < 0


def test_front_camera_sees_all_places_where_objects_may_stand() -> None:
    camera = place(FRONT, NO_POSES, (), 96)
    corners = [(x, y, 0.02) for x in (REACHABLE.x_low, REACHABLE.x_high) for y in (REACHABLE.y_low, REACHABLE.y_high)]
    pixels = project(np.array(corners), camera)[:, :2]
    assert pixels.min() > 0
    assert pixels.max() < 96


def test_wrist_camera_moves_with_the_hand_and_sees_the_tool() -> None:
    spec = scene(thing("block", "block", 0.5, 0.0))
    simulator = Simulator()
    simulator.build(spec)
    camera = place(WRIST, simulator.poses(), pose_rows(spec), 96)
    tool, _ = simulator.tool()
    simulator.close()
    u, v, depth = project(tool[None], camera)[0]
    assert u == pytest.approx(48, abs=0.5)
    assert 48 < v < 96
    assert 0.05 < depth < 0.2


def test_hand_camera_needs_a_hand() -> None:
    with pytest.raises(ValueError, match="no hand"):
        place(WRIST, np.zeros((1, 7), np.float32), (PoseRow("block", 3, -1),))


def test_size_overrides_resolution_but_not_the_view() -> None:
    small, large = (place(FRONT, NO_POSES, (), size) for size in (96, (640, 480)))
    assert (small.width, small.height, large.width, large.height) == (96, 96, 640, 480)
    assert small.fov_y == large.fov_y == FRONT.fov_y


@pytest.mark.parametrize("size", [0, -3, (96, 0)])
def test_size_must_be_positive(size: int | tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        resolution(size)


def test_default_cameras_have_the_names_of_the_contract() -> None:
    assert tuple(camera.name for camera in DEFAULT_CAMERAS) == ("front", "wrist")


def test_pose_matrix_turns_as_the_quaternion_says() -> None:
    half = np.sqrt(0.5)
    matrix = pose_matrix(np.array([1.0, 2.0, 3.0, 0.0, 0.0, half, half]))  # a quarter turn about z
    np.testing.assert_allclose(matrix @ [1, 0, 0, 1], [1, 3, 3, 1], atol=1e-12)

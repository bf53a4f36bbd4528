"""Where the cameras are: the default views, their placement for one frame, and projection of points.

Knows no renderer. Camera axes: x right, y down, z forward; pixel centres lie at +0.5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from envs.poses import PoseRow
from envs.renderer.types import Camera
from envs.scene import CameraSpec, Vec3
from vla.contract import FloatArray
from vla.registry import nearest

Float64 = NDArray[np.float64]
ImageSize = int | tuple[int, int]  # side of a square image, or (width, height), pixels

FRONT = CameraSpec("front", "world", (0.98, 0.0, 0.58), (0.475, 0.0, 0.045), (0.0, 0.0, 1.0), 45.0)
WRIST = CameraSpec("wrist", "hand", (0.075, 0.0, 0.0), (0.05, 0.0, 0.2), (1.0, 0.0, 0.0), 80.0, near=0.005)
OVERVIEW = CameraSpec("overview", "world", (1.3, -0.7, 0.8), (0.33, 0.01, 0.2), (0.0, 0.0, 1.0), 42.0)
SIDE = CameraSpec("side", "world", (0.45, -0.85, 0.5), (0.45, 0.0, 0.05), (0.0, 0.0, 1.0), 45.0)
TOP = CameraSpec("top", "world", (0.5, 0.0, 1.1), (0.5, 0.0, 0.0), (1.0, 0.0, 0.0), 45.0)
DEFAULT_CAMERAS = (FRONT, WRIST)
CAMERAS = {camera.name: camera for camera in (FRONT, WRIST, OVERVIEW, SIDE, TOP)}  # those that have a name


def place(camera: CameraSpec, poses: FloatArray, rows: Sequence[PoseRow], size: ImageSize | None = None) -> Camera:
    """The camera for one frame.

    Args:
        camera: Its description.
        poses: (N, 7) position (m) and quaternion xyzw of every row, world.
        rows: What the rows are (`envs.poses.pose_rows`).
        size: Overrides the resolution; the vertical field of view stays.

    Raises:
        ValueError: A hand camera, but no row of `rows` is the hand; or eye, target and up lie on one line.
    """
    pose_w = look_at(camera.eye, camera.target, camera.up)
    if camera.parent == "hand":
        hand = next((i for i, row in enumerate(rows) if row.hand), None)
        if hand is None:
            raise ValueError(f"camera {camera.name!r} is fixed to the hand, but the pose rows have no hand")
        pose_w = pose_matrix(poses[hand]) @ pose_w
    width, height = (camera.width, camera.height) if size is None else resolution(size)
    return Camera(pose_w, camera.fov_y, width, height, camera.near, camera.far, camera.distortion)


def place_all(camera: CameraSpec, poses: FloatArray, rows: Sequence[PoseRow], size: ImageSize | None = None) -> Camera:
    """The camera for moments `poses` (S, N, 7): its `pose_w` is (S, 4, 4) if it moves. Otherwise as `place`."""
    placed = place(camera, poses[0], rows, size)
    if camera.parent != "hand":
        return placed
    hand = next(i for i, row in enumerate(rows) if row.hand)
    return replace(placed, pose_w=pose_matrices(poses[:, hand]) @ look_at(camera.eye, camera.target, camera.up))


def chosen_cameras(chosen: Sequence[CameraSpec | str], present: Sequence[CameraSpec] = ()) -> tuple[CameraSpec, ...]:
    """Cameras given as descriptions or by name; a name means the one of `present`, else one of `CAMERAS`.

    Raises:
        ValueError: A name that is in neither (the message gives the nearest one), something that is no camera, or two
            cameras of one name.
    """
    known = CAMERAS | {camera.name: camera for camera in present}
    if isinstance(chosen, (str, CameraSpec)):
        raise ValueError(f"cameras are a sequence of CameraSpecs or names, got {chosen!r} alone: put it in a tuple")
    out = []
    for camera in chosen:
        if not isinstance(camera, (str, CameraSpec)):
            raise ValueError(f"a camera is a CameraSpec or one of the names {', '.join(sorted(known))}; got {camera!r}")
        if isinstance(camera, str) and camera not in known:
            raise nearest("camera", camera, list(known))
        out.append(known[camera] if isinstance(camera, str) else camera)
    names = [camera.name for camera in out]
    if len(set(names)) < len(names):
        raise ValueError(f"camera names must be unique, got {names}")
    return tuple(out)


def resolution(size: ImageSize) -> tuple[int, int]:
    """(width, height) of a size given as one number or a pair. Raises ValueError if it is not positive."""
    width, height = (size, size) if isinstance(size, int) else size
    if width < 1 or height < 1:
        raise ValueError(f"an image has at least one pixel each way; got (width, height) = ({width}, {height})")
    return int(width), int(height)


@lru_cache(maxsize=1024)
def look_at(eye: Vec3, target: Vec3, up: Vec3) -> Float64:
    """Camera-to-parent matrix (4, 4), cached and read-only.

    Raises ValueError if the view direction is parallel to `up` or has no length.
    """
    forward = np.subtract(target, eye)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-9:
        raise ValueError(f"a camera cannot look from {eye} to {target} with up = {up}: these lie on one line")
    forward = forward / np.linalg.norm(forward)
    right = right / np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    matrix[:3, 3] = eye
    matrix.setflags(write=False)
    return matrix


def project(points_w: NDArray[np.floating], camera: Camera) -> Float64:
    """Points (..., P, 3), metres, world -> (..., P, 3) u, v in pixels and depth in metres along the optical axis.

    The lens's distortion is part of it: points land where they are drawn. A camera that moves may be given as one with
    `pose_w` (..., 4, 4), one for each set of points.

    u and v mean nothing where depth is not positive (the point is behind the camera).
    """
    rotation, eye = camera.pose_w[..., :3, :3], camera.pose_w[..., None, :3, 3]
    points_c = (np.asarray(points_w, np.float64) - eye) @ rotation
    depth = points_c[..., 2:]
    safe = np.where(np.abs(depth) < 1e-12, 1e-12, depth)
    flat = distorted(points_c[..., :2] / safe, camera.distortion)
    intrinsics = camera.intrinsics
    return np.concatenate([flat @ intrinsics[:2, :2].T + intrinsics[:2, 2], depth], axis=-1)


def distorted(points: NDArray[np.floating], distortion: Sequence[float]) -> Float64:
    """Where a lens puts rays (..., 2), x / z and y / z, by the model of Brown and Conrady: k1, k2, p1, p2, k3."""
    x, y = np.moveaxis(np.asarray(points, np.float64), -1, 0)
    if not len(distortion):
        return np.stack([x, y], axis=-1)
    k1, k2, p1, p2, k3 = (*distortion, 0.0)[:5]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    across = 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
    down = p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
    return np.stack([x * radial + across, y * radial + down], axis=-1)


def pose_matrices(poses: NDArray[np.floating]) -> Float64:
    """(..., 4, 4) of pose rows (..., 7); for one, `pose_matrix` is faster."""
    x, y, z, w = np.moveaxis(np.asarray(poses[..., 3:], np.float64), -1, 0)
    matrix = np.zeros((*x.shape, 4, 4))
    matrix[..., 0, 0], matrix[..., 0, 1], matrix[..., 0, 2] = (
        1 - 2 * (y * y + z * z),
        2 * (x * y - z * w),
        2 * (x * z + y * w),
    )
    matrix[..., 1, 0], matrix[..., 1, 1], matrix[..., 1, 2] = (
        2 * (x * y + z * w),
        1 - 2 * (x * x + z * z),
        2 * (y * z - x * w),
    )
    matrix[..., 2, 0], matrix[..., 2, 1], matrix[..., 2, 2] = (
        2 * (x * z - y * w),
        2 * (y * z + x * w),
        1 - 2 * (x * x + y * y),
    )
    matrix[..., :3, 3], matrix[..., 3, 3] = poses[..., :3], 1.0
    return matrix


def pose_matrix(pose: NDArray[np.floating]) -> Float64:
    """(4, 4) of one pose row (7,): position and unit quaternion xyzw."""
    x, y, z, w = (float(value) for value in pose[3:])
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = pose[:3]
    return matrix

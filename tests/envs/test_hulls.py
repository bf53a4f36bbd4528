"""Light hulls collide like the meshes they stand for."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import trimesh

from envs.arm import bare_urdf
from envs.hulls import TOLERANCE, light_hull, thinned
from envs.robots import ROBOTS
from envs.urdf import load_urdf


def vertices(file: Path) -> np.ndarray:
    mesh: Any = trimesh.load(file, force="mesh")
    return np.asarray(mesh.vertices)


@pytest.mark.parametrize("robot", ROBOTS)
def test_hulls_of_robots_reach_as_far_as_their_meshes_in_every_direction(robot: str) -> None:
    source = load_urdf(ROBOTS[robot]().urdf).path
    original, light = (ElementTree.parse(file).getroot() for file in (source, bare_urdf(str(source))))
    directions = np.random.default_rng(0).normal(size=(200, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    meshes = list(zip(original.findall(".//collision//mesh"), light.findall(".//collision//mesh"), strict=True))
    assert meshes
    for old, new in meshes:
        scale = [float(v) for v in old.get("scale", "1 1 1").split()]
        file = source.parent / old.get("filename", "").removeprefix("package://")
        full, few = vertices(file) * scale, vertices(Path(new.get("filename", "")))
        missing = (full @ directions.T).max(axis=0) - (few @ directions.T).max(axis=0)
        assert missing.max() <= TOLERANCE * np.linalg.norm(np.ptp(full, axis=0)) + 1e-6
        assert missing.min() >= -1e-6
        assert len(np.unique(few, axis=0)) <= 320


def test_a_box_keeps_its_eight_corners() -> None:
    box = np.array(np.meshgrid(*[(-0.1, 0.1)] * 3)).reshape(3, -1).T
    inside = np.random.default_rng(0).uniform(-0.09, 0.09, (50, 3))
    corners, triangles = thinned(np.concatenate([inside, box]))
    assert sorted(map(tuple, corners)) == sorted(map(tuple, box))
    assert len(triangles) == 12


def test_scaled_meshes_come_out_in_metres_and_several_objects_stay_as_they_are(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=20.0)
    ball.export(tmp_path / "ball.stl")
    hull = light_hull(tmp_path / "ball.stl", (0.001, 0.001, 0.001))
    assert np.ptp(vertices(hull), axis=0) == pytest.approx([0.04] * 3, rel=0.01)
    assert light_hull(tmp_path / "ball.stl", (0.001, 0.001, 0.001)) == hull
    two = tmp_path / "two.obj"
    two.write_text("o a\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\no b\nv 0 0 1\nv 1 0 1\nv 0 1 1\nf 4 5 6\n")
    assert light_hull(two) == two

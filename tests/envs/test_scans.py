import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from envs.objects import object_kind, resting_z
from envs.objects.models import TRIANGLES, Model, load_unit, model_shape
from envs.objects.scans import BLOBS, MODELS, STATED
from envs.simulator import Simulator
from envs.tasks.base import TASKS
from envs.urdf import pybullet_data_path
from tests.envs.kinds import SCANS
from tests.envs.scenes_by_hand import scene, thing
from tests.envs.test_objects import face_normals, settled


def test_every_file_is_in_the_package() -> None:
    folder = pybullet_data_path()
    assert len(BLOBS) >= 150
    assert all((folder / f"random_urdfs/{number:03d}/{number:03d}.obj").is_file() for number in BLOBS)
    for model, _ in MODELS.values():
        assert (folder / model.file).is_file()
        assert not model.collision or (folder / model.collision).is_file()


@pytest.mark.parametrize("name", SCANS)
def test_mesh_and_collision_shape_are_well_formed_and_agree(name: str) -> None:
    kind = object_kind(name)
    shape = kind.shape(kind.default_size)
    mesh = shape.mesh
    assert len(mesh.faces) <= 1.2 * TRIANGLES
    assert len(shape.pieces) <= 18
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    assert np.einsum("fi,fki->fk", face_normals(mesh), mesh.normals[mesh.faces]).min() > 0.5
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    for axis in range(3):  # simplified and convex: not quite the same extents
        direction = np.eye(3)[axis]
        assert high[axis] == pytest.approx(shape.extent(direction), abs=0.002)
        assert -low[axis] == pytest.approx(shape.extent(-direction), abs=0.002)
    assert max(high - low) == pytest.approx(kind.default_size[0], abs=0.002)
    assert shape.height == pytest.approx(2 * shape.extent(np.array([0.0, 0.0, -1.0])), abs=0.0005)


@pytest.mark.parametrize("name", SCANS)
def test_normals_look_out_of_the_solid(name: str) -> None:
    mesh = object_kind(name).mesh(object_kind(name).default_size)
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6 > 0, "the enclosed volume is negative"


@pytest.mark.parametrize("name", [name for name in SCANS if name != "soccer_ball"])  # balls turn
def test_stays_as_it_lies(name: str) -> None:
    end = settled(thing("it", name, 0.5, 0.1))["it"]
    assert end.position[2] == pytest.approx(resting_z(name, object_kind(name).default_size), abs=0.002)
    assert abs(end.quaternion[3]) > 0.99
    np.testing.assert_allclose(end.position[:2], (0.5, 0.1), atol=0.01)


def test_size_is_the_longest_side_and_scales_the_grasp() -> None:
    model = MODELS["duck"][0]
    small, large = model_shape(model, 0.05), model_shape(model, 0.1)
    np.testing.assert_allclose(2 * small.mesh.vertices, large.mesh.vertices, atol=1e-6)
    np.testing.assert_allclose(2 * np.array(small.grasp.position), large.grasp.position, atol=1e-9)
    assert large.height == pytest.approx(2 * small.height)


def test_modelled_mug_is_hollow() -> None:
    size = object_kind("mug_model").default_size
    state = settled(thing("it", "mug_model", 0.5, 0.1), thing("in", "ball", 0.5, 0.1, size=(0.008,), above=0.08))
    assert state["in"].position[2] < resting_z("mug_model", size)
    assert abs(state["it"].quaternion[3]) > 0.99


def test_cached_model_is_the_computed_one(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    load_unit.cache_clear()
    first = load_unit(MODELS["duck"][0])
    load_unit.cache_clear()
    second = load_unit(MODELS["duck"][0])
    load_unit.cache_clear()
    np.testing.assert_array_equal(first.surface.points, second.surface.points)
    np.testing.assert_array_equal(first.grasp, second.grasp)
    assert all(np.array_equal(a, b) for a, b in zip(first.hulls, second.hulls, strict=True))


def test_missing_file_says_which() -> None:
    with pytest.raises(ValueError, match=r"random_urdfs/none\.obj"):
        model_shape(Model("random_urdfs/none.obj"), 0.05)


def test_kinds_are_registered_without_reading_a_file() -> None:
    code = (
        "import builtins, pathlib, sys\n"
        "from envs.objects import OBJECT_KINDS\n"
        "pathlib.Path.read_text = pathlib.Path.read_bytes = None\n"
        "assert 'scan_000' in OBJECT_KINDS and 'duck' in OBJECT_KINDS\n"
        "assert 'scipy' not in sys.modules and 'trimesh' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_origin_of_every_file_is_listed() -> None:
    text = (Path(__file__).parents[2] / "docs" / "assets.md").read_text(encoding="utf-8")
    files = [name for model, _ in MODELS.values() for name in (model.file, model.collision) if name]
    sources = {Path(name).parts[0] for name in (*files, "random_urdfs/000/000.obj")}
    sources |= {"franka_panda", "kuka_iiwa", "gripper", "xarm"}
    assert not {source for source in sources if f"`{source}`" not in text}


def test_tasks_use_no_file_whose_licence_is_not_stated() -> None:
    barred = {*MODELS, *(f"scan_{number:03d}" for number in BLOBS)} - set(STATED)
    for name in TASKS:
        grammar = TASKS[name].grammar
        assert not barred & {*grammar.target_kinds, *grammar.place_kinds}, name
        kinds = {item.kind for item in TASKS[name]().sample(np.random.default_rng(0)).objects}
        assert not barred & kinds, name


def test_fixed_seed_of_physics_reads_the_same_hulls() -> None:
    poses = []
    for _ in range(2):
        simulator = Simulator()
        simulator.build(scene(thing("it", "duck", 0.5, 0.1, above=0.05)))
        poses.append(simulator.poses())
        simulator.close()
    np.testing.assert_array_equal(poses[0], poses[1])

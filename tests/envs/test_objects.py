import re
from dataclasses import replace

import numpy as np
import pytest

from envs.objects import OBJECT_KINDS, Piece, checked_kind, object_kind, resting_z
from envs.objects.files import file_vertices
from envs.renderer.types import Mesh
from envs.scene import ObjectSpec, Quat
from envs.simulator import Simulator
from envs.state import BodyState
from envs.world import World
from tests.envs.kinds import PROCEDURAL
from tests.envs.scenes_by_hand import scene, thing
from vla.registry import UnknownNameError


def rotate(quaternion: Quat, points: np.ndarray) -> np.ndarray:
    vector, scalar = np.asarray(quaternion[:3]), quaternion[3]
    return np.asarray(points + 2 * np.cross(vector, np.cross(vector, points) + scalar * points))


def corners(piece: Piece) -> np.ndarray:
    """Points on the hull of a piece, in the object's frame."""
    if piece.shape == "box":
        local = np.array(np.meshgrid(*[(-d, d) for d in piece.dims])).reshape(3, -1).T
    elif piece.shape == "mesh":
        local = file_vertices(piece.path) * piece.dims
    else:
        half = piece.dims[1] / 2 if piece.shape == "cylinder" else piece.dims[0]
        angles = np.linspace(0, 2 * np.pi, 16, endpoint=False)
        ring = piece.dims[0] * np.stack([np.cos(angles), np.sin(angles), 0 * angles], axis=1)
        ends = np.array([[0, 0, half], [0, 0, -half]])
        local = np.concatenate([ring, ends])
    return np.asarray(rotate(piece.quaternion, local) + np.array(piece.position))


def face_normals(mesh: Mesh) -> np.ndarray:
    a, b, c = (mesh.vertices[mesh.faces[:, i]] for i in range(3))
    normals = np.cross(b - a, c - a)
    return np.asarray(normals / np.linalg.norm(normals, axis=1, keepdims=True))


@pytest.mark.parametrize("name", PROCEDURAL)
def test_mesh_is_well_formed_and_centred_on_its_bounding_box(name: str) -> None:
    kind = object_kind(name)
    mesh = kind.mesh(kind.default_size)
    assert mesh.vertices.dtype == mesh.normals.dtype == mesh.uvs.dtype == np.float32
    assert mesh.faces.dtype == np.int32
    assert mesh.faces.min() == 0
    assert mesh.faces.max() == len(mesh.vertices) - 1
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    low, high = mesh.vertices.min(0), mesh.vertices.max(0)
    centred = slice(1, 3) if name == "mug" else slice(0, 3)  # a mug's origin is the middle of its opening
    np.testing.assert_allclose(low[centred], -high[centred], atol=1e-6)
    assert np.linalg.norm(mesh.vertices[:, :2], axis=1).max() == pytest.approx(kind.radius(kind.default_size), abs=1e-6)
    if kind.moves:
        assert high[2] - low[2] == pytest.approx(kind.height(kind.default_size), abs=1e-6)


@pytest.mark.parametrize("name", PROCEDURAL)
def test_faces_look_the_way_their_normals_point(name: str) -> None:
    kind = object_kind(name)
    mesh = kind.mesh(kind.default_size)
    alignment = np.einsum("fi,fki->fk", face_normals(mesh), mesh.normals[mesh.faces])
    assert alignment.min() > 0.95


@pytest.mark.parametrize("name", [name for name in PROCEDURAL if object_kind(name).moves])
def test_surface_is_closed(name: str) -> None:
    kind = object_kind(name)
    mesh = kind.mesh(kind.default_size)
    _, points = np.unique(np.round(mesh.vertices, 6), axis=0, return_inverse=True)
    faces = points.ravel()[mesh.faces]
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    there = {tuple(edge) for edge in edges.tolist()}
    assert len(there) == len(edges)
    assert all((b, a) in there for a, b in there)


@pytest.mark.parametrize("name", PROCEDURAL)
def test_collision_shape_fits_the_surface(name: str) -> None:
    kind = object_kind(name)
    pieces = kind.pieces(kind.default_size)
    assert bool(pieces) == (name != "zone")
    for piece in pieces:
        hull = corners(piece)
        assert np.abs(hull[:, 2]).max() <= kind.height(kind.default_size) / 2 + 1e-6
        # boxes that make a round wall stick out at their corners
        assert np.linalg.norm(hull[:, :2], axis=1).max() <= kind.radius(kind.default_size) * 1.03


@pytest.mark.parametrize("name", [name for name in PROCEDURAL if object_kind(name).container])
def test_what_is_dropped_into_a_container_rests_on_its_floor(name: str) -> None:
    kind = object_kind(name)
    size = kind.default_size
    radius = min(0.6 * kind.inner_radius(size), 0.025)
    state = settled(
        thing("it", name, 0.5, 0.1), thing("in", "ball", 0.5, 0.1, size=(radius,), above=kind.height(size) + 0.01)
    )
    bottom = state["it"].position[2] - kind.height(size) / 2
    assert state["in"].position[2] == pytest.approx(bottom + kind.floor_height(size) + radius, abs=0.002)
    assert np.linalg.norm(state["in"].position[:2] - (0.5, 0.1)) < kind.inner_radius(size)
    np.testing.assert_allclose(state["it"].position[:2], (0.5, 0.1), atol=0.002)


@pytest.mark.parametrize(("name", "roll"), [("cover", 0.0), ("cup", np.pi)])
def test_ball_stays_hidden_under(name: str, roll: float) -> None:
    ball = thing("ball", "ball", 0.5, 0.1, size=(0.022,))
    lid = replace(thing("it", name, 0.5, 0.1, above=0.01), roll=roll)
    state = settled(lid, ball)
    assert state["it"].position[2] == pytest.approx(lid.position[2] - 0.01, abs=0.002)
    np.testing.assert_allclose(state["ball"].position, ball.position, atol=0.005)


def settled(*things: ObjectSpec) -> dict[str, BodyState]:
    """Where things are after two seconds."""
    world = World()
    world.load(scene(*things))
    for _ in range(20):
        world.step(np.array([0, 0, 0, 0, 0, 0, -1], np.float32))
    state = world.state().objects
    world.close()
    return dict(state)


@pytest.mark.parametrize("name", [name for name in PROCEDURAL if object_kind(name).moves])
def test_object_rests_where_resting_z_says(name: str) -> None:
    simulator = Simulator()
    simulator.build(scene(thing("it", name, 0.5, 0.1)))
    state = simulator.object_states()["it"]
    simulator.close()
    assert state.position[2] == pytest.approx(resting_z(name, object_kind(name).default_size), abs=0.001)
    np.testing.assert_allclose(state.position[:2], (0.5, 0.1), atol=0.001)


@pytest.mark.parametrize(
    ("kind", "size"), [("ball", (0.02, 0.02)), ("block", (0.04,)), ("bowl", (0.07, -0.01)), ("zone", (float("nan"),))]
)
def test_size_that_does_not_fit_is_refused(kind: str, size: tuple[float, ...]) -> None:
    spec = thing("it", kind, 0.5, 0.0)
    with pytest.raises(ValueError, match=r"'it'.*takes the size \(.*for example"):
        checked_kind(type(spec)(**{**vars(spec), "size": size}))


def test_every_kind_has_words_of_its_own() -> None:
    spoken = [object_kind(name).noun for name in OBJECT_KINDS if not name.startswith("scan_")]  # those are all objects
    words = [noun.word for noun in spoken]
    synonyms = [synonym for noun in spoken for synonym in noun.synonyms]
    assert len(set(words)) == len(words)
    assert len(set(synonyms)) == len(synonyms)
    assert not set(words) & set(synonyms)
    assert all(noun.synonyms for noun in spoken)
    assert all(re.fullmatch(r"[a-z]+( [a-z]+)*", word) for word in (*words, *synonyms))


def test_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'block'"):
        object_kind("blok")

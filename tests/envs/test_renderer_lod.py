"""Level of detail and its cache: size, shape, damage, and several processes that start at once."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from envs.renderer import lod
from envs.renderer.meshes import load_surface, surface_areas
from envs.urdf import UrdfVisual, load_urdf

PANDA = "franka_panda/panda.urdf"


def _hand() -> UrdfVisual:
    return load_urdf(PANDA).link("panda_hand").visuals[0]


def _digest(folder: str, barrier_size: int) -> str:
    """Load the hand with a cache in `folder`; runs in a process of its own."""
    import os

    os.environ["XDG_CACHE_HOME"] = folder
    mesh = lod.visual_mesh(_hand(), 150)
    return f"{len(mesh.faces)} {mesh.vertices.tobytes().hex()[:64]} {float(mesh.vertices.sum()):.9g}"


def test_processes_that_start_together_share_one_cache_entry(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with context.Pool(3) as pool:
        answers = pool.starmap(_digest, [(str(tmp_path), 3)] * 3, chunksize=1)
    assert len(set(answers)) == 1
    assert len(list(tmp_path.rglob("*.npz"))) == 1
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".npz"], "no leftovers"


def test_damaged_cache_entry_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lod.visual_mesh.cache_clear()
    whole = lod.visual_mesh(_hand(), 60)
    (entry,) = tmp_path.rglob("*.npz")
    entry.write_bytes(entry.read_bytes()[:500])
    lod.visual_mesh.cache_clear()
    again = lod.visual_mesh(_hand(), 60)
    lod.visual_mesh.cache_clear()
    assert np.array_equal(whole.vertices, again.vertices)
    assert entry.stat().st_size > 500


def test_unwritable_cache_warns_and_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    lod.visual_mesh.cache_clear()
    with pytest.warns(UserWarning, match="cache"):
        mesh = lod.visual_mesh(_hand(), 60)
    lod.visual_mesh.cache_clear()
    assert len(mesh.faces) > 20


@pytest.mark.parametrize("name", ["panda_link2", "panda_hand", "panda_leftfinger"])
def test_simplified_link_keeps_its_extent_and_colours(name: str) -> None:
    full = load_surface(load_urdf(PANDA).link(name).visuals[0])
    small = lod.simplify(full, 200)
    assert len(small.faces) < 420
    np.testing.assert_allclose(small.points.min(axis=0), full.points.min(axis=0), atol=0.006)
    np.testing.assert_allclose(small.points.max(axis=0), full.points.max(axis=0), atol=0.006)
    dark_full, dark_small = ((s.face_rgb.mean(axis=1) < 0.7) @ surface_areas(s) for s in (full, small))
    assert abs(dark_full / surface_areas(full).sum() - dark_small / surface_areas(small).sum()) < 0.12

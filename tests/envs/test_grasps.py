"""Every kind that says it can be grasped is lifted at its grasp, straight and turned."""

from collections.abc import Iterator

import pytest

from envs.objects import object_kind
from envs.world import World
from tests.envs.kinds import PROCEDURAL, SCANS
from tests.envs.lifting import lifts, lying


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One world for all scenes."""
    world = World()
    yield world
    world.close()


TILT = {"bowl": 0.6, "tray": 0.3, "teddy": 0.35}  # radians: heavy and held at the rim, or without a flat place


@pytest.mark.parametrize("name", [name for name in (*PROCEDURAL, *SCANS) if object_kind(name).graspable])
def test_is_lifted_at_its_grasp(world: World, name: str) -> None:
    for yaw in (0.0, 0.5, 2.0):
        done, tilt = lifts(world, lying(name, yaw=yaw))
        assert done, f"{name} at yaw {yaw}"
        assert tilt < TILT.get(name, 0.2), f"{name} at yaw {yaw} hangs {tilt:.2f} rad aslant"

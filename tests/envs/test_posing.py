"""Poses without physics, against the simulator before anything has moved."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.poses import pose_rows
from envs.posing import Posture, posed, proprioception
from envs.robots import ROBOTS
from envs.scenes import make_scene
from envs.world import World
from vla.contract import EpisodeRequest


@pytest.mark.parametrize("robot", sorted(ROBOTS))
def test_a_posture_is_where_the_simulator_has_it(robot: str) -> None:
    spec = make_scene(EpisodeRequest("PutInDrawer", 3), robot=robot)
    spec = replace(spec, robot=replace(spec.robot, base_yaw=0.2))
    world = World(robot=robot)
    world.load(spec)
    joints = tuple(float(joint) for joint in world.state().joints)
    posture = Posture(joints, spec.robot.opening)
    poses, expected = posed(spec, posture), world.poses()
    assert poses.shape == (len(pose_rows(spec)), 7)
    np.testing.assert_allclose(poses[:, :3], expected[:, :3], atol=3e-3)
    same = np.abs((poses[:, 3:] * expected[:, 3:]).sum(1))
    assert same.min() > 1 - 2e-3
    np.testing.assert_allclose(proprioception(spec.robot, posture), world.agent_pos(), atol=4e-3)
    world.close()


def test_a_part_goes_where_it_is_put() -> None:
    spec = make_scene(EpisodeRequest("OpenDrawer", 3))
    name = spec.goal.target
    row = next(i for i, row in enumerate(pose_rows(spec)) if row.name == f"{name}/part")
    posture = Posture(spec.robot.joints, 0.08)
    moved = np.linalg.norm(posed(spec, posture, {name: 0.07})[row, :3] - posed(spec, posture, {name: 0.0})[row, :3])
    assert moved == pytest.approx(0.07, abs=1e-4)

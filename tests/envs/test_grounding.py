"""Labels of where to take hold and where that ends, against what the experts go by."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from envs.geometry import grasp_of
from envs.grounding import DemoView
from envs.state import WorldState
from envs.world import World
from policies.expert import ExpertPolicy
from vla.contract import EpisodeRequest
from vla.episode import Episode
from vla.models.grounding import POSTURE, posture, rotation, turn_loss
from vla.rollout import Recorder, rollout

FAMILIES = ("Lift", "PlaceInto", "OpenDrawer", "TurnKnob", "FlipLever", "Rotate", "PressButton")


class Watch:
    """Keeps the state after every pose that is recorded."""

    def __init__(self, world: World) -> None:
        self.world, self.states = world, list[WorldState]()

    def on_reset(self, *about: Any) -> None:
        self.states.append(self.world.observe(frozenset({"state"}))["state"])

    def on_step(self, *about: Any) -> None:
        self.on_reset()

    def on_end(self, *about: Any) -> None:
        pass


def played(task: str) -> tuple[Episode, list[WorldState]]:
    world, recorder = World(robot="kuka" if task == "Lift" else "panda"), Recorder({"policy": "expert"})
    watch = Watch(world)
    rollout(world, ExpertPolicy(), EpisodeRequest(task, 1), subscribers=[recorder, watch])
    world.close()
    episode = recorder.episode()
    assert episode is not None
    assert episode.result.outcome == "success"
    return episode, watch.states


@pytest.mark.parametrize("task", FAMILIES)
def test_roles_are_the_grasp_of_the_target_and_where_it_ends(task: str) -> None:
    episode, states = played(task)
    view = DemoView(episode.spec, ("front",), 32)
    steps = np.arange(len(episode))
    where = view.where(episode.poses, steps)
    robot, name = view.spec.robot, view.spec.goal.target
    into_base = Rotation.from_euler("z", -robot.base_yaw)
    grasps = [grasp_of(state, name) for state in states]
    points = np.array([into_base.apply(point - np.array(robot.base)) for point, _, _ in grasps])
    np.testing.assert_allclose(where[:, 0, :3], points[:-1], atol=1e-5)
    np.testing.assert_allclose(where[:, 1, :3], np.broadcast_to(points[-1], (len(steps), 3)), atol=1e-5)
    assert (where[:, :2, 3] == 1).all()
    turns = grasps[0][2]
    angles = turns * (np.array([yaw for _, yaw, _ in grasps]) - robot.base_yaw)
    wanted = np.stack([np.cos(angles), np.sin(angles), np.ones_like(angles)], 1) * (turns > 0)
    np.testing.assert_allclose(where[:, 0, 4:], wanted[:-1], atol=1e-4)
    np.testing.assert_allclose(where[:, 1, 4:], np.broadcast_to(wanted[-1], (len(steps), 3)), atol=1e-4)


@pytest.mark.parametrize("task", ["PlaceRelative", "PlaceBetween", "PushTogether", "SlideDoor", "Lift"])
def test_landmarks_are_what_else_is_named_or_both_ends_of_a_joint(task: str) -> None:
    episode, states = played(task)
    view = DemoView(episode.spec, ("front",), 32)
    goal, robot = view.spec.goal, view.spec.robot
    found = view.where(episode.poses, np.arange(len(episode)))[:, 2:]
    seen = view.draw(episode.poses, np.arange(2)).points[:, 0, 2:]
    named = [name for name in (goal.place, *goal.others) if name][:2]
    assert len(named) == {"PlaceRelative": 1, "PlaceBetween": 2, "PushTogether": 1, "SlideDoor": 0, "Lift": 0}[task]
    for role, name in enumerate(named):
        points = [state.objects[name].position - np.array(robot.base) for state in states[:-1]]
        np.testing.assert_allclose(found[:, role, :3], points, atol=1e-5)
    if task == "SlideDoor":
        ends = found[0, :, :3] + np.array(robot.base)
        assert ends[1, 1] > ends[0, 1]  # the right one first, whichever of them is open
        way, gone = ends[1] - ends[0], grasp_of(states[0], goal.target)[0] - ends[0]
        share = states[0].objects[goal.target].joint / np.linalg.norm(way)
        assert min(np.abs(gone - way * part).max() for part in (share, 1 - share)) < 1e-5
    known = 2 if task == "SlideDoor" else len(named)
    assert (found[:, :known, 3] == 1).all()
    assert not found[:, known:].any()
    assert not seen[:, known:].any()
    assert (seen[:, :known, 2] == 1).all()


def test_a_drawer_is_opened_towards_where_its_handle_ends() -> None:
    episode, _ = played("OpenDrawer")
    where = DemoView(episode.spec, ("front",), 32).where(episode.poses, np.arange(len(episode)))
    way = np.linalg.norm(where[:, 1, :3] - where[:, 0, :3], axis=1)
    assert way[0] > 0.03
    assert way[-1] < 0.02


def test_posture_is_the_rotation_the_lean_and_what_is_to_be_turned() -> None:
    rotations = Rotation.random(6, random_state=0)
    angles = np.array([0.7, -0.2])  # of the two roles, radians
    told = torch.tensor(np.stack([np.cos(angles), np.sin(angles)], -1), dtype=torch.float32).expand(6, 2, 2)
    found = posture(rotation(torch.tensor(rotations.as_rotvec(), dtype=torch.float32)), told).numpy()
    matrix = rotations.as_matrix()
    assert found.shape == (6, POSTURE)
    np.testing.assert_allclose(found[:, :3], matrix[:, :, 0], atol=1e-5)
    np.testing.assert_allclose(found[:, 3:6], matrix[:, :, 1], atol=1e-5)
    np.testing.assert_allclose(found[:, 6:8], 10 * matrix[:, :2, 2], atol=1e-4)
    yaw = np.arctan2(matrix[:, 1, 0], matrix[:, 0, 0])
    two, four = found[:, 8:12], found[:, 12:]
    for times, part in ((2, two), (4, four)):
        wanted = np.stack([np.cos(a - times * yaw) for a in angles] + [np.sin(a - times * yaw) for a in angles], 1)
        np.testing.assert_allclose(part, wanted, atol=1e-4)


def test_things_without_a_turn_teach_none() -> None:
    placed = torch.zeros(2, 2, 7)
    placed[0, 0, 4:] = torch.tensor([1.0, 0.0, 1.0])
    predicted = torch.full((2, 2, 2), 0.5)
    assert turn_loss(predicted, placed, torch.ones(2)).item() == pytest.approx(0.5)
    assert turn_loss(predicted, placed, torch.tensor([0.0, 1.0])).item() == 0

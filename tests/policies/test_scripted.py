"""Policies by name, and what is stored of their episodes in the real world."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from envs.frames import EpisodeRenderer
from envs.scene import SceneSpec
from envs.world import World
from policies.registry import make_policy, policy_names
from vla.contract import INPUT_NAMES, ByteArray, EpisodeRequest, EpisodeResult, FloatArray, Perturbation, StepResult
from vla.contract import World as AnyWorld
from vla.episode import Episode
from vla.noise import ActionNoise
from vla.rollout import Recorder, rollout
from vla.store import EpisodeStore

REQUEST = EpisodeRequest("Lift", 3)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    world = World(image_size=48)
    yield world
    world.close()


class Photographer:
    """Keeps what the live cameras show, at every step."""

    def __init__(self) -> None:
        self.pictures: list[dict[str, ByteArray]] = []

    def on_reset(self, world: AnyWorld, request: EpisodeRequest) -> None:
        self.pictures.append(world.observe(frozenset({"pixels"}))["pixels"])

    def on_step(self, world: AnyWorld, action: FloatArray, executed: FloatArray, step: StepResult) -> None:
        self.pictures.append(world.observe(frozenset({"pixels"}))["pixels"])

    def on_end(self, result: EpisodeResult) -> None:
        assert result.outcome != "error", result.traceback


def record(world: World, policy: str, request: EpisodeRequest = REQUEST, noise: float = 0.0) -> Episode:
    recorder = Recorder()
    result = rollout(
        world, make_policy(policy), request, subscribers=[recorder], action_filter=ActionNoise(noise)(request)
    )
    assert result.outcome != "error", result.traceback
    episode = recorder.episode()
    assert episode is not None
    return episode


@pytest.mark.parametrize(
    "perturbations", [(), (Perturbation("light_intensity", 2), Perturbation("camera_position", 3))]
)
def test_a_stored_episode_drawn_again_gives_the_same_bytes(
    world: World, tmp_path: Path, perturbations: tuple[Perturbation, ...]
) -> None:
    request = EpisodeRequest("PlaceInto", 1, 0, "eval", perturbations)
    recorder, photographer = Recorder(), Photographer()
    rollout(world, make_policy("expert"), request, subscribers=[recorder, photographer])
    live = recorder.episode()
    assert live is not None
    store = EpisodeStore(tmp_path)
    store.save(live)
    loaded = store.load(request.key)
    renderer = EpisodeRenderer(SceneSpec.from_dict(loaded.spec), size=48)
    assert len(photographer.pictures) == len(loaded) + 1
    for step, pictures in enumerate(photographer.pictures):
        again = renderer.seen(loaded.poses, step, list(pictures))
        for camera, picture in pictures.items():
            assert again[camera].rgb.tobytes() == picture.tobytes()
    assert any(not np.array_equal(photographer.pictures[0][c], photographer.pictures[-1][c]) for c in pictures)


def test_the_expert_lifts_and_the_random_policy_does_not(world: World) -> None:
    assert record(world, "expert").result.outcome == "success"
    first, second = (record(world, "random") for _ in range(2))
    assert first.result.outcome == "failure"
    assert first.content_hash() == second.content_hash()
    assert first.action.std() > 0.4


def test_replay_repeats_an_episode_exactly(world: World, tmp_path: Path) -> None:
    original = record(world, "expert", noise=0.3)
    EpisodeStore(tmp_path).save(original)
    replayed = record(world, f"replay:{tmp_path}")
    assert replayed.poses.tobytes() == original.poses.tobytes()
    assert replayed.result.outcome == original.result.outcome
    perturbed = EpisodeRequest("Lift", 3, perturbations=(Perturbation("position", 3),))
    assert len(record(world, f"replay:{tmp_path}", perturbed)) >= len(original)  # holds still after the end
    result = rollout(world, make_policy(f"replay:{tmp_path}"), EpisodeRequest("Lift", 4))
    assert result.outcome == "error"
    assert "no episode with the seed" in result.traceback


@pytest.mark.parametrize("name", ["expert", "random"])
def test_policies_keep_the_contract(name: str) -> None:
    policy = make_policy(name)
    assert policy.inputs <= set(INPUT_NAMES)
    assert policy.execute >= 1
    assert isinstance(policy.batched, bool)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("exprt", "unknown policy 'exprt'. Did you mean 'expert'?"),
        ("runs/nothing/here", "no checkpoint at 'runs/nothing/here': the path does not exist"),
        ("expert:now", "policy 'expert' takes no argument"),
        ("replay", "policy 'replay' needs an argument: replay:FOLDER"),
        ("replay:nowhere", "no episode folder at nowhere"),
    ],
)
def test_wrong_names_are_explained(name: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        make_policy(name)
    assert message in str(error.value)


def test_names_are_known_without_importing_anything() -> None:
    assert {"expert", "random", "replay"} <= set(policy_names())


WORKER = """
import sys
from envs.world import World
from policies.registry import make_policy
from vla.contract import EpisodeRequest
from vla.worker import Job, Runner, Start
policy = make_policy("expert")
job = Job(World, lambda: make_policy("expert"), policy.inputs, policy.execute, record=True)
done = Runner(job).obey(Start(0, EpisodeRequest("Lift", 3)))
assert done.result.outcome == "success", done.result
loaded = {"torch", "cv2", "envs.frames", "matplotlib", "scipy.stats"} & set(sys.modules)
assert not loaded, loaded
"""


def test_workers_import_no_torch() -> None:
    subprocess.run([sys.executable, "-c", WORKER], check=True)

"""Blind and deaf controls: they lack exactly the sense that they claim to lack, and lose by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from envs.state import WorldState
from envs.world import World
from policies.blind import BlindExpert, without_pictures
from policies.deaf import DeafExpert, without_words
from policies.edited import EditedPolicy
from policies.expert import ExpertPolicy
from policies.obedient import ObedientPolicy
from policies.registry import make_policy
from vla.contract import EpisodeRequest, FloatArray, Observation, Perturbation
from vla.following import following
from vla.pool import run_episodes
from vla.results import Record
from vla.rollout import rollout
from vla.seeding import episode_seed

TASKS = ("Reach", "Push", "Lift", "PlaceInto")


class Spy:
    """A batched policy that keeps what it sees."""

    inputs = frozenset({"pixels", "agent_pos", "instruction"})
    batched = True
    execute = 3
    image_size = 4
    batch_size = 2
    fingerprint = "abc"

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def reset(self, episode_seed: int) -> None:
        self.seed = episode_seed

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        self.seen += observations
        return np.ones((len(observations), 3, 7), np.float32)


def observation() -> Observation:
    pixels = {name: np.full((4, 4, 3), 9, np.uint8) for name in ("front", "wrist")}
    return {"pixels": pixels, "agent_pos": np.ones(8, np.float32), "instruction": "lift it", "step": 0}


def test_only_the_words_are_taken_away() -> None:
    spy, given = Spy(), observation()
    assert EditedPolicy(spy, without_words).act([given, given]).shape == (2, 3, 7)
    seen = spy.seen[1]
    assert (seen["instruction"], given["instruction"]) == ("", "lift it")
    assert seen["pixels"] is given["pixels"]
    assert seen.keys() == given.keys()


def test_only_the_pictures_are_taken_away() -> None:
    spy, given = Spy(), observation()
    EditedPolicy(spy, without_pictures).act([given])
    (seen,) = spy.seen
    assert [(name, image.shape, int(image.max())) for name, image in seen["pixels"].items()] == [
        ("front", (4, 4, 3), 0),
        ("wrist", (4, 4, 3), 0),
    ]
    assert all((image == 9).all() for image in given["pixels"].values())
    assert seen["instruction"] == "lift it"
    assert np.array_equal(seen["agent_pos"], given["agent_pos"])


def test_what_the_pool_asks_for_is_passed_on() -> None:
    edited = EditedPolicy(Spy(), without_words)
    for name in ("inputs", "batched", "execute", "image_size", "batch_size", "fingerprint"):
        assert getattr(edited, name) == getattr(Spy, name)


def test_names() -> None:
    assert isinstance(make_policy("blind"), BlindExpert)
    assert isinstance(make_policy("deaf"), DeafExpert)
    with pytest.raises(ValueError, match="no checkpoint"):
        make_policy("deaf:no/such/checkpoint")


def actions(policy: BlindExpert | DeafExpert, state: WorldState, seed: int) -> FloatArray:
    policy.reset(seed)
    return policy.act([{"state": state, "episode_seed": seed, "step": 0}])


def test_the_deaf_do_not_hear_and_the_blind_do_not_see() -> None:
    world = World()
    request = EpisodeRequest("PlaceInto", 0, 0, "eval")
    world.reset(request)
    state, seed = world.state(), episode_seed(request)
    spec = state.spec
    shift = np.array([0.05, -0.05, 0.0])
    elsewhere = {name: replace(body, position=body.position + shift) for name, body in state.objects.items()}
    assert np.array_equal(
        actions(BlindExpert(), state, seed), actions(BlindExpert(), replace(state, objects=elsewhere), seed)
    )
    silent = replace(state, spec=replace(spec, instruction="something else"))
    assert np.array_equal(actions(DeafExpert(), state, seed), actions(DeafExpert(), silent, seed))
    assert len({actions(DeafExpert(), state, other).tobytes() for other in range(8)}) > 1
    world.close()


def test_controls_fail_where_the_expert_does_not() -> None:
    wanted = [EpisodeRequest(task, index, 0, "eval") for task in TASKS for index in range(2)]
    wins = {}
    for policy in (BlindExpert, DeafExpert):
        results = [result for result, _ in run_episodes(wanted, world_factory=World, policy_factory=policy, workers=0)]
        assert not [result.traceback for result in results if result.outcome == "error"]
        wins[policy] = Counter(result.outcome for result in results)["success"]
    assert wins[BlindExpert] <= 3
    assert wins[DeafExpert] <= 6


@pytest.mark.parametrize("task", ["Lift", "ChainStepwise"])
def test_the_obedient_do_what_is_said_and_the_expert_what_counts(task: str) -> None:
    world = World()
    request = EpisodeRequest(task, 1, 0, "eval", (Perturbation("swapped", 1),))
    for policy, wanted in ((ObedientPolicy, "told"), (ExpertPolicy, "contrast")):
        swapped, base = (rollout(world, policy(), each).measures for each in (request, request.twin))
        assert swapped is not None
        assert base is not None
        assert (swapped.first_goal, base.first_goal) == (wanted, "told")
    world.close()


def test_the_deaf_have_an_index_of_zero_and_the_obedient_of_one() -> None:
    bases = [EpisodeRequest(task, index, 0, "eval") for task in ("Reach", "Lift", "Upright") for index in range(2)]
    wanted = [replace(base, perturbations=changes) for base in bases for changes in ((), (Perturbation("swapped", 1),))]
    for policy, index in ((DeafExpert, 0.0), (ObedientPolicy, 1.0)):
        results = [result for result, _ in run_episodes(wanted, world_factory=World, policy_factory=policy, workers=0)]
        found = following([Record.of(result, "", "", {}) for result in results])
        assert found.evidence > 2
        assert found.index.value == index
        assert found.index.low < found.index.high


def test_the_same_seed_gives_the_same_episode() -> None:
    world = World()
    for policy in (BlindExpert(), DeafExpert()):
        first, again = (rollout(world, policy, EpisodeRequest("Push", 1, 0, "eval")) for _ in range(2))
        assert (first.outcome, first.reason, first.steps) == (again.outcome, again.reason, again.steps)
    world.close()

"""The teacher: labels every state, takes over from a lost student, changes nothing for one who is right."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.vla.toy import ToyPolicy, ToyWorld, requests
from vla.collect import CollectSettings, collect
from vla.contract import EpisodeRequest, FloatArray, Observation
from vla.episode import Episode
from vla.rollout import Recorder, rollout
from vla.store import EpisodeStore
from vla.teaching import Mixture, Teaching


class Lost(ToyPolicy):
    """A student that goes the other way: batched, as learned policies are."""

    def __init__(self, until: int = 10**6) -> None:
        super().__init__(batched=True, execute=2)
        self.until = until

    def act(self, observations: Sequence[Observation]) -> FloatArray:
        chunks = super().act(observations)
        away = np.array([o["step"] < self.until for o in observations])
        chunks[away] = -chunks[away]
        return chunks


class ToyTeacher(ToyPolicy):
    """Sees the state, one action at a time."""

    def __init__(self) -> None:
        super().__init__(execute=1)


def taught(policy: ToyPolicy, mixture: Mixture, index: int = 0) -> Episode:
    recorder, request = Recorder(), EpisodeRequest("Toy", index)
    teacher = Teaching(ToyTeacher, mixture)(request)
    rollout(ToyWorld(), policy, request, subscribers=[recorder], teacher=teacher)
    episode = recorder.episode()
    assert episode is not None
    return episode


def right(episode: Episode) -> FloatArray:
    """What the teacher wants at each state."""
    position, goal = episode.agent_pos[:-1, :3], episode.agent_pos[:-1, 3:6]
    wanted: FloatArray = np.clip(goal - position, -1, 1)
    return wanted


def test_every_state_is_labelled_while_the_student_acts() -> None:
    episode = taught(Lost(), Mixture(patience=0))
    assert episode.result.outcome == "failure"
    np.testing.assert_allclose(episode.action[:, :3], right(episode), atol=1e-6)
    assert (np.sign(episode.executed[:, :3]) == -np.sign(episode.action[:, :3])).all()


def test_the_teacher_takes_over_from_a_lost_student() -> None:
    mixture = Mixture(patience=4, hold=6)
    episode = taught(Lost(), mixture)
    assert episode.result.outcome == "success"
    np.testing.assert_allclose(episode.action[:, :3], right(episode), atol=1e-6)
    by_teacher = (episode.executed == episode.action).all(1)
    assert by_teacher.tolist()[:9] == [False] * 3 + [True] * 6
    assert not by_teacher[9:12].any()  # the student has it back
    assert by_teacher[12:24].all()  # and loses it for twice as long


def test_a_student_that_is_right_is_left_alone() -> None:
    alone, beside = taught(ToyPolicy(batched=True), Mixture(patience=0)), taught(ToyPolicy(batched=True), Mixture())
    np.testing.assert_array_equal(alone.executed, beside.executed)


def test_beta_is_the_share_of_the_teacher() -> None:
    mixture = Mixture(beta=0.5, patience=0, hold=2)
    episodes = [taught(Lost(), mixture, index) for index in range(20)]
    share = np.mean(np.concatenate([(e.executed == e.action).all(1) for e in episodes]))
    assert 0.3 < share < 0.7
    sure = taught(Lost(), Mixture(beta=1.0, patience=0))
    np.testing.assert_array_equal(sure.executed, sure.action)


def test_fingers_count_as_disagreement() -> None:
    mixture, one, other = Mixture(), np.zeros(7, np.float32), np.zeros(7, np.float32)
    one[6], other[6] = 0.2, -0.2
    assert mixture.disagree(one, other)
    other[6] = 1.0
    assert not mixture.disagree(one, other)
    other[0] = 0.5
    assert mixture.disagree(one, other)


@pytest.mark.parametrize("wrong", [{"beta": 2.0}, {"patience": -1}, {"hold": 0}, {"far": 0.0}])
def test_mixtures_that_mean_nothing_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"expected|must be"):
        Mixture(**wrong)


def test_a_teacher_has_to_act_at_every_step() -> None:
    with pytest.raises(ValueError, match="one action at a time"):
        Teaching(ToyPolicy)(requests(1)[0])


def test_what_is_stored_does_not_depend_on_workers(tmp_path: Path) -> None:
    teaching = Teaching(ToyTeacher, Mixture(beta=0.3, patience=4), "toy")
    settings = CollectSettings(("A", "B"), 4, "student:1", notes=teaching.notes())
    hashes = []
    for workers, slots in ((0, 1), (0, 3), (2, 2)):
        folder = tmp_path / f"{workers}-{slots}"
        collect(
            folder,
            settings,
            world_factory=ToyWorld,
            policy_factory=functools.partial(Lost, 12),
            workers=workers,
            slots=slots,
            teacher_factory=teaching,
        )
        hashes.append({episode.key: episode.content_hash() for episode in EpisodeStore(folder)})
    assert hashes[0] == hashes[1] == hashes[2]
    assert len(hashes[0]) == 8
    meta = next(iter(EpisodeStore(folder))).meta
    assert (meta["policy"], meta["teacher"], meta["beta"], meta["patience"]) == ("student:1", "toy", 0.3, 4)
    with pytest.raises(ValueError, match="was collected with policy 'student:1', not 'student:2'"):
        collect(folder, CollectSettings(("A",), 1, "student:2"), world_factory=ToyWorld, policy_factory=Lost, workers=0)

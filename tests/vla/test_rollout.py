"""The one loop: what it yields, records and reports, and that errors are a third outcome."""

from __future__ import annotations

import numpy as np
import pytest

from tests.vla.toy import ALL, FailingPolicy, ToyPolicy, ToyWorld, outcome, record, requests
from vla.contract import EpisodeRequest, EpisodeResult, FloatArray, Observation, StepResult, World
from vla.execution import Execution
from vla.noise import ActionNoise
from vla.rollout import PolicyFailedError, Recorder, play, rollout
from vla.seeding import episode_seed

REQUEST = requests(1)[0]


class Listener:
    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_reset(self, world: World, request: EpisodeRequest) -> None:
        self.heard.append("reset")

    def on_step(self, world: World, action: FloatArray, executed: FloatArray, step: StepResult) -> None:
        self.heard.append("step")

    def on_end(self, result: EpisodeResult) -> None:
        self.heard.append("end")


def test_a_success_is_heard_and_timed() -> None:
    listener = Listener()
    result = rollout(ToyWorld(), ToyPolicy(), REQUEST, subscribers=[listener])
    assert (result.outcome, result.reason, result.traceback) == ("success", "success", "")
    assert result.instruction.startswith("go to")
    assert listener.heard == ["reset", *["step"] * result.steps, "end"]
    assert result.wall_s > 0


def test_a_chunk_is_asked_for_every_execute_steps_and_only_then_drawn() -> None:
    world, policy = ToyWorld(), ToyPolicy(batched=True, execute=3)
    result = rollout(world, policy, EpisodeRequest("Fail", 0))
    assert (result.outcome, result.reason, result.steps) == ("failure", "time_limit:far", 40)
    assert world.rendered == len(policy.batches) == 14


def test_observations_carry_seed_and_step() -> None:
    game = play(ToyWorld(), REQUEST, inputs=ALL, execution=Execution(execute=2))
    seen: list[Observation] = [next(game)]
    seen.append(game.send(np.zeros((4, 7), np.float32)))
    assert [o["step"] for o in seen] == [0, 2]
    assert {o["episode_seed"] for o in seen} == {episode_seed(REQUEST)}


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (np.zeros((1, 7), np.float32), r"shape \(1, 7\), expected \(at least 2, 7\)"),
        (np.zeros(7, np.float32), r"shape \(7,\)"),  # how many entries an action has is for the world to say
        (np.full((4, 7), np.nan, np.float32), "NaN"),
        (np.full((4, 7), 2.0, np.float32), "out of range"),
    ],
)
def test_bad_actions_are_errors(chunk: FloatArray, message: str) -> None:
    game = play(ToyWorld(), REQUEST, inputs=ALL, execution=Execution(execute=2))
    next(game)
    with pytest.raises(StopIteration) as end:
        game.send(chunk)
    result = end.value.value
    assert (result.outcome, result.reason) == ("error", "ValueError")
    assert __import__("re").search(message, result.traceback)


def test_errors_of_world_policy_and_subscriber_are_outcomes() -> None:
    class Bad(Listener):
        def on_step(self, world: World, action: FloatArray, executed: FloatArray, step: StepResult) -> None:
            raise KeyError("my bug")

    in_world = rollout(ToyWorld(), ToyPolicy(), EpisodeRequest("Break", 0))
    in_reset = rollout(ToyWorld(), ToyPolicy(), EpisodeRequest("Unbuildable", 0))
    in_subscriber = rollout(ToyWorld(), ToyPolicy(), REQUEST, subscribers=[Bad()])
    odd = next(r for r in requests(9) if "-" in rollout(ToyWorld(), ToyPolicy(), r).instruction)
    in_policy = rollout(ToyWorld(), FailingPolicy(batched=True), odd)
    errors = [in_world, in_reset, in_subscriber, in_policy]
    assert [e.outcome for e in errors] == ["error"] * 4
    assert [e.reason for e in errors] == ["RuntimeError", "ValueError", "KeyError", "RuntimeError"]
    for error, text in zip(errors, ["gear box", "no such scene", "my bug", "the network is confused"], strict=True):
        assert text in error.traceback


def test_an_error_of_a_distant_policy_keeps_its_traceback() -> None:
    game = play(ToyWorld(), REQUEST, inputs=ALL, execution=Execution(execute=2))
    next(game)
    with pytest.raises(StopIteration) as end:
        game.throw(PolicyFailedError("Traceback from afar"))
    assert "Traceback from afar" in end.value.value.traceback


def test_ctrl_c_passes() -> None:
    class Interrupted(ToyPolicy):
        def act(self, observations: object) -> FloatArray:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rollout(ToyWorld(), Interrupted(), REQUEST)


def test_a_recorder_keeps_what_happened_before_an_error() -> None:
    recorder = Recorder()
    rollout(ToyWorld(), ToyPolicy(), EpisodeRequest("Break", 0), subscribers=[recorder])
    episode = recorder.episode()
    assert episode is not None
    assert (len(episode), episode.poses.shape) == (1, (2, 2, 7))
    rollout(ToyWorld(), ToyPolicy(), EpisodeRequest("Unbuildable", 0), subscribers=[recorder])
    assert recorder.episode() is None


def test_noise_is_executed_but_not_learned_and_depends_on_the_request_alone() -> None:
    request = EpisodeRequest("Fail", 1)
    clean, first, again = (record(request, n) for n in (None, ActionNoise(0.3)(request), ActionNoise(0.3)(request)))
    assert first.content_hash() == again.content_hash() != clean.content_hash()
    replaced = (first.action != first.executed).any(1)
    assert 4 <= replaced.sum() <= 20
    np.testing.assert_array_equal(first.action[:, 6], first.executed[:, 6])
    assert np.abs(first.executed).max() <= 1
    np.testing.assert_array_equal(clean.action, clean.executed)
    with pytest.raises(ValueError, match="probability"):
        ActionNoise(1.2)


def test_equal_runs_differ_in_wall_time_only() -> None:
    results = [rollout(ToyWorld(), ToyPolicy(), REQUEST) for _ in range(2)]
    assert outcome(results[0]) == outcome(results[1])

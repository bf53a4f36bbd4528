from dataclasses import replace

import numpy as np
import pytest

from envs.checks import check_scene
from envs.manners import in_manner
from envs.scene import MannerSpec
from envs.scenes import make_scene
from envs.tasks.base import TASKS
from envs.world import World
from policies.expert import ExpertPolicy, asked_for
from vla.contract import EpisodeRequest, EpisodeResult, Perturbation
from vla.rollout import Recorder, rollout

MANNERS = ("slowly", "gently", "quickly")


def request(task: str, *axes: tuple[str, int], index: int = 0) -> EpisodeRequest:
    return EpisodeRequest(task, index, 0, "eval", tuple(Perturbation(*axis) for axis in axes))


def played(task: str, *axes: tuple[str, int]) -> tuple[EpisodeResult, Recorder]:
    world, recorder = World(), Recorder()
    result = rollout(world, ExpertPolicy(), request(task, *axes), subscribers=[recorder])
    world.close()
    assert result.traceback == ""
    return result, recorder


@pytest.mark.parametrize("manner", MANNERS)
def test_the_adverb_is_said_and_the_limits_grow_stricter(manner: str) -> None:
    for task in ("Lift", "ChainStepwise"):
        twin = make_scene(request(task))
        limits = []
        for level in range(1, 6):
            spec = make_scene(request(task, (manner, level)))
            assert spec.manner is not None
            assert spec.instruction.split("\n") == [f"{line} {manner}" for line in twin.instruction.split("\n")]
            assert spec.max_steps >= twin.max_steps
            limits.append(spec.manner.speed or spec.manner.force or spec.manner.steps)
        assert limits == sorted(set(limits), reverse=True)


def test_two_manners_go_together_and_silence_stays_silent() -> None:
    spec = make_scene(request("Lift", ("gently", 1), ("slowly", 2)))
    assert spec.manner == MannerSpec("gently slowly", speed=0.25, force=150)
    assert spec.instruction.endswith(" gently slowly")
    assert make_scene(request("Lift", ("blank", 1), ("slowly", 2))).instruction == ""


def test_success_asks_for_the_manner() -> None:
    strict = {
        "speed": MannerSpec("slowly", speed=0.05),
        "force": MannerSpec("gently", force=0.01),
        "steps": MannerSpec("quickly", steps=5),
    }
    world = World()
    for limit, manner in strict.items():
        world.load(replace(make_scene(request("Reach")), manner=manner))
        act = world.task.expert(world.spec).act
        while not (step := world.step(act(world.state()))).done:
            pass
        assert (step.success, step.reason) == (False, f"wrong_manner:{limit}")
        assert world.measures().failure == "wrong_manner"
    world.close()


@pytest.mark.parametrize("manner", MANNERS)
def test_the_expert_obeys(manner: str) -> None:
    for task in ("Reach", "PlaceInto", "PressButton", "Push"):
        result, _ = played(task, (manner, 5))
        assert result.outcome == "success", (task, result.reason)


def test_actions_are_made_slower_softer_or_faster() -> None:
    world = World()
    world.load(make_scene(request("Lift")))
    state = world.state()
    full, small = np.array([1, 0, -0.5, 0, 0, 0.2, 1], np.float32), np.array([0.1, 0, 0, 0, 0, 0, -1], np.float32)
    slow = in_manner(full, state, MannerSpec("slowly", speed=0.1))
    assert np.linalg.norm(slow[:3]) * 0.05 == pytest.approx(0.0085, rel=1e-5)
    np.testing.assert_array_equal(slow[3:], full[3:])
    np.testing.assert_array_equal(in_manner(small, state, MannerSpec("slowly", speed=0.1)), small)
    quick = in_manner(0.7 * full, state, MannerSpec("quickly", steps=9))
    np.testing.assert_allclose(quick[:3], full[:3], rtol=1e-6)
    np.testing.assert_array_equal(in_manner(small, state, MannerSpec("quickly", steps=9)), small)
    low = replace(state, ee_position=np.array([0.5, 0.0, 0.05]))
    assert in_manner(full, state, MannerSpec("gently", force=40))[2] == pytest.approx(-0.5)
    assert in_manner(full, low, MannerSpec("gently", force=40))[2] * 0.05 == pytest.approx(-0.004)
    assert in_manner(full, replace(low, force=30.0), MannerSpec("gently", force=40))[2] > 0
    world.close()


def test_a_late_instruction_is_heard_late_and_recorded_so() -> None:
    result, recorder = played("Reach", ("late_instruction", 2))
    spec, twin = make_scene(result.request), make_scene(request("Reach"))
    assert (spec.instruction_step, spec.max_steps) == (20, twin.max_steps + 20)
    assert (result.instruction, result.said_at, result.outcome) == (twin.instruction, (20,), "success")
    assert result.steps > 20
    episode = recorder.episode()
    assert episode is not None
    assert [episode.said(step) for step in (0, 19, 20, 25)] == ["", "", twin.instruction, twin.instruction]
    assert asked_for(spec, 19) is None
    assert np.abs(episode.action[:20, :3]).max() < 0.05


@pytest.mark.parametrize("task", ["Stack", "ChainStepwise"])
def test_a_changed_instruction_asks_for_the_contrast_first(task: str) -> None:
    result, recorder = played(task, ("changed_instruction", 2))
    spec, episode = make_scene(result.request), recorder.episode()
    assert episode is not None
    before, after = spec.instruction_before, spec.instruction.split("\n")
    assert before
    assert result.instruction.split("\n") == [before, *after]
    assert result.said_at[:2] == (0, 8)
    assert [episode.said(step) for step in (0, 7, 8)] == [before, before, after[0]]
    assert (asked_for(spec, 7), asked_for(spec, 8)) == (spec.contrast, spec.goal)
    assert result.outcome == "success"


def test_what_is_late_follows_the_control_rate() -> None:
    spec = make_scene(request("Lift", ("late_instruction", 1), ("control_rate", 3)))
    assert spec.instruction_step == round(spec.robot.control_hz)


def test_every_family_has_another_thing_to_ask_for() -> None:
    for task in TASKS:
        assert make_scene(request(task)).contrast is not None, task


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"instruction_step": -1}, "instruction_step is -1"),
        ({"instruction_before": "one\ntwo"}, "instruction_before is .*expected one line"),
        ({"manner": MannerSpec("slowly", speed=-1.0)}, "manner: speed, force, steps"),
        ({"manner": MannerSpec("slowly")}, "one of them more"),
    ],
)
def test_what_makes_no_sense_is_refused(bad: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_scene(replace(make_scene(request("Lift")), **bad))

"""Action noise: as much as asked for, in drifts where asked for, never a thing dropped."""

from __future__ import annotations

import numpy as np
import pytest

from vla.contract import EpisodeRequest, FloatArray
from vla.noise import LONGEST, ActionNoise

CLOSED, OPEN = np.full(7, 0.1, np.float32), np.array([0.1] * 6 + [-1.0], np.float32)


def executed(noise: ActionNoise, request: EpisodeRequest, action: FloatArray, steps: int = 400) -> FloatArray:
    disturb = noise(request)
    return np.stack([disturb(action, step) for step in range(steps)])


def runs(noisy: np.ndarray) -> list[int]:
    """Lengths of the stretches in which the executed motion is the same one."""
    found, last = [], None
    for row in noisy:
        if (row == CLOSED[:6]).all():
            last = None
        elif last is not None and (row == last).all():
            found[-1] += 1
        else:
            found.append(1)
            last = row
    return found


def episodes(noise: ActionNoise, persistent: bool, count: int = 30) -> list[EpisodeRequest]:
    return [r for r in (EpisodeRequest("Lift", i) for i in range(200)) if noise.persists(r) == persistent][:count]


@pytest.mark.parametrize("persistent", [False, True])
def test_share_and_length_of_noise(persistent: bool) -> None:
    noise = ActionNoise(0.2, persistent=0.5)
    made = [executed(noise, request, CLOSED)[:, :6] for request in episodes(noise, persistent)]
    share = np.mean([(rows != CLOSED[:6]).any(1).mean() for rows in made])
    assert abs(share - 0.2) < 0.02
    lengths = [length for rows in made for length in runs(rows)]
    assert max(lengths) == (LONGEST if persistent else 1)
    assert all(notes["persistent"] == persistent for notes in map(noise.notes, episodes(noise, persistent)))


def test_about_as_many_episodes_persist_as_asked() -> None:
    noise = ActionNoise(0.2, persistent=0.5)
    assert abs(np.mean([noise.persists(EpisodeRequest("Lift", i)) for i in range(400)]) - 0.5) < 0.08


def test_fingers_close_but_never_open() -> None:
    noise = ActionNoise(0.3, persistent=1.0, gripper=0.2)
    request = EpisodeRequest("Lift", 0)
    assert (executed(noise, request, CLOSED)[:, 6] == CLOSED[6]).all()
    closing = executed(noise, request, OPEN)[:, 6]
    assert 0.1 < (closing == 1.0).mean() < 0.3
    assert set(closing) == {-1.0, 1.0}


def test_it_follows_from_the_request_alone_and_jolts_are_as_ever() -> None:
    request = EpisodeRequest("Lift", 3)
    noise = ActionNoise(0.3, persistent=0.5, gripper=0.1)
    np.testing.assert_array_equal(executed(noise, request, OPEN), executed(noise, request, OPEN))
    jolts = executed(ActionNoise(0.3), request, OPEN)
    quiet = executed(ActionNoise(0.3, gripper=0.1), request, OPEN)
    np.testing.assert_array_equal(jolts[:, :6], quiet[:, :6])


def test_families_have_levels_of_their_own() -> None:
    noise = ActionNoise(0.2, by_task={"Cover": 0.0})
    assert (executed(noise, EpisodeRequest("Cover", 0), CLOSED) == CLOSED).all()
    assert noise.notes(EpisodeRequest("Cover", 0))["noise"] == 0.0
    assert noise.notes(EpisodeRequest("Lift", 0))["noise"] == 0.2
    assert ActionNoise(by_task={"Cover": 0.1}).any
    assert not ActionNoise(persistent=1.0).any


@pytest.mark.parametrize("wrong", [{"probability": 1.2}, {"persistent": -1}, {"gripper": 2}, {"by_task": {"Lift": 3}}])
def test_shares_outside_of_zero_to_one_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="probability in"):
        ActionNoise(**wrong)

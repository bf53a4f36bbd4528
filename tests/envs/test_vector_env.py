"""Vector environments: the bytes of single ones, and what exceptions, killed and hanging processes cost."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from envs.gym_env import VLAEnv
from envs.gym_registration import register_all
from envs.vector_env import VLAVectorEnv
from vla.contract import EpisodeRequest

SETTINGS: dict[str, Any] = {"image_size": 24}
STILL = np.zeros((2, 7), np.float32)


@pytest.fixture(scope="module")
def env() -> Iterator[VLAVectorEnv]:
    env = VLAVectorEnv("Lift", 2, **SETTINGS)
    yield env
    env.close()


def actions(rng: np.random.Generator, count: int) -> np.ndarray:
    return rng.uniform(-1, 1, (count, 7)).astype(np.float32)


def row_of(batch: Any, row: int) -> Any:
    return {name: row_of(part, row) for name, part in batch.items()} if isinstance(batch, dict) else batch[row]


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))


def test_gymnasium_makes_it_and_it_keeps_the_contract() -> None:
    register_all()
    env: Any = gymnasium.make_vec("vla/PlaceInto-v0", num_envs=2, vectorization_mode="vector_entry_point", **SETTINGS)
    try:
        assert isinstance(env, VLAVectorEnv)
        assert env.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
        observation, info = env.reset(seed=5)
        assert observation in env.observation_space
        assert list(info["is_success"]) == [False, False]
        assert list(info["error"]) == ["", ""]
        assert env.call("task_description") == observation["instruction"]
        assert len(set(env.get_attr("_max_episode_steps"))) == 1
        observation, reward, terminated, truncated, _ = env.step(STILL)
        assert observation in env.observation_space
        assert reward.shape == terminated.shape == truncated.shape == (2,)
    finally:
        env.close()


def test_same_bytes_as_single_environments_across_episodes() -> None:
    vector = VLAVectorEnv("Reach", 2, **SETTINGS)
    singles = [VLAEnv("Reach", **SETTINGS) for _ in range(2)]
    seen, _ = vector.reset(seed=11)
    for row, single in enumerate(singles):
        assert same(row_of(seen, row), single.reset(seed=11 + row)[0])
    rng, over, ends = np.random.default_rng(0), [False, False], 0
    for _ in range(singles[0]._max_episode_steps + 4):
        chosen = actions(rng, 2)
        seen, reward, terminated, truncated, _ = vector.step(chosen)
        for row, single in enumerate(singles):
            if over[row]:
                assert same(row_of(seen, row), single.reset()[0])
                assert (reward[row], terminated[row], truncated[row]) == (0, False, False)
                over[row] = False
                continue
            expected, worth, *ended, _ = single.step(chosen[row])
            assert same(row_of(seen, row), expected)
            assert [reward[row], terminated[row], truncated[row]] == [worth, *ended]
            over[row] = any(ended)
            ends += over[row]
    assert ends >= 2
    vector.close()
    for single in singles:
        single.close()


def test_an_exception_in_one_environment_costs_its_episode_only(env: VLAVectorEnv) -> None:
    before, _ = env.reset(seed=0)
    env._send(0, ("set", ("world", _Broken())))
    assert not env._answer(0).failure
    after, reward, terminated, truncated, info = env.step(STILL)
    assert "the gear box broke" in info["error"][0]
    assert info["error"][1] == ""
    assert (reward[0], list(terminated), list(truncated)) == (0, [False, False], [True, False])
    assert same(row_of(before, 0), row_of(after, 0))
    _, _, _, truncated, info = env.step(STILL)
    assert list(info["error"]) == ["", ""]
    assert not truncated.any()


def test_a_scene_that_cannot_be_built_is_an_error_of_that_episode(env: VLAVectorEnv) -> None:
    _, info = env.reset(seed=0, options={"request": EpisodeRequest("Lit", 0)})
    assert all("Did you mean 'Lift'" in error for error in info["error"])
    observation, _, _, truncated, info = env.step(STILL)
    assert not truncated.any()
    assert list(info["error"]) == ["", ""]
    assert all(observation["instruction"])


def test_a_killed_process_costs_its_episode_and_is_started_again(env: VLAVectorEnv) -> None:
    env.reset(seed=0)
    victim = env._members[1].process.pid
    os.kill(victim, signal.SIGKILL)
    _, reward, terminated, truncated, info = env.step(STILL)
    assert list(truncated) == [False, True]
    assert (reward[1], terminated[1]) == (0, False)
    assert "killed by SIGKILL" in info["error"][1]
    assert info["error"][0] == ""
    seen, _, _, truncated, info = env.step(STILL)
    assert not truncated.any()
    assert not any(info["error"])
    single = VLAEnv("Lift", **SETTINGS)
    single.reset(seed=1)
    assert same(row_of(seen, 1), single.reset()[0])  # the episode that would have come next
    single.close()
    assert env._members[1].process.pid != victim


def test_a_process_that_hangs_is_killed() -> None:
    env = VLAVectorEnv("Lift", 2, timeout_s=1.0, **SETTINGS)
    env.reset(seed=0)
    os.kill(env._members[0].process.pid, signal.SIGSTOP)
    _, _, _, truncated, info = env.step(STILL)
    assert list(truncated) == [True, False]
    assert "said nothing for 1 s" in info["error"][0]
    env.close()


def test_close_leaves_neither_processes_nor_memory() -> None:
    files = len(os.listdir("/proc/self/fd"))
    env = VLAVectorEnv("Lift", 2, **SETTINGS)
    pids = [member.process.pid for member in env._members]
    env.reset(seed=0)
    env.close()
    env.close()
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert len(os.listdir("/proc/self/fd")) == files


def test_observations_are_copies_unless_asked_for_views(env: VLAVectorEnv) -> None:
    kept, _ = env.reset(seed=0)
    views = VLAVectorEnv("Lift", 1, copy=False, **SETTINGS)
    seen, _ = views.reset(seed=0)
    before = seen["pixels"]["front"].copy()
    env.step(STILL + 1)
    views.step(STILL[:1] + 1)
    np.testing.assert_array_equal(kept["pixels"]["front"][:1], before)
    assert not np.array_equal(seen["pixels"]["front"], before)
    pid = views._members[0].process.pid
    del views, seen  # forgotten, not closed
    assert not Path(f"/proc/{pid}").exists()


def test_bad_calls_are_refused_and_change_nothing(env: VLAVectorEnv) -> None:
    env.reset(seed=0)
    bad = STILL.copy()
    bad[1, 0] = np.nan
    with pytest.raises(ValueError, match=r"environment 1: .*NaN"):
        env.step(bad)
    with pytest.raises(ValueError, match=r"shape \(2, 7\).*\(7,\)"):
        env.step(np.zeros(7, np.float32))
    with pytest.raises(ValueError, match="one seed or 2"):
        env.reset(seed=[1, 2, 3])
    with pytest.raises(RuntimeError, match="environment 0 failed"):
        env.call("no_such_thing")
    with pytest.raises(ValueError, match="expected 2 values"):
        env.set_attr("x", [1])
    with pytest.raises(ValueError, match="at least one"):
        VLAVectorEnv("Lift", 0)
    with pytest.raises(ValueError, match="Did you mean 'Lift'"):
        VLAVectorEnv("Lit", 2)
    _, _, _, truncated, info = env.step(STILL)
    assert not truncated.any()
    assert not any(info["error"])


class _Broken:
    """A world whose gear box broke."""

    def step(self, action: np.ndarray) -> None:
        raise OSError("the gear box broke")

    def close(self) -> None:
        raise OSError("the lid is stuck")

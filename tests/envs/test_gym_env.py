import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from envs.gym_env import VLAEnv
from envs.gym_registration import register_all
from envs.tasks.base import TASKS
from envs.text_space import InstructionSpace
from vla.contract import EpisodeRequest

STILL = np.zeros(7, np.float32)


@pytest.fixture(scope="module")
def env() -> Iterator[VLAEnv]:
    env = VLAEnv("Lift", image_size=32)
    yield env
    env.close()


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(np.array_equal(a, b))


def test_every_task_has_an_environment() -> None:
    register_all()
    ids = {name for name in gymnasium.registry if name.startswith("vla/")}
    assert ids == {f"vla/{task}-v0" for task in TASKS}


@pytest.mark.parametrize("task", TASKS)
def test_environment_passes_gymnasiums_check(task: str) -> None:
    env = gymnasium.make(f"vla/{task}-v0", image_size=32)
    check_env(env.unwrapped, skip_render_check=True)
    env.close()


def test_make_needs_no_import_and_works_from_anywhere(tmp_path: Path) -> None:
    code = (
        "import gymnasium as gym; env = gym.make('vla/PlaceInto-v0'); obs, info = env.reset(seed=0);"
        "print(obs['instruction']); print(obs['pixels']['front'].shape)"
    )
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert run.stderr == ""
    instruction, shape = run.stdout.strip().splitlines()
    assert len(instruction.split()) > 3
    assert shape == "(224, 224, 3)"


def test_importing_gymnasium_loads_no_physics(tmp_path: Path) -> None:
    code = "import gymnasium, sys; print(sorted({'pybullet', 'numba', 'torch', 'envs.simulator'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_contract_that_lerobot_reads(env: VLAEnv) -> None:
    assert env.metadata["render_fps"] == 10
    observation, info = env.reset(seed=1, options={"lerobot_new_rollout": True})
    assert info["is_success"] is False
    assert env.task == "Lift"
    assert env.task_description == observation["instruction"] != ""
    assert env._max_episode_steps == TASKS["Lift"].max_steps
    assert set(observation) == {"pixels", "agent_pos", "instruction"}
    assert set(observation["pixels"]) == {"front", "wrist"}
    assert observation in env.observation_space
    assert env.action_space == gymnasium.spaces.Box(-1.0, 1.0, (7,), np.float32)
    observation, _, _, _, info = env.step(STILL)
    assert observation in env.observation_space
    assert info["is_success"] is False


def test_seed_names_the_episode(env: VLAEnv) -> None:
    first, info = env.reset(seed=5)
    assert info["episode"] == EpisodeRequest("Lift", 5).key
    env.step(np.ones(7, np.float32))
    env.reset(seed=6)
    again, _ = env.reset(seed=5)
    assert same(first, again)
    asked, _ = env.reset(seed=9, options={"request": EpisodeRequest("Lift", 5)})
    assert same(first, asked)


def test_resets_without_seed_go_on_deterministically(env: VLAEnv) -> None:
    def keys() -> list[str]:
        return [env.reset(seed=3)[1]["episode"]] + [env.reset()[1]["episode"] for _ in range(3)]

    first = keys()
    assert len(set(first)) == 4
    assert keys() == first


def test_bad_request_is_refused(env: VLAEnv) -> None:
    with pytest.raises(ValueError, match=r"must be a vla\.contract\.EpisodeRequest, got 'Lift'"):
        env.reset(options={"request": "Lift"})


def test_success_terminates_with_reward(env: VLAEnv) -> None:
    env.reset(seed=2)
    expert = env.world.task.expert(env.world.spec)
    rewards, terminated = [], False
    while not terminated:
        action = expert.act(env.world.state())
        _, reward, terminated, truncated, info = env.step(action)
        rewards.append(reward)
        assert not truncated
    assert info["is_success"] is True
    assert info["reason"] == "success"
    assert rewards == [0.0] * (len(rewards) - 1) + [1.0]


def test_time_limit_truncates(env: VLAEnv) -> None:
    env.reset(seed=2)
    for step in range(env._max_episode_steps):
        _, reward, terminated, truncated, info = env.step(STILL)
        assert truncated == (step == env._max_episode_steps - 1)
        assert (reward, terminated) == (0.0, False)
    assert info["reason"].startswith("time_limit:")


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vector_environments(mode: str) -> None:
    env: Any = gymnasium.make_vec("vla/PlaceInto-v0", num_envs=2, vectorization_mode=mode, image_size=24)
    try:
        observations, info = env.reset(seed=[4, 5])
        assert observations["pixels"]["wrist"].shape == (2, 24, 24, 3)
        assert observations["agent_pos"].shape == (2, 8)
        assert not info["is_success"].any()
        descriptions = env.call("task_description")
        assert tuple(observations["instruction"]) == descriptions
        assert len(set(descriptions)) == 2
        assert env.call("_max_episode_steps") == (TASKS["PlaceInto"].max_steps,) * 2
        single = VLAEnv("PlaceInto", image_size=24)
        alone, _ = single.reset(seed=5)
        np.testing.assert_array_equal(observations["pixels"]["front"][1], alone["pixels"]["front"])
        assert observations["instruction"][1] == alone["instruction"]
        single.close()
        observations, _, terminated, truncated, info = env.step(np.zeros((2, 7), np.float32))
        assert not (terminated | truncated).any()
        assert not info["is_success"].any()
    finally:
        env.close()


def test_vector_environments_begin_new_episodes_by_themselves() -> None:
    env: Any = gymnasium.make_vec("vla/Reach-v0", num_envs=1, image_size=16)
    assert env.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    env.reset(seed=0)
    before = env.call("task_description")
    ends = 0
    for _ in range(TASKS["Reach"].max_steps + 1):
        _, _, _, truncated, _ = env.step(np.zeros((1, 7), np.float32))
        ends += int(truncated[0])
    assert ends == 1
    assert env.call("task_description") != before
    env.close()


def test_shared_instructions_are_read_when_looked_at() -> None:
    env: Any = gymnasium.make_vec("vla/Lift-v0", num_envs=1, vectorization_mode="async", image_size=16)
    try:
        seen = [env.reset(seed=[seed])[0]["instruction"][0] for seed in (0, 1, 2)]
    finally:
        env.close()
    assert len(set(seen)) == 3


def test_instruction_space_holds_what_tasks_say() -> None:
    space = InstructionSpace()
    assert "" in space
    assert "put the red block into the blue bowl" in space
    assert "x" * 601 not in space


def test_render_gives_an_overview() -> None:
    env: Any = gymnasium.make("vla/Push-v0", render_mode="rgb_array", image_size=16)
    env.reset(seed=0)
    picture = np.asarray(env.render())
    assert picture.shape == (720, 1280, 3)
    assert picture.dtype == np.uint8
    assert picture.std() > 10
    env.step(np.ones(7, np.float32))
    assert not np.array_equal(env.render(), picture)
    env.close()


def test_human_needs_a_display(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(RuntimeError, match=r"needs a display.*rgb_array"):
        gymnasium.make("vla/Lift-v0", render_mode="human")


def test_human_shows_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    pygame = pytest.importorskip("pygame")
    env: Any = gymnasium.make("vla/Lift-v0", render_mode="human", image_size=16)
    env.reset(seed=0)
    env.step(STILL)
    shown = pygame.surfarray.array3d(pygame.display.get_surface())
    assert shown.shape == (1280, 720, 3)
    assert shown.std() > 10
    assert env.unwrapped.task_description in pygame.display.get_caption()[0]
    env.close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"task": "Lit"}, "Did you mean 'Lift'"),
        ({"robot": "pandas"}, "Did you mean 'panda'"),
        ({"control_mode": "ee_delta_pose"}, "Did you mean 'pd_ee_delta_pose'"),
        ({"split": "evall"}, "Did you mean 'eval'"),
        ({"render_mode": "rgb"}, "Did you mean 'rgb_array'"),
        ({"image_size": 0}, "at least one pixel"),
        ({"perturbations": (("light_colors", 1),)}, "Did you mean 'light_color'"),
        ({"perturbations": (("light_color", 9),)}, "level"),
        ({"renderer": "rasta"}, "Did you mean 'raster'"),
    ],
)
def test_bad_arguments_are_refused_with_the_nearest_name(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VLAEnv(**{"task": "Lift", **arguments})


def test_perturbations_and_split_choose_other_episodes() -> None:
    seen = {}
    cases: dict[str, dict[str, Any]] = {
        "plain": {},
        "eval": {"split": "eval"},
        "light": {"perturbations": (("light_color", 3),)},
        "wide": {"image_size": (40, 30)},
    }
    for name, arguments in cases.items():
        env = VLAEnv("Lift", **{"image_size": 30, **arguments})
        seen[name], _ = env.reset(seed=1)
        env.close()
    assert seen["light"]["instruction"] == seen["plain"]["instruction"]
    assert not same(seen["light"]["pixels"], seen["plain"]["pixels"])
    np.testing.assert_array_equal(seen["light"]["agent_pos"], seen["plain"]["agent_pos"])
    assert not same(seen["eval"]["agent_pos"], seen["plain"]["agent_pos"])
    assert seen["wide"]["pixels"]["front"].shape == (30, 40, 3)


def test_the_dense_reward_grows_towards_the_goal_and_ends_at_one() -> None:
    env = VLAEnv("Reach", image_size=16, reward="dense")
    _, info = env.reset(seed=1)
    assert (info["completed"], info["parts"]) == (0, 1)
    expert = TASKS["Reach"]().expert(env.world.spec)
    rewards = []
    over = False
    while not over:
        _, reward, success, late, info = env.step(expert.act(env.world.state()))
        over = success or late
        rewards.append(reward)
        assert 0 <= info["progress"] <= 1
    assert success
    assert 0 < rewards[0] < rewards[len(rewards) // 2] < rewards[-1] == 1.0
    assert (info["progress"], info["completed"]) == (1.0, 1)
    env.close()


def test_an_unknown_reward_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="Did you mean 'dense'"):
        VLAEnv("Reach", reward="dens")  # type: ignore[arg-type]

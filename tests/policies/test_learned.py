"""A checkpoint that acts: same actions whatever runs beside it, clear errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from policies.learned import LearnedPolicy
from policies.registry import make_policy
from tests.vla.made_heads import fitted
from vla import checkpoint
from vla.checkpoint import CheckpointError, PolicyConfig
from vla.contract import Observation, Planned
from vla.execution import Execution, execution_of, soft_mask
from vla.history import History
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import HEADS
from vla.normalize import Normalizer
from vla.text import Vocabulary

SIDE = 32


@pytest.fixture(params=sorted(HEADS))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return written(tmp_path, request.param)


def written(tmp_path: Path, head: str = "l1", cameras: tuple[str, ...] = ("front", "wrist"), history: int = 0) -> Path:
    words = Vocabulary.build(["lift the red block"], max_words=8)
    size = CompactConfig(
        vocab_size=words.size,
        max_words=8,
        cameras=cameras,
        history=history,
        stride=2,
        image_size=SIDE,
        channels=16,
        blocks=1,
        hidden=32,
        head=fitted(head, hidden=32),
    )
    torch.manual_seed(0)
    normalizer = Normalizer((0.0,) * 8, (1.0,) * 8, (0.0,) * 7, (0.5,) * 7)
    weights = CompactVLA(size).state_dict()
    return checkpoint.save(tmp_path / "000001", PolicyConfig(size, words, normalizer), weights, {})


def observation(seed: int) -> Observation:
    rng = np.random.default_rng(seed)
    pixels = {name: rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for name in ("front", "wrist")}
    state = rng.normal(size=8).astype(np.float32)
    return {"pixels": pixels, "agent_pos": state, "instruction": "lift the red block", "episode_seed": seed, "step": 0}


def test_actions_do_not_depend_on_the_rest_of_the_batch(folder: Path) -> None:
    policy = LearnedPolicy(folder, batch_size=4)
    observations = [observation(i) for i in range(9)]
    together = policy.act(observations)
    assert together.shape == (9, 8, 7)
    assert together.dtype == np.float32
    assert np.abs(together).max() <= 1
    alone = np.concatenate([policy.act([o]) for o in observations])
    backwards = policy.act(observations[::-1])[::-1]
    assert alone.tobytes() == together.tobytes() == np.ascontiguousarray(backwards).tobytes()


@pytest.mark.parametrize("head", ["l1", "flow"])
def test_words_and_pictures_matter(tmp_path: Path, head: str) -> None:
    policy = LearnedPolicy(written(tmp_path, head))
    base = policy.act([observation(0)])
    silent: Observation = {**observation(0), "instruction": ""}
    dark: Observation = {**observation(0), "pixels": observation(1)["pixels"]}
    assert not np.array_equal(base, policy.act([silent]))
    assert not np.array_equal(base, policy.act([dark]))


def test_wrong_camera_and_size_are_named(folder: Path) -> None:
    policy = LearnedPolicy(folder)
    blind: Observation = {**observation(0), "pixels": {"side": np.zeros((SIDE, SIDE, 3), np.uint8)}}
    with pytest.raises(ValueError, match="needs camera 'front'; the observation has \\['side'\\]"):
        policy.act([blind])
    large = {name: np.zeros((64, 64, 3), np.uint8) for name in ("front", "wrist")}
    with pytest.raises(ValueError, match="gave \\(64, 64, 3\\)"):
        policy.act([{**observation(0), "pixels": large}])


def test_no_checkpoint_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(CheckpointError, match=r"holds \['notes.txt'\]"):
        LearnedPolicy(tmp_path)


@pytest.mark.parametrize("cameras", [("front",), ("wrist", "front"), ("side", "front", "wrist")])
def test_earlier_moments_and_any_cameras_matter(tmp_path: Path, cameras: tuple[str, ...]) -> None:
    policy = LearnedPolicy(written(tmp_path, cameras=cameras, history=2), batch_size=3)
    assert (policy.cameras, policy.history) == (cameras, History(2, 2))
    assert policy.config.model.views == 3 * len(cameras)

    def moment(seed: int) -> Observation:
        rng = np.random.default_rng(seed)
        pixels = {name: rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8) for name in cameras}
        return {"pixels": pixels, "agent_pos": rng.normal(size=8).astype(np.float32)}

    now: Observation = {**moment(0), "instruction": "lift the red block", "episode_seed": 0, "step": 4}
    seen = [policy.act([{**now, "earlier": (moment(a), moment(b))}]) for a, b in ((1, 2), (1, 3), (3, 2))]
    assert not np.array_equal(seen[0], seen[1])
    assert not np.array_equal(seen[0], seen[2])
    with pytest.raises(ValueError, match=r"sees 2 earlier moments, the observation has 0: .*frames=2, stride=2"):
        policy.act([now])


def planned(seed: int) -> Observation:
    """A moment in real time; every third one is an episode's first."""
    actions = np.random.default_rng(seed).uniform(-1, 1, (8, 7)).astype(np.float32)
    plan = Planned(actions, soft_mask(8, delay=2, passed=3)) if seed % 3 else None
    return {**observation(seed), "planned": plan}


def test_in_real_time_too_a_row_does_not_depend_on_the_others(folder: Path) -> None:
    policy = LearnedPolicy(folder, batch_size=4)
    together = policy.act([planned(i) for i in range(6)])
    alone = np.concatenate([policy.act([planned(i)]) for i in range(6)])
    assert together.tobytes() == alone.tobytes()


def test_flow_goes_on_from_the_plan(tmp_path: Path) -> None:
    policy = LearnedPolicy(written(tmp_path, "flow"))
    told, free = policy.act([planned(1)])[0], policy.act([observation(1)])[0]
    plan = planned(1)["planned"]
    assert plan is not None
    off = [np.abs(chunk[:2] - plan.actions[:2]).mean() for chunk in (told, free)]
    assert off[0] < 0.7 * off[1]


def test_execution_can_be_chosen_by_name(tmp_path: Path) -> None:
    folder = written(tmp_path)
    assert execution_of(make_policy(str(folder))) == Execution()
    assert execution_of(make_policy(f"{folder}@ensemble:0.1")) == Execution("ensemble", decay=0.1)
    assert execution_of(make_policy(f"blind:{folder}@realtime:4:2")) == Execution("realtime", execute=4, delay=2)
    with pytest.raises(ValueError, match="needs chunks of 9 actions, the network's have 8"):
        make_policy(f"{folder}@receding:9")
    with pytest.raises(ValueError, match="'expert' gives no chunks"):
        make_policy("expert@ensemble")

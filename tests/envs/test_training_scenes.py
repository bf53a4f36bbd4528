"""Scenes without end: labels as of demonstrations, batches in which nothing is done."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from envs.grounding import ENDS, ROLES
from envs.lessons.scenes import TrainingScenes
from vla.batches import Corruption
from vla.contract import ACTION_DIM, STATE_DIM
from vla.models.compact import CompactVLA
from vla.models.compact_config import CompactConfig
from vla.models.contract import HeadConfig
from vla.normalize import Normalizer
from vla.scenes import SceneSource
from vla.text import Vocabulary

MAKE = TrainingScenes(
    ("Lift", "PlaceInto", "OpenDrawer"), ("panda", "xarm6"), cameras=("front", "wrist"), size=32, each=3
)
STILL = Normalizer((0.0,) * STATE_DIM, (1.0,) * STATE_DIM, (0.0,) * ACTION_DIM, (1.0,) * ACTION_DIM)


def test_pictures_have_what_their_instruction_names() -> None:
    shown = MAKE(np.random.default_rng(0), 24)
    assert len(shown) == 24
    assert len({one.text for one in shown}) > 3
    for one in shown:
        assert one.pixels.shape == (2, 32, 32, 3)
        assert one.points.shape == (2, ROLES, 3)
        assert not one.points[:, ENDS].any()
        assert not one.positions[ENDS].any()
        assert one.positions[0, 3] == 1
        named = {"put": 1, "open": 2, "pull": 2}.get(one.text.split()[0])
        if named is not None:
            assert one.positions[2:, 3].sum() == named
    assert np.mean([one.points[0, 0, 2] for one in shown]) > 0.9
    again = MAKE(np.random.default_rng(0), 24)
    assert all((a.pixels == b.pixels).all() and a.text == b.text for a, b in zip(shown, again, strict=True))


def test_a_batch_teaches_where_and_not_what_to_do() -> None:
    words = Vocabulary.build([one.text for one in MAKE(np.random.default_rng(1), 30)])
    source = SceneSource(MAKE, words, STILL, 6, 0, Corruption(0.5, 0.0, 0.0, lost_word=0.2))
    batch = source.batch(4)
    assert batch.labels.shape == (6, 2, 0, 0, 2)
    silent = ~(batch.tokens != 0).any(1)
    assert 0 < silent.sum() < 6
    assert (batch.present[silent] == -1).all()
    torch.manual_seed(0)
    cameras = ("front", "wrist")
    shape = {"channels": 8, "blocks": 1, "keypoints": 2, "text_dim": 16, "hidden": 16, "presence": True}
    config = CompactConfig(
        vocab_size=words.size,
        cameras=cameras,
        image_size=32,
        head=HeadConfig("l1", 4),
        **shape,  # type: ignore[arg-type]
    )
    losses = CompactVLA(config)(batch, torch.zeros(6, 4, ACTION_DIM), torch.zeros(6))
    assert {"ground", "position", "turn", "present"} == set(losses)
    assert losses["ground"].item() > 0
    assert losses["position"].item() > 0
    assert all((a == b).all() for a, b in zip(batch, source.batch(4), strict=True))
    assert (batch.pixels != source.batch(3).pixels).any()


def test_a_blind_control_sees_no_scenes_either() -> None:
    words = Vocabulary.build([one.text for one in MAKE(np.random.default_rng(1), 30)])
    batch = SceneSource(MAKE, words, STILL, 6, 0, Corruption().without("pixels")).batch(0)
    assert not batch.pixels.any()
    assert (batch.present == -1).all()


def test_labels_are_the_words_for_what_is_in_a_cell() -> None:
    make = replace(MAKE, grid=8)
    words = Vocabulary.build([one.text for one in make(np.random.default_rng(1), 60)])
    source = SceneSource(make, words, STILL, 24, 0, Corruption(0.0, 0.1, 0.0))
    batch, shown = source.batch(1), make(np.random.default_rng((0, 6, 1)), 24)
    assert batch.labels.shape == (24, 2, 8, 8, 2)
    black = batch.pixels.flatten(1).amax(1) == 0
    assert 0 < black.sum() < 24
    assert (batch.labels[black] == -1).all()
    known = {word: int(words.encode([word])[0, 0]) for word in ("red", "blue", "block", "bowl", "drawer")}
    checked = 0
    for number, one in enumerate(shown):
        for thing, (color, noun) in enumerate(one.words):
            if black[number] or color not in known or noun not in known:
                continue
            cells = batch.labels[number][torch.from_numpy(one.labels == thing)]
            checked += len(cells)
            assert (cells == torch.tensor([known[color], known[noun]])).all()
    assert checked > 20
    assert (batch.labels == 0).float().mean() > 0.5


def test_a_network_learns_to_say_what_is_there() -> None:
    make = replace(MAKE, grid=8)
    words = Vocabulary.build([one.text for one in make(np.random.default_rng(1), 30)])
    batch = SceneSource(make, words, STILL, 12, 0).batch(0)
    torch.manual_seed(0)
    config = CompactConfig(
        vocab_size=words.size, image_size=32, channels=32, blocks=2, keypoints=2, text_dim=16, hidden=16, labels=True,
        fine=8, deep=16, deep_blocks=1, window=1, placing=16, head=HeadConfig("l1", 4),
    )  # fmt: skip
    model = CompactVLA(config)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(60):
        loss = model(batch, torch.zeros(12, 4, ACTION_DIM), torch.zeros(12))["label"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]

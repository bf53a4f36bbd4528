"""A checkpoint becomes a published policy: half the room, the same actions, its card untouched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.publish import publish
from policies.learned import LearnedPolicy
from tests.policies.test_learned import observation, written
from vla.checkpoint import find, load_config, read_tensors, save


def test_it_takes_half_the_room_and_acts_alike(tmp_path: Path) -> None:
    run, folder = find(written(tmp_path / "run")), tmp_path / "published" / "mine"
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("card")
    publish(run, folder, forgiving=False)
    assert (folder / "README.md").read_text() == "card"
    assert {path.name for path in folder.parent.iterdir()} == {"mine"}
    assert not (folder / "training_state.safetensors").exists()
    sizes = [(path / "model.safetensors").stat().st_size for path in (folder, run)]
    assert sizes[0] < 0.6 * sizes[1]
    before, now = (LearnedPolicy(path).act([observation(0)]) for path in (run, folder))
    np.testing.assert_allclose(now, before, atol=5e-3)
    assert all(p.dtype == torch.float32 for p in LearnedPolicy(folder).model.parameters())


def test_unknown_words_are_read_forgivingly(tmp_path: Path) -> None:
    folder = publish(find(written(tmp_path / "run")), tmp_path / "mine")
    assert load_config(folder).vocabulary.reading == "forgiving"  # type: ignore[attr-defined]


def test_what_half_precision_cannot_hold_is_refused(tmp_path: Path) -> None:
    run = find(written(tmp_path / "run"))
    weights = read_tensors(run / "model.safetensors")
    name = next(iter(weights))
    weights[name] = torch.full_like(weights[name], 1e6)
    bad = save(tmp_path / "bad", load_config(run), weights, {})
    with pytest.raises(ValueError, match=f"{name} has entries beyond half precision: 1e"):
        publish(bad, tmp_path / "mine")
    assert not (tmp_path / "mine").exists()

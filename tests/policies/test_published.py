"""Published policies: a folder with a checkpoint is a name, wherever a policy is named."""

from __future__ import annotations

import fnmatch
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from policies.learned import LearnedPolicy
from policies.published import PUBLISHED, checkpoint_path, published, published_names
from policies.registry import POLICIES, make_policy, policy_names
from tests.policies.test_learned import observation, written
from vla import checkpoint
from vla.execution import Execution, execution_of

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of published policies with one in it, `tiny`."""
    written(tmp_path / "run").rename(tmp_path / "run" / "tiny")
    (tmp_path / "run" / "last").unlink()
    (tmp_path / "run" / "notes").mkdir()
    return tmp_path / "run"


def test_a_folder_with_a_checkpoint_is_a_policy(folder: Path) -> None:
    assert published_names(folder) == ["tiny"]
    assert set(policy_names(folder)) == {*policy_names(), "tiny"} - set(published_names())
    policy = make_policy("tiny", folder)
    assert isinstance(policy, LearnedPolicy)
    assert policy.fingerprint == checkpoint.fingerprint(folder / "tiny")


def test_it_has_a_sense_taken_away_and_is_executed_otherwise_like_any_checkpoint(folder: Path) -> None:
    seen = [observation(0)]
    for control in ("deaf", "blind", "blind:deaf"):
        named, by_path = make_policy(f"{control}:tiny", folder), make_policy(f"{control}:{folder / 'tiny'}")
        assert np.array_equal(named.act(seen), by_path.act(seen))
        assert not np.array_equal(named.act(seen), make_policy("tiny", folder).act(seen))
    assert execution_of(make_policy("tiny@ensemble:0.01", folder)) == Execution("ensemble", decay=0.01)
    assert execution_of(make_policy("deaf:tiny@ensemble:0.01", folder)) == Execution("ensemble", decay=0.01)


def test_what_is_wrong_with_a_name_is_said_in_a_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown policy 'tinny'\. Did you mean 'tiny'\?"):
        make_policy("tinny", folder)
    with pytest.raises(ValueError, match="'tiny' takes no argument"):
        make_policy("tiny:runs/x", folder)
    with pytest.raises(ValueError, match=r"unknown published policy 'tinny'\. Did you mean 'tiny'\?"):
        published("tinny", folder)
    (folder / "tiny" / "model.safetensors").unlink()
    for name in ("tiny", "deaf:tiny", "tiny@ensemble:0.01"):
        with pytest.raises(ValueError, match=r"policy 'tiny' has no weights: \S+/tiny/model.safetensors is missing"):
            make_policy(name, folder)
    assert published_names(tmp_path / "nowhere") == []


def test_training_goes_on_from_a_name_or_a_path(folder: Path) -> None:
    assert checkpoint_path("tiny", folder) == checkpoint_path(Path("tiny"), folder) == folder / "tiny"
    assert checkpoint_path(folder / "notes", folder) == folder / "notes"
    with pytest.raises(ValueError, match=r"Did you mean 'tiny'\? Known: tiny\. No checkpoint is at that path"):
        checkpoint_path("tyni", folder)


def test_no_published_policy_hides_another() -> None:
    assert not set(published_names()) & set(POLICIES)
    for name in published_names():
        assert (PUBLISHED / name / "README.md").is_file(), f"{name} has no model card"


def test_names_are_listed_without_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from policies.registry import policy_names; "
        f"print('tiny' in policy_names(Path({str(folder)!r})), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


def test_an_installation_brings_every_file_of_a_policy(folder: Path) -> None:
    line = re.search(r'^"policies" = \[(.*)\]$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert line is not None
    patterns = re.findall(r'"([^"]+)"', line[1])
    (folder / "tiny" / "text").mkdir()
    (folder / "tiny" / "text" / "tokenizer.json").write_text("{}")
    for path in (path for path in (folder / "tiny").rglob("*") if path.is_file()):
        parts = ("published", *path.relative_to(folder).parts)
        same = [p for p in patterns if p.count("/") == len(parts) - 1 and fnmatch.fnmatch("/".join(parts), p)]
        assert same, path

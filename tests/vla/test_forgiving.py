"""Vocabularies that give unknown words a try: by form, spelling and meaning."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from tests.vla.dots import demonstrations
from tests.vla.test_trainer import SMALL, policy_config
from vla import checkpoint
from vla.checkpoint import CheckpointError
from vla.registry import UnknownNameError
from vla.text import Vocabulary
from vla.thesaurus import FILE, edition, thesaurus
from vla.trainer import Trainer

SENTENCES = ("put the red block into the purple bowl", "lift the largest cups", "press the button", "")
WORDS = Vocabulary.build(SENTENCES, max_words=8)


@pytest.mark.parametrize("drop", [False, True])
def test_known_words_have_the_ids_they_always_had(drop: bool) -> None:
    long = " ".join(SENTENCES)
    assert len(long.split()) > WORDS.max_words
    plain, forgiving = (words.encode([*SENTENCES, long]) for words in (WORDS, WORDS.forgiving(drop)))
    assert np.array_equal(plain, forgiving)


def test_unknown_words_are_hashed_unless_told_otherwise() -> None:
    ids = WORDS.encode(["lift the crimsn wugs"])[0]
    assert (ids[:2] < WORDS.first_bucket).all()
    assert (ids[2:4] >= WORDS.first_bucket).all()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("put the rred blcok into the bwol", "put the red block into the bowl"),  # spelling
        ("pressing the buttons", "press the button"),  # form
        ("lift the biggest cups", "lift the largest cups"),  # meaning
        ("put the reddish block into the bowl", "put the red block into the bowl"),
        ("Lift the cùps!", "lift the cups"),  # accents
    ],
)
def test_spelling_form_and_meaning(said: str, meant: str) -> None:
    assert np.array_equal(WORDS.forgiving().encode([said]), WORDS.encode([meant]))


def test_words_of_english_are_no_misspellings() -> None:
    ball = Vocabulary.build(["lift the ball"])
    assert ball.forgiving().read("baall wall") == [("baall", "ball"), ("wall", None)]


def test_words_that_stay_unknown_are_left_out_before_the_cut() -> None:
    padded = "government wug president wug put the red block into the purple bowl"
    assert np.array_equal(WORDS.forgiving().encode([padded]), WORDS.encode(SENTENCES[:1]))
    kept = WORDS.forgiving(drop=False).encode([padded])[0]
    assert (kept[:4] >= WORDS.first_bucket).all()
    assert not WORDS.forgiving().encode(["wug"]).any()


def test_a_relative_that_is_not_known_does_not_count() -> None:
    assert WORDS.forgiving().read("timber") == [("timber", None)]
    assert Vocabulary.build(["wood"]).forgiving().read("timber") == [("timber", "wood")]


def test_an_unknown_reading_is_an_error_with_the_nearest_name() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'forgiving'"):
        dataclasses.replace(WORDS, reading="forgivin")


def test_the_thesaurus_is_small_and_in_order() -> None:
    words = list(thesaurus())
    assert FILE.stat().st_size < 500_000
    assert words == sorted(words)
    assert 10_000 < len(words) < 30_000
    for word, relatives in thesaurus().items():
        assert [percent for _, percent in relatives] == sorted((p for _, p in relatives), reverse=True), word


def test_a_finished_checkpoint_is_set_and_comes_back(tmp_path: Path) -> None:
    data = demonstrations()
    folder = Trainer(tmp_path / "run", SMALL, policy_config(data), data).train()
    before, mark = checkpoint.load_config(folder), checkpoint.fingerprint(folder)
    found = checkpoint.set_reading(tmp_path / "run", "forgiving", drop=True)
    assert isinstance(before.vocabulary, Vocabulary)
    assert found == dataclasses.replace(before, vocabulary=before.vocabulary.forgiving())
    assert checkpoint.fingerprint(folder) != mark
    with pytest.raises(CheckpointError, match="Did you mean 'plain'"):
        checkpoint.set_reading(folder, "plai")
    assert checkpoint.load_config(folder) == found
    assert checkpoint.set_reading(folder, "plain") == before


def test_configurations_without_the_new_fields_and_with_another_thesaurus(tmp_path: Path) -> None:
    data = demonstrations()
    folder = Trainer(tmp_path / "run", SMALL, policy_config(data), data).train()
    path, config = folder / "config.json", checkpoint.load_config(folder)
    stored = json.loads(path.read_text())
    for name in ("reading", "similar", "drop", "thesaurus"):
        del stored["vocabulary"][name]
    path.write_text(json.dumps(stored))
    assert checkpoint.load_config(folder) == config
    stored["vocabulary"] |= {"reading": "forgiving"}
    path.write_text(json.dumps(stored))
    checkpoint.load_config(folder)
    stored["vocabulary"] |= {"thesaurus": "0" * 12}
    path.write_text(json.dumps(stored))
    with pytest.raises(CheckpointError, match=f"thesaurus 000000000000, this version has {edition()}"):
        checkpoint.load_config(folder)

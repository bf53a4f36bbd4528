"""`vla words`, and the table of how many words of the axes are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from experiments.commands.words import Args, main
from experiments.presets import model_size
from experiments.untrained import untrained
from experiments.words_table import alike, pairs
from vla.text import Vocabulary


def test_a_checkpoint_is_told_how_to_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = untrained(tmp_path, model_size("small"))
    text = ("please grab the biggest reddish blok",)
    assert main(Args(folder, text)) == 0
    assert "please[-] grab[-] the biggest[-] reddish[-] blok[-]" in capsys.readouterr().out
    assert main(Args(folder, text, "forgiving", json=True)) == 0
    printed = capsys.readouterr().out
    assert "please[-] grab[pull] the biggest[largest] reddish[red] blok[block]" in printed
    assert json.loads(printed.splitlines()[-1])["drop"]
    assert main(Args(folder, text)) == 0
    assert "blok[block]" in capsys.readouterr().out


def test_words_found_words_too_many_and_equal_instructions() -> None:
    words = Vocabulary.build(["lift the red block"], max_words=8)
    said = [("lift the red block", "lift the red blok"), ("lift the block", "please lift the red block")]
    assert list(alike(words, said)) == pytest.approx([0.0, 6 / 7, 1 / 7])
    assert list(alike(words.forgiving(), said)) == pytest.approx([0.5, 1.0, 1 / 7])


def test_pairs_say_the_same_scene_twice() -> None:
    assert all(old != new for old, new in pairs("typos", 5, 1)[:4])

"""Misspelt and inflected words, and the known words that they are."""

from __future__ import annotations

import pytest

from vla.spelling import inflected, respelt, slips

KNOWN = ("ball", "balls", "block", "blue", "box", "bowl", "cylinder", "degrees", "green", "larger", "largest", "put")


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [("", "red", 3), ("red", "red", 0), ("green", "gree", 1), ("green", "grene", 1), ("block", "vlocj", 2)],
)
def test_slips_are_counted_either_way(one: str, other: str, distance: int) -> None:
    assert slips(one, other) == slips(other, one) == distance


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("gren", "green"),
        ("bue", "blue"),
        ("cylnidr", "cylinder"),
        ("cilynder", "cylinder"),
        ("bloock", "block"),
        ("bll", "ball"),  # a base rather than its forms
        ("large", "larger"),
        ("gruene", None),  # two errors in six letters
        ("pt", None),  # too short
        ("boll", None),  # ball or bowl
        ("elephant", None),
    ],
)
def test_a_misspelt_word_is_the_nearest_one_or_none(word: str, meant: str | None) -> None:
    assert respelt(word, KNOWN) == meant


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("bowls", "bowl"),
        ("boxes", "box"),
        ("degree", "degrees"),
        ("putting", "put"),
        ("blocked", "block"),
        ("bl", None),
        ("being", None),
        ("glass", None),
    ],
)
def test_other_forms_of_known_words(word: str, meant: str | None) -> None:
    assert inflected(word, KNOWN) == meant

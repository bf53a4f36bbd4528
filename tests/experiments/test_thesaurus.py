"""The thesaurus is made of the pretrained model alone, and covers the words of the grammar."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import envs.speech
from envs.lessons.vocabulary import lesson_words
from envs.objects import OBJECT_KINDS, object_kind
from envs.tasks.base import TASKS
from vla.thesaurus import thesaurus

pytest.importorskip("transformers", reason="the thesaurus is made with transformers: pip install 'vla-bench[hf]'")

from experiments.thesaurus import FLOOR, MEANING, MOST, NO_MEANING, outcome
from experiments.thesaurus_trials import trials
from vla.text import SIMILAR


def strings(code: ast.Module) -> Iterator[str]:
    """The strings of a module but for its documentation."""
    said = {id(node.value) for node in ast.walk(code) if isinstance(node, ast.Expr)}
    for node in ast.walk(code):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said:
            yield node.value


def held_out_words() -> set[str]:
    """Every word that the axes of evaluation may say."""
    folder = Path(inspect.getfile(envs.speech)).parent
    texts = [text for path in sorted(folder.glob("*.py")) for text in strings(ast.parse(path.read_text("utf-8")))]
    for name in TASKS:
        grammar = TASKS[name].grammar
        texts += [text for templates in grammar.held_out.values() for text in templates]
        texts += [text for options in grammar.relation_synonyms.values() for text in options]
    texts += [noun for name in OBJECT_KINDS for noun in object_kind(name).noun.synonyms]
    return {word for text in texts for word in re.findall(r"[^\W_]+", text.lower())}


def test_making_it_imports_nothing_of_the_worlds() -> None:
    program = "import sys, experiments.thesaurus; print([m for m in sys.modules if m.split('.')[0] == 'envs'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_word_of_the_grammar_is_a_relative_or_left_out() -> None:
    assert sorted([*MEANING, *NO_MEANING]) == sorted(lesson_words())


def test_the_trials_are_no_words_of_evaluation_or_training() -> None:
    assert set(trials()) & held_out_words() == set()
    assert not set(trials()) & set(lesson_words())
    assert set().union(*trials().values()) <= set(MEANING)


def test_the_file_holds_what_the_script_writes() -> None:
    for relatives in thesaurus().values():
        assert len(relatives) <= MOST
        assert all(other in MEANING and FLOOR <= percent <= 100 for other, percent in relatives)


def test_the_trials_go_as_documented() -> None:
    found = outcome(dict(thesaurus()), SIMILAR)
    assert found["right"] > 0.3
    assert found["wrong"] < 0.05
    assert found["unrelated"] == 0.0

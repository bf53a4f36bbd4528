"""The closed answer vocabulary: one word, or two, for every answer that a head can give."""

from __future__ import annotations

import re
from functools import cache

from envs.grammar import COLORS, MORE_COLORS
from envs.objects import object_kind
from envs.tasks.base import TASKS

YES, NO = "yes", "no"
MOST = 6  # things that are counted, at most
WAYS = ("left", "right", "front", "behind", "near", "away", "middle", "open", "shut")
ROLE_NAMES = ("target", "place", "verb", "relation")
_CAPITAL = re.compile(r"(?<!^)(?=[A-Z])")


@cache
def answer_words() -> tuple[str, ...]:
    """Every answer, in an order that is the same in every process; families registered later add to it."""
    kinds = {kind for name in TASKS for allowed in TASKS[name].grammar.roles.values() for kind in allowed}
    nouns = sorted({object_kind(kind).noun.word for kind in kinds})
    numbers = [str(number) for number in range(MOST + 1)]
    skills = [skill(name) for name in TASKS]
    found = (YES, NO, *numbers, *COLORS, *MORE_COLORS, *nouns, *WAYS, *ROLE_NAMES, *skills)
    return tuple(dict.fromkeys(found))


def skill(task: str) -> str:
    """What a family does, in words: `PlaceInto` is `place into`."""
    return _CAPITAL.sub(" ", task).lower()

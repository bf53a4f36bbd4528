"""The words of lessons: those of the training instructions, and these few more, which no held-out phrasing needs."""

from __future__ import annotations

from envs.grammar import words
from envs.objects import object_kind
from envs.referring import referring_words
from envs.tasks.base import TASKS, training_vocabulary

LONGEST = 24  # words of a question
FRAMES = (
    "what color is the target place of",
    "what shape is the thing",
    "what does mean in",
    "name the task",
    "same or not",
    "then true or not the is in on the",
    "what way is the target of",
    "what is the opposite of left right front behind open shut away from closer to",
    "count the things",
    "is a on the table",
    "is larger than",
    "is the gripper open left of right of in front of behind",
    "the thing nearest to the gripper",
    "what way from is",
    "describe the table",
)


def lesson_words() -> tuple[str, ...]:
    """Every word that a lesson about words or pictures may have, sorted."""
    kinds = {kind for name in TASKS for allowed in TASKS[name].grammar.roles.values() for kind in allowed}
    plurals = {word for kind in kinds for word in object_kind(kind).noun.many.split()}
    return tuple(sorted({*training_vocabulary(), *referring_words(), *words(" ".join(FRAMES)), *plurals}))

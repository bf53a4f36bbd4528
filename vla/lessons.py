"""Lessons: questions with answers, things to point at. As tensors for heads on a trunk, as chat for language models.

Knows no simulator: whoever makes lessons is an argument. Legend as in `vla.models.contract`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from vla.contract import STATE_DIM, ByteArray, FloatArray
from vla.models.contract import ROLES, Chats, Lessons
from vla.normalize import Normalizer
from vla.text import TextCoder
from vla.text_prompt import PromptCoder
from vla.views import PLACED

CHAT_SCALE = 1000  # points and boxes of a chat are whole numbers from 0 to 999, as Qwen2-VL and PaliGemma count
NOT_SEEN = "not seen"
Wanted = Literal["answer", "point", "box"]


@dataclass(frozen=True, eq=False)
class Lesson:
    """One question.

    Attributes:
        kind: Type of the question (`count`, `relation` ...), for balance and for tables.
        text: What is asked.
        answer: In words; out of a closed vocabulary for heads, any text for a language model.
        wanted: What a language model is to say: the answer, or where it is.
        cameras: Names of the V views; none where there are only words.
        pixels: (V, H, W, 3), None where there are only words.
        agent_pos: (8,) proprioception in its units, None where there are only words.
        points: (V, R, 3) of what the text names, role 0 first, as in `Batch`.
        boxes: (V, 5) of role 0, as in `Lessons`.
        positions: (R, 7), as in `Batch`.
    """

    kind: str
    text: str
    answer: str = ""
    wanted: Wanted = "answer"
    cameras: tuple[str, ...] = ()
    pixels: ByteArray | None = None
    agent_pos: FloatArray | None = None
    points: FloatArray = field(default_factory=lambda: np.zeros((0, ROLES, 3), np.float32))
    boxes: FloatArray = field(default_factory=lambda: np.zeros((0, 5), np.float32))
    positions: FloatArray = field(default_factory=lambda: np.zeros((ROLES, PLACED), np.float32))


# (generator, how many) -> so many lessons, all with pictures or all without
LessonMaker = Callable[[np.random.Generator, int], Sequence[Lesson]]


@dataclass(frozen=True)
class LessonSource:
    """Batch number `step` of lessons (`vla.curriculum.Source`): made when it is asked for, never twice the same.

    Attributes:
        make: Makes lessons.
        answers: The closed vocabulary; other answers are not trained.
        coder: Texts to ids.
        normalizer: Of proprioception.
        batch_size: Lessons a batch.
        seed: With the step it decides what is asked.
        moments: 1 + K for a network that sees K earlier moments; in a lesson nothing has moved.
    """

    make: LessonMaker
    answers: tuple[str, ...]
    coder: TextCoder
    normalizer: Normalizer
    batch_size: int
    seed: int
    moments: int = 1

    def batch(self, step: int) -> Lessons:
        """Build batch `step`."""
        lessons = self.make(np.random.default_rng((self.seed, 4, step)), self.batch_size)
        tokens = self.coder.encode([lesson.text for lesson in lessons])
        index = {answer: i for i, answer in enumerate(self.answers)}
        answers = np.array([index.get(lesson.answer, -1) for lesson in lessons], np.int64)
        state = np.stack([_state(lesson, self.normalizer) for lesson in lessons])
        views = [np.stack([getattr(lesson, name) for lesson in lessons]) for name in ("points", "boxes")]
        pixels = _pixels(lessons)
        seen = [np.tile(each, (1, self.moments, *[1] * (each.ndim - 2))) for each in (pixels, *views)]
        positions = np.stack([lesson.positions for lesson in lessons])
        arrays = (seen[0], tokens, np.tile(state, (1, self.moments)), *seen[1:], positions, answers)
        return Lessons(*map(torch.from_numpy, arrays))


def _state(lesson: Lesson, normalizer: Normalizer) -> FloatArray:
    return np.zeros(STATE_DIM, np.float32) if lesson.agent_pos is None else normalizer.state(lesson.agent_pos)


def _pixels(lessons: Sequence[Lesson]) -> ByteArray:
    """(B, V, H, W, 3); (B, 0, 1, 1, 3) for words alone."""
    drawn = [lesson.pixels for lesson in lessons if lesson.pixels is not None]
    return np.stack(drawn) if drawn else np.zeros((len(lessons), 0, 1, 1, 3), np.uint8)


@dataclass(frozen=True)
class ChatSource:
    """Batch number `step` of lessons as chat (`vla.curriculum.Source`): made when asked for, never twice the same.

    Attributes:
        make: Makes lessons.
        coder: The model's chat.
        batch_size: Lessons a batch.
        seed: With the step it decides what is asked, the same as of a `LessonSource`.
    """

    make: LessonMaker
    coder: PromptCoder
    batch_size: int
    seed: int

    def batch(self, step: int) -> Chats:
        """Build batch `step`."""
        return chats(self.coder, self.make(np.random.default_rng((self.seed, 4, step)), self.batch_size))


def chats(coder: PromptCoder, lessons: Sequence[Lesson]) -> Chats:
    """Lessons, all with pictures or all without, as a model with this coder reads and answers them."""
    tokens, answers = coder.converse([to_chat(lesson) for lesson in lessons])
    return Chats(*map(torch.from_numpy, (_pixels(lessons), tokens, answers)))


def to_chat(lesson: Lesson) -> list[dict[str, Any]]:
    """A lesson as the messages that chat templates of `transformers` take: what a user asks, what is to be said.

    One image entry a view, in the order of `lesson.pixels`; the text names the cameras, tells the robot's state and
    asks. Where something is, is said for each camera in whole numbers from 0 to 999, as `front (512, 334)`; boxes are
    left, top, right, bottom.
    """
    images: list[dict[str, Any]] = [{"type": "image"} for _ in lesson.cameras]
    about = f"cameras: {', '.join(lesson.cameras)}. " if lesson.cameras else ""
    if lesson.agent_pos is not None:
        about += f"state: {' '.join(f'{value:.2f}' for value in lesson.agent_pos.tolist())}. "
    asked = {"answer": "", "point": "point to: ", "box": "box: "}[lesson.wanted] + lesson.text
    return [
        {"role": "user", "content": [*images, {"type": "text", "text": about + asked}]},
        {"role": "assistant", "content": [{"type": "text", "text": said(lesson)}]},
    ]


def said(lesson: Lesson) -> str:
    """What a language model is to say."""
    if lesson.wanted == "answer":
        return lesson.answer
    rows = lesson.points[:, 0] if lesson.wanted == "point" else lesson.boxes
    places = (f"{camera} {_numbers(row)}" for camera, row in zip(lesson.cameras, rows, strict=True))
    return "; ".join(places)


def _numbers(row: NDArray[np.floating]) -> str:
    """Image fractions, the last entry saying whether there are any, as whole numbers in brackets."""
    if not row[-1]:
        return NOT_SEEN
    return f"({', '.join(str(min(max(int(value * CHAT_SCALE), 0), CHAT_SCALE - 1)) for value in row[:-1].tolist())})"

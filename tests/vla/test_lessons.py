"""Lessons as tensors and as chat."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from vla.contract import ACTION_DIM, STATE_DIM
from vla.lessons import Lesson, LessonSource, said, to_chat
from vla.normalize import Normalizer
from vla.text import Vocabulary


def lesson(kind: str = "color") -> Lesson:
    points = np.array([[[0.5, 0.25, 1.0], [0, 0, 0]], [[0, 0, 0], [0, 0, 0]]], np.float32)
    boxes = np.array([[0.4, 0.2, 1.0, 0.3, 1.0], [0, 0, 0, 0, 0]], np.float32)
    return Lesson(
        kind,
        "what color is the bowl",
        "red",
        cameras=("front", "wrist"),
        pixels=np.full((2, 8, 8, 3), 7, np.uint8),
        agent_pos=np.arange(8, dtype=np.float32),
        points=points,
        boxes=boxes,
    )


def test_chat_has_images_state_question_and_answer() -> None:
    assert to_chat(lesson()) == [
        {
            "role": "user",
            "content": [
                {"type": "image"},
                {"type": "image"},
                {
                    "type": "text",
                    "text": "cameras: front, wrist. state: 0.00 1.00 2.00 3.00 4.00 5.00 6.00 7.00. "
                    "what color is the bowl",
                },
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "red"}]},
    ]


def test_chat_says_points_and_boxes_as_whole_numbers() -> None:
    where = dataclasses.replace(lesson(), text="the red bowl", wanted="point")
    assert said(where) == "front (500, 250); wrist not seen"
    assert to_chat(where)[0]["content"][-1]["text"].endswith("point to: the red bowl")
    box = dataclasses.replace(where, wanted="box")
    assert said(box) == "front (400, 200, 999, 300); wrist not seen"
    assert to_chat(box)[0]["content"][-1]["text"].endswith("box: the red bowl")


def test_chat_in_words_alone_has_no_image() -> None:
    assert to_chat(Lesson("opposite", "what is the opposite of left", "right")) == [
        {"role": "user", "content": [{"type": "text", "text": "what is the opposite of left"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "right"}]},
    ]


def source(item: Lesson, **options: int) -> LessonSource:
    normalizer = Normalizer((0.0,) * STATE_DIM, (2.0,) * STATE_DIM, (0.0,) * ACTION_DIM, (1.0,) * ACTION_DIM)
    words = Vocabulary.build(["what color is the bowl"], max_words=6)
    return LessonSource(lambda rng, count: [item] * count, ("blue", "red"), words, normalizer, 3, 0, **options)


@pytest.mark.parametrize("moments", [1, 2])
def test_tensors(moments: int) -> None:
    batch = source(lesson(), moments=moments).batch(4)
    assert batch.pixels.shape == (3, 2 * moments, 8, 8, 3)
    assert batch.points.shape == (3, 2 * moments, 2, 3)
    assert batch.boxes.shape == (3, 2 * moments, 5)
    assert batch.agent_pos.shape == (3, 8 * moments)
    assert batch.agent_pos[0, 3].item() == 1.5
    assert batch.answers.tolist() == [1, 1, 1]
    assert batch.tokens.dtype == torch.int64
    assert batch.pixels.dtype == torch.uint8


def test_words_alone_have_no_views_and_unknown_answers_are_not_trained() -> None:
    batch = source(Lesson("caption", "what color", "a long story")).batch(0)
    assert batch.pixels.shape[1] == batch.points.shape[1] == batch.boxes.shape[1] == 0
    assert batch.answers.tolist() == [-1, -1, -1]

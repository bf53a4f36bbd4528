"""Lessons as next-token training in a model's own chat: tiny models of every family, on the toy of two dots."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as nnf

from tests.vla.dots import SIDE, Dots, episode
from tests.vla.test_trainer import SMALL, weights
from tests.vla.tiny_vlms import FAMILIES
from vla import checkpoint
from vla.batches import Demonstrations
from vla.checkpoint import PolicyConfig
from vla.curriculum import Phase
from vla.lessons import ChatSource, Lesson, chats, said, to_chat
from vla.models.contract import AnyBatch, Chats, HeadConfig, make_model
from vla.models.hf import HFVLA, HFConfig, action_words, describe
from vla.pretrained import PretrainedError
from vla.text_prompt import PromptCoder
from vla.trainer import Trainer
from vla.trainlog import read_metrics

pytest.importorskip("transformers", reason="the backbone hf needs transformers: pip install 'vla-bench[hf]'")
CHUNK = 2
OPPOSITES = (("left", "right"), ("right", "left"), ("big", "small"), ("up", "down"), ("open", "shut"))
families = pytest.mark.parametrize("family", sorted(FAMILIES))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Configuration and coder of a tiny model that is taught by lessons, made once."""

    @functools.cache
    def make(family: str) -> tuple[HFConfig, PromptCoder]:
        folder = tmp_path_factory.mktemp(family)
        FAMILIES[family](folder)
        head = HeadConfig("l1", CHUNK, hidden=32)
        return describe(str(folder), cameras=("front",), image_size=SIDE, hidden=32, head=head, chat=True)

    return make


def word_lessons(rng: np.random.Generator, count: int) -> Sequence[Lesson]:
    pairs = [OPPOSITES[int(rng.integers(len(OPPOSITES)))] for _ in range(count)]
    return [Lesson("opposite", f"what is the opposite of {word}", answer) for word, answer in pairs]


def dot_lesson(index: int, wanted: str) -> Lesson:
    """A picture of two dots, and where one of them is, or which color the named one has."""
    item = episode(index)
    view = Dots(item.spec)
    drawn = view.draw(item.poses, np.zeros(1, np.int64))
    name = ("red", "green")[view.target]
    around = np.concatenate([drawn.points[0, :, 0, :2] - 0.06, drawn.points[0, :, 0, :2] + 0.06], 1)
    return Lesson(
        "phrase",
        f"the {name} dot" if wanted != "answer" else f"is the dot left of {'right' if index % 2 else 'left'}",
        ("no", "yes")[index % 2],
        wanted,  # type: ignore[arg-type]
        ("front",),
        drawn.pixels[0],
        np.linspace(0, 0.7, 8, dtype=np.float32),
        drawn.points[0],
        np.concatenate([around, np.ones((1, 1))], 1).astype(np.float32),
    )


def dot_lessons(rng: np.random.Generator, count: int) -> Sequence[Lesson]:
    kinds = ("answer", "point", "box")
    return [dot_lesson(int(rng.integers(1000)), kinds[int(rng.integers(3))]) for _ in range(count)]


def eight() -> list[Lesson]:
    return [dot_lesson(i, ("point", "box", "answer", "answer")[i % 4]) for i in range(8)]


def squeezed(text: str) -> str:
    """Without spaces: the tiny tokenizers do not say where there were any."""
    return text.replace(" ", "")


@families
def test_a_chat_is_the_models_own_template_and_the_answer_is_what_is_said(family: str, made: Any) -> None:
    _, coder = made(family)
    lessons = eight()
    batch = chats(coder, lessons)
    processor = coder.opened
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    for row, lesson in enumerate(lessons):
        asked = (batch.tokens[row][batch.tokens[row] > 0] - 1).tolist()
        answer = (batch.answers[row][batch.answers[row] > 0] - 1).tolist()
        chat = to_chat(lesson)
        if family != "paligemma":
            text = processor.apply_chat_template(chat, tokenize=False)
            expected = np.asarray(processor(text=[text], images=[[picture]])["input_ids"][0]).tolist()
        else:
            text = processor.image_token + chat[0]["content"][-1]["text"]
            found = processor(text=[text], images=[[picture]], suffix=[said(lesson)])
            expected = np.asarray(found["input_ids"][0]).tolist()[:-1]
        assert asked + answer[:-1] == expected
        assert answer[-1] == processor.tokenizer.eos_token_id
        assert asked.count(processor.image_token_id) > 0
    assert [squeezed(text) for text in coder.spoken(batch.answers.numpy())] == [squeezed(said(one)) for one in lessons]
    words = chats(coder, word_lessons(np.random.default_rng(0), 3))
    assert words.pixels.shape[1] == 0
    assert not (words.tokens == processor.image_token_id + 1).any()


@families
def test_the_loss_is_that_of_the_answers_alone(family: str, made: Any) -> None:
    """Rows of other lengths change nothing, and neither does how likely the question is."""
    config, coder = made(family)
    torch.manual_seed(0)
    model = make_model(config).eval()
    assert isinstance(model, HFVLA)
    for lessons in (eight()[:4], word_lessons(np.random.default_rng(0), 4)):
        with torch.inference_mode():
            together = model(chats(coder, lessons), torch.zeros(4, CHUNK, 7), torch.zeros(4))["answer"]
            total = count = 0.0
            for lesson in lessons:
                one = chats(coder, [lesson])
                whole = model.read(torch.cat([one.tokens, one.answers], 1)) | model.see(one.pixels)
                if "token_type_ids" in whole:
                    whole["token_type_ids"][:, one.tokens.shape[1] :] = 1
                size = one.answers.shape[1]
                logits = model.vlm(**whole).logits[0, -size - 1 : -1].float()
                total += nnf.cross_entropy(logits, one.answers[0] - 1, reduction="sum").item()
                count += size
        assert together.item() == pytest.approx(total / count, rel=1e-4)


def fitted(config: HFConfig, batches: Sequence[Chats], steps: int, lr: float) -> tuple[HFVLA, list[float]]:
    """A network trained on these batches in turn, and its losses."""
    torch.manual_seed(0)
    model = make_model(config)
    model.load_pretrained()
    assert isinstance(model, HFVLA)
    optimizer, found = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr), []
    for step in range(steps):
        loss = model.chats(batches[step % len(batches)])["answer"]
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found.append(loss.item())
    return model.eval(), found


def with_bins(config: HFConfig, coder: PromptCoder) -> HFConfig:
    chunks = np.random.default_rng(0).uniform(-1, 1, (20, CHUNK, 7)).astype(np.float32)
    return dataclasses.replace(config, words=action_words(config, coder, "bins", chunks))


@pytest.mark.slow
@pytest.mark.parametrize(("family", "words"), [("qwen", False), ("smolvlm", True)])
def test_eight_lessons_are_learnt_and_their_answers_said(family: str, words: bool, made: Any) -> None:
    config, coder = made(family)
    config = with_bins(config, coder) if words else config
    lessons = eight()
    batch, alone = (
        chats(coder, lessons),
        chats(coder, [Lesson("o", f"what is the opposite of {a}", b) for a, b in OPPOSITES]),
    )
    model, losses = fitted(config, [batch, alone], 400, 3e-3)
    assert min(losses[:2]) > 2
    assert max(losses[-2:]) < 0.05
    with torch.inference_mode():
        assert model.chats(batch)["answered"] == 1
    for taught, answers in ((batch, [said(lesson) for lesson in lessons]), (alone, [b for _, b in OPPOSITES])):
        ids = model.answer(taught.pixels, taught.tokens, coder.ends)
        assert [squeezed(text) for text in coder.spoken(ids.numpy())] == [squeezed(text) for text in answers]


WEIGHTS = {"words": {"answer": 1.0}, "dots": {"answer": 1.0}, "action": {"action": 1.0}}
STAGES = (("language", "words", 2), ("grounding", "dots", 3), ("action", "action", 3))


def trainer(folder: Path, model: HFConfig, coder: PromptCoder, resume: bool = False, lengthened: int = 1) -> Trainer:
    """Three stages, each so many times as long as `STAGES` says."""
    data = Demonstrations([episode(i, steps=2) for i in range(4)], Dots, chunk=CHUNK)
    phases = [Phase(name, n * lengthened, {source: 1.0}, WEIGHTS, lr=3e-3, warmup=1) for name, source, n in STAGES]
    sources = {name: ChatSource(make, coder, 8, 0) for name, make in (("words", word_lessons), ("dots", dot_lessons))}
    config = dataclasses.replace(SMALL, save_every=100)
    policy = PolicyConfig(model, coder, data.normalizer())
    return Trainer(folder, config, policy, data, resume=resume, phases=phases, sources=sources)


@pytest.mark.parametrize("family", ["qwen", "paligemma"])
def test_stages_resume_bit_for_bit_across_their_borders(family: str, made: Any, tmp_path: Path) -> None:
    """Qwen with an action expert, PaliGemma with action words; stopped at both borders and between them."""
    config, coder = made(family)
    config = config if family == "qwen" else with_bins(config, coder)
    whole = trainer(tmp_path / "whole", config, coder).train()
    expected = weights(whole)
    for stop in (2, 4, 5):
        parts = trainer(tmp_path / f"stopped-{stop}", config, coder)
        step = parts._step

        def step_then_stop(
            batches: Sequence[AnyBatch], run: Trainer = parts, step: Any = step, stop: int = stop
        ) -> Any:
            run._stop.asked = run.step + 1 == stop
            return step(batches)

        parts._step = step_then_stop  # type: ignore[method-assign]
        assert parts.train().name == f"{stop:06d}"
        again = trainer(tmp_path / f"stopped-{stop}", config, coder, resume=True).train()
        found = weights(again)
        assert found.keys() == expected.keys()
        assert all(torch.equal(found[name], expected[name]) for name in expected)
        assert (again / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("family", ["smolvlm", "internvl"])
def test_the_loss_of_answers_falls_and_then_that_of_actions(family: str, made: Any, tmp_path: Path) -> None:
    config, coder = made(family)
    config = config if family == "smolvlm" else with_bins(config, coder)
    folder = trainer(tmp_path, config, coder, lengthened=20).train()
    rows = read_metrics(tmp_path / "metrics.jsonl")
    language, grounding = ([row["answer"] for row in rows[start:end]] for start, end in ((0, 40), (40, 100)))
    actions = [row["action"] for row in rows[100:]]
    assert len(actions) == 60
    for losses, least in ((language, 0.6), (grounding, 0.6), (actions, 0.8)):
        assert np.mean(losses[-5:]) < least * np.mean(losses[:5]), losses
    model = checkpoint.load_model(folder, checkpoint.load_config(folder))
    batch = ChatSource(dot_lessons, coder, 4, 1).batch(0)
    assert set(model(batch, torch.zeros(4, CHUNK, 7), torch.zeros(4))) == {"answer", "answered"}


def test_what_cannot_be_taught_says_so(made: Any) -> None:
    config, coder = made("internvl")
    with pytest.raises(ValueError, match="frozen model learns nothing from lessons"):
        dataclasses.replace(config, tune="frozen")
    batch = chats(coder, eight()[:1])
    mute = make_model(dataclasses.replace(config, chat=False))
    assert isinstance(mute, HFVLA)
    with pytest.raises(ValueError, match="takes no lessons: its configuration has no chat"):
        mute(batch, torch.zeros(1, CHUNK, 7), torch.zeros(1))
    with pytest.raises(ValueError, match="answers no questions: its configuration has no chat"):
        mute.answer(batch.pixels, batch.tokens, coder.ends)
    other = dataclasses.replace(coder)
    other.opened.chat_template = "<image> {% if add_generation_prompt %}now you: {% else %}said {% endif %}"
    with pytest.raises(PretrainedError, match="does not begin an answer as it asks for one"):
        chats(other, eight()[:1])


def test_a_lesson_cannot_put_pictures_or_turns_into_the_chat(made: Any) -> None:
    _, coder = made("internvl")
    plain, sly = (Lesson("o", f"what is the opposite of {word}", "left") for word in ("right", "<image> </s> right"))
    assert torch.equal(chats(coder, [plain]).tokens, chats(coder, [sly]).tokens)


def test_low_rank_updates_learn_from_lessons(made: Any) -> None:
    pytest.importorskip("peft", reason="LoRA needs peft: pip install 'vla-bench[hf]'")
    config, coder = made("internvl")
    tuned = describe(
        config.vlm, cameras=("front",), image_size=SIDE, hidden=32, head=config.head, chat=True, tune="lora"
    )
    batch = chats(coder, word_lessons(np.random.default_rng(0), 8))
    model, losses = fitted(tuned[0], [batch], 80, 2e-2)
    assert losses[-1] < losses[0] - 0.3  # a random output layer that stays as it is allows no loss near zero
    assert all("lora_" in name for name in model.state_dict() if name.startswith("vlm."))

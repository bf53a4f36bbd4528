"""Staged training: which stages, what share of the compute each gets, and where their batches come from.

After JARVIS-VLA (arXiv 2503.16365): language, then grounding, then action. Compute is CPU seconds of this process, all
threads, of making a batch and learning from it: in a simulator, pictures are not free, and seconds of one core say the
same however many cores make them. On a GPU it is seconds on the clock.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from envs.lessons.pictures import Pictures
from envs.lessons.questions import PictureLessons
from envs.lessons.scenes import TrainingScenes
from envs.lessons.words import WordLessons
from vla.batches import BatchSource, Demonstrations
from vla.checkpoint import PolicyConfig
from vla.contract import ACTION_DIM
from vla.curriculum import Phase, Source, split
from vla.launched import make_accelerator
from vla.lessons import ChatSource, LessonSource
from vla.models.compact_config import CompactConfig
from vla.models.contract import make_model
from vla.models.hf import HFConfig
from vla.registry import nearest
from vla.results import read_json, write_json
from vla.scenes import SceneSource
from vla.text_prompt import PromptCoder
from vla.told import ToldSource
from vla.training_config import TrainConfig, imitation

LANGUAGE, GROUNDING, ACTION = "language", "grounding", "action"
SHARES: Mapping[str, float] = {LANGUAGE: 0.05, GROUNDING: 0.25, ACTION: 0.7}  # JARVIS-VLA: a fifth before actions
TOLD = "told"  # actions without pictures: where things are is told (vla.told.ToldSource)
SCENES = "scenes"  # where things are in scenes without end, in which nothing is done (vla.scenes.SceneSource)
SOURCES = (LANGUAGE, GROUNDING, ACTION, TOLD, SCENES)
TOLD_SHARE, TOLD_BATCHES = 0.1, 4  # usual share of the compute; samples cost little, so a batch is so many times larger
# Small, so that in a mixture a step of lessons moves the weights about as far as a step of actions.
LESSON_WEIGHTS: Mapping[str, Mapping[str, float]] = {
    LANGUAGE: {"answer": 0.2},
    GROUNDING: {"answer": 0.2, "ground": 0.2, "box": 0.05, "position": 0.5},
}
# A language model says answers and actions alike, in words, so that they weigh alike.
CHAT_WEIGHTS: Mapping[str, Mapping[str, float]] = {LANGUAGE: {"answer": 1.0}, GROUNDING: {"answer": 1.0}}
COSTS = "costs.json"
MEASURED = 12  # steps of each source that are timed
MEASURED_ON = 8  # episodes whose frames are drawn for it


@dataclass(frozen=True)
class StagePlan:
    """One stage.

    Attributes:
        name: For people.
        share: Of the run's compute; the shares of a run are relative to each other.
        mix: Of each source, its share of the stage's compute.
    """

    name: str
    share: float
    mix: Mapping[str, float]


def read_stages(texts: Sequence[str], mix: Sequence[str] = ()) -> tuple[StagePlan, ...]:
    """Stages from the command line: `language grounding action`, or with shares, `grounding:0.3 action:0.7`.

    Args:
        texts: One per stage: a source of `SOURCES`, or `mixture`, one stage with all three of `SHARES`. None at all
            means no stages, or, if something is mixed into it, stage `action` alone.
        mix: What stage `action` goes on with, and its share of the stage's compute: `told:0.25 scenes:0.3`.

    Raises:
        UnknownNameError: Neither a source nor `mixture`.
        ValueError: A share that is no positive number, or a mix that leaves nothing of stage `action`, or without it.
    """
    mixed = {}
    for text in mix:
        name, _, share = text.partition(":")
        if name not in SOURCES or name == ACTION:
            raise nearest("source to mix", name, [source for source in SOURCES if source != ACTION])
        mixed[name] = _share(text, share, TOLD_SHARE)
    left = 1 - sum(mixed.values())
    if left <= 0:
        raise ValueError(f"--mix takes shares of stage action, together less than 1, got {' '.join(mix)}")
    plans = []
    for text in texts or ([ACTION] if mixed else []):
        name, _, share = text.partition(":")
        if name not in (*SOURCES, "mixture"):
            raise nearest("stage", name, [*SOURCES, "mixture"])
        sources = dict(SHARES) if name == "mixture" else {name: 1.0}
        if name == ACTION:
            sources = {ACTION: left, **mixed}
        usual = {**SHARES, TOLD: TOLD_SHARE, SCENES: TOLD_SHARE}.get(name, 1.0)
        plans.append(StagePlan(name, _share(text, share, usual), sources))
    if mixed and not any(plan.name == ACTION for plan in plans):
        raise ValueError(f"--mix is about stage action, which is not among the stages: {' '.join(texts)}")
    return tuple(plans)


def teach_lessons(plans: Sequence[StagePlan]) -> bool:
    """Whether a stage has lessons, so that a network needs their words and answers."""
    return any({LANGUAGE, GROUNDING} & set(plan.mix) for plan in plans)


def _share(text: str, share: str, usual: float) -> float:
    try:
        value = float(share) if share else usual
    except ValueError:
        value = 0.0
    if not value > 0:
        raise ValueError(f"expected a stage and its share, for example grounding:0.3, got {text!r}")
    return value


def phases(
    plans: Sequence[StagePlan],
    config: TrainConfig,
    costs: Mapping[str, float],
    lesson_weights: Mapping[str, Mapping[str, float]] = LESSON_WEIGHTS,
) -> tuple[Phase, ...]:
    """The stages with their steps: together they cost what `config.steps` steps of imitation alone would.

    Args:
        plans: The stages.
        config: How to train; its losses are those of actions.
        costs: Seconds of a step by source.
        lesson_weights: Of each source of lessons, the weights of its losses.
    """
    budget = config.steps * costs[ACTION]
    whole = sum(plan.share for plan in plans)
    weights = loss_weights(config, lesson_weights)
    found = []
    for plan in plans:
        parts = sum(plan.mix.values())
        steps = {
            name: budget * plan.share / whole * part / parts / costs[name] for name, part in plan.mix.items() if part
        }
        total = max(1, round(sum(steps.values())))
        counts = dict(zip(steps, split(total, list(steps.values())), strict=True))
        mix = {name: float(count) for name, count in counts.items() if count}
        own = {name: dict(weights[name]) for name in mix}
        found.append(Phase(plan.name, total, mix, own, config.lr, min(config.warmup, max(1, total // 5))))
    return tuple(found)


def loss_weights(
    config: TrainConfig, lessons: Mapping[str, Mapping[str, float]] = LESSON_WEIGHTS
) -> dict[str, Mapping[str, float]]:
    """Weights of the losses, by source; `lessons` are those of the network's kind (`weights_of_lessons`)."""
    action = imitation(config).weights[ACTION]
    seeing = {name: weight for name, weight in action.items() if name != "action"}
    return {
        **lessons,
        ACTION: action,
        TOLD: {"action": 1.0, "position": config.position, "turn": config.turn},
        SCENES: {**seeing, "label": config.label},
    }


def told_source(policy: PolicyConfig, config: TrainConfig, demos: Demonstrations) -> ToldSource:
    """The demonstrations without pictures, evenly shuffled."""
    sampling = replace(config.sampling, passes=1, window=len(demos))
    size = TOLD_BATCHES * config.batch_size
    return ToldSource(demos, policy.normalizer, policy.vocabulary, size, config.seed, config.corruption, sampling)


def scene_source(policy: PolicyConfig, config: TrainConfig) -> SceneSource:
    """Training scenes of all the policy's families and robots, as its cameras see them."""
    model = policy.model
    tasks = tuple(policy.trained_on["tasks"])
    grid = model.grid if isinstance(model, CompactConfig) and model.labels else 0
    make = TrainingScenes(
        tasks, policy.robots, policy.control, model.cameras, model.image_size, config.augment, grid=grid
    )
    size, moments = config.batch_size, 1 + model.history
    return SceneSource(make, policy.vocabulary, policy.normalizer, size, config.seed, config.corruption, moments)


def weights_of_lessons(policy: PolicyConfig) -> Mapping[str, Mapping[str, float]]:
    """Of each source of lessons, the weights of its losses, for the policy's kind of network."""
    return CHAT_WEIGHTS if isinstance(policy.model, HFConfig) else LESSON_WEIGHTS


def lesson_sources(
    policy: PolicyConfig, config: TrainConfig, tasks: Sequence[str]
) -> dict[str, LessonSource] | dict[str, ChatSource]:
    """Where lessons come from: without limit, about the families `tasks`, as the policy's cameras see them.

    Language models get them as chat, descriptions in free text among them.
    """
    model, coder = policy.model, policy.vocabulary
    pictures = Pictures(tuple(tasks), model.cameras, model.image_size, policy.robots[0], policy.control)
    words, speaks = WordLessons(tuple(tasks)), isinstance(coder, PromptCoder)
    makers = {LANGUAGE: words, GROUNDING: PictureLessons(pictures, captions=speaks)}
    if isinstance(coder, PromptCoder):
        return {
            name: ChatSource(maker, coder, config.batch_size, config.seed)  # type: ignore[arg-type]
            for name, maker in makers.items()
        }
    answers = tuple(getattr(model, "answers", ()))
    return {
        name: LessonSource(
            maker,  # type: ignore[arg-type]
            answers,
            coder,
            policy.normalizer,
            config.batch_size,
            config.seed,
            1 + model.history,
        )
        for name, maker in makers.items()
    }


def known_costs(
    folder: Path, policy: PolicyConfig, config: TrainConfig, demos: Demonstrations, lessons: Mapping[str, Source]
) -> dict[str, float]:
    """Seconds of a step by source (`measure`), measured once for a folder: a resumed run must not measure anew."""
    path = folder / COSTS
    if not path.exists():
        few = Demonstrations(demos.episodes[:MEASURED_ON], demos.make_view, chunk=demos.chunk, history=demos.history)
        if config.cache:
            few.draw_all(1, lambda count: None)
        actions = BatchSource(few, policy.normalizer, policy.vocabulary, config.batch_size, config.seed)
        _write_once(path, measure(policy, config, {**lessons, ACTION: actions}))
    costs: dict[str, float] = read_json(path)
    return costs


def _write_once(path: Path, costs: Mapping[str, float]) -> None:
    """Write the file unless it is there: of several processes of one run, all go by what the first one measured."""
    scratch = path.with_name(f".{path.name}-{os.getpid()}")
    write_json(scratch, costs)
    with contextlib.suppress(FileExistsError):
        os.link(scratch, path)
    scratch.unlink()


def measure(policy: PolicyConfig, config: TrainConfig, sources: Mapping[str, Source]) -> dict[str, float]:
    """Median seconds of a step of each source on a throwaway network, in turns, so that load hits all alike.

    CPU seconds of this process; where the run is trained on a GPU, seconds on the clock until it has finished.
    """
    device = make_accelerator().device
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    torch.manual_seed(0)
    model = make_model(policy.model).to(device)
    if config.recompute:
        model.recompute_activations()
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    weights = loss_weights(config, weights_of_lessons(policy))
    spent: dict[str, list[float]] = {name: [] for name in sources}
    for step in range(2 + MEASURED):  # the first two are slow
        for name, source in sources.items():
            start = clock()
            batch = source.batch(step)
            batch = type(batch)(*(tensor.to(device) for tensor in batch))
            noise = torch.randn(len(batch.tokens), policy.model.chunk, ACTION_DIM, device=device)
            with torch.autocast(device.type, torch.bfloat16, enabled=config.precision == "bf16"):
                losses = model(batch, noise, torch.rand(len(batch.tokens), device=device))
            torch.autograd.backward(Phase(name, 1, {name: 1.0}, weights, 1.0).total(name, losses))
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            if device.type != "cpu":
                torch.accelerator.synchronize(device)
            spent[name].append(clock() - start)
    return {name: round(statistics.median(times[2:]), 5) for name, times in spent.items()}
